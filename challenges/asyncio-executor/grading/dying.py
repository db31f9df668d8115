"""Processes that die, by a signal or of themselves: only the job inside may notice."""

from stage import SETTLE_SEC, Guest, Stage, Subject, stage


def demand_survival(subject: Subject) -> None:
    """Kill processes from outside and from within; only the job inside may notice."""
    with stage(subject) as on, on.executor("e"):
        for number, how in enumerate(("outside", "kill", "exit", "outside")):
            _demand_survived(on, number, how)
        _demand_both(on)
        _demand_idle_death(on)
        _demand_death_before_begin(on)
        _demand_death_at_start(on)
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


def _demand_death_before_begin(on: Stage) -> None:
    """Kill processes that have run jobs when they were handed the next ones, and before they can begin on them."""
    guests = _two_at_once(on, "cpu-used1", "cpu-used2")
    for guest in guests:
        on.obey(guest.name, "keep")
        on.end(guest.name)
    idle = [guest.pid for guest in guests if guest.closed_at is None]
    what = "idle processes were killed just after jobs had been submitted, and these should have run in others"
    answers = on.call("submit_to_stopped", "e", "cpu", idle, what=what)
    assert answers == [["value", number] for number in range(len(idle))], (
        "idle processes were stopped, jobs submitted, and the processes killed before they could begin on them: the "
        f"jobs must run in others, and came to {str(answers)[:TOLD_CHARS]}"
    )


TOLD_CHARS = 200

START_ATTEMPTS = 4
"""How often a process may have begun on its job before it was killed, or nothing started that could be killed."""

LEAD_SEC = 0.01
"""Whoever starts processes so fast that they run a job sooner can't be caught at it, and nothing is said of him."""


def _demand_death_at_start(on: Stage) -> None:
    """Kill a process while it starts: its job has not begun, and must run in another."""
    on.call("run", "e", "crash", "echo", [0])  # what a program has once, such as a fork server, is there now
    if min(on.call("start_lead", "e", "crash") for _ in range(START_ATTEMPTS)) < LEAD_SEC:
        return
    for attempt in range(START_ATTEMPTS):
        name = f"crash-start{attempt}"
        killed = on.call("submit_and_kill", "e", name, "crash", on.place)
        ticket = on.start("result", name)
        told = lambda name=name, ticket=ticket: name in on.guests or on.has_landed(ticket)  # noqa: E731
        on.until(told, "a process was killed while it started, and its job should have run in another")
        if name in on.guests and on.guests[name].pid != killed:
            on.finish(name, name)
            answer = on.outcome(ticket, "a job should have ended")
            assert answer == ["value", name], "a job that ran in another process than the first lost its result"
            return
    raise AssertionError(
        f"a process was killed while it started, {START_ATTEMPTS} times, and each time its job, on which it had not "
        "begun, did not run in another"
    )


def _demand_orphaned(on: Stage) -> None:
    """End a process whose own child lives on and holds every file that it had open."""
    for kind in ("cpu", "crash"):
        name = f"{kind}-orphan"
        on.submit("e", kind, name)
        on.arrival(name, f"a {kind} job should have started")
        on.guests[name].tell("orphan")
        _demand_reported(on, name, f"a {kind} job started a process and ended its own")
        assert on.call("run", "e", kind, "echo", [1]) == ["value", 1], f"after that a {kind} job failed"
