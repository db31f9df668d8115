"""What becomes of a store that is closed, or was opened before a fork."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from random import Random

from answers import CALL_SEC, gave, listed
from model import Operation, Row
from ordering import FOLDER, OPEN
from rows import draw_rows

from grader.plugin.facade import SubjectFacade, SubjectFailed


def closing(subject: SubjectFacade, rng: Random) -> None:
    """Close, twice; use afterwards; open again; leave a `with` block with and without an exception."""
    rows = draw_rows(rng, 400)
    key = rows[0][:3]
    whole: Operation = ["scan", "s", None, None, None, False]
    subject.value("reset", [FOLDER, "other"])
    gave(subject.value("replay", [*OPEN, ["put", "s", rows], ["begin", "open", "s", None, None, None, False]]))
    gave(subject.value("replay", [["next", "open", 3], ["close", "s"], ["close", "s"]]))
    uses: list[Operation] = [
        ["get", "s", key],
        ["get-many", "s", [key]],
        ["put", "s", rows[:1]],
        ["delete", "s", None, None],
        ["count", "s", []],
        ["count", "s", ["a"]],
        whole,
        ["parallel", "s", None, None, 2],
        ["next", "open", 1000],
    ]
    for use, answer in zip(uses, listed(subject.value("replay", uses)), strict=True):
        assert answer[:2] == ["raised", "StoreError"], (
            f"{use[0]} on a closed store must raise StoreError, not: {answer[:2]}"
        )
    [*_, found] = gave(subject.value("replay", [["forget", "s"], *OPEN, whole, ["forget", "s"], *OPEN, whole]))
    assert found == sorted(rows), "what was stored before closing is not there when the store is opened again"
    gave(subject.value("replay", [["forget", "s"]]))
    for fails in (False, True):
        [answer] = gave(subject.value("replay", [["with", "other", [["a", 1, 1, b"kept"]], fails]]))
        assert answer[:2] == ["raised", "StoreError"], "the store is not closed at the end of its `with` block"
        [_, kept, _] = gave(
            subject.value("replay", [["open", "o", "other"], ["get", "o", ["a", 1, 1]], ["forget", "o"]])
        )
        assert kept == b"kept", "what was stored in a `with` block is not there afterwards"
    _without_parents(subject)
    subject.value("reset", [FOLDER, "other", NOWHERE])
    _where_it_lies(subject, draw_rows(rng, MANY_ROWS))
    subject.value("reset", [FOLDER])


NOWHERE = "nowhere"

MANY_ROWS = 3_000
"""Enough for several processes to scan them."""


def _without_parents(subject: SubjectFacade) -> None:
    """Open stores in folders whose parents are missing: nothing may be made."""
    for folder in (f"{NOWHERE}/store", f"{NOWHERE}/far/store"):
        [answer] = listed(subject.value("replay", [["open", "n", folder]]))
        assert answer[:2] == ["raised", "StoreError"], (
            f"open of {folder!r}, whose parent is missing, must raise StoreError, not: {answer[:2]}"
        )
        assert not os.path.lexists(subject.disk / NOWHERE), (
            f"open of {folder!r}, whose parent is missing, made the parent: it makes the store's own folder only"
        )
    _after_a_failure(subject, "whose parent was missing", [["make-folder", NOWHERE]])
    gave(subject.value("replay", [["forget", "n"]]))
    subject.value("reset", [f"{NOWHERE}/store"])
    [answer] = gave(subject.value("replay", [["open-over-a-file", f"{NOWHERE}/store"]]))
    assert answer[:2] == ["raised", "StoreError"], f"open where a file is must raise StoreError, not: {answer[:2]}"
    _after_a_failure(subject, "where there was a file", [])
    [answer] = gave(subject.value("replay", [["open-over-garbage", f"{NOWHERE}/garbage"]]))
    assert answer[:2] == ["raised", "StoreError"], (
        f"open of a folder whose data.mdb is 8 KiB of something else must raise StoreError, not: {answer[:2]}"
    )


def _after_a_failure(subject: SubjectFacade, why: str, mending: list[Operation]) -> None:
    """Open a store that could not be opened before: nobody has it open."""
    opening: list[Operation] = [*mending, ["open", "n", f"{NOWHERE}/store"], ["put", "n", [["a", 1, 1, b"kept"]]]]
    answers = listed(subject.value("replay", [*opening, ["get", "n", ["a", 1, 1]]]))
    failed = next((answer[1:] for answer in answers if answer[0] != "gave"), None)
    assert failed is None, f"open of a folder {why} failed, rightly; when that was mended, it raised {failed}"
    assert answers[-1][1] == b"kept", f"a store in a folder {why} when it was first opened lost a row"


def _where_it_lies(subject: SubjectFacade, rows: list[Row]) -> None:
    """Open a store by a relative path and use it from elsewhere; and see that nothing of it lies outside its folder."""
    before = set(os.listdir(subject.disk))
    uses: list[Operation] = [["put", "s", rows], ["scan", "s", None, None, None, False], ["get", "s", rows[0][:3]]]
    parallel: Operation = ["parallel", "s", None, None, 2]
    answers = listed(subject.value("replay", [["open-relative", "s", FOLDER], *uses, parallel], timeout_sec=CALL_SEC))
    for what, answer in zip(("open", "put_many", "scan", "get", "parallel_scan"), answers, strict=True):
        assert answer[0] == "gave", (
            f"a store is opened by a relative path, and used when its process is in another folder: {what} "
            f"raised {answer[1:]}"
        )
    [_, _, [_, found], _, [_, parts]] = answers
    assert found == [row for part in parts for row in part] == sorted(rows), (
        "a store was opened by a relative path, and used when its process was in another folder: rows are missing"
    )
    [_, _, found] = gave(subject.value("replay", [["forget", "s"], *OPEN, uses[1]]))
    assert found == sorted(rows), "a store that was opened by a relative path is not there at the absolute one"
    made = set(os.listdir(subject.disk)) - before - {FOLDER}
    assert not made, f"a store made {', '.join(sorted(made))[:200]!r} beside its folder, where nothing of it is kept"
    for entry in os.scandir(subject.disk / FOLDER):
        assert not entry.is_symlink(), f"{entry.name[:200]!r} in a store's folder is a link: nothing is kept elsewhere"


def forks(subject: SubjectFacade, rng: Random) -> None:
    """Fork with a store open: it is of no use in the child, and whatever the child does, the parent's goes on."""
    rows = draw_rows(rng, 3000)
    key = rows[0][:3]
    whole: Operation = ["scan", "s", None, None, None, False]
    subject.value("reset", [FOLDER])
    gave(subject.value("replay", [*OPEN, ["put", "s", rows], ["get", "s", key]]))
    gave(subject.value("replay", [["parallel", "s", None, None, 2]], timeout_sec=30.0))
    for _ in range(2):
        gave(
            subject.value(
                "replay", [["begin", "open", "s", None, None, None, False], ["next", "open", 3], ["get", "s", key]]
            )
        )
        [answers] = gave(subject.value("replay", [["fork", "s", "open", key]]))
        for what, *answer in answers:
            assert answer == ["raised", "StoreError"], (
                f"{what}, in a forked child, of a store opened before the fork, must raise StoreError, not: {answer}"
            )
        with _told_as("a child used and let go of a store of its parent"):
            gave(subject.value("replay", [*_overwrites(rows), ["delete", "s", ["b"], None]]))
            [rest] = gave(subject.value("replay", [["next", "open", 5000]]))
            [value, put, found] = gave(subject.value("replay", [["get", "s", key], ["put", "s", rows], whole]))
        assert rest == sorted(rows)[3:], "a child was forked, and a scan begun before in the parent gave wrong rows"
        assert value in (None, AFTER_THE_FORK), "get in the parent is wrong after a fork"
        assert (put, found) == (len(rows), sorted(rows)), "the parent's store is wrong after a fork"
    subject.value("reset", [FOLDER])
    _forks_that_end_and_stay(subject, rows)
    subject.value("reset", [FOLDER])


