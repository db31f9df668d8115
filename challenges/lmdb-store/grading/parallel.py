"""Scans on several processes at once: whole, in order, and of one state."""

import time
import zlib
from collections.abc import Iterator
from random import Random
from typing import Any

from answers import CALL_SEC, gave, listed
from model import Operation, Row
from ordering import FOLDER, OPEN
from rows import draw_rows

from grader.plugin.facade import SubjectFacade
from harness.outcome import Finished, describe

PARALLEL_CALLS, BRIEF_CALLS = 60, 600
"""A write falls between two processes' begins in about one call of a hundred where both are quick about it."""

PARALLEL_SEC = 5.0
ROWS_BETWEEN, CONSTANTLY_SEC = 30_000, 2.0
VERY_MANY_ROWS, VERY_MANY_SEC = 400_000, 30.0


def of_ranges(subject: SubjectFacade, rng: Random) -> None:
    """Fold ranges of skewed rows in parallel, and fail on the way."""
    rows = (
        draw_rows(rng, 9000, ("a",))
        + draw_rows(rng, 300, ("b", "c"))
        + [["z", number, 1, b"z"] for number in range(9000)]
    )
    rows[4321][3] = b"fail here"
    subject.value("reset", [FOLDER])
    gave(subject.value("replay", [*OPEN, ["put", "s", rows]]))
    rows.sort()
    middle = rows[4000][:3]
    ranges: list[tuple[Any, Any, int]] = [
        (None, None, 2),
        (None, None, 1),
        (None, None, 3),
        (["a"], ["b"], 2),
        (middle, ["z", 5000], 2),
        (["a", 0], None, 2),
        (["b"], ["c"], 2),
        (rows[17][:3], rows[18][:3], 2),
        (["q"], ["r"], 2),
        (["z"], ["a"], 2),
        (None, ["a"], 2),
    ]
    for lo, hi, workers in ranges:
        [parts] = gave(subject.value("replay", [["parallel", "s", lo, hi, workers]], timeout_sec=CALL_SEC))
        right = [row for row in rows if (lo is None or row >= lo) and (hi is None or row < hi)]
        found = [row for part in parts for row in part]
        assert found == right, (
            f"parallel_scan({lo}, {hi}, workers={workers}): the parts hold {len(found)} rows in all, "
            f"of which the first {_agreeing(found, right)} are right; there are {len(right)}"
        )
    [failed, after] = listed(
        subject.value(
            "replay",
            [["parallel-failing", "s", None, None, 2], ["parallel", "s", ["b"], None, 2]],
            timeout_sec=CALL_SEC,
        )
    )
    assert failed[:2] == ["raised", "ValueError"], f"a fold raised ValueError, and parallel_scan {failed[:2]}"
    assert after[0] == "gave", f"parallel_scan after one whose fold failed: {after}"
    assert [row for part in after[1] for row in part] == [row for row in rows if row >= ["b"]], (
        "parallel_scan is wrong after one whose fold failed"
    )
    _on_several_threads(subject, rows)
    subject.value("reset", [FOLDER])


THREAD_CALLS = 4


def _on_several_threads(subject: SubjectFacade, rows: list[Row]) -> None:
    """Scan in parallel on three threads at once: each call gives the rows of its own range."""
    ranges: list[tuple[Any, Any]] = [(["a"], ["b"]), (["b"], ["z"]), (["z"], None)]
    given: Operation = ["parallel-threads", "s", ranges, THREAD_CALLS]
    [answers] = gave(subject.value("replay", [given], timeout_sec=CALL_SEC))
    for (lo, hi), calls in zip(ranges, answers, strict=True):
        right = [row for row in rows if row >= lo and (hi is None or row < hi)]
        assert len(calls) == THREAD_CALLS, (
            f"parallel_scan({lo}, {hi}) on one of {len(ranges)} threads did not come back"
        )
        for answer in calls:
            assert answer[0] == "gave", (
                f"three threads called parallel_scan at once, and one of them raised {answer[1:]}"
            )
            parts = [part for part in answer[1] if part is not None]
            found = [parts[0][0][:3], parts[-1][1][:3], sum(part[2] for part in parts)] if parts else []
            assert found == [right[0][:3], right[-1][:3], len(right)], (
                f"three threads called parallel_scan at once, and that of {lo} to {hi} gave first key, last key and "
                f"number of rows as {found} instead of {[right[0][:3], right[-1][:3], len(right)]}"
            )


