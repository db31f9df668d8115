"""Where jobs run: on the loop, in threads, in processes; and that the loop answers meanwhile."""

from secrets import token_hex

from accounts import demand_own_processes, processes
from stage import SETTLE_SEC, Stage, Subject, stage
from workload import ROOMY

KINDS = ("io", "blocking", "cpu", "nested", "crash")
EQUAL_JOBS = 8

MAPPED = 5
"""Items of a map that waits for room."""

PING_PATIENCE_SEC = 6.0
PINGS = 6
PING_EVERY_SEC = 0.02
"""Whoever blocks the loop need not begin at once: a poll, or a process that ends, comes first."""


def demand_answers(subject: Subject) -> None:
    """Hold a job of every kind, and ask the loop for a sign of life at every step."""
    with stage(subject) as on, on.executor("e", queue=1, blocking=1):
        for kind in KINDS:
            on.submitting("e", kind, f"{kind}-1")  # a loop that is blocked answers nothing, not even this
            on.arrival(f"{kind}-1", f"a {kind} job should have started")
            _demand_pings(on, f"while a {kind} job ran")
        on.submit("e", "blocking", "blocking-2")
        on.submitting("e", "blocking", "blocking-3")
        _demand_pings(on, "while a submitter waited for room")
        draining = on.start("shutdown", "e", True, None)
        _demand_pings(on, "while shutdown waited for running jobs")
        for name in on.here():
            on.finish(name)
        on.arrival("blocking-2", "a queued job should have run before a draining shutdown ended")
        _demand_pings(on, "while shutdown waited for a last blocking job")
        on.finish("blocking-2")
        on.outcome(draining, "shutdown should have returned when all jobs had ended")


def _demand_pings(on: Stage, when: str) -> None:
    for _ in range(PINGS):
        on.settle(PING_EVERY_SEC)
        on.ping(f"the event loop should have answered {when}: it was blocked", PING_PATIENCE_SEC)
        for name in on.here("io-") + on.here("nested-"):
            said, guest = on.start_saying(name), on.guests[name]
            on.until(
                lambda said=said, guest=guest: on.has_landed(said) or not guest.here,
                f"a job on the event loop should have answered {when}: it was blocked",
                PING_PATIENCE_SEC,
            )


def demand_places(subject: Subject) -> None:
    """Have each kind say where it runs, and look when crash jobs' processes end."""
    with stage(subject) as on:
        with on.executor("e"):
            pid, thread = on.ping("the event loop should have answered")
            _demand_here(on, pid, thread)
            for kind in ("blocking", "cpu"):
                answers = [on.call("run", "e", kind, "now", []) for _ in range(EQUAL_JOBS)]
                once = len({str(answer) for answer in answers}) == EQUAL_JOBS
                assert once, (
                    f"of {EQUAL_JOBS} equal {kind} jobs that give the time, two gave the same: each is to run, once"
                )
        _demand_processes_apart(on)


def demand_processes(subject: Subject) -> None:
    """Look at the processes of cpu and crash jobs, with the limits that bars have."""
    with stage(subject) as on:
        _demand_processes_apart(on, **ROOMY)


def _demand_processes_apart(on: Stage, **limits: int) -> None:
    with on.executor("e", **limits):
        pid, _ = on.ping("the event loop should have answered")
        counts = _demand_processes(on, pid)
    demand_own_processes(on, min(counts, default=None), PAIR, f"while {PAIR} cpu or crash jobs ran at once")


def _demand_here(on: Stage, pid: int, thread: int) -> None:
    for kind in ("io", "nested"):
        on.submit("e", kind, f"{kind}-1")
        guest = on.arrival(f"{kind}-1", f"a {kind} job should have started")
        assert (guest.pid, guest.thread) == (pid, thread), f"a {kind} job did not run on its submitter's event loop"
    on.submit("e", "blocking", "blocking-1")
    guest = on.arrival("blocking-1", "a blocking job should have started")
    assert guest.pid == pid, "a blocking job did not run in this process"
    assert guest.thread != thread, "a blocking job ran in the thread of the event loop"


PAIR = 2


