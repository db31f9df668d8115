"""Processes that die, by a signal or of themselves: only the job inside may notice."""

from dying_at_start import demand_death_at_start
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
            demand_death_at_start(on, kind)
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
        assert on.began(name, told, f"{what}: the jobs should run"), (
            f"{what}: the jobs must run in others, and one came to {str(on.outcome(told, what))[:TOLD_CHARS]}"
        )
        on.finish(name, name)
        assert on.outcome(told, "a job should have ended") == ["value", name], f"{what}: a job lost its result"
    return bool(idle)


HANDED_SEC = 0.05
"""Time to hand a job to a process that is there."""

TOLD_CHARS = 200


def _demand_orphaned(on: Stage) -> None:
    """End a process whose own child lives on and holds every file that it had open."""
    for kind in ("cpu", "crash"):
        name = f"{kind}-orphan"
        on.submit("e", kind, name)
        on.arrival(name, f"a {kind} job should have started")
        on.guests[name].tell("orphan")
        _demand_reported(on, name, f"a {kind} job started a process and ended its own")
        assert on.call("run", "e", kind, "echo", [1]) == ["value", 1], f"after that a {kind} job failed"