@contextmanager
def _told_as(before: str) -> Iterator[None]:
    """Say of the end of a process what had happened before."""
    try:
        yield
    except SubjectFailed as fault:
        raise AssertionError(f"{before}, and when the parent went on, it {fault}") from fault


OVERWRITES = 4
"""LMDB takes a page again two transactions after it was freed, if no reader is known that may look at it."""

AFTER_THE_FORK = b"after the fork"


def _overwrites(rows: Sequence[Row]) -> list[Operation]:
    """Write every row anew, so often that what an unknown reader looks at is overwritten."""
    values = [b"%d" % number for number in range(OVERWRITES - 1)]
    return [["put", "s", [[*row[:3], value] for row in rows]] for value in [*values, AFTER_THE_FORK]]


def _forks_that_end_and_stay(subject: SubjectFacade, rows: list[Row]) -> None:
    """Fork children that come to the end of their program, as most do, and one that stays while the parent closes."""
    whole: Operation = ["scan", "s", None, None, None, False]
    parallel: Operation = ["parallel", "s", None, None, 2]
    subject.value("peer_start", "parent")
    gave(subject.value("peer_replay", "parent", [*OPEN, ["put", "s", rows], parallel], timeout_sec=30.0))
    for _ in range(2):
        begin: list[Operation] = [["begin", "open", "s", None, None, None, False], ["next", "open", 3]]
        gave(subject.value("peer_replay", "parent", [*begin, ["fork-ending"]], timeout_sec=30.0))
        uses: list[Operation] = [["put", "s", rows], ["next", "open", 5000], parallel, whole]
        with _told_as("a forked child came to its end"):
            gave(subject.value("peer_replay", "parent", _overwrites(rows), timeout_sec=30.0))
            answers = listed(subject.value("peer_replay", "parent", uses, timeout_sec=30.0))
        for use, answer in zip(("put_many", "an open scan", "parallel_scan", "scan"), answers, strict=True):
            assert answer[0] == "gave", f"a forked child came to its end, and {use} in the parent raised {answer[1:]}"
        [_, rest, parts, found] = [answer[1] for answer in answers]
        assert rest == sorted(rows)[3:], "a forked child came to its end, and a scan in the parent gave wrong rows"
        assert [row for part in parts for row in part] == found == sorted(rows), (
            "a forked child came to its end, and parallel_scan or scan in the parent gave wrong rows"
        )
    [stayed] = gave(subject.value("peer_replay", "parent", [["close-beside-child", "s"]], timeout_sec=30.0))
    assert stayed is True, (
        "a forked child lived on, and close in the parent did not return before the child had ended: "
        "whatever a child does, the parent's store goes on as if nothing had happened"
    )
