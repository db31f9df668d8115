"""Limits: how many jobs run, how many wait, in which order, and who is held back."""

from random import Random

from accounts import demand_own_processes, processes
from oracle import Puzzle
from stage import SETTLE_SEC, Stage, Subject, stage
from workload import CRASH_JOBS, IO_EVERY_SEC, ROOMY, mix, open_loop

LANES = ("io", "blocking", "cpu", "nested")
CPU_SETTLE_SEC = 0.6
"""A process too many takes longer to show than a thread too many."""

MIX_PATIENCE_SEC = 20.0
"""Slowness is what the bars are for."""

BEYOND = 3
"""Jobs of each kind that must wait amid a mix, under the limits that bars have."""

PROGRESS_ROUNDS, PROGRESS_PATIENCE_SEC = 350_000, 10.0
"""A few tenths of a second, so that a process which is let run now and then does not come to the end of it."""

COUNT_EVERY = 10
"""io jobs between two counts of the processes."""


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
    counts: list[int] = []
    with stage(subject) as on:
        with on.executor("e", **ROOMY):
            jobs, results = mix(rng, Puzzle(rng), CRASH_JOBS)
            running = on.start("mix", "e", jobs)
            guests = {kind: [f"{kind}-{number}" for number in range(ROOMY[kind] + BEYOND)] for kind in LANES}
            tickets = [on.submitting("e", kind, guest) for kind in LANES for guest in guests[kind]]
            for ticket in tickets:
                on.outcome(ticket, "amid a mix, submit should have accepted a job", MIX_PATIENCE_SEC)
            on.start("mix", "e", jobs)  # so that jobs wait behind the guests; the end of the executor is that of these
            for kind in LANES:
                counts += _demand_full(on, kind, guests[kind])
            answer = on.outcome(running, "a mix of jobs should have ended", MIX_PATIENCE_SEC)
            assert answer == results, "a mix of jobs gave wrong results"
        demand_own_processes(
            on, max(counts, default=None), ROOMY["cpu"], f"while {ROOMY['cpu']} cpu jobs ran amid a mix"
        )


def _demand_full(on: Stage, kind: str, guests: list[str]) -> list[int]:
    """Have a lane full of guests; gives how many processes were there then, if these run in processes."""
    limit = ROOMY[kind]
    what = f"amid a mix, {limit} {kind} jobs should have run at once, which is their limit"
    for guest in guests[:limit]:
        on.arrival(guest, what, MIX_PATIENCE_SEC)
    on.settle(SETTLE_SEC / 2)
    counts = processes(on) if kind == "cpu" else []
    most = on.most_here[kind]
    assert most <= limit, f"amid a mix, {most} {kind} jobs ran at once, and their limit is {limit}"
    for guest in guests:  # now: nested jobs of the mix wait for jobs behind these
        on.arrival(guest, f"a {kind} job should have taken the slot that another gave back", MIX_PATIENCE_SEC)
        on.finish(guest)
    return counts


def demand_progress(subject: Subject, rng: Random) -> None:
    """Have cpu jobs compute while io jobs come and go: a job that has a slot runs."""
    puzzle = Puzzle(rng)
    with stage(subject) as on:
        with on.executor("e", **ROOMY):
            counts = _demand_progress(on, [puzzle.value(rng) for _ in range(ROOMY["cpu"])], puzzle)
        demand_own_processes(on, max(counts, default=None), ROOMY["cpu"], f"while {ROOMY['cpu']} cpu jobs computed")


def _demand_progress(on: Stage, values: list[int], puzzle: Puzzle) -> list[int]:
    """Let them come to their end; gives how many processes were there now and then."""
    counts: list[int] = []
    tickets = [on.start("run", "e", "cpu", "work", [value, puzzle.modulus, PROGRESS_ROUNDS]) for value in values]
    passed = 0

    def start(number: int) -> int:
        nonlocal passed, counts
        passed = number
        if number % COUNT_EVERY == 0:
            counts += processes(on)
        return on.start("run", "e", "io", "echo-io", [number])

    def over() -> bool:
        assert passed * IO_EVERY_SEC <= PROGRESS_PATIENCE_SEC, (
            f"while an io job ran every {IO_EVERY_SEC * 1000:g} ms, {len(values)} cpu jobs that compute for a few "
            f"tenths of a second had not ended after {PROGRESS_PATIENCE_SEC:g} s: they had slots, and hardly ran"
        )
        return all(map(on.has_landed, tickets))

    open_loop(on, start, IO_EVERY_SEC, over)
    for value, ticket in zip(values, tickets, strict=True):
        answer = on.outcome(ticket, "a cpu job should have ended")
        assert answer == ["value", puzzle.worked(value, PROGRESS_ROUNDS)], "a cpu job gave a wrong result"
    return counts


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


def demand_room_after_children(subject: Subject) -> None:
    """Have jobs of a nested one wait in full lanes, and go in turn or with it: there is as much room as before."""
    kinds = ("io", "blocking", "cpu")
    with stage(subject) as on, on.executor("e", io=1, blocking=1, cpu=1, nested=1, queue=2):
        on.submit("e", "nested", "nested-0")
        on.arrival("nested-0", "a nested job should have started")
        for kind in kinds:
            on.submit("e", kind, f"{kind}-w")
            on.arrival(f"{kind}-w", f"a {kind} job should have started")
            for letter in "xyz":
                child = f"{kind}-{letter}"
                on.obey("nested-0", "submit", child, kind, [on.place, child], None)
            for letter, ended in zip("xy", "wx", strict=True):
                on.finish(f"{kind}-{ended}")
                on.arrival(f"{kind}-{letter}", f"a nested job's {kind} job should have started in its turn")
        on.call("cancel", "nested-0")
        on.departure("nested-0", "a nested job should have been cancelled")
        on.finish("blocking-y")
        for kind in kinds:
            on.departure(f"{kind}-y", f"a {kind} job should have ended with the nested job that it belongs to")
            _fill(on, kind)
        beyond = [on.submitting("e", kind, f"{kind}-3") for kind in kinds]
        on.settle()
        early = sum(map(on.has_landed, beyond))
        assert not early, (
            "jobs of a nested job had waited in a lane and were gone, some in their turn and some cancelled with it; "
            f"then, with 1 job running and 2 queued, the limits of both, submit accepted another in {early} of "
            f"{len(kinds)} lanes instead of waiting for room"
        )
        for kind, ticket in zip(kinds, beyond, strict=True):
            for number in range(3):
                on.arrival(f"{kind}-{number}", f"the next {kind} job should have started")
                on.finish(f"{kind}-{number}")
            on.outcome(ticket, f"the {kind} submitter that waits should have been let in")
            on.arrival(f"{kind}-3", f"the next {kind} job should have started")
            on.finish(f"{kind}-3")