RETURNED = {
    "an exception": ["ValueError", "given"],
    "an error of the store": ["StoreError", "given"],
    "an exit": ["SystemExit", "given"],
    "a class": ["type", "<class 'ValueError'>"],
    "a pair": ["tuple", "(None, ValueError('given'))"],
    "false": ["bool", "False"],
    "a list": ["list", "[]"],
}
"""What folds return, by the driver's names: its class and its text."""

RAISED = {
    "FileNotFoundError": {"FileNotFoundError"},
    "_OfTwo": {"_OfTwo", "StoreError"},
    "SystemExit": {"SystemExit", "StoreError"},
    "StopIteration": {"StopIteration", "RuntimeError", "StoreError"},
}
"""What folds raise, and what then parallel_scan may raise; what can't be pickled, or is no `Exception`, may be told."""


def results(subject: SubjectFacade) -> None:
    """Fold single rows to whatever can be pickled, exceptions too, and raise whatever there is."""
    names = [*RETURNED, *RAISED]
    subject.value("reset", [FOLDER])
    gave(subject.value("replay", [*OPEN, ["put", "s", [["t", ts, 0, name.encode()] for ts, name in enumerate(names)]]]))
    for ts, (name, right) in enumerate(RETURNED.items()):
        for workers in (1, 2):
            asked: Operation = ["parallel-returning", "s", ["t", ts], ["t", ts + 1], workers]
            [answer] = listed(subject.value("replay", [asked], timeout_sec=CALL_SEC))
            assert answer == ["gave", [right]], (
                f"a fold returned {name} ({right[0]}: {right[1]}), and parallel_scan with workers={workers} "
                f"{answer[0]} {answer[1:]} instead of giving it"
            )
    for ts, name in enumerate(RAISED, len(RETURNED)):
        raising: Operation = ["parallel-raising", "s", ["t", ts], ["t", ts + 1], 2]
        after: Operation = ["parallel-returning", "s", ["t", 0], ["t", 1], 2]
        [told, again] = listed(subject.value("replay", [raising, after], timeout_sec=CALL_SEC))
        [answer] = gave([told])
        _demand_raised(answer, name, "a fold")
        assert again == ["gave", [RETURNED["an exception"]]], (
            f"a fold raised {name}, and the next parallel_scan, whose fold raised nothing, {again[0]} {again[1:]}"
        )
    subject.value("reset", [FOLDER])


def _demand_raised(answer: list[Any], name: str, who: str) -> None:
    assert answer[0] == "raised", f"{who} raised {name}, and parallel_scan raised nothing"
    assert answer[1] in RAISED[name], (
        f"{who} raised {name}, and parallel_scan raised {answer[1]}: {answer[2]}; "
        f"right is {' or '.join(sorted(RAISED[name]))}"
    )


def of_new_folds(subject: SubjectFacade) -> None:
    """Fold by a module that was not there when the store was opened, nor when workers were started."""
    rows: list[Row] = [["late", number, 0, b"%d" % number] for number in range(3000)]
    subject.value("reset", [FOLDER])
    asked: list[Operation] = [*OPEN, ["put", "s", rows], ["parallel", "s", None, None, 2]]
    gave(subject.value("replay", asked, timeout_sec=CALL_SEC))
    for _ in range(2):
        [answer] = listed(subject.value("replay", [["parallel-late", "s"]], timeout_sec=CALL_SEC))
        assert answer[0] == "gave", (
            "parallel_scan with a fold of a module in a folder that was appended to sys.path just before "
            f"raised {answer[1:]}"
        )
        assert [value for part in answer[1] for value in part] == [row[3] for row in rows], (
            "parallel_scan with a fold of a module that is new lost rows"
        )
    subject.value("reset", [FOLDER])


MANY_FOLDED = 3_000
"""Enough for several processes."""


