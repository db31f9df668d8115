"""What stays behind: nothing over fifty executors, and no job is lost while it runs."""

from typing import Any

from accounts import processes
from guest import Guest
from stage import PATIENCE_SEC, Stage, Subject, stage

CYCLES = 50
WITH_PROCESSES = 5
"""Every so many-th cycle uses processes, which cost more to start than all the rest."""

WARM_UP = 2
DEATHS = 12

PRESENT = 30
"""io jobs that run while the census is taken once more: who counts sees a task and a file of each."""

SLACK = {"threads": 8, "processes": 1, "tasks": 5, "files": 8}
"""Far less than one each cycle."""


def demand_no_leaks(subject: Subject) -> None:
    """Use executors and shut them down, and look at what is still there, from within and from outside."""
    with stage(subject) as on:
        for cycle in range(WARM_UP):
            _cycle(on, f"warm{cycle}", with_processes=True, drain=cycle == 0)
        before, usual = _census(on), processes(on)
        for cycle in range(CYCLES):
            _cycle(on, str(cycle), with_processes=cycle % WITH_PROCESSES == 0, drain=cycle % 2 == 0)
        _idle_deaths(on)
        after = _census(on)
        for count in usual:
            more = f"after {CYCLES} executors were used and shut down, the container should not have had more processes"
            on.until(lambda count=count: min(processes(on)) <= count + SLACK["processes"], more, PATIENCE_SEC)
        _demand_counted(on, after)
        for what, slack in SLACK.items():
            grown = after[what] - before[what]
            assert grown <= slack, (
                f"after {CYCLES} executors were used and shut down, and {DEATHS} idle processes had died, "
                f"there are {grown} more {what}"
            )


def _cycle(on: Stage, ex: str, with_processes: bool, drain: bool) -> None:
    """Use every kind, leave traces in its threads and processes, and see them close with the executor."""
    on.call("open_", ex, {"io": 2, "blocking": 2, "cpu": 2, "nested": 2, "queue": 4})
    kinds = ["io", "blocking", "nested"] + (["cpu"] if with_processes else [])
    traces: list[Guest] = []
    for kind in kinds:
        kept, cancelled = f"{kind}-{ex}a", f"{kind}-{ex}b"
        on.submit(ex, kind, kept)
        on.submit(ex, kind, cancelled)
        for name in (kept, cancelled):
            on.arrival(name, f"a {kind} job should have started, in executor after executor")
            if kind in {"blocking", "cpu"}:
                on.obey(name, "keep")
                traces.append(on.guests[name])
        on.call("cancel", cancelled)
    for kind in kinds:
        on.finish(f"{kind}-{ex}b")
        if drain or kind == "blocking":
            on.finish(f"{kind}-{ex}a")
    on.call("shutdown", ex, drain, None, what="shutdown should have returned")
    for trace in traces:
        what = "a thread" if trace.name.startswith("blocking") else "a process"
        on.until(
            lambda trace=trace: trace.closed_at is not None,
            f"{what} of an executor should have ended with its shutdown",
        )


def _idle_deaths(on: Stage) -> None:
    """Kill processes between two jobs, again and again."""
    on.call("open_", "deaths", {"io": 1, "blocking": 1, "cpu": 1, "nested": 1, "queue": 4})
    for number in range(DEATHS):
        name = f"cpu-idle{number}"
        on.submit("deaths", "cpu", name)
        guest = on.arrival(name, "a cpu job should have started, after an idle process had died")
        on.obey(name, "keep")
        on.finish(name)
        on.result(name, "a cpu job should have ended")
        if guest.closed_at is None:
            on.call("kill", guest.pid)
            on.until(lambda guest=guest: guest.closed_at is not None, "a process should have ended")
            on.settle()
    on.call("shutdown", "deaths", True, None, what="shutdown should have returned")


def _demand_counted(on: Stage, before: dict[str, int]) -> None:
    """Take the census with jobs there, which it must show: what it says is counted, and no number known beforehand."""
    with on.executor("counted", io=PRESENT):
        for number in range(PRESENT):
            on.submit("counted", "io", f"io-present{number}")
        for number in range(PRESENT):
            on.arrival(f"io-present{number}", "an io job should have started")
        found = _census(on, "counted")
    for what in ("tasks", "files"):
        assert found[what] >= before[what] + PRESENT, (
            f"with {PRESENT} more io jobs running, of which each is a task and has a file open, there are "
            f"{found[what] - before[what]} more {what}"
        )


def _census(on: Stage, beside: str | None = None) -> dict[str, int]:
    found: Any = on.call("census", beside, what="the census should have ended")
    good = isinstance(found, dict) and all(type(found.get(what)) is int for what in SLACK)
    assert good, "the census has the wrong shape"
    return found


def demand_kept_alive(subject: Subject) -> None:
    """Submit jobs of which nobody holds anything, and collect garbage."""
    with stage(subject) as on, on.executor("e", io=8):
        names = [f"io-{number}" for number in range(5)]
        for name in names:
            on.call("submit_and_forget", "e", "io", "meet-unheld", [on.place, name])
        for name in names:
            _until_waiting(on, name)
        for _ in range(3):
            on.call("forget")
        for name in names:
            there = on.call("open_unheld", name)
            assert there is True, (
                "a job was garbage-collected while it ran: nothing but the loop's weak set held its task"
            )
            on.arrival(name, "a job of which its submitter holds nothing should have gone on")


def _until_waiting(on: Stage, name: str) -> None:
    for _ in range(1000):
        if on.call("unheld_waits", name) is True:
            return
        on.settle(0.01)
    raise AssertionError("an io job should have started")
