"""Shutting down: what is refused, what is finished, what is cancelled, and how long it may take."""

from collections.abc import Callable
from math import inf
from time import perf_counter

from places import KINDS
from stage import SETTLE_SEC, SMALL, Stage, Subject, stage
from workload import ROOMY

GRACE_SEC = 1.0
"""How far a shutdown may go beyond its timeout."""

DEADLINE_SEC = 0.4
LONGER_SEC = 1.3
"""Longer than the grace that is allowed, so that whoever begins to count anew after draining is seen."""

ATTEMPTS = 3

AMPLE_SEC = 5.0

LATE_SEC = 0.3
"""Long enough for a job to have started and heard that it should clean up for long."""


def demand_drain(subject: Subject) -> None:
    """Drain: everything accepted is done, nothing new is taken in."""
    with stage(subject) as on, on.executor("e", io=1, blocking=1, cpu=1, nested=1, queue=3):
        _load(on, "e")
        waiting = on.submitting("e", "io", "io-waiting")
        on.settle(SETTLE_SEC / 5)
        draining = on.start("shutdown", "e", True, None)
        _demand_refused(on, waiting, "a submitter that waited for room when shutdown began")
        for kind in KINDS:
            ticket = on.submitting("e", kind, f"{kind}-refused")
            _demand_refused(on, ticket, f"somebody who submitted a {kind} job after shutdown had begun")
        on.obey("nested-1", "submit", "io", "io", [on.place, "io-child"], None)
        names = [f"{kind}-{number}" for kind in KINDS for number in (1, 2)] + ["io-3", "io-4", "io-child"]
        _work_off(on, draining, names)
        on.outcome(draining, "a draining shutdown should have returned when all jobs had ended")
        for name in set(names) - {"io-child"}:
            answer = on.result(name, "a job that was accepted before shutdown should have ended")
            assert answer == ["value", name], "a job that was accepted before a draining shutdown lost its result"
        on.call("shutdown_plainly", "e", what="a second shutdown should have returned")
        _demand_refused(on, on.submitting("e", "io", "io-after"), "somebody who submitted a job after shutdown")
    with stage(subject) as on, on.executor("e"):
        on.submit("e", "nested", "nested-maps")
        on.arrival("nested-maps", "a nested job should have started")
        draining = on.start("shutdown", "e", True, None)
        on.settle(SETTLE_SEC / 5)
        on.obey("nested-maps", "map", "io", [1, 2, 3])
        heard = on.guests["nested-maps"].heard("outcome")
        assert heard == [["value", [1, 2, 3]]], "while draining, a nested job's map through its first argument failed"
        on.finish("nested-maps")
        on.outcome(draining, "a draining shutdown should have returned when all jobs had ended")


def _load(on: Stage, ex: str) -> None:
    """Have one job of each lane run and others wait, so that the queue of io is full."""
    for number in (1, 2):
        for kind in KINDS:
            on.submit(ex, kind, f"{kind}-{number}")
    for number in (3, 4):
        on.submit(ex, "io", f"io-{number}")
    for kind in ("io", "blocking", "cpu", "nested"):
        on.arrival(f"{kind}-1", f"a {kind} job should have started")


def _demand_refused(on: Stage, ticket: int, who: str) -> None:
    answer = on.outcome(ticket, f"{who} should have been refused")
    assert answer == ["closed", True], f"{who} did not see ExecutorClosed, a RuntimeError"


def _work_off(on: Stage, draining: int, names: list[str]) -> None:
    for _ in names:
        what = "a draining shutdown should have let every accepted job run"
        on.until(lambda: bool(on.here()), what)
        on.settle(SETTLE_SEC / 10)
        assert not on.has_landed(draining), "a draining shutdown returned while an accepted job ran"
        name = on.here()[0]
        on.finish(name, name)
        on.departure(name, "a job should have ended")
    missing = [name for name in names if name not in on.guests]
    assert not missing, f"a draining shutdown dropped {len(missing)} accepted jobs"


