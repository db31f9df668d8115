"""Cancelling, timeouts and dying processes: what stops, what can't, and when the slot comes back."""

from time import perf_counter

from places import KINDS
from stage import SETTLE_SEC, Guest, Stage, Subject, shaped, stage

CANCEL_SEC = 0.1
ATTEMPTS = 5
"""The best of these counts: one stall of the machine fails nobody, and who is slow is slow every time."""

TIMEOUT_SEC = 1.0
"""Long enough for a process to have started before, which is part of the run."""


def demand_cancel(subject: Subject) -> None:
    """Cancel running and queued jobs of every kind."""
    with stage(subject) as on, on.executor("e", io=1, blocking=1, cpu=1, nested=1):
        for kind in ("io", "nested", "cpu", "crash"):
            seconds = [_cancelled(on, kind, attempt) for attempt in range(ATTEMPTS)]
            told, stopped, replaced = (min(column) for column in zip(*seconds, strict=True))
            for what, took in (("its caller was told", told), ("it was stopped", stopped)):
                _demand_quick(took, f"a running {kind} job was cancelled, and {what}")
            if kind in {"io", "nested"}:
                _demand_quick(replaced, f"a running {kind} job was cancelled, and its slot was taken by the next one")
        _demand_blocking(on)
        _demand_cleaning_up(on)
        _demand_capacity(on)
    with stage(subject) as on, on.executor("e", cpu=2):
        for attempt in range(3):
            _demand_own_process(on, attempt)


def _demand_quick(took: float, what: str) -> None:
    assert took <= CANCEL_SEC, (
        f"{what} only after {took * 1000:.0f} ms in the best of {ATTEMPTS} attempts, not within 100 ms"
    )


def _cancelled(on: Stage, kind: str, attempt: int) -> tuple[float, float, float]:
    """Cancel the running one of three jobs and the queued one after it."""
    names = [f"{kind}-{attempt}{letter}" for letter in "abc"]
    for name in names:
        on.submit("e", kind, name)
    running = on.arrival(names[0], f"a {kind} job should have started, after others had been cancelled")
    assert on.call("cancel", names[1]) is True, f"a queued {kind} job could not be cancelled"
    answer = on.result(names[1], f"the caller of a queued {kind} job that was cancelled should have been told")
    assert answer == ["cancelled"], f"awaiting a cancelled {kind} job did not raise CancelledError"
    waiting = on.start("result", names[0])
    began = perf_counter()
    on.start("cancel", names[0])
    answer = on.outcome(waiting, f"the caller of a running {kind} job that was cancelled should have been told")
    assert answer == ["cancelled"], f"awaiting a cancelled {kind} job did not raise CancelledError"
    on.departure(names[0], f"a running {kind} job should have been stopped by cancelling it")
    next_ = on.arrival(names[2], f"a cancelled {kind} job's slot should have been given to the next")
    assert names[1] not in on.guests, f"a {kind} job ran that was cancelled while queued"
    _end(on, names[2])
    return on.landed_at(waiting) - began, (running.left_at or 0.0) - began, next_.arrived_at - began


def _end(on: Stage, name: str) -> None:
    on.finish(name, name)
    assert on.result(name, "a job should have ended") == ["value", name], "a job's result was lost"


def _demand_blocking(on: Stage) -> None:
    """Cancel what can't be stopped: its caller is told at once, its slot comes back when its function returns."""
    told = []
    for attempt in range(3):
        first, second = f"blocking-{attempt}a", f"blocking-{attempt}b"
        on.submit("e", "blocking", first)
        on.submit("e", "blocking", second)
        on.arrival(first, "a blocking job should have started, after others had been cancelled")
        waiting = on.start("result", first)
        began = perf_counter()
        on.start("cancel", first)
        answer = on.outcome(waiting, "the caller of a running blocking job that was cancelled should have been told")
        assert answer == ["cancelled"], "awaiting a cancelled blocking job did not raise CancelledError"
        told.append(on.landed_at(waiting) - began)
        on.settle(SETTLE_SEC / 2)
        assert second not in on.guests, (
            "a cancelled blocking job's function still runs, and another was started in its place: 2 run, and 1 may"
        )
        on.finish(first)
        on.arrival(second, "a cancelled blocking job's function has returned, and its slot should have come back")
        _end(on, second)
    _demand_quick(min(told), "a running blocking job was cancelled, and its caller was told")


