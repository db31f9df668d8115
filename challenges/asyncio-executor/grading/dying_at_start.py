"""Processes that die while they start: nobody has begun on their job, and it must run in another."""

from enum import Enum
from time import perf_counter

from accounts import processes
from stage import SETTLE_SEC, Stage

START_ATTEMPTS = 4
"""How often a process may have begun on its job before it was stopped."""

LEAD_SEC = 0.01
"""Whoever starts processes so fast that they run a job sooner can't be caught at it, and nothing is said of him."""

HELD_SEC = 0.05
"""A process that is stopped for so long, and whose job has not run, had not begun on it."""


class Fate(Enum):
    """What became of a job whose process was stopped while it started, and killed a little later."""

    IN_ANOTHER = "it ran in another process afterwards"
    LOST = "it never ran"
    BEGUN = "it had begun before the process was stopped, or did not care"


def demand_death_at_start(on: Stage, kind: str) -> None:
    """Kill a process while it starts: its job has not begun, and must run in another."""
    on.call("run", "e", kind, "echo", [0])  # what a program has once, such as a fork server, is there now
    fates: list[Fate] = []
    while Fate.IN_ANOTHER not in fates:
        if len(fates) == START_ATTEMPTS:
            _demand_too_fast(on, kind, fates)
            return
        fates.append(_fate(on, f"{kind}-start{len(fates)}", kind))


def _demand_too_fast(on: Stage, kind: str, fates: list[Fate]) -> None:
    """Of jobs none of which ran in another process: see that some had begun, and that this is no wonder."""
    lost = fates.count(Fate.LOST)
    assert lost < START_ATTEMPTS, (
        f"a process was killed while it started, {START_ATTEMPTS} times, and each time its job, on which it had not "
        "begun, did not run in another"
    )
    leads = [lead for attempt in range(START_ATTEMPTS) for lead in _lead(on, f"{kind}-lead{attempt}", kind)]
    shortest = min(leads, default=0.0)
    assert shortest < LEAD_SEC, (
        f"a process was to be killed while it started, which takes {shortest * 1000:.0f} ms at least; of "
        f"{START_ATTEMPTS} jobs {lost} never ran, and none ran in another process afterwards"
    )


def _lead(on: Stage, name: str, kind: str) -> list[float]:
    """Give the seconds from when the container has one process more until a job runs; none if there comes none."""
    on.settle(SETTLE_SEC / 5)  # what ends has ended
    usual = processes(on)
    on.submit("e", kind, name)
    more_at: float | None = None

    def is_there() -> bool:
        nonlocal more_at
        looked_at = perf_counter()  # the account comes from the host, which takes a moment
        if more_at is None and processes(on) > usual:
            more_at = looked_at
        return name in on.guests

    on.until(is_there, f"a {kind} job should have started, after processes had died")
    guest = on.guests[name]
    on.end(name)
    return [] if more_at is None else [guest.arrived_at - more_at]


def _fate(on: Stage, name: str, kind: str) -> Fate:
    """Have a job's process stopped while it starts, and killed when it has not begun; tells what came of the job."""
    stopped = on.call("submit_and_stop", "e", name, kind, on.invited(name))
    ticket = on.start("result", name)
    on.settle(HELD_SEC)
    had_begun = name in on.guests
    if stopped is not None:
        on.call("kill", stopped)
    if not on.began(name, ticket, "a process was killed while it started, and its job should have run in another"):
        return Fate.LOST
    if on.guests[name].pid == stopped:
        return Fate.BEGUN
    if kind == "crash":
        _demand_its_own(on, name)
    on.finish(name, name)
    answer = on.outcome(ticket, "a job should have ended")
    assert answer == ["value", name], "a job that ran in another process than the first lost its result"
    return Fate.BEGUN if had_begun else Fate.IN_ANOTHER


def _demand_its_own(on: Stage, name: str) -> None:
    """Hold a crash job's process against those of all other jobs so far; of cpu jobs' some are idle."""
    others = {guest.pid for guest in on.guests.values() if guest.name != name}
    assert on.guests[name].pid not in others, (
        "a crash job's process was killed while it started, and the job ran in a process that had run other jobs"
    )