def of_odd_folds(subject: SubjectFacade) -> None:
    """Fold many rows by what raises in every part, or prints: the next call is right."""
    for name in RAISED:
        rows: list[Row] = [["odd", number, 0, name.encode()] for number in range(MANY_FOLDED)]
        subject.value("reset", [FOLDER])
        asked: list[Operation] = [*OPEN, ["put", "s", rows], ["parallel-raising", "s", None, None, 2]]
        [_, _, answer] = gave(subject.value("replay", asked, timeout_sec=CALL_SEC))
        _demand_raised(answer, name, f"folds of {len(rows)} rows")
        _demand_sound_after(subject, f"whose folds raised {name}")
    for workers in (2, 1):
        printing: Operation = ["parallel-printing", "s", workers]
        [answer] = listed(subject.value("replay", [printing], timeout_sec=CALL_SEC))
        assert answer == ["gave", MANY_FOLDED], (
            f"folds printed something, and parallel_scan of {MANY_FOLDED} rows with workers={workers} {answer[0]} "
            f"{answer[1:]} instead of what they returned"
        )
    subject.value("reset", [FOLDER])


def _demand_sound_after(subject: SubjectFacade, what: str) -> None:
    for answer in listed(subject.value("replay", [["parallel-ends", "s", 2]] * 3, timeout_sec=CALL_SEC)):
        assert answer[0] == "gave", f"after a parallel_scan {what}, another one raised {answer[1:]}"
        assert sum(part[2] for part in answer[1]) == MANY_FOLDED, f"after a parallel_scan {what}, another one lost rows"


def of_very_many(subject: SubjectFacade) -> None:
    """Fold very many rows to results that fill any pipe many times over."""
    right = b"".join(b"%d:x;" % number for number in range(VERY_MANY_ROWS))
    subject.value("reset", [FOLDER])
    storing: list[Operation] = [*OPEN, ["put-numbered", "s", "m", VERY_MANY_ROWS]]
    gave(subject.value("replay", storing, timeout_sec=CALL_SEC))
    for workers in (1, 2):
        outcome = subject.call("replay", [["parallel-texts", "s", workers]], timeout_sec=VERY_MANY_SEC)
        assert isinstance(outcome, Finished), (
            f"parallel_scan of {VERY_MANY_ROWS} rows with workers={workers}, whose folds give {len(right) // 1000} kB "
            f"in all: the submission {describe(outcome)}"
        )
        assert outcome.value == [["gave", [len(right), zlib.crc32(right)]]], (
            f"parallel_scan of {VERY_MANY_ROWS} rows with workers={workers} lost some, or what their folds gave"
        )
    subject.value("reset", [FOLDER])


def in_one_state(subject: SubjectFacade, rng: Random) -> None:
    """Fold in parallel while another process rewrites all rows over and over: every call sees one state."""
    keys = [row[:3] for row in draw_rows(rng, 120, ("a", "b"))]
    versions: list[Operation] = [["put", "s", [[*key, b"%d" % version] for key in keys]] for version in range(1, 150)]
    for rows in _folded_amid(subject, [[*key, b"0"] for key in keys], versions, PARALLEL_CALLS):
        assert [row[:3] for row in rows] == sorted(keys), "parallel_scan during writes lost rows"
        assert len({row[3] for row in rows}) == 1, (
            "parallel_scan during writes gave parts of different states of the store"
        )


HELD_ROUNDS = 2


def with_workers_held_up(subject: SubjectFacade, rng: Random) -> None:
    """Have worker processes of a parallel scan stand still, as a busy machine does, while another process writes."""
    staying = draw_rows(rng, 1100, ("a", "c"))
    middle, end = draw_rows(rng, 20, ("b",)), draw_rows(rng, 20, ("d",))
    states = [sorted(rows) for rows in (staying, staying + middle + end, staying + end)]
    writes: list[Operation] = [
        ["put", "s", middle + end],
        ["delete", "s", ["b"], ["c"]],
        ["delete", "s", ["d"], None],
    ]
    subject.value("reset", [FOLDER])
    gave(subject.value("replay", [*OPEN, ["put", "s", staying], ["parallel", "s", None, None, 2]]))
    subject.value("peer_start", "writer")
    gave(subject.value("peer_replay", "writer", OPEN))
    for held in ("all", 0, -1) * HELD_ROUNDS:
        for write in writes:
            [parts] = gave(subject.value("replay", [["parallel-held", "s", 2, held, "writer", write]]))
            rows = [row for part in parts for row in part]
            assert rows in states, (
                "while worker processes stood still and another process stored rows or deleted them, "
                f"parallel_scan gave {len(rows)} rows that were never there together"
            )
    subject.value("reset", [FOLDER])