def demand_no_drain(subject: Subject) -> None:
    """Do not drain: what can be stopped is, what waits never runs, and everybody is told."""
    with stage(subject) as on, on.executor("e", io=1, blocking=1, cpu=1, nested=1, queue=3):
        _load(on, "e")
        waiting = on.submitting("e", "io", "io-waiting")
        on.settle(SETTLE_SEC / 5)
        names = [f"{kind}-{number}" for kind in KINDS for number in (1, 2)] + ["io-3", "io-4"]
        results = {name: on.start("result", name) for name in names}
        ending = on.start("shutdown", "e", False, None)
        _demand_refused(on, waiting, "a submitter that waited for room when shutdown began")
        for name, ticket in results.items():
            answer = on.outcome(ticket, "shutdown(drain=False) should have told the caller of every job")
            assert answer == ["cancelled"], (
                f"shutdown(drain=False), and the caller of {name} did not see CancelledError"
            )
        for kind in ("io", "cpu", "nested"):
            on.departure(f"{kind}-1", f"shutdown(drain=False) should have stopped a running {kind} job")
        on.settle(SETTLE_SEC)
        assert not on.has_landed(ending), (
            "shutdown(drain=False, timeout_sec=None) returned while the function of a blocking job still ran"
        )
        on.finish("blocking-1")
        on.outcome(ending, "shutdown(drain=False) should have returned when the last blocking function had")
        ran = [name for name in on.guests if name.endswith(("-2", "-3", "-4", "-waiting", "crash-1"))]
        assert not ran, f"shutdown(drain=False), and {len(ran)} jobs ran that had been waiting"
    _demand_cut_short(subject)
    _demand_cut_off(subject)
    _demand_again(subject)
    _demand_drained_again(subject)


def _demand_cut_off(subject: Subject) -> None:
    """Have a nested job submit while it cleans up: that is for executors that drain."""
    with stage(subject) as on:
        on.call("open_", "e", SMALL)
        on.submit("e", "nested", "nested-1")
        guest = on.arrival("nested-1", "a nested job should have started")
        on.obey("nested-1", "linger")
        ending = on.start("shutdown", "e", False, None)
        on.told_off("nested-1", "shutdown(drain=False) should have cancelled a running nested job")
        guest.tell("submit", *on.invited("io-late"))
        on.until(
            lambda: bool(guest.heard("refused") or guest.heard("submitted")),
            "a nested job that was cancelled by shutdown(drain=False), and submits, should have been answered at once",
        )
        assert guest.heard("refused"), (
            "a nested job was cancelled by shutdown(drain=False), and while it cleaned up its submit was accepted: "
            "running nested jobs may still submit while draining, and only then"
        )
        on.outcome(ending, "shutdown(drain=False) should have returned when the last job had cleaned up")


def _demand_drained_again(subject: Subject) -> None:
    """Drain after somebody else has begun to, and given up: what was accepted is still done."""
    with stage(subject) as on, on.executor("e", io=1, queue=2):
        for number in (1, 2):
            on.submit("e", "io", f"io-{number}")
        on.arrival("io-1", "an io job should have started")
        on.call("shutdown_cancelled", "e", what="a shutdown whose caller is cancelled should have ended")
        after = "after a draining shutdown whose caller was cancelled"
        draining = on.start("shutdown", "e", True, None)
        on.settle(SETTLE_SEC / 5)
        for number in (1, 2):
            on.arrival(f"io-{number}", f"{after}, and with another under way, what was accepted should have run")
            on.finish(f"io-{number}", number)
            answer = on.result(f"io-{number}", f"{after}, an io job should have ended")
            assert answer == ["value", number], f"{after}, and with another under way, an accepted job lost its result"
        on.outcome(draining, f"{after}, another should have returned when all jobs had ended")