def _demand_cleaning_up(on: Stage) -> None:
    """Let a coroutine clean up: it keeps its slot, and is cancelled once."""
    for kind in ("io", "nested"):
        first, second = f"{kind}-cleaning", f"{kind}-waiting"
        on.submit("e", kind, first)
        on.submit("e", kind, second)
        guest = on.arrival(first, f"a {kind} job should have started")
        on.obey(first, "linger")
        on.call("cancel", first)
        on.until(lambda guest=guest: bool(guest.heard("lingering")), f"a {kind} job should have been cancelled")
        on.call("cancel", first)  # once more, which changes nothing
        on.settle(SETTLE_SEC / 2)
        assert second not in on.guests, f"a cancelled {kind} job still cleans up, and its slot was given to the next"
        assert not guest.heard("again"), f"a {kind} job was cancelled, and saw it twice"
        guest.tell("go on")
        on.arrival(second, f"a cancelled {kind} job has cleaned up, and its slot should have come back")
        _end(on, second)


def _demand_own_process(on: Stage, attempt: int) -> None:
    """Cancel a job whose result is being rebuilt, while its process may be at work on the next already."""
    first, second = f"cpu-slow{attempt}", f"cpu-next{attempt}"
    on.submit("e", "cpu", first)
    on.arrival(first, "a cpu job should have started").tell("result", "slow")
    on.departure(first, "a cpu job should have ended")
    on.submit("e", "cpu", second)
    on.arrival(second, "the next cpu job should have started")
    on.call("cancel", first, what="the loop should have answered")
    on.settle(SETTLE_SEC / 2)
    assert second in on.here(), "a cpu job was cancelled when its function had returned, and the next job died with it"
    _end(on, second)


def _demand_capacity(on: Stage) -> None:
    """After all that, each lane has the one slot it had."""
    for kind in ("io", "blocking", "cpu", "nested"):
        names = [f"{kind}-last{number}" for number in range(2)]
        for name in names:
            on.submit("e", kind, name)
        on.arrival(names[0], f"{kind} jobs should have a slot left after so many were cancelled")
        on.settle(SETTLE_SEC / 2)
        assert names[1] not in on.guests, f"after cancelling, more {kind} jobs run at once than their limit"
        for name in names:
            on.arrival(name, f"the next {kind} job should have started")
            _end(on, name)


def demand_timeouts(subject: Subject) -> None:
    """Let jobs of every kind run out of time."""
    with stage(subject) as on, on.executor("e", io=1, blocking=1, cpu=2, nested=1):
        starts = {kind: perf_counter() for kind in KINDS}
        for kind in KINDS:
            starts[kind] = perf_counter()
            on.submit("e", kind, f"{kind}-late", timeout_sec=TIMEOUT_SEC)
        waiting = {kind: on.start("result", f"{kind}-late") for kind in KINDS}
        on.submit("e", "blocking", "blocking-next")
        for kind in KINDS:
            _demand_timed_out(on, kind, waiting[kind], starts[kind])
        _demand_thread_kept(on)
        _demand_queue_free(on)
        _demand_no_afterlife(on)


def _demand_timed_out(on: Stage, kind: str, waiting: int, started_at: float) -> None:
    answer = shaped(on.outcome(waiting, f"a {kind} job with timeout_sec={TIMEOUT_SEC:g} should have ended by itself"))
    seen = answer[0] == "raised" and answer[1] == "TimeoutError"
    assert seen, f"a {kind} job ran out of time, and its caller did not see TimeoutError"
    early = on.landed_at(waiting) - started_at < TIMEOUT_SEC * 0.95
    assert not early, f"a {kind} job was ended before its timeout"
    if kind != "blocking" and f"{kind}-late" in on.guests:
        on.departure(f"{kind}-late", f"a {kind} job should have been stopped when its time was over")


def _demand_thread_kept(on: Stage) -> None:
    if "blocking-late" in on.here():
        on.settle(SETTLE_SEC / 2)
        over = "a blocking job ran out of time, its function still runs, and another was started in its place"
        assert "blocking-next" not in on.guests, over
        on.finish("blocking-late")
    on.arrival("blocking-next", "a blocking job that ran out of time has returned, and its slot should have come back")
    _end(on, "blocking-next")


def _demand_queue_free(on: Stage) -> None:
    """Have jobs wait longer than they may run; one of three may be hit by a stall of the machine, all of them not."""
    for kind in ("io", "blocking"):
        ran = any(_ran_after_waiting(on, kind, attempt) for attempt in range(3))
        assert ran, f"a {kind} job's time ran out while it was queued: the time counts from its start"


