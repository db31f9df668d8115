"""How large a store becomes: beyond its first map, under churn, with readers that died, and in memory."""

import os
import stat
from contextlib import suppress
from pathlib import Path
from random import Random

from answers import CALL_SEC, gave, listed
from digests import digest
from faults import ODD_BOUNDS
from model import Operation, Row
from ordering import FOLDER, OPEN
from plans import log_uniform
from rows import draw_rows

from grader.plugin.facade import SubjectFacade

MB = 1024 * 1024


def blocks_mb(disk: Path) -> float:
    """Add up the blocks of all files on a subject's disk; content is untrusted, so links are not followed."""
    found = 0
    for folder, _, names in os.walk(disk):
        for name in names:
            with suppress(OSError):  # it may be gone by now
                status = (Path(folder) / name).lstat()
                found += status.st_blocks * 512 if stat.S_ISREG(status.st_mode) else 0
    return found / MB


# ---- growth

FIRST_MAP = 1 * MB
GROWN_ROWS = 1200
GROWN_VALUE_BYTES = 4000
GROWN_BATCHES = 5


def map_growth(subject: SubjectFacade, rng: Random) -> None:
    """Store much more than the first map holds, with scans open here and a reader and a writer in other processes."""
    opening: list[Operation] = [["open", "s", FOLDER, FIRST_MAP]]
    rows = draw_rows(rng, 100)
    subject.value("reset", [FOLDER])
    gave(subject.value("replay", [*opening, ["put", "s", rows], ["begin", "open", "s", None, None, None, False]]))
    gave(subject.value("replay", [["next", "open", 5]]))
    for name in ("reader", "writer"):
        subject.value("peer_start", name)
        gave(subject.value("peer_replay", name, [*opening, ["count", "s", []], ["get", "s", rows[0][:3]]]))
    gave(subject.value("peer_replay", "reader", [["begin", "open", "s", None, None, None, False], ["next", "open", 5]]))
    stored = len(rows)
    for number in range(GROWN_BATCHES):
        more: list[Row] = [
            [f"grown-{number}", ts, 0, rng.randbytes(GROWN_VALUE_BYTES)] for ts in range(GROWN_ROWS // 2)
        ]
        stored += len(more)
        gave(subject.value("replay", [["put", "s", more]]))
        small: list[Row] = [["small", number, 0, b"by the writer"]]
        stored += len(small)
        [key, values] = more[-1][:3], [row[3] for row in more]
        answers = subject.value(
            "peer_replay", "reader", [["get", "s", key], ["get-many", "s", [row[:3] for row in more]]]
        )
        assert gave(answers) == [values[-1], values], "a process that had the store open before it grew reads wrongly"
        gave(subject.value("peer_replay", "writer", [["put", "s", small]]))
        [counted] = gave(subject.value("replay", [["count", "s", []]]))
        assert counted == stored, f"the store has grown, and holds {counted} rows instead of {stored}"
    whole = sorted(rows)
    [rest] = gave(subject.value("replay", [["next", "open", 10_000]]))
    assert rest == whole[5:], "the store grew while a scan was open in its process, which went on wrongly"
    [rest] = gave(subject.value("peer_replay", "reader", [["next", "open", 10_000]]))
    assert rest == whole[5:], "the store grew while a scan was open in another process, which went on wrongly"
    gave(subject.value("replay", [["forget", "s"], *opening]))
    [counted] = gave(subject.value("replay", [["count", "s", []]]))
    assert counted == stored, (
        f"the store was opened with its first map_size again, and holds {counted} of {stored} rows"
    )
    subject.value("reset", [FOLDER])


# ---- reuse of space

CHURN_ROUNDS = 24
CHURN_BYTES = 2_000_000
CHURN_ROWS = 40, 320
"""Of a round. Smaller values, of which a page of 4 KiB holds two or one, may take up to thrice their bytes."""

PARALLEL_ROUND = 1
"""A parallel scan comes this early, and none after it: workers that keep its state keep all space from then on."""

FAILING_AMONG, FEW_ROWS = 3_000, 40
"""Rows of which a fold raises at one: enough for several processes; and on either side of it, too few for them."""

MOST_MB = 16.0
"""At any time two rounds are held, of 2 MB each; the reference takes some 6 to 9 MB."""


def space_reuse(subject: SubjectFacade, rng: Random) -> None:
    """Store and delete 48 MB, two at a time, with reads, scans used up, forgotten or refused and an idle reader."""
    subject.value("reset", [FOLDER])
    used_up: list[Operation] = [
        operation
        for number, limit in enumerate((None, 3, None, 3))
        for operation in (
            ["begin", f"used-{number}", "s", None, None, limit, number > 1],
            ["next", f"used-{number}", 100],
        )
    ]
    gave(subject.value("replay", [*OPEN, ["put", "s", draw_rows(rng, 50)], *used_up]))
    _refused(subject)
    subject.value("peer_start", "idle")
    gave(subject.value("peer_replay", "idle", [*OPEN, ["get", "s", ["a", 1, 1]], ["scan", "s", None, None, 3, True]]))
    _churn(subject, rng, "48 MB were stored and deleted, 4 MB at a time")
    subject.value("reset", [FOLDER])
    _folds_that_raised(subject, rng)


def _folds_that_raised(subject: SubjectFacade, rng: Random) -> None:
    """Have folds raise, in many rows and few, for several workers and one, and churn."""
    rows = sorted(draw_rows(rng, FAILING_AMONG))
    failing = rng.randrange(FEW_ROWS, FAILING_AMONG - FEW_ROWS)
    rows[failing][3] = b"fail here"
    few = (rows[failing - FEW_ROWS][:3], rows[failing + FEW_ROWS][:3])
    gave(subject.value("replay", [*OPEN, ["put", "s", rows]]))
    for lo, hi in ((None, None), few):
        for workers in (2, 1):
            failing_fold: Operation = ["parallel-failing", "s", lo, hi, workers]
            [failed] = listed(subject.value("replay", [failing_fold], timeout_sec=CALL_SEC))
            assert failed[:2] == ["raised", "ValueError"], f"a fold raised ValueError, and parallel_scan {failed[:2]}"
    _churn(subject, rng, "after parallel_scans whose folds raised 48 MB were stored and deleted", parallel_round=None)
    subject.value("reset", [FOLDER])


def _refused(subject: SubjectFacade) -> None:
    """Ask for what is none, in every way: what was refused holds nothing."""
    asks: list[Operation] = [[name, "s", kind] for kind in ODD_BOUNDS for name in ("scan-odd", "delete-odd")]
    asks += [
        ["get-odd", "s", "pair"],
        ["get-many-odd", "s", [["a", 1, 1]], "pair"],
        ["put-odd-key", "s", [], "pair", []],
    ]
    for ask, answer in zip(asks, listed(subject.value("replay", asks)), strict=True):
        assert answer[:2] == ["raised", "StoreError"], f"{ask[0]} of {ask[-1]} must raise StoreError, not: {answer[:2]}"


def _churn(subject: SubjectFacade, rng: Random, what: str, parallel_round: int | None = PARALLEL_ROUND) -> None:
    before_mb = blocks_mb(subject.disk)
    count = round(log_uniform(rng, *CHURN_ROWS))
    for number in range(CHURN_ROUNDS):
        rows: list[Row] = [[f"churn-{number}", ts, 0, rng.randbytes(CHURN_BYTES // count)] for ts in range(count)]
        operations: list[Operation] = [
            ["put", "s", rows],
            ["get", "s", rows[0][:3]],
            ["begin", "dropped", "s", None, None, None, bool(number % 2)],
            ["next", "dropped", 3],
            ["delete", "s", [f"churn-{number - 1}"], [f"churn-{number - 1}\0"]],
            ["drop", "dropped"],
            ["begin", "dropped", "s", None, None, None, False],
            ["drop", "dropped"],
            ["get-many", "s", [rows[-1][:3]]],
        ]
        if number == parallel_round:
            operations.append(["parallel", "s", [f"churn-{number}"], None, 2])
        answers = gave(subject.value("replay", operations))
        assert answers[4] == (count if number else 0), "delete_range did not delete what was stored the round before"
    size = blocks_mb(subject.disk) - before_mb
    assert size <= MOST_MB, f"{what}, and the store has grown by {size:.0f} MB on disk; {MOST_MB:.0f} are allowed"


def killed_reader(subject: SubjectFacade, rng: Random) -> None:
    """Kill processes in the middle of scans, and churn: their states are of no use to anybody."""
    subject.value("reset", [FOLDER])
    gave(subject.value("replay", [*OPEN, ["put", "s", draw_rows(rng, 3000)]]))
    for number in range(3):
        name = f"reader-{number}"
        subject.value("peer_start", name)
        begin: Operation = ["begin", "open", "s", None, None, None, bool(number % 2)]
        gave(subject.value("peer_replay", name, [*OPEN, begin, ["next", "open", 10]]))
        subject.value("peer_kill", name)
    _churn(subject, rng, "readers were killed in the middle of scans, 48 MB were stored and deleted, 4 MB at a time")
    subject.value("reset", [FOLDER])


# ---- memory

LARGE_ROWS = 4096
LARGE_BYTES = 64 * 1024
BATCH_ROWS = 64


def bounded_memory(subject: SubjectFacade) -> None:
    """Store 256 MiB and read it in every way, with less memory than that."""
    subject.value("reset", [FOLDER])
    gave(subject.value("replay", OPEN))
    for first in range(0, LARGE_ROWS, 1024):
        subject.value("put_large", "s", first, 1024, BATCH_ROWS, timeout_sec=CALL_SEC)
    total = 0
    for number in range(LARGE_ROWS):
        value = number.to_bytes(8, "big") * (LARGE_BYTES // 8)
        total += digest(("large", number, 0), value)
    first_key, last_key = ["large", 0, 0], ["large", LARGE_ROWS - 1, 0]
    for reverse in (False, True):
        answer = listed(subject.value("total", "s", reverse, timeout_sec=CALL_SEC))
        ends = [last_key, first_key] if reverse else [first_key, last_key]
        assert answer == [[*ends, LARGE_ROWS, total], LARGE_ROWS], (
            "a scan of 256 MiB gave wrong rows, or count() is wrong"
        )
    [deleted] = gave(subject.value("replay", [["delete", "s", ["large"], None]], timeout_sec=CALL_SEC))
    assert deleted == LARGE_ROWS, f"delete_range says that it deleted {deleted} of {LARGE_ROWS} rows"
    subject.value("reset", [FOLDER])
