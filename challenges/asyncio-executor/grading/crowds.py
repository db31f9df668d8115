"""Ten thousand jobs, and the counts of all."""

from collections.abc import Sequence
from typing import Any

from places import KINDS
from stage import SETTLE_SEC, Stage, Subject, stage

CROWD = 10_000
CROWD_PATIENCE_SEC = 30.0
COUNTS = ("queued", "running", "succeeded", "failed", "cancelled")


def demand_crowd(subject: Subject) -> None:
    """Queue ten thousand jobs behind held ones, cancel half of them in the middle, and let the rest run."""
    with stage(subject) as on, on.executor("e", io=4, queue=2 * CROWD):
        names = [f"io-{number}" for number in range(4)]
        for name in names:
            on.submit("e", "io", name)
        for name in names:
            on.arrival(name, "an io job should have started")
        what = f"{CROWD} jobs should have been queued"
        on.call("bulk_submit", "e", "crowd", CROWD, what=what, patience_sec=CROWD_PATIENCE_SEC)
        on.ping(f"the loop should have answered with {CROWD} jobs queued")
        _demand_counts(on, "io", f"with {CROWD} jobs queued", queued=CROWD, running=4)
        cancelled = range(CROWD // 4, CROWD // 4 * 3)
        what = f"{len(cancelled)} of {CROWD} queued jobs should have been cancelled"
        on.call("bulk_cancel", "crowd", list(cancelled), what=what, patience_sec=CROWD_PATIENCE_SEC)
        on.settle(SETTLE_SEC / 5)
        half = len(cancelled)
        _demand_counts(
            on, "io", "after half of the queue was cancelled", queued=CROWD - half, running=4, cancelled=half
        )
        for name in names:
            on.finish(name)
        what = f"{CROWD} queued jobs should have ended"
        results = on.call("bulk_results", "crowd", what=what, patience_sec=CROWD_PATIENCE_SEC)
        expected = [None if number in cancelled else number for number in range(CROWD)]
        assert results == expected, f"of {CROWD} queued jobs, half of them cancelled, some had another outcome"
        jobs = [["blocking", "echo", [number]] for number in range(2_000)]
        results = on.call(
            "mix", "e", jobs, what="2,000 blocking jobs should have ended", patience_sec=CROWD_PATIENCE_SEC
        )
        assert results == list(range(2_000)), "of 2,000 blocking jobs some had another result"


def demand_stats(subject: Subject) -> None:
    """Bring jobs of each kind into each state, and compare the counts."""
    with stage(subject) as on, on.executor("e", io=1, blocking=1, cpu=1, nested=1):
        for kind in KINDS:
            _demand_counts(on, kind, "before anything was submitted")
            for letter in "abcd":
                on.submit("e", kind, f"{kind}-{letter}")
            on.arrival(f"{kind}-a", f"a {kind} job should have started")
            _demand_counts(on, kind, "with 1 job running and 3 queued", running=1, queued=3)
            on.call("cancel", f"{kind}-d")
            on.result(f"{kind}-d", "a cancelled job should have ended")
            _demand_counts(on, kind, "after a queued job was cancelled", running=1, queued=2, cancelled=1)
            on.finish(f"{kind}-a")
            on.arrival(f"{kind}-b", f"a {kind} job should have started")
            on.guests[f"{kind}-b"].tell("raise", "ValueError", [])
            on.arrival(f"{kind}-c", f"a {kind} job should have started")
            seen = {"running": 1, "succeeded": 1, "failed": 1, "cancelled": 1}
            _demand_counts(on, kind, "after a job succeeded and another raised", **seen)
            on.call("cancel", f"{kind}-c")
            on.result(f"{kind}-c", "a cancelled job should have ended")
            if kind == "blocking":
                on.settle(SETTLE_SEC / 5)
                either = [seen, seen | {"cancelled": 2}]
                _demand_one_of(on, kind, "while a cancelled function still runs", either)
                on.finish(f"{kind}-c")
            on.departure(f"{kind}-c", f"a {kind} job should have ended")
            seen = {"succeeded": 1, "failed": 1, "cancelled": 2}
            _demand_counts(on, kind, "after all jobs have ended", **seen)
            _demand_failures(on, kind, seen)
            if kind in {"io", "nested", "blocking"}:  # what is told off and may go on
                _demand_counted_once(on, kind)
        _demand_children_counted(on)


def _demand_failures(on: Stage, kind: str, counted: dict[str, int]) -> None:
    """Have jobs fail in every other way: by SystemExit, by time, and, in processes, by dying."""
    ways: dict[str, list[Any]] = {"raised SystemExit(3)": ["raise", "SystemExit", [3]]}
    if kind in {"cpu", "crash"}:
        ways["gave what can't be pickled"] = ["result", "unpicklable"]
        ways["ended its process with code 0"] = ["exit", 0]
    for number, (how, command) in enumerate(ways.items()):
        name = f"{kind}-fails{number}"
        on.submit("e", kind, name)
        on.arrival(name, f"a {kind} job should have started")
        on.guests[name].tell(*command)
        on.result(name, "a job that fails should have ended")
        counted = counted | {"failed": counted["failed"] + 1}
        _demand_counts(on, kind, f"after a {kind} job {how}, which is a failure", **counted)
    name = f"{kind}-late"
    if kind == "blocking":  # what can't be stopped ends by itself
        on.call("submit", "e", name, kind, "wait", [0, 4 * LATE_SEC], LATE_SEC, "unset")
    else:
        on.submit("e", kind, name, timeout_sec=LATE_SEC)
    on.result(name, "a job that ran out of time should have ended")
    counted = counted | {"failed": counted["failed"] + 1}
    _demand_counts(on, kind, "after a job ran out of time, which is a failure", **counted)


def _demand_children_counted(on: Stage) -> None:
    """Let a nested job run out of time: it has failed, and what it submitted was cancelled with it."""
    before = {kind: _counts(on, kind) for kind in ("io", "nested")}
    on.submit("e", "nested", "nested-parent", timeout_sec=PARENT_LATE_SEC)
    told = on.start("result", "nested-parent")
    if on.began("nested-parent", told, "a nested job should have started"):
        for child in ("io-child1", "io-child2"):  # one runs, and one waits
            on.guests["nested-parent"].tell("submit", child, "io", [on.place, child], None)
        on.until(lambda: "io-child1" in on.guests or on.has_landed(told), "a nested job's io job should have started")
    accepted = sum(_counts(on, "io")[state] for state in ("queued", "running"))
    on.outcome(told, "a nested job that ran out of time should have ended")
    if accepted == CHILDREN:  # else this machine took too long over it
        when = (
            f"after a nested job ran out of time, and {CHILDREN} io jobs that it had submitted were cancelled with it"
        )
        seen = before["io"] | {"cancelled": before["io"]["cancelled"] + CHILDREN}
        _demand_counts(on, "io", when, **seen)
        _demand_counts(on, "nested", when, **before["nested"] | {"failed": before["nested"]["failed"] + 1})


CHILDREN = 2

PARENT_LATE_SEC = 0.5


def _demand_counted_once(on: Stage, kind: str) -> None:
    """Have jobs raise that were cancelled, or ran out of time, and went on."""
    for stopped, timeout_sec, ways in (
        ("was cancelled", None, ("cancelled", "failed")),
        ("ran out of time", TOLD_OFF_SEC, ("failed",)),
    ):
        before = _counts(on, kind)
        _told_off(on, kind, stopped, timeout_sec)
        either = [before | {way: before[way] + 1} for way in ways]
        _demand_one_of(on, kind, f"after another {kind} job {stopped}, went on, and raised ValueError", either)


def _told_off(on: Stage, kind: str, stopped: str, timeout_sec: float | None) -> None:
    """Have a job raise after it was stopped, if it had begun before."""
    name = f"{kind}-{'late' if timeout_sec else 'cancelled'}-raises"
    on.submit("e", kind, name, timeout_sec=timeout_sec)
    told = on.start("result", name)
    on.began(name, told, f"a {kind} job should have started")
    guest = on.guests.get(name)
    if guest is not None and kind != "blocking":  # a coroutine has to be asked to go on, and a function goes on
        guest.tell("linger")
        on.until(lambda: bool(guest.said) or not guest.here, "a job should have gone on")
    if timeout_sec is None:
        on.call("cancel", name)
    on.outcome(told, f"the caller of a {kind} job that {stopped} should have been told")
    if guest is not None:
        guest.tell("raise", "ValueError", [])
        on.departure(name, f"a {kind} job should have ended when it raised")


TOLD_OFF_SEC = 0.3
"""Long enough, nearly always, for a job to have begun before."""

LATE_SEC = 0.05


def _demand_counts(on: Stage, kind: str, when: str, **expected: int) -> None:
    """Compare one kind's counts; what has just happened may take a moment to be counted."""
    _demand_one_of(on, kind, when, [expected])


def _demand_one_of(on: Stage, kind: str, when: str, expected: Sequence[dict[str, int]]) -> None:
    wanted = [dict.fromkeys(COUNTS, 0) | counts for counts in expected]
    for _ in range(100):
        found = _counts(on, kind)
        if found in wanted:
            return
        on.settle(0.02)
    shown = " or ".join(map(str, wanted))
    raise AssertionError(f"{when}, stats()[{kind!r}] should be {shown}, and is {found}")


def _counts(on: Stage, kind: str) -> dict[str, int]:
    given: Any = on.call("stats", "e", what="stats() should have answered")
    complete = isinstance(given, dict) and set(KINDS) <= set(given)
    assert complete, f"stats() should have the keys {', '.join(KINDS)}"
    counts = given[kind]
    named = isinstance(counts, dict) and set(COUNTS) <= set(counts)
    assert named, f"stats()[{kind!r}] should have the keys {', '.join(COUNTS)}"
    return {name: counts[name] for name in COUNTS}
