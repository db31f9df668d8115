"""Limits: how many jobs run, how many wait, in which order, and who is held back."""

from random import Random

from oracle import worked
from stage import SETTLE_SEC, Stage, Subject, stage
from workload import CRASH_JOBS, IO_EVERY_SEC, ROOMY, mix, open_loop

LANES = ("io", "blocking", "cpu", "nested")
CPU_SETTLE_SEC = 0.6
"""A process too many takes longer to show than a thread too many."""

TURNS = 12
"""From when a job may end, an executor lets a submitter in within a few turns of the loop."""

ROOM_MADE = (
    ("io", "ended"),
    ("nested", "ended"),
    ("io", "cancelled"),
    ("blocking", "cancelled"),
    ("nested", "cancelled"),
)
"""Kinds of jobs, and how one makes room, which takes as many turns of the loop each time."""

MIX_PATIENCE_SEC = 20.0
"""Slowness is what the bars are for."""

BEYOND = 3
"""Jobs of each kind that must wait amid a mix, under the limits that bars have."""

PROGRESS_ROUNDS, PROGRESS_PATIENCE_SEC = 2_000_000, 10.0
"""A few tenths of a second, so that a process which is let run now and then does not come to the end of it."""


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


def demand_separation(subject: Subject) -> None:
    """Fill one executor, and use and end another of the same limits beside it."""
    one_each = dict.fromkeys(LANES, 1) | {"queue": 1}
    with stage(subject) as on, on.executor("first", **one_each):
        for kind in LANES:
            for number in range(2):
                on.submit("first", kind, f"{kind}-first{number}")
            on.arrival(f"{kind}-first0", f"a {kind} job should have started")
        beside = "though another executor of the same limits is full: executors share nothing"
        on.call("open_", "second", one_each, what="a second executor should have opened")
        for kind in LANES:
            for number in range(2):
                what = f"submit should have accepted a {kind} job, {beside}"
                on.submit("second", kind, f"{kind}-second{number}", what=what)
            on.arrival(f"{kind}-second0", f"a {kind} job should have started, {beside}")
        ending = on.start("shutdown", "second", False, 5.0)
        on.departure("io-second0", "shutdown(drain=False) should have stopped a running io job")
        on.finish("blocking-second0")  # not before: the next one would start
        on.outcome(ending, "shutdown(drain=False) of one of two executors should have returned")
        for kind in LANES:
            ended = "when another executor was shut down: executors share nothing"
            assert f"{kind}-first0" in on.here(), f"a {kind} job was ended {ended}"
            on.finish(f"{kind}-first0", 1)
            answer = on.result(f"{kind}-first0", f"a {kind} job should have ended")
            assert answer == ["value", 1], f"a {kind} job lost its result {ended}"
            on.arrival(f"{kind}-first1", f"a queued {kind} job should have started, and was lost {ended}")


def demand_full_lanes(subject: Subject, rng: Random) -> None:
    """Amid mixes as they are measured, see for oneself that as many jobs of each kind run as may, and no more."""
    with stage(subject) as on, on.executor("e", **ROOMY):
        jobs, results = mix(rng, CRASH_JOBS)
        running = on.start("mix", "e", jobs)
        guests = {kind: [f"{kind}-{number}" for number in range(ROOMY[kind] + BEYOND)] for kind in LANES}
        tickets = [on.submitting("e", kind, guest) for kind in LANES for guest in guests[kind]]
        for ticket in tickets:
            on.outcome(ticket, "amid a mix, submit should have accepted a job", MIX_PATIENCE_SEC)
        on.start("mix", "e", jobs)  # so that jobs wait behind the guests; the end of the executor is that of these
        for kind in LANES:
            limit = ROOMY[kind]
            what = f"amid a mix, {limit} {kind} jobs should have run at once, which is their limit"
            for guest in guests[kind][:limit]:
                on.arrival(guest, what, MIX_PATIENCE_SEC)
            on.settle(SETTLE_SEC / 2)
            most = on.most_here[kind]
            assert most <= limit, f"amid a mix, {most} {kind} jobs ran at once, and their limit is {limit}"
            for guest in guests[kind]:  # now: nested jobs of the mix wait for jobs behind these
                on.arrival(guest, f"a {kind} job should have taken the slot that another gave back", MIX_PATIENCE_SEC)
                on.finish(guest)
        answer = on.outcome(running, "a mix of jobs should have ended", MIX_PATIENCE_SEC)
        assert answer == results, "a mix of jobs gave wrong results"


