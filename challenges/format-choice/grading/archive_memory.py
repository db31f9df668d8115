"""The bar on the memory that scans take.

Theory of operation: pages of a file count for whoever writes it or has it read from the disk first. So the file is
there before the process that scans it starts, the grader reads it, and a scan is the first thing that process does.

    first launch:  each side archives, and the grader keeps a copy
    each launch:   the file is put on the disk ──► a fresh process ──► memory before │ a scan │ the peak
"""

from __future__ import annotations

from journal import Journal, batches_of
from replies import content, gave
from sides import CALL_SEC, Launch, Side, sides

NAME = "memory"
ROWS = 240_000
NOISE_LEAST, NOISE_MOST = 6, 10
BATCH_ROWS = 10_000
LEFT_OUT_MOST = 2
"""Of the columns."""

PIECE_BYTES = 8 * 2**20
"""All of it, received, decoded and written, would be most of a subject's memory."""

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
            _files[name] = _journals[0].written(side, NAME, batches_of(_journals[0].rows, BATCH_ROWS))
        else:
            _bring(side, _files[name])


def _bring(side: Side, data: bytes) -> None:
    for at in range(0, len(data), PIECE_BYTES):
        side.value("append", NAME, data[at : at + PIECE_BYTES])


def growth(launch: Launch) -> tuple[float, float]:
    """Give what the memory of each side, just started, grows by at most while the archive is scanned, in MiB."""
    before = {}
    for name, side in sides(launch, 0):
        side.value("ping")
        assert content(side, NAME) == _files[name], "the file is not what was written"
        before[name] = side.stats().memory_mb or 0.0
    usual = before["reference"] + HELD_BEYOND_MB
    journal = _journals[0]
    names = launch.rng.sample(journal.names, len(journal.names) - launch.rng.randint(0, LEFT_OUT_MOST))
    right = journal.digests(names)
    grown = {}
    for name, side in sides(launch, 0):
        answer = gave(side.value("scan_digests", NAME, names, [], timeout_sec=CALL_SEC), "scan_archive")
        assert answer == right, "scan_archive gives other rows than were written"
        peak = side.stats().memory_peak_mb or 0.0
        grown[name] = max(peak - min(before[name], usual), FLOOR_MB)
    return grown["candidate"], grown["reference"]
