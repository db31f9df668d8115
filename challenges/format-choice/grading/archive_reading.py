"""How much a scan takes: memory, for a file larger than all there is, and bytes of a file that nobody has in memory."""

from __future__ import annotations

from random import Random
from typing import Any

import generated
import numpy as np
from handing import drop_cache
from replies import Subject, demand_nothing_beside, file_size, gave, survived

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

MIB = 2**20
LONG_SEC = 60.0


def demand_bounded_footprint(submission: Subject, rng: Random) -> None:
    """Write and scan a file that is larger than all the memory there is."""
    submission.value("clear")
    seed = rng.getrandbits(32)
    outcome = submission.call("write_journal", "big", seed, BIG_ROWS, NOISE, BATCH_ROWS, timeout_sec=LONG_SEC)
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


def demand_little_is_read(submission: Subject, rng: Random) -> None:
    """Scan with a narrow condition, and a few columns, of a file that nobody has in memory."""
    submission.value("clear")
    seed = rng.getrandbits(32)
    outcome = submission.call("write_journal", "medium", seed, MEDIUM_ROWS, NOISE, BATCH_ROWS, timeout_sec=LONG_SEC)
    gave(survived(outcome, "write_archive"), "write_archive")
    submission.call("write_journal", "small", seed, 5000, NOISE, BATCH_ROWS)
    submission.restart()
    size = file_size(submission, "medium") / MIB
    first = rng.randrange(MEDIUM_ROWS - 2 * WINDOW_ROWS)
    low, high = (generated.BASE_US + row * generated.STEP_US for row in (first, first + WINDOW_ROWS))
    window = [["at", ">=", ["time", low]], ["at", "<", ["time", high]]]
    every = ["number", *(f"noise{n}" for n in range(NOISE))]
    for names, where, share, what in (
        (
            every,
            window,
            FILTERED_SHARE,
            f"a scan of {WINDOW_ROWS} of {MEDIUM_ROWS:,} rows by their time",
        ),
        (["noise1", "noise9"], [], PROJECTED_SHARE, f"a scan of two of {7 + NOISE} columns"),
    ):
        times = generated.at(seed, 0, MEDIUM_ROWS)
        chosen = (times >= low) & (times < high) if where else np.ones(MEDIUM_ROWS, dtype=np.bool_)
        right = [int(chosen.sum()), generated.sums([_ints(seed, name, 0, MEDIUM_ROWS) for name in names], chosen)]
        most = share * size + READ_BEYOND_MB
        for _ in range(ATTEMPTS):
            answer, read_mb = _read_by_scan(submission, names, where)
            assert answer == right, f"{what} gives other rows than were written"
            if read_mb <= most:
                break
            submission.restart()  # what the first attempt read is not known to the next
        assert read_mb <= most, (
            f"{what} read {read_mb:.1f} MiB of a file of {size:.0f} MiB; {most:.1f} MiB are allowed: "
            "skip what no row or column is needed of"
        )
    submission.value("clear")


def _read_by_scan(submission: Subject, names: list[str], where: list[Any]) -> tuple[object, float]:
    """Scan what is not in memory; gives the answer, and what was read in MiB, 0 where the sandbox does not tell."""
    submission.value("scan_sums", "small", names, where)
    drop_cache(submission, "medium")
    before = submission.stats().file_mb
    answer = submission.value("scan_sums", "medium", names, where)
    after = submission.stats().file_mb
    return answer, 0.0 if before is None or after is None else after - before
