"""Coroutines that clean up because one thing told them off, and then others do: they must have heard of it once.

What tells a job off is its future's `cancel`, its timeout, the nested job that it belongs to, and a shutdown. Who keeps
one account of that for each job passes whatever the pair; who lets two of them reach for the task does not.
"""

from stage import SETTLE_SEC, Stage, Subject, stage

LATE_SEC = 0.6
"""Timeout of jobs that other things tell off long before; a machine that stalls as long only lets them be too late."""

FIRST = {
    "cancelled": "was cancelled",
    "late": "ran out of time",
    "child": "was cancelled with its nested job",
    "shut": "was cancelled by shutdown(drain=False)",
}
"""What tells the jobs of a group off; then their time runs out, and they are cancelled."""


def demand_told_once(subject: Subject) -> None:
    """Tell coroutines off by every means, and see that none is told again by another."""
    with stage(subject) as on, on.executor("e", io=4, nested=4), on.executor("shut", io=4, nested=4):
        on.submit("e", "nested", "nested-parent")
        on.arrival("nested-parent", "a nested job should have started")
        for kind in ("io", "nested"):
            for group in ("cancelled", "late"):
                on.submit("e", kind, f"{kind}-{group}", timeout_sec=LATE_SEC)
            on.submit("shut", kind, f"{kind}-shut", timeout_sec=LATE_SEC)
            child = [on.place, f"{kind}-child"]
            on.guests["nested-parent"].tell("submit", f"{kind}-child", kind, child, LATE_SEC)
        names = [f"{kind}-{group}" for kind in ("io", "nested") for group in FIRST]
        lingering = [name for name in names if _lingers(on, name)]
        for name in ("io-cancelled", "nested-cancelled", "nested-parent"):
            on.start("cancel", name)
        ending = on.start("shutdown", "shut", False, None)
        for name in lingering:
            on.told_off(name, "a coroutine should have been cancelled")
        on.settle(LATE_SEC + SETTLE_SEC)
        _demand_heard_once(on, lingering, "by its timeout")
        for name in lingering:
            if not name.endswith("child"):
                on.start("cancel", name)
        on.settle(SETTLE_SEC / 2)
        _demand_heard_once(on, lingering, "by its future")
        for name in lingering:
            on.guests[name].tell("go on")
            on.departure(name, "a coroutine should have ended when it had cleaned up")
        on.outcome(ending, "shutdown(drain=False) should have returned when the coroutines had cleaned up")


def _lingers(on: Stage, name: str) -> bool:
    """Have a job wait to be cancelled, and then for a word; tells whether it was there before its time was over."""
    what = "a job should have started"
    if name.endswith("child"):  # its future is its parent's
        on.arrival(name, what)
    elif not on.began(name, on.start("result", name), what):
        return False
    on.guests[name].tell("linger")
    return True


def _demand_heard_once(on: Stage, names: list[str], again: str) -> None:
    for name in names:
        first = FIRST[name.partition("-")[2]]
        twice = on.guests[name].heard("again")
        assert not twice, f"a coroutine that {first} and cleans up was cancelled again {again}"
