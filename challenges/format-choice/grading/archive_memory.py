"""The bar on the memory that scans take.

Theory of operation: pages of a file count for whoever has them read from the disk first, so the grader reads the file
before the scans do. The file comes to the process that scans in small pieces, of which nothing stays in memory.

    first launch: each side archives, the grader takes the file away
    each launch:  pieces ──► disk ──► read by the grader     memory before │ two scans │ the peak
"""

from __future__ import annotations

from random import Random
from typing import Any

import generated
from handing import drop_cache
from journal import Journal
from replies import content, gave
from sides import CALL_SEC, Launch, Side, have_nothing_kept, sides

ROWS = 240_000
NOISE_LEAST, NOISE_MOST = 6, 10
BATCH_ROWS = 10_000
FILTERED_COLUMNS = 8
FILTERED_FROM_MOST = 0.1
"""Of the rows, which lie before all that the second scan wants."""

PIECE_BYTES = 2**20

FLOOR_MB = 6.0
"""Less than this the accounting can't tell from nothing."""

HELD_BEYOND_MB = 32.0
"""What a submission may hold beforehand beyond what the reference holds: more is ballast, to be dropped for room."""

_journals: list[Journal] = []
_files: dict[str, bytes] = {}


def peak_memory(launch: Launch) -> tuple[float, float]:
    """Give what each side's memory grows by at most while all of an archive is scanned, in MiB."""
    have_nothing_kept(launch)
    if launch.number == 0:
        _write(launch)
        launch.fresh()
    journal = _journals[0]
    for name, side in sides(launch, 0):
        _bring(side, _files[name])
    before = {name: side.stats().memory_mb or 0.0 for name, side in sides(launch, 0)}
    usual = before["reference"] + HELD_BEYOND_MB
    scans = _scans(journal, launch.rng)
    growth = {}
    for name, side in sides(launch, 0):
        for names, first in scans:
            _demand_right(side, journal, names, first)
        peak = side.stats().memory_peak_mb or 0.0
        growth[name] = max(peak - min(before[name], usual), FLOOR_MB)
    return growth["candidate"], growth["reference"]


def _write(launch: Launch) -> None:
    """Have both sides archive one journal, and take the files away."""
    noise = launch.rng.randint(NOISE_LEAST, NOISE_MOST)
    _journals[:] = [Journal(launch.rng.getrandbits(32), ROWS, noise)]
    for name, side in sides(launch, 0):
        _files[name] = _journals[0].written(side, "memory", BATCH_ROWS)
        side.value("clear")


def _bring(side: Side, data: bytes) -> None:
    for at in range(0, len(data), PIECE_BYTES):
        side.value("append", "memory", data[at : at + PIECE_BYTES])
        drop_cache(side, "memory")
    assert content(side, "memory") == data, "the file is not what was written"


def _scans(journal: Journal, rng: Random) -> list[tuple[list[str], int]]:
    """Choose all columns and all rows, and some columns of most rows: names, and the first row."""
    every = rng.sample(journal.names, len(journal.names))
    some = rng.sample(journal.names, FILTERED_COLUMNS)
    return [(every, 0), (some, rng.randrange(int(journal.rows * FILTERED_FROM_MOST)))]


def _demand_right(side: Side, journal: Journal, names: list[str], first: int) -> None:
    where: list[Any] = [["at", ">=", ["time", generated.BASE_US + first * generated.STEP_US]]] if first else []
    answer = gave(side.value("scan_digests", "memory", names, where, timeout_sec=CALL_SEC), "scan_archive")
    assert answer == journal.digests(names, first), "scan_archive gives other rows than were written"