def demand_progress(subject: Subject, rng: Random) -> None:
    """Have cpu jobs compute while io jobs come and go: a job that has a slot runs."""
    with stage(subject) as on, on.executor("e", **ROOMY):
        seeds = [f"progress-{rng.getrandbits(48)}" for _ in range(ROOMY["cpu"])]
        tickets = [on.start("run", "e", "cpu", "work", [seed, PROGRESS_ROUNDS]) for seed in seeds]
        passed = 0

        def start(number: int) -> int:
            nonlocal passed
            passed = number
            return on.start("run", "e", "io", "echo-io", [number])

        def over() -> bool:
            assert passed * IO_EVERY_SEC <= PROGRESS_PATIENCE_SEC, (
                f"while an io job ran every {IO_EVERY_SEC * 1000:g} ms, {len(seeds)} cpu jobs that compute for a few "
                f"tenths of a second had not ended after {PROGRESS_PATIENCE_SEC:g} s: they had slots, and hardly ran"
            )
            return all(map(on.has_landed, tickets))

        open_loop(on, start, IO_EVERY_SEC, over)
        for seed, ticket in zip(seeds, tickets, strict=True):
            answer = on.outcome(ticket, "a cpu job should have ended")
            assert answer == ["value", worked(seed, PROGRESS_ROUNDS)], "a cpu job gave a wrong result"


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
        for kind, room in ROOM_MADE:
            for turns in range(TURNS):
                _demand_all_or_nothing(on, kind, room, turns)
                _demand_first_come(on, kind, room, turns)
        for kind in ("io", "blocking", "nested"):
            _demand_first_come(on, kind, "ended", None)
            for turns in range(TURNS):  # room for both: who waited is let in, and may not have come round to it
                _demand_first_come(on, kind, "cancelled", turns, places=2)


def _demand_all_or_nothing(on: Stage, kind: str, room: str, turns: int) -> None:
    """Cancel a submitter at the very moment when it is let in: it is accepted, or its job never runs."""
    cancelled_then = f"the first of two submitters that waited was cancelled {turns} turns of the event loop later"
    when = f"{_freed(kind, room)}, and {cancelled_then}"
    what = f"{when}: every job and the other submit should have ended"
    cancelled, in_its_stead, ran, places, queued = on.call("let_in_and_cancelled", kind, room, turns, what=what)
    assert in_its_stead, f"{when}: the other was not let in, though there was room and nobody before it"
    assert ran == (not cancelled), (
        f"{when}: submit {'raised CancelledError' if cancelled else 'accepted the job'} and the job ran {ran} times"
    )
    assert places == 2, (
        f"{when}: from then on the lane, of limit 1 and queue 1, accepts {places} jobs at once instead of 2"
    )
    assert queued == 0, f"{when}: when all jobs had ended, stats() says that {queued} are queued"


def _demand_first_come(on: Stage, kind: str, room: str, turns: int | None, places: int = 1) -> None:
    """Come when there is room for a submitter that waits, and see that it is let in first."""
    later = "once its result was known" if turns is None else f"{turns} turns of the event loop later"
    when = f"{_freed(kind, room, places)} while a submitter waited for room, and {later} another called submit"
    ran = on.call("come_later", kind, room, places, turns, what=f"{when}: every submit and job should have ended")
    expected = [0, 1, 2] if room == "ended" else [1, 2]
    assert ran == expected, (
        f"{when}: the jobs of the queue (0), of the one who waited (1) and of the one who came later (2) ran in the "
        f"order {ran}, not {expected}"
    )


def _freed(kind: str, room: str, places: int = 1) -> str:
    if places > 1:
        return f"{places} queued {kind} jobs were cancelled"
    return f"a running {kind} job ended" if room == "ended" else f"a queued {kind} job was cancelled"


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
