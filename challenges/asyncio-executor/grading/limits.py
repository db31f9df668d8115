"""Limits: how many jobs run, how many wait, in which order, and who is held back."""

from random import Random

from stage import SETTLE_SEC, Stage, Subject, stage

LANES = ("io", "blocking", "cpu", "nested")
CPU_SETTLE_SEC = 0.6
"""A process too many takes longer to show than a thread too many."""

TURNS = 12
"""From when a job may end, an executor lets a submitter in within a few turns of the loop."""


def demand_concurrency(subject: Subject, rng: Random) -> None:
    """Fill every lane, and let its jobs go one by one."""
    limits = {"io": 3, "blocking": 3, "cpu": 2, "nested": 2}
    with stage(subject) as on, on.executor("e", **limits, queue=50):
        for kind, limit in limits.items():
            for number in range(limit + 3):
                # a crash job takes a cpu slot: its name counts it there
                on.submit("e", "crash" if kind == "cpu" and number % 2 else kind, f"{kind}-{number}")
        for kind, limit in limits.items():
            what = f"{limit} {kind} jobs should have run at once, which is their limit"
            on.until(lambda kind=kind, limit=limit: len(on.here(f"{kind}-")) >= limit, what)
        on.settle(CPU_SETTLE_SEC)
        for kind, limit in limits.items():
            _demand_first(on, kind, limit)
            for number in range(limit, limit + 3):
                on.finish(rng.choice(on.here(f"{kind}-")))
                on.arrival(f"{kind}-{number}", f"a {kind} job should have taken the slot that another gave back")
        on.settle()
        for kind, limit in limits.items():
            most = on.most_here[kind]
            assert most <= limit, f"{most} {kind} jobs ran at once, and their limit is {limit}"


def _demand_first(on: Stage, kind: str, limit: int) -> None:
    here = on.here(f"{kind}-")
    assert len(here) <= limit, f"{len(here)} {kind} jobs run at once, and their limit is {limit}"
    first = {f"{kind}-{number}" for number in range(limit)}
    assert set(here) == first, f"{kind} jobs did not start in the order in which they were submitted"


def demand_bounded_queue(subject: Subject) -> None:
    """Fill every queue, make submitters wait, cancel one of them, and let the others in one by one."""
    with stage(subject) as on, on.executor("e", io=1, blocking=1, cpu=1, nested=1, queue=2):
        tickets: dict[str, list[int]] = {}
        for kind in LANES:
            _fill(on, kind)
            tickets[kind] = [on.submitting("e", kind, f"{kind}-{letter}") for letter in "abc"]
            on.settle(SETTLE_SEC / 5)
        on.settle()
        for kind, waiting in tickets.items():
            early = sum(map(on.has_landed, waiting))
            assert not early, (
                f"with 1 {kind} job running and 2 queued, the limits of both, submit accepted {early} more at once "
                "instead of waiting for room"
            )
        on.ping("the loop should have answered while submitters wait for room")
        on.call("stats", "e", what="stats() should have answered while submitters wait for room")
        for kind, waiting in tickets.items():
            _let_in(on, kind, waiting)
    with stage(subject) as on:
        for turns in range(TURNS):
            _demand_all_or_nothing(on, turns)


def _demand_all_or_nothing(on: Stage, turns: int) -> None:
    """Cancel a submitter at the very moment when it is let in: it is accepted, or its job never runs."""
    when = f"with a submitter cancelled {turns} turns of the event loop after room was made for it"
    what = f"{when}, every job and the next submit should have ended"
    cancelled, ran, goes_on = on.call("let_in_and_cancelled", turns, what=what)
    assert ran == (not cancelled), (
        f"{when}, submit {'raised CancelledError' if cancelled else 'accepted the job'} and the job ran {ran} times"
    )
    assert goes_on is True, f"{when}, another job gave a wrong result"


def _fill(on: Stage, kind: str) -> None:
    what = f"submit should have accepted a {kind} job: fewer than the limit run, or fewer than the limit wait"
    other = ", though other lanes are full and submitters wait for them" if kind != "io" else ""
    for number in range(3):
        on.submit("e", kind, f"{kind}-{number}", what=what + other)
    on.arrival(f"{kind}-0", f"a {kind} job should have started{other}")


def _let_in(on: Stage, kind: str, waiting: list[int]) -> None:
    first, second, third = waiting
    assert on.call("cancel_submit", f"{kind}-b") is True, "a waiting submit could not be cancelled"
    answer = on.outcome(second, "a cancelled submit should have ended")
    assert answer == ["cancelled"], "a submit that was cancelled while it waited for room did not raise CancelledError"
    on.finish(f"{kind}-0")
    on.outcome(first, f"the {kind} submitter that waited longest should have been let in when a job ended")
    on.arrival(f"{kind}-1", f"the next queued {kind} job should have started")
    on.settle(SETTLE_SEC / 2)
    assert not on.has_landed(third), f"one {kind} job ended, and two were let into the queue"
    assert on.call("cancel", f"{kind}-2") is True, "a queued job could not be cancelled"
    on.outcome(third, f"cancelling a queued {kind} job should have made room for the submitter that waits")
    on.finish(f"{kind}-1")
    on.arrival(f"{kind}-a", f"the next queued {kind} job should have started, past a cancelled one")
    on.finish(f"{kind}-a")
    on.arrival(f"{kind}-c", f"the next queued {kind} job should have started, past a cancelled one")
    for gone, why in (("2", "was cancelled while queued"), ("b", "was never accepted")):
        assert f"{kind}-{gone}" not in on.guests, f"a {kind} job ran that {why}"
    on.finish(f"{kind}-c")