def while_rows_come_and_go(subject: SubjectFacade, rng: Random) -> None:
    """Fold in parallel while another process inserts rows in the middle and deletes them, over and over."""
    staying = sorted(draw_rows(rng, 1100, ("a", "c")))
    passing = sorted(draw_rows(rng, 20, ("b",)))
    states = (staying, sorted(staying + passing))
    writes: list[Operation] = [["put", "s", passing], ["delete", "s", ["b"], ["c"]]] * 80
    for rows in _folded_amid(subject, staying, writes, BRIEF_CALLS):
        assert rows in states, (
            f"while another process inserted {len(passing)} rows and deleted them, parallel_scan gave {len(rows)} rows "
            f"that were never there together, or not in their order; there are {len(states[0])} or {len(states[1])}"
        )


def amid_constant_writes(subject: SubjectFacade) -> None:
    """Fold in parallel while another process commits all the time: the first row and the last are of one batch."""
    ends: list[Row] = [["a", 0, 0], ["z", 0, 0]]
    subject.value("reset", [FOLDER])
    between: Operation = ["put-numbered", "s", "m", ROWS_BETWEEN]
    gave(subject.value("replay", [*OPEN, between, ["put", "s", [[*key, b"0"] for key in ends]]], timeout_sec=CALL_SEC))
    gave(subject.value("replay", [["parallel-ends", "s", 2]], timeout_sec=CALL_SEC))
    subject.value("peer_start", "writer")
    gave(subject.value("peer_replay", "writer", OPEN))
    subject.value("peer_send", "writer", [["put-versions", "s", ends, CONSTANTLY_SEC]])
    until = time.monotonic() + CONSTANTLY_SEC
    while time.monotonic() < until:
        [parts] = gave(subject.value("replay", [["parallel-ends", "s", 2]], timeout_sec=CALL_SEC))
        first, last, count = parts[0][0], parts[-1][1], sum(part[2] for part in parts)
        assert [first[:3], last[:3], count] == [*ends, ROWS_BETWEEN + 2], (
            f"while another process rewrote two rows, parallel_scan gave {count} rows from {first[:3]} to {last[:3]}"
        )
        assert first[3] == last[3], (
            "while another process rewrote the first row and the last over and over, both in one batch, parallel_scan "
            f"gave the first of batch {first[3].decode()} and the last of batch {last[3].decode()}: its parts are of "
            "different states of the store"
        )
    gave(subject.value("peer_receive", "writer", timeout_sec=CALL_SEC))
    subject.value("reset", [FOLDER])


def _folded_amid(subject: SubjectFacade, rows: list[Row], writes: list[Operation], calls: int) -> Iterator[list[Row]]:
    """Store rows, and give all of them as parallel scans do while another process writes over and over."""
    subject.value("reset", [FOLDER])
    gave(subject.value("replay", [*OPEN, ["put", "s", rows]]))
    gave(subject.value("replay", [["parallel", "s", None, None, 2]], timeout_sec=CALL_SEC))
    subject.value("peer_start", "writer")
    gave(subject.value("peer_replay", "writer", OPEN))
    until = time.monotonic() + PARALLEL_SEC
    for call in range(calls):
        if call % 6 == 0:
            if call:
                gave(subject.value("peer_receive", "writer", timeout_sec=CALL_SEC))
            subject.value("peer_send", "writer", writes)
        [parts] = gave(subject.value("replay", [["parallel", "s", None, None, 2]], timeout_sec=CALL_SEC))
        yield [row for part in parts for row in part]
        if time.monotonic() > until:
            break
    gave(subject.value("peer_receive", "writer", timeout_sec=CALL_SEC))
    subject.value("reset", [FOLDER])


def _agreeing(found: list[Any], right: list[Any]) -> int:
    pairs = enumerate(zip(found, right, strict=False))
    return next((place for place, (one, other) in pairs if one != other), min(len(found), len(right)))
