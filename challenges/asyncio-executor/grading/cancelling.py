"""Cancelling jobs: what stops, what can't, and when the slot comes back."""

from time import perf_counter

from accounts import demand_rest
from stage import SETTLE_SEC, SMALL, Stage, Subject, stage

CANCEL_SEC = 0.1
MOMENTS_SEC = (0.0, 0.01, 0.03, 0.06, 0.1)
"""After its submission; the start of a process takes some tens of milliseconds."""

TIMEOUT_SEC = 0.001
"""The least; a timeout of 0 is nobody's."""

ATTEMPTS = 5
"""The best of these counts: one stall of the machine fails nobody, and who is slow is slow every time."""


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
        for kind in ("cpu", "crash"):
            _demand_stopped_computing(on, kind)
        _demand_blocking(on)
        _demand_cleaning_up(on)
        _demand_capacity(on)
    with stage(subject) as on, on.executor("e", cpu=2):
        for attempt in range(3):
            _demand_own_process(on, attempt)


def demand_stopped_at_start(subject: Subject) -> None:
    """Stop jobs of processes that may not be ready yet: whatever moment that is, the next job has the slot."""
    with stage(subject) as on:
        for kind in ("cpu", "crash"):
            for number, seconds in enumerate(MOMENTS_SEC):
                with on.executor(f"{kind}-cancelled{number}", cpu=1):
                    _cancelled_at_start(on, f"{kind}-cancelled{number}", kind, seconds)
                with on.executor(f"{kind}-late{number}", cpu=1):
                    _late_at_start(on, f"{kind}-late{number}", kind, seconds)
        for kind in ("io", "nested", "blocking", "cpu", "crash"):
            with on.executor(f"{kind}-at-once", io=1, nested=1, blocking=1, cpu=1):
                _cancelled_at_once(on, f"{kind}-at-once", kind)
            _shut_down_at_once(on, f"{kind}-ending", kind)


def _cancelled_at_start(on: Stage, name: str, kind: str, seconds: float) -> None:
    on.submit(name, kind, name)
    on.settle(seconds)
    on.call("cancel", name)
    what = f"a {kind} job was cancelled {seconds * 1000:.0f} ms after it was submitted"
    _demand_told(on, name, what)
    _demand_slot_back(on, name, kind, f"{what}, {STARTING}")


def _cancelled_at_once(on: Stage, name: str, kind: str) -> None:
    on.call("submit_and_cancel", name, name, kind, on.invited(name))
    what = f"a {kind} job was cancelled as soon as it was accepted"
    _demand_told(on, name, what)
    _let_go(on, name, kind)
    _demand_slot_back(on, name, kind, what)


def _let_go(on: Stage, name: str, kind: str) -> None:
    """Have a blocking function return that has begun all the same: nobody else can stop it."""
    if kind == "blocking":
        on.settle()
        if name in on.here():
            on.finish(name)


def _shut_down_at_once(on: Stage, name: str, kind: str) -> None:
    on.call("open_", name, SMALL)
    ending = on.start("submit_and_shut_down", name, name, kind, on.invited(name))
    what = f"a {kind} job was submitted, and its executor shut down without draining, at once"
    _let_go(on, name, kind)
    on.outcome(ending, f"{what}: shutdown should have returned")
    _demand_told(on, name, what)


def _late_at_start(on: Stage, name: str, kind: str, seconds: float) -> None:
    timeout_sec = seconds + TIMEOUT_SEC
    on.submit(name, kind, name, timeout_sec=timeout_sec)
    answer = on.result(name, f"a {kind} job with timeout_sec={timeout_sec:g} should have ended by itself")
    seen = answer[0] == "raised" and answer[1] == "TimeoutError"
    assert seen, f"a {kind} job ran out of time, and its caller did not see TimeoutError"
    _demand_slot_back(on, name, kind, f"a {kind} job with timeout_sec={timeout_sec:g} ran out of time, {STARTING}")


def _demand_told(on: Stage, name: str, what: str) -> None:
    answer = on.result(name, f"{what}, and its caller should have been told")
    assert answer == ["cancelled"], f"{what}, and awaiting it did not raise CancelledError"


STARTING = "when its process may still have been starting"


def _demand_slot_back(on: Stage, name: str, kind: str, what: str) -> None:
    on.submit(name, kind, f"{name}-next")
    on.arrival(f"{name}-next", f"{what}; its slot should have come back to the next")
    assert name not in on.here(), f"{what}, and it runs all the same"
    on.end(f"{name}-next")


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
    on.end(names[2])
    return on.landed_at(waiting) - began, (running.left_at or 0.0) - began, next_.arrived_at - began


def _demand_stopped_computing(on: Stage, kind: str) -> None:
    """Cancel a job that computes, and see that the container comes to rest."""
    name = f"{kind}-spins"
    on.submit("e", kind, name)
    on.arrival(name, f"a {kind} job should have started")
    on.spin(name)
    on.call("cancel", name)
    on.departure(name, f"a running {kind} job should have been stopped by cancelling it")
    demand_rest(on, f"a {kind} job that computed was cancelled")


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
        on.end(second)
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
        on.end(second)


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
    on.end(second)


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
            on.end(name)