def _demand_again(subject: Subject) -> None:
    """End what somebody has begun to end, who then gave up."""
    with stage(subject) as on:
        on.call("open_", "e", ROOMY)
        for kind in KINDS:
            on.submit("e", kind, f"{kind}-1")
        for kind in ("io", "blocking", "cpu", "nested"):
            on.arrival(f"{kind}-1", f"a {kind} job should have started")
        on.obey("cpu-1", "keep")
        answer = on.call("shutdown_cancelled", "e", what="a shutdown whose caller is cancelled should have ended")
        assert answer == ["cancelled"], "a shutdown whose caller was cancelled did not raise CancelledError"
        _demand_refused(on, on.submitting("e", "io", "io-late"), "somebody who submitted after such a shutdown")
        ending = on.start("shutdown", "e", False, None)
        after = "after a shutdown whose caller was cancelled"
        for kind in ("io", "cpu", "nested"):
            on.departure(f"{kind}-1", f"{after}, shutdown(drain=False) should have stopped a running {kind} job")
        on.settle(SETTLE_SEC)
        assert not on.has_landed(ending), f"{after}, shutdown(drain=False) returned while a blocking function still ran"
        on.finish("blocking-1")
        on.outcome(ending, f"{after}, shutdown(drain=False) should have returned when the last function had")
        process = on.guests["cpu-1"]
        on.until(lambda: process.closed_at is not None, f"{after}, shutdown should have ended the processes")


def _demand_cut_short(subject: Subject) -> None:
    """Cut a draining shutdown short by one that does not drain."""
    with stage(subject) as on, on.executor("e"):
        on.submit("e", "io", "io-1")
        on.arrival("io-1", "an io job should have started")
        draining = on.start("shutdown", "e", True, None)
        on.settle(SETTLE_SEC / 5)
        on.call("shutdown", "e", False, None, what="shutdown(drain=False) should have cut a draining shutdown short")
        on.departure("io-1", "shutdown(drain=False) during a draining one should have stopped an io job")
        on.outcome(draining, "a draining shutdown should have returned when another had cancelled its jobs")


def demand_cancelled_once(subject: Subject) -> None:
    """Shut down while coroutines clean up that were cancelled, or ran out of time, before: they are not told again."""
    with stage(subject) as on, on.executor("e", **ROOMY):  # limits that bars have are no reason to behave otherwise
        names = _cleaning_up(on)
        endings = []
        for timeout_sec in (None, AMPLE_SEC):
            endings.append(on.start("shutdown", "e", False, timeout_sec))
            on.settle(SETTLE_SEC / 2)
        for name in names:
            before = "was cancelled" if name.endswith("cancelled") else "ran out of time"
            again = f"a coroutine that {before} and cleans up was cancelled again by shutdown(drain=False)"
            assert not on.guests[name].heard("again"), again
        early = any(map(on.has_landed, endings))
        assert not early, "shutdown(drain=False) returned while a coroutine that was cancelled before still cleans up"
        for name in names:
            on.guests[name].tell("go on")
        for ending in endings:
            on.outcome(ending, "shutdown(drain=False) should have returned when the coroutines had cleaned up")


def _cleaning_up(on: Stage) -> list[str]:
    """Have coroutines stopped that then clean up until they are told; names those that had started before."""
    timeouts = {"io-cancelled": None, "nested-cancelled": None, "io-late": LATE_SEC, "nested-late": LATE_SEC}
    for name, timeout_sec in timeouts.items():
        on.submit("e", name.partition("-")[0], name, timeout_sec=timeout_sec)
    tickets = {name: on.start("result", name) for name in timeouts}
    names = [name for name, ticket in tickets.items() if on.began(name, ticket, "a job should have started")]
    for name in names:
        on.guests[name].tell("linger")
    for name in names:
        guest = on.guests[name]
        on.until(lambda guest=guest: bool(guest.said) or not guest.here, "a job should have gone on")
        if timeouts[name] is None:
            on.call("cancel", name)
        on.told_off(name, "a coroutine should have been cancelled")
    return names


