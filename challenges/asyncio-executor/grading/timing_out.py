"""Jobs that run out of time: who is told, what stops, and that time in the queue does not count."""

from time import perf_counter

from accounts import demand_rest
from places import KINDS
from stage import SETTLE_SEC, SPIN, Stage, Subject, shaped, stage

TIMEOUT_SEC = 1.0
"""Long enough for a process to have started before, which is part of the run."""

ATTEMPTS = 3
"""Whose process has not started then is tried again."""


def demand_timeouts(subject: Subject) -> None:
    """Let jobs of every kind run out of time."""
    with stage(subject) as on, on.executor("e", io=1, blocking=1, cpu=2, nested=1):
        starts = {kind: perf_counter() for kind in KINDS}
        for kind in KINDS:
            starts[kind] = perf_counter()
            on.submit("e", kind, f"{kind}-late", timeout_sec=TIMEOUT_SEC)
        waiting = {kind: on.start("result", f"{kind}-late") for kind in KINDS}
        on.submit("e", "blocking", "blocking-next")
        begun = {kind: kind == "blocking" or _begun(on, kind, f"{kind}-late", waiting[kind]) for kind in KINDS}
        for kind in KINDS:
            _demand_timed_out(on, kind, waiting[kind], starts[kind])
        _demand_thread_kept(on)
        _demand_queue_free(on)
        _demand_no_afterlife(on)
        for kind in KINDS:
            if not begun[kind]:
                _demand_stopped(on, kind)
        _demand_none_late(on)
        _demand_no_time(on)


def _demand_no_time(on: Stage) -> None:
    """Give jobs no time at all, which is over at once: what is left of somebody's budget may be nothing."""
    for kind in KINDS:
        name = f"{kind}-no-time"
        if kind == "blocking":  # what can't be stopped ends by itself
            on.call("submit", "e", name, kind, "wait", [0, SETTLE_SEC], 0, "unset")
        else:
            on.submit("e", kind, name, timeout_sec=0)
        answer = on.result(name, f"a {kind} job with timeout_sec=0 should have run out of time at once")
        seen = answer[0] == "raised" and answer[1] == "TimeoutError"
        assert seen, f"a {kind} job with timeout_sec=0 ran out of time, and its caller did not see TimeoutError"


def _demand_timed_out(on: Stage, kind: str, waiting: int, started_at: float) -> None:
    answer = shaped(on.outcome(waiting, f"a {kind} job with timeout_sec={TIMEOUT_SEC:g} should have ended by itself"))
    seen = answer[0] == "raised" and answer[1] == "TimeoutError"
    assert seen, f"a {kind} job ran out of time, and its caller did not see TimeoutError"
    early = on.landed_at(waiting) - started_at < TIMEOUT_SEC * 0.95
    assert not early, f"a {kind} job was ended before its timeout"
    if kind != "blocking" and f"{kind}-late" in on.guests:
        on.departure(f"{kind}-late", f"a {kind} job should have been stopped when its time was over")


def _begun(on: Stage, kind: str, name: str, told: int) -> bool:
    """Wait until a job runs, or its time is over; what runs in a process is to compute then."""
    if not on.began(name, told, f"a {kind} job should have started"):
        return False
    if kind in {"cpu", "crash"}:
        on.guests[name].tell("spin", *SPIN)
    return True


def _demand_stopped(on: Stage, kind: str) -> None:
    """Have a job run out of time again, which had not begun before its time was over, until one is stopped amid it."""
    for attempt in range(ATTEMPTS):
        name = f"{kind}-late{attempt}"
        on.submit("e", kind, name, timeout_sec=TIMEOUT_SEC)
        told = on.start("result", name)
        begun = _begun(on, kind, name, told)
        on.outcome(told, f"a {kind} job with timeout_sec={TIMEOUT_SEC:g} should have ended by itself")
        if begun:
            on.departure(name, f"a {kind} job should have been stopped when its time was over")
            return
    raise AssertionError(f"{ATTEMPTS} {kind} jobs with timeout_sec={TIMEOUT_SEC:g} had not begun when it was over")


def _demand_none_late(on: Stage) -> None:
    late = [name for name in on.here() if name.partition("-")[2].startswith("late")]
    assert not late, f"{len(late)} jobs run whose time was over before they had begun"
    demand_rest(on, "jobs that computed ran out of time")


def _demand_thread_kept(on: Stage) -> None:
    if "blocking-late" in on.here():
        on.settle(SETTLE_SEC / 2)
        over = "a blocking job ran out of time, its function still runs, and another was started in its place"
        assert "blocking-next" not in on.guests, over
        on.finish("blocking-late")
    on.arrival("blocking-next", "a blocking job that ran out of time has returned, and its slot should have come back")
    on.end("blocking-next")


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
    if on.began(queued, waiting, f"the next {kind} job should have started"):
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
                on.end(follower)
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