def _ran_after_waiting(on: Stage, kind: str, attempt: int) -> bool:
    before, queued = f"{kind}-before{attempt}", f"{kind}-queued{attempt}"
    on.submit("e", kind, before)
    on.submit("e", kind, queued, timeout_sec=TIMEOUT_SEC / 4)
    waiting = on.start("result", queued)
    on.arrival(before, f"a {kind} job should have started")
    on.settle(TIMEOUT_SEC / 2.5)
    on.finish(before)
    on.until(lambda: queued in on.guests or on.has_landed(waiting), f"the next {kind} job should have started")
    if queued in on.guests:
        on.finish(queued)
    on.outcome(waiting, f"a {kind} job should have ended")
    return queued in on.guests


FOLLOWERS = {"io": 1, "cpu": 2}
"""How many jobs come after one that ended before its timeout: as many as its lane has slots."""


def _demand_no_afterlife(on: Stage) -> None:
    """Have jobs end before their timeouts, which then must end nothing; who ended too late is tried again."""
    left = list(FOLLOWERS)
    for attempt in range(3):
        in_time = [kind for kind in left if _ended_in_time(on, kind, attempt)]
        on.settle(TIMEOUT_SEC * 1.2)
        for kind in left:
            for follower in _followers(kind, attempt):
                gone = follower not in on.here()
                assert not gone, f"a {kind} job was ended by the timeout of another, which had long ended"
                _end(on, follower)
        left = [kind for kind in left if kind not in in_time]
        if not left:
            break


def _followers(kind: str, attempt: int) -> list[str]:
    return [f"{kind}-after{attempt}-{number}" for number in range(FOLLOWERS[kind])]


def _ended_in_time(on: Stage, kind: str, attempt: int) -> bool:
    """Have one job end, and others take its slot."""
    name = f"{kind}-quick{attempt}"
    on.call("run", "e", kind, "echo-io" if kind == "io" else "echo", [1])
    on.submit("e", kind, name, timeout_sec=TIMEOUT_SEC)
    on.arrival(name, f"a {kind} job should have started")
    on.finish(name)
    in_time = on.result(name, f"a {kind} job should have ended")[0] == "value"
    for follower in _followers(kind, attempt):
        on.submit("e", kind, follower)
        on.arrival(follower, f"a {kind} job should have started")
    return in_time


def demand_survival(subject: Subject) -> None:
    """Kill processes from outside and from within; only the job inside may notice."""
    with stage(subject) as on, on.executor("e"):
        for number, how in enumerate(("outside", "kill", "exit", "outside")):
            _demand_survived(on, number, how)
        _demand_both(on)
        _demand_idle_death(on)
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
        _end(on, name)


def _end_process(on: Stage, guest: Guest, how: str) -> None:
    if how == "outside":
        known = type(guest.pid) is int and guest.pid > 1
        assert known, "a job has no process"
        on.call("kill", guest.pid)
    else:
        guest.tell(*(["kill"] if how == "kill" else ["exit", 0]))


def _demand_reported(on: Stage, name: str) -> None:
    answer = on.result(name, "a job's process died, and its caller should have been told")
    seen = answer[0] == "raised" and answer[5] == ["WorkerCrashed"]
    assert seen, "a job's process died, and its caller did not see WorkerCrashed"


def _demand_both(on: Stage) -> None:
    names = ["cpu-both1", "cpu-both2"]
    for name in names:
        on.submit("e", "cpu", name)
    for name in names:
        on.arrival(name, "two cpu jobs should have run at once, after processes had died")
    for name in names:
        on.call("kill", on.guests[name].pid)
    for name in names:
        _demand_reported(on, name)


def _demand_idle_death(on: Stage) -> None:
    """Kill a process between two jobs, which is nobody's failure."""
    on.submit("e", "cpu", "cpu-before")
    guest = on.arrival("cpu-before", "a cpu job should have started, after processes had died")
    on.obey("cpu-before", "keep")
    _end(on, "cpu-before")
    if guest.closed_at is None:
        on.call("kill", guest.pid)
        on.until(lambda: guest.closed_at is not None, "a process should have ended")
        on.settle(2 * SETTLE_SEC)
    answers = [on.call("run", "e", "cpu", "echo", [number]) for number in range(3)]
    assert answers == [["value", number] for number in range(3)], "an idle process died, and a later job failed for it"