def _demand_processes(on: Stage, pid: int) -> list[int]:
    """Have two jobs of each run at once, again and again; gives how many processes were there each time."""
    counts: list[int] = []
    pids: dict[str, set[int]] = {"cpu": set(), "crash": set()}
    for kind in ("cpu", "crash", "cpu", "crash"):
        names = [f"{kind}-{len(on.guests)}{letter}" for letter in "ab"]
        for name in names:
            on.submit("e", kind, name)
        here = [on.arrival(name, f"two {kind} jobs should have run at once") for name in names]
        counts += processes(on)
        assert all(guest.pid != pid for guest in here), f"a {kind} job did not run in a process of its own"
        assert here[0].pid != here[1].pid, f"two {kind} jobs ran in one process at once"
        fresh = {guest.pid for guest in here}
        other = pids["crash"] if kind == "cpu" else pids["cpu"] | pids["crash"]
        assert not fresh & other, "a process that ran a crash job ran another job too"
        pids[kind] |= fresh
        for name in names:
            on.obey(name, "keep")
            on.finish(name)
            assert on.result(name, f"a {kind} job should have ended") == ["value", None], "a job's result was lost"
        if kind == "crash":
            ended = lambda: all(guest.closed_at is not None for guest in here)  # noqa: B023, E731
            on.until(ended, "a crash job's process should have ended with the job")
    return counts


def demand_contexts(subject: Subject) -> None:
    """Give each submission a context of its own, and have jobs change theirs."""
    with stage(subject) as on, on.executor("e", io=1, blocking=1, nested=1, queue=1):
        for kind in ("io", "blocking", "nested"):
            on.submit("e", kind, f"{kind}-1", var="one")
            _demand_var(on, f"{kind}-1", kind, "one")
            on.submit("e", kind, f"{kind}-2", var="two")
            late = on.submitting("e", kind, f"{kind}-3", var="three")
            on.obey(f"{kind}-1", "set", "changed")
            on.finish(f"{kind}-1")
            _demand_var(on, f"{kind}-2", kind, "two")
            assert on.outcome(late, "a submitter that waited should have been let in") == ["accepted", "three"], (
                "a job changed the context of somebody who submitted"
            )
            on.obey(f"{kind}-2", "set", "changed")
            on.finish(f"{kind}-2")
            _demand_var(on, f"{kind}-3", kind, "three")
            if kind == "nested":
                on.obey("nested-3", "set", "inner")
                for child in ("io", "blocking", "nested"):
                    _demand_apart_from_child(on, "nested-3", child, f"{child}-child")
                on.obey("nested-3", "submit", "again", "nested", [on.place, "nested-again"], None)
                _demand_var(on, "nested-again", "nested job of a nested", "inner")
                on.obey("nested-again", "set", "inner")
                _demand_apart_from_child(on, "nested-again", "nested", "nested-grandchild")
                on.finish("nested-again")
            on.finish(f"{kind}-3")
            own = token_hex(4)
            seen = on.call("submit_and_look", "e", kind, own)
            assert seen == [own, own, own], (
                f"a caller whose context variable is {own!r} ran two {kind} jobs in turn that changed it; "
                f"the first saw {seen[0]!r}, the second {seen[1]!r}, and then the caller {seen[2]!r}"
            )
        on.settle(SETTLE_SEC / 5)
    with stage(subject) as on:
        for kind in ("io", "blocking"):
            own = token_hex(4)
            what = f"a map of {kind} jobs that waited for room should have ended"
            seen = on.call("map_at_the_door", kind, own, MAPPED, what=what)
            assert seen == [own] * MAPPED, (
                f"a map of {MAPPED} {kind} jobs was taken by a task whose context variable is {own!r}, and waited for "
                f"room; its jobs saw {seen}"
            )


def _demand_apart_from_child(on: Stage, parent: str, kind: str, child: str) -> None:
    """Have a nested job, whose variable is 'inner', submit a job that changes it, and look again."""
    on.obey(parent, "submit", kind, kind, [on.place, child], None)
    _demand_var(on, child, f"{kind} job of a nested", "inner")
    on.obey(child, "set", "changed")
    on.obey(parent, "look")
    seen = on.guests[parent].heard("var")[-1:]
    assert seen == ["inner"], (
        f"a {kind} job that a nested job submitted set a context variable to 'changed', and the nested job sees it: "
        f"it saw {seen} instead of 'inner'"
    )
    on.finish(child)
    on.departure(child, "a job should have ended")


def _demand_var(on: Stage, name: str, kind: str, var: str) -> None:
    guest = on.arrival(name, f"a {kind} job should have started")
    assert guest.var == var, (
        f"a {kind} job did not see the context variables of its submitter as they were at submit: "
        f"it saw {guest.var!r} instead of {var!r}"
    )