def demand_deadline(subject: Subject) -> None:
    """Have a function that does not return, and a coroutine that does not give in; draining and not."""
    for drain in (True, False):
        _demand_in_time(subject, _stuck, drain, "")
        _demand_in_time(subject, _stuck, drain, "", timeout_sec=0)
    _demand_in_time(subject, _stuck, True, "", timeout_sec=LONGER_SEC)


def demand_later_patience(subject: Subject) -> None:
    """Shut down with a deadline, and again without one: the second waits for what the first did not."""
    with stage(subject) as on:
        on.call("open_", "e", SMALL)
        on.submit("e", "blocking", "blocking-1")
        on.arrival("blocking-1", "a blocking job should have started")
        on.call("shutdown", "e", True, DEADLINE_SEC / 2, what="a shutdown whose time was over should have returned")
        ending = on.start("shutdown", "e", True, None)
        on.settle(LONGER_SEC)  # some give what is stopped a grace of their own
        early = on.has_landed(ending)
        assert not early, "shutdown() after one whose time was over returned while the function of a job still ran"
        on.finish("blocking-1")
        on.outcome(ending, "shutdown() after one whose time was over should have returned when the last function had")


def demand_later_deadline(subject: Subject) -> None:
    """Shut down with a deadline while a shutdown without one is under way: the deadline holds."""
    for drain in (True, False):
        _demand_in_time(subject, _joined, drain, ", called while a shutdown() was under way,")


Attempt = Callable[[Stage, str, bool, float], float]
"""Shuts an executor of a name down, draining or not, within so many seconds; gives how many it took."""


def _demand_in_time(
    subject: Subject, attempt: Attempt, drain: bool, when: str, timeout_sec: float = DEADLINE_SEC
) -> None:
    limit = timeout_sec + GRACE_SEC
    took: list[float] = []
    while len(took) < ATTEMPTS and min(took, default=inf) > limit:
        with stage(subject) as on:
            took.append(attempt(on, f"{attempt.__name__}-{drain}-{timeout_sec}-{len(took)}", drain, timeout_sec))
    assert min(took) <= limit, (
        f"shutdown(drain={drain}, timeout_sec={timeout_sec:g}){when} took {min(took):.2f} s in the best of {ATTEMPTS} "
        f"attempts, with a blocking function that does not return; at most {limit:g} s are allowed"
    )


def _joined(on: Stage, ex: str, drain: bool, timeout_sec: float) -> float:
    on.call("open_", ex, SMALL)
    for kind in ("blocking", "io"):
        on.submit(ex, kind, f"{kind}-1")
        on.arrival(f"{kind}-1", f"a {kind} job should have started")
    first = on.start("shutdown", ex, True, None)
    on.settle(SETTLE_SEC / 5)
    began = perf_counter()
    second = on.start("shutdown", ex, drain, timeout_sec)
    called = f"shutdown(drain={drain}, timeout_sec={timeout_sec:g}), called while a shutdown() was under way,"
    on.outcome(second, f"{called} should have returned, whatever its jobs do")
    on.departure("io-1", f"{called} should have stopped a running io job")
    on.finish("blocking-1")
    on.outcome(first, "a shutdown() should have returned when another had cancelled its jobs and the last had ended")
    return on.landed_at(second) - began


