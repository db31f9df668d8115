"""How much a scan takes: memory, for a file larger than all there is, and bytes of a file that nobody has in memory."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

import generated
import numpy as np
from handing import drop_cache
from journal import Journal, batches_of
from replies import Subject, demand_nothing_beside, demand_raised, file_size, gave, raised, read_mb, survived

BATCH_ROWS = 10_000

MEMORY_LIMIT_MB = 192
"""As challenge.toml says."""

NOISE = 16
BIG_ROWS = 1_400_000
"""With 128 bytes of noise a row, the file is larger than the memory limit however well the rest is packed."""

MEDIUM_ROWS = 480_000
WINDOW_ROWS = 2_000
FILTERED_SHARE, PROJECTED_SHARE = 0.1, 0.25
ATTEMPTS = 3
"""How far the kernel reads ahead is its own affair: a sound scan had read too much in one of some sixty gradings."""

READ_BEYOND_MB = 10.0
"""Read-ahead, of which some machines do 8 MiB at once."""

CHANGES = 10
"""A scan that reads two fifths of the file, which is more than is allowed, sees all of them in one of 10,000."""

MIB = 2**20
LONG_SEC = 60.0


def demand_bounded_footprint(submission: Subject, rng: Random) -> None:
    """Write and scan a file that is larger than all the memory there is."""
    submission.value("clear")
    seed = rng.getrandbits(32)
    outcome = submission.call(
        "write_journal", "big", seed, NOISE, batches_of(BIG_ROWS, BATCH_ROWS), timeout_sec=LONG_SEC
    )
    gave(survived(outcome, f"write_archive of {BIG_ROWS:,} rows in batches"), "write_archive")
    size = file_size(submission, "big") / MIB
    demand_nothing_beside(submission, {"big"})
    assert size > MEMORY_LIMIT_MB, "the file is too small to hold what was written"
    submission.restart()
    low = generated.BASE_US + rng.randrange(BIG_ROWS // 2) * generated.STEP_US
    for names, where in (
        ([f"noise{n}" for n in range(NOISE)], []),
        (["number", "noise3"], [["at", ">=", ["time", low]], ["account", "<", 2500]]),
    ):
        outcome = submission.call("scan_sums", "big", names, where, timeout_sec=LONG_SEC)
        answer = survived(outcome, f"scan_archive of a file of {size:.0f} MiB, with {MEMORY_LIMIT_MB} MiB of memory")
        assert answer == _sums(seed, names, low if where else None), "scan_archive gives other rows than were written"
    submission.value("clear")


def _sums(seed: int, names: list[str], low: int | None) -> list[Any]:
    rows, totals = 0, [0] * len(names)
    for first in range(0, BIG_ROWS, 100_000):
        count = min(100_000, BIG_ROWS - first)
        chosen = np.ones(count, dtype=np.bool_)
        if low is not None:
            chosen = (generated.at(seed, first, count) >= low) & (generated.account(seed, first, count) < 2500)
        parts = [_ints(seed, name, first, count) for name in names]
        rows += int(chosen.sum())
        totals = [total + part for total, part in zip(totals, generated.sums(parts, chosen), strict=True)]
    return [rows, [total % 2**64 for total in totals]]


def _ints(seed: int, name: str, first: int, count: int) -> generated.Ints:
    if name == "number":
        return np.arange(first, first + count)
    return generated.noise(seed, int(name.removeprefix("noise")), first, count)


@dataclass(frozen=True)
class Narrow:
    """A scan that needs little of a file: what it is, and which share of the file it may read."""

    what: str
    names: list[str]
    first: int
    last: int
    share: float

    @property
    def where(self) -> list[Any]:
        """Give its conditions, on the time."""
        if self.last - self.first == MEDIUM_ROWS:
            return []
        low, high = (generated.BASE_US + row * generated.STEP_US for row in (self.first, self.last))
        return [["at", ">=", ["time", low]], ["at", "<", ["time", high]]]


def demand_little_is_read(submission: Subject, rng: Random) -> None:
    """Scan with a narrow condition, and a few columns, of a file that nobody has in memory."""
    submission.value("clear")
    journal = Journal(rng.getrandbits(32), MEDIUM_ROWS, NOISE)
    for name, rows in (("medium", MEDIUM_ROWS), ("small", 5000)):
        outcome = submission.call(
            "write_journal", name, journal.seed, NOISE, batches_of(rows, BATCH_ROWS), timeout_sec=LONG_SEC
        )
        gave(survived(outcome, "write_archive"), "write_archive")
    submission.restart()
    size = file_size(submission, "medium") / MIB
    every = ["number", *(f"noise{n}" for n in range(NOISE))]

    def some_rows() -> Narrow:
        first = rng.randrange(MEDIUM_ROWS - 2 * WINDOW_ROWS)
        of_time = f"a scan of {WINDOW_ROWS} of {MEDIUM_ROWS:,} rows by their time"
        return Narrow(of_time, every, first, first + WINDOW_ROWS, FILTERED_SHARE)

    def two_columns() -> Narrow:
        of_two = f"a scan of two of {7 + NOISE} columns"
        return Narrow(of_two, ["noise1", "noise9"], 0, MEDIUM_ROWS, PROJECTED_SHARE)

    for draw in (some_rows, two_columns):
        for _ in range(ATTEMPTS):
            scan = draw()  # what else comes from the disk depends on where the rows are: it reads ahead by megabytes
            most = scan.share * size + READ_BEYOND_MB
            right = journal.digests(scan.names, scan.first, scan.last)
            answer, came_mb = _read_by_scan(submission, scan)
            assert gave(answer, scan.what) == right, f"{scan.what} gives other rows than were written"
            if came_mb <= most:
                break
            submission.restart()  # what the first attempt read is not known to the next
        assert came_mb <= most, (
            f"{scan.what} read {came_mb:.1f} MiB of a file of {size:.0f} MiB; {most:.1f} MiB are allowed: "
            "skip what no row or column is needed of"
        )
        _demand_little_is_looked_at(submission, scan, right, rng)
    submission.value("clear")


def _demand_little_is_looked_at(submission: Subject, scan: Narrow, right: list[Any], rng: Random) -> None:
    """Change bytes anywhere in the file, one at a time: who sees each of them has looked at all of the file."""
    refused = 0
    for _ in range(CHANGES):
        offset, mask = rng.randrange(file_size(submission, "medium")), 1 << rng.randrange(8)
        before = _byte(submission, offset)
        submission.value("flip_in_place", "medium", offset, mask)
        assert _byte(submission, offset) == before ^ mask, "the file was not damaged as it had to be"
        answer = submission.value("scan_digests", "medium", scan.names, scan.where)
        what = f"{scan.what}, of a file with byte {offset} changed"
        if raised(answer) is None:
            assert gave(answer, what) == right, f"{what}, gives other rows than were written, and no FormatError"
        else:
            demand_raised(answer, "format", what)
            refused += 1
        submission.value("flip_in_place", "medium", offset, mask)
    assert refused < CHANGES, (
        f"{scan.what} raised FormatError for each of {CHANGES} bytes that were changed, one at a time, anywhere in the "
        "file: it reads and checks all of it, and not only what it needs"
    )


def _byte(submission: Subject, offset: int) -> int:
    with (submission.disk / "files" / "medium").open("rb") as file:
        file.seek(offset)
        return file.read(1)[0]


def _read_by_scan(submission: Subject, scan: Narrow) -> tuple[object, float]:
    """Scan what is not in memory; gives the answer, and what was read in MiB, 0 where the sandbox does not tell."""
    submission.value("scan_digests", "small", scan.names, scan.where)
    drop_cache(submission, "medium")
    before = submission.stats()
    answer = submission.value("scan_digests", "medium", scan.names, scan.where)
    return answer, read_mb(before, submission.stats()) or 0.0
