"""The bar on the memory that scans take.

Theory of operation: pages of a file count for whoever writes it or has it read from the disk first. So the file is
there before the process that scans it starts, and scans are the first thing which this process does.

    first launch:  each side archives, and the grader keeps a copy
    each launch:   the file is put on the disk ──► a fresh process ──► memory before │ two scans │ the peak
"""

from __future__ import annotations

from random import Random
from typing import Any

import generated
from journal import Journal
from replies import gave, place
from sides import CALL_SEC, Launch, Side, sides

NAME = "memory"
ROWS = 240_000
NOISE_LEAST, NOISE_MOST = 6, 10
BATCH_ROWS = 10_000
FILTERED_COLUMNS = 8
FILTERED_FROM_MOST = 0.1
"""Of the rows, which lie before all that the second scan wants."""

FLOOR_MB = 6.0
"""Less than this the accounting can't tell from nothing."""

HELD_BEYOND_MB = 6.0
"""What a submission may hold beforehand beyond what the reference holds: libraries, which take 4; more is ballast."""

_journals: list[Journal] = []
_files: dict[str, bytes] = {}


def bring(launch: Launch) -> None:
    """Have the archive on both sides' disks: written by the first process of all, and brought there again since."""
    if launch.number == 0:
        noise = launch.rng.randint(NOISE_LEAST, NOISE_MOST)
        _journals[:] = [Journal(launch.rng.getrandbits(32), ROWS, noise)]
    for name, side in sides(launch, 0):
        if launch.number == 0:
            _files[name] = _journals[0].written(side, NAME, BATCH_ROWS)
        else:
            place(side, NAME, _files[name])


def growth(launch: Launch) -> tuple[float, float]:
    """Give what the memory of each side, just started, grows by at most while the archive is scanned, in MiB."""
    before = {}
    for name, side in sides(launch, 0):
        side.value("ping")
        before[name] = side.stats().memory_mb or 0.0
    usual = before["reference"] + HELD_BEYOND_MB
    scans = _scans(_journals[0], launch.rng)
    grown = {}
    for name, side in sides(launch, 0):
        for names, first in scans:
            _demand_right(side, _journals[0], names, first)
        peak = side.stats().memory_peak_mb or 0.0
        grown[name] = max(peak - min(before[name], usual), FLOOR_MB)
    return grown["candidate"], grown["reference"]


def _scans(journal: Journal, rng: Random) -> list[tuple[list[str], int]]:
    """Choose all columns and all rows, and some columns of most rows: names, and the first row."""
    every = rng.sample(journal.names, len(journal.names))
    some = rng.sample(journal.names, FILTERED_COLUMNS)
    return [(every, 0), (some, rng.randrange(int(journal.rows * FILTERED_FROM_MOST)))]


def _demand_right(side: Side, journal: Journal, names: list[str], first: int) -> None:
    where: list[Any] = [["at", ">=", ["time", generated.BASE_US + first * generated.STEP_US]]] if first else []
    answer = gave(side.value("scan_digests", NAME, names, where, timeout_sec=CALL_SEC), "scan_archive")
    assert answer == journal.digests(names, first), "scan_archive gives other rows than were written"