def _stuck(on: Stage, ex: str, drain: bool, timeout_sec: float) -> float:
    on.call("open_", ex, SMALL)
    for name in ("blocking-1", "blocking-idle", "io-1", "cpu-1", "nested-1"):
        kind = name.partition("-")[0]
        on.submit(ex, kind, name)
        on.arrival(name, f"a {kind} job should have started")
    on.obey("blocking-1", "keep")
    on.obey("blocking-idle", "keep")
    on.finish("blocking-idle")
    on.result("blocking-idle", "a blocking job should have ended")
    on.obey("io-1", "linger")
    began = perf_counter()
    what = f"shutdown(drain={drain}, timeout_sec={timeout_sec:g}) should have returned, whatever its jobs do"
    ending = on.start("shutdown", ex, drain, timeout_sec)
    on.outcome(ending, what)
    for kind in ("cpu", "nested"):
        on.departure(f"{kind}-1", f"a shutdown whose time was over should have stopped a running {kind} job")
    idle = on.guests["blocking-idle"]
    late = "an idle thread should have ended with shutdown, though the function of another does not return"
    on.until(lambda: idle.closed_at is not None, late)
    assert "blocking-1" in on.here(), "a blocking function ended before it was told to"
    assert not on.guests["io-1"].heard("again"), "a shutdown whose time was over cancelled a coroutine twice"
    on.guests["io-1"].tell("go on")
    on.finish("blocking-1")
    thread = on.guests["blocking-1"]
    on.until(lambda: thread.closed_at is not None, "a thread should have ended when its function had, after shutdown")
    for kind in ("blocking", "io"):
        on.departure(f"{kind}-1", "a job should have ended")
    return on.landed_at(ending) - began


def demand_scope(subject: Subject) -> None:
    """Leave `async with` by its end and by an exception."""
    with stage(subject) as on:
        inside = on.start("within", "good", SMALL, None)
        on.ping("the event loop should have answered")
        on.submit("good", "io", "io-1")
        on.arrival("io-1", "an io job should have started")
        on.call("leave", "good")
        on.settle(SETTLE_SEC)
        assert not on.has_landed(inside), "the end of `async with` did not wait for a running job"
        on.finish("io-1", 1)
        assert on.outcome(inside, "`async with` should have ended") == ["left"], "`async with` ended wrongly"
        assert on.result("io-1", "a job should have ended") == ["value", 1], "the end of `async with` lost a result"
    with stage(subject) as on:
        _demand_waited_for(on, "a shutdown in an `async with` was given up, and at the end of the block")
    for fault in ("KeyError", "CancelledError", "SystemExit", "KeyboardInterrupt"):
        with stage(subject) as on:
            _demand_left_by(on, fault, f"`async with` was left by a {fault}")
    with stage(subject) as on:
        what = "an executor was being shut down, draining, when its `async with` was left by a KeyError"
        _demand_left_by(on, "KeyError", what, draining=True)


def _demand_waited_for(on: Stage, what: str) -> None:
    """Leave by the end of the block, when a shutdown was given up before: what runs is waited for all the same."""
    inside = on.start("within", "e", SMALL, None)
    on.ping("the event loop should have answered")
    on.submit("e", "io", "io-1")
    on.arrival("io-1", "an io job should have started")
    on.call("shutdown_cancelled", "e")
    on.call("leave", "e")
    on.settle()
    assert not on.has_landed(inside), f"{what} a running job was not waited for"
    on.finish("io-1", 1)
    assert on.outcome(inside, f"{what} the last job has ended: it should have been left") == ["left"], (
        f"{what} it raised"
    )


def _demand_left_by(on: Stage, fault: str, left: str, *, draining: bool = False) -> None:
    """Leave by any exception, also by what is no `Exception`: nothing is waited for that can be stopped."""
    inside = on.start("within", fault, SMALL, fault)
    on.ping("the event loop should have answered")
    on.submit(fault, "io", "io-1")
    on.arrival("io-1", "an io job should have started")
    if draining:
        on.start("shutdown", fault, True, None)
        on.settle(SETTLE_SEC / 5)
    on.call("leave", fault)
    answer = on.outcome(inside, f"{left}, and should have cancelled its jobs and ended")
    assert answer == ["raised", fault], f"{left}, and that exception was lost"
    on.departure("io-1", f"{left}, and should have stopped a running job")
    answer = on.result("io-1", "a job should have ended")
    assert answer == ["cancelled"], f"{left}, and its job was not cancelled"
