"""Processes that die, by a signal or of themselves: only the job inside may notice."""

from time import perf_counter

from accounts import processes
from guest import Guest
from stage import SETTLE_SEC, Stage, Subject, stage


def demand_survival(subject: Subject) -> None:
    """Kill processes from outside and from within; only the job inside may notice."""
    with stage(subject) as on, on.executor("e"):
        for number, how in enumerate(("outside", "kill", "exit", "outside")):
            _demand_survived(on, number, how)
        _demand_both(on)
        _demand_idle_death(on)
        kept = _demand_death_before_begin(on)
        for kind in ("crash",) if kept else ("crash", "cpu"):  # where no process is kept, each cpu job starts one
            _demand_death_at_start(on, kind)
        _demand_orphaned(on)
        for command in (["exit", 0], ["kill"]):
            name = f"crash-{command[0]}"
            on.submit("e", "crash", name)
            on.arrival(name, "a crash job should have started")
            on.guests[name].tell(*command)
            _demand_reported(on, name)


def _demand_survived(on: Stage, number: int, how: str) -> None:
    victim, bystander, queued = (f"cpu-{number}{role}" for role in ("victim", "bystander", "queued"))
    on.submit("e", "cpu", victim)
    on.submit("e", "cpu", bystander)
    on.submit("e", "cpu", queued)
    guest = on.arrival(victim, "a cpu job should have started, after processes had died")
    on.arrival(bystander, "two cpu jobs should have run at once, after processes had died")
    _end_process(on, guest, how)
    _demand_reported(on, victim)
    on.arrival(queued, "a cpu job's process died, and its slot should have come back")
    assert bystander in on.here(), "a cpu job's process died, and a job in another process died with it"
    for name in (bystander, queued):
        on.end(name)


def _end_process(on: Stage, guest: Guest, how: str) -> None:
    if how == "outside":
        known = type(guest.pid) is int and guest.pid > 1
        assert known, "a job has no process"
        on.call("kill", guest.pid)
    else:
        guest.tell(*(["kill"] if how == "kill" else ["exit", 0]))
    on.until(lambda: guest.closed_at is not None, "a process should have ended when it was killed, or by its job")


def _demand_reported(on: Stage, name: str, died: str = "a job's process died") -> None:
    answer = on.result(name, f"{died}, and its caller should have been told")
    seen = answer[0] == "raised" and answer[5] == ["WorkerCrashed"]
    assert seen, f"{died}, and its caller did not see WorkerCrashed"


def _demand_both(on: Stage) -> None:
    guests = _two_at_once(on, "cpu-both1", "cpu-both2")
    for guest in guests:
        on.call("kill", guest.pid)
    for guest in guests:
        _demand_reported(on, guest.name)


def _two_at_once(on: Stage, *names: str) -> list[Guest]:
    for name in names:
        on.submit("e", "cpu", name)
    return [on.arrival(name, "two cpu jobs should have run at once, after processes had died") for name in names]


def _demand_idle_death(on: Stage) -> None:
    """Kill a process between two jobs, which is nobody's failure."""
    on.submit("e", "cpu", "cpu-before")
    guest = on.arrival("cpu-before", "a cpu job should have started, after processes had died")
    on.obey("cpu-before", "keep")
    on.end("cpu-before")
    if guest.closed_at is None:
        on.call("kill", guest.pid)
        on.until(lambda: guest.closed_at is not None, "a process should have ended")
        on.settle(2 * SETTLE_SEC)
    answers = [on.call("run", "e", "cpu", "echo", [number]) for number in range(3)]
    assert answers == [["value", number] for number in range(3)], "an idle process died, and a later job failed for it"


def _demand_death_before_begin(on: Stage) -> bool:
    """Kill processes that have run jobs when they were handed the next ones, and before they can begin on them.

    Tells whether there are such processes; else there is none to be killed.
    """
    guests = _two_at_once(on, "cpu-used1", "cpu-used2")
    for guest in guests:
        on.obey(guest.name, "keep")
        on.end(guest.name)
    idle = [guest for guest in guests if guest.closed_at is None]
    for guest in idle:
        on.call("stop", guest.pid)
    names = [f"cpu-handed{number}" for number in range(len(idle))]
    for name in names:
        on.submit("e", "cpu", name)
    on.settle(HANDED_SEC)
    for guest in idle:
        on.call("kill", guest.pid)
    for guest in idle:
        on.until(lambda guest=guest: guest.closed_at is not None, "a process should have ended")
    what = "idle processes were stopped, jobs submitted, and the processes killed before they could begin on them"
    for name in names:
        told = on.start("result", name)
        on.until(lambda name=name, told=told: name in on.guests or on.has_landed(told), f"{what}: the jobs should run")
        assert name in on.guests, (
            f"{what}: the jobs must run in others, and one came to {str(on.outcome(told, what))[:TOLD_CHARS]}"
        )
        on.finish(name, name)
        assert on.outcome(told, "a job should have ended") == ["value", name], f"{what}: a job lost its result"
    return bool(idle)


HANDED_SEC = 0.05
"""Time to hand a job to a process that is there."""

TOLD_CHARS = 200

START_ATTEMPTS = 4
"""How often a process may have begun on its job before it was stopped."""

LEAD_SEC = 0.01
"""Whoever starts processes so fast that they run a job sooner can't be caught at it, and nothing is said of him."""

HELD_SEC = 0.05
"""A process that is stopped for so long, and whose job has not run, had not begun on it."""


def _demand_death_at_start(on: Stage, kind: str) -> None:
    """Kill a process while it starts: its job has not begun, and must run in another."""
    on.call("run", "e", kind, "echo", [0])  # what a program has once, such as a fork server, is there now
    leads = [lead for attempt in range(START_ATTEMPTS) for lead in _lead(on, f"{kind}-lead{attempt}", kind)]
    if min(leads, default=0.0) < LEAD_SEC:
        return
    if not any(_ran_in_another(on, f"{kind}-start{attempt}", kind) for attempt in range(START_ATTEMPTS)):
        raise AssertionError(
            f"a process was killed while it started, {START_ATTEMPTS} times, and each time its job, on which it had "
            "not begun, did not run in another"
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


def _ran_in_another(on: Stage, name: str, kind: str) -> bool:
    """Have a job's process stopped while it starts, and killed when it has not begun; tells whether that was so.

    The job must run all the same.
    """
    stopped = on.call("submit_and_stop", "e", name, kind, on.invited(name))
    ticket = on.start("result", name)
    on.settle(HELD_SEC)
    had_begun = name in on.guests
    if stopped is not None:
        on.call("kill", stopped)
    told = lambda: name in on.guests or on.has_landed(ticket)  # noqa: E731
    on.until(told, "a process was killed while it started, and its job should have run in another")
    if name in on.guests and on.guests[name].pid != stopped:
        on.finish(name, name)
        answer = on.outcome(ticket, "a job should have ended")
        assert answer == ["value", name], "a job that ran in another process than the first lost its result"
        return not had_begun
    return False


def _demand_orphaned(on: Stage) -> None:
    """End a process whose own child lives on and holds every file that it had open."""
    for kind in ("cpu", "crash"):
        name = f"{kind}-orphan"
        on.submit("e", kind, name)
        on.arrival(name, f"a {kind} job should have started")
        on.guests[name].tell("orphan")
        _demand_reported(on, name, f"a {kind} job started a process and ended its own")
        assert on.call("run", "e", kind, "echo", [1]) == ["value", 1], f"after that a {kind} job failed"
