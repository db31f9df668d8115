"""What the bars run: one mix of jobs whose results are known, and open-loop series of calls beside it."""

from collections.abc import Callable, Iterable
from random import Random
from time import perf_counter
from typing import Any

from accounts import processes
from oracle import Puzzle
from stage import Stage

ROOMY = {"io": 50, "blocking": 4, "cpu": 2, "nested": 4, "queue": 1000}
"""The limits of every bar."""

IO_JOBS, IO_WAIT_SEC = 300, 0.005
BLOCKING_JOBS, BLOCKING_WAIT_SEC = 100, 0.004
CPU_JOBS, CPU_ROUNDS = 60, (2_500, 4_400)
NESTED_JOBS = 30
CRASH_JOBS = 2

LEAST_SEC = max(IO_JOBS * IO_WAIT_SEC / ROOMY["io"], BLOCKING_JOBS * BLOCKING_WAIT_SEC / ROOMY["blocking"])
"""What the jobs of a mix wait, shared among as many as may run at once: nobody who keeps the limits is faster."""

PING_EVERY_SEC = 0.005
IO_EVERY_SEC = 0.005
IO_SECONDS = 0.5
SPIN_ROUNDS = 10_000
"""About 10 ms."""

HEARTS = 3
"""io jobs that are there all the time, to be asked for signs of life."""

PEEK_SEC, PEEK_AGAIN_SEC = (0.02, 0.06), 0.01
"""From a mix's start until processes are counted: nobody has done with its cpu jobs then. And until they are counted
again, where there were too few: an executor that has a process for each job has none between two of them."""

Job = list[Any]


def mix(rng: Random, puzzle: Puzzle, crash_jobs: int = 0) -> tuple[list[Job], list[object]]:
    """Make a mix of jobs in random order, and their results."""
    made: list[tuple[Job, object]] = []
    for _ in range(IO_JOBS):
        value = rng.getrandbits(32)
        made.append((["io", "wait-io", [value, IO_WAIT_SEC]], value))
    for _ in range(BLOCKING_JOBS):
        value = rng.getrandbits(32)
        made.append((["blocking", "wait", [value, BLOCKING_WAIT_SEC]], value))
    for kind in ["cpu"] * CPU_JOBS + ["crash"] * crash_jobs:
        args, result = computing(rng, puzzle)
        made.append(([kind, "work", args], result))
    for number in range(NESTED_JOBS):
        kind = ("io", "blocking", "cpu")[number % 3]
        calls = [computing(rng, puzzle) if kind == "cpu" else _echoing(rng) for _ in range(3)]
        made.append((["nested", "sum", [kind, [args for args, _ in calls]]], sum(result for _, result in calls)))
    rng.shuffle(made)
    return [job for job, _ in made], [result for _, result in made]


def computing(rng: Random, puzzle: Puzzle) -> tuple[list[int], int]:
    """Draw the arguments of a cpu job that takes a few milliseconds, and its result."""
    value, rounds = puzzle.value(rng), rng.randint(*CPU_ROUNDS)
    return [value, puzzle.modulus, rounds], puzzle.worked(value, rounds)


def _echoing(rng: Random) -> tuple[list[int], int]:
    value = rng.getrandbits(32)
    return [value], value


def mix_seconds(
    on: Stage, jobs: list[Job], results: list[object], peek_sec: float, enough: int
) -> tuple[float, list[int]]:
    """Run a mix on a warm executor; gives its seconds, and how many processes were there until there were `enough`."""
    ticket = on.start("mix", "e", jobs)
    on.settle(peek_sec)
    counts = processes(on)
    while counts and counts[-1] < enough and not on.has_landed(ticket):
        on.settle(PEEK_AGAIN_SEC)
        counts += processes(on)
    answer = on.outcome(ticket, "a mix of jobs should have ended")
    assert answer == results, "a mix of jobs gave wrong results"
    return _took(on, ticket), counts


def _took(on: Stage, ticket: int) -> float:
    took = on.landed_at(ticket) - on.started_at(ticket)
    assert took >= LEAST_SEC, (
        f"a mix of jobs that wait ended in {took:.3f} s, and within the limits it takes {LEAST_SEC:.3f} s at least: "
        "more jobs ran at once than may, or they did not wait"
    )
    return took


def hearts(on: Stage) -> tuple[list[str], list[float]]:
    """Have io jobs run that are to give signs of life; names them, and gives what each took to give its first."""
    names = [f"io-heart{number}" for number in range(HEARTS)]
    lags = []
    for name in names:
        began = perf_counter()
        on.submit("e", "io", name)
        lags.append(on.arrival(name, "an io job should have started").arrived_at - began)
    return names, lags


def mix_lags(
    on: Stage, rng: Random, alive: list[str], jobs: list[Job], results: list[object]
) -> tuple[list[float], float]:
    """Ask for signs of life, on a schedule, while a mix runs; in seconds after the scheduled time, and the mix's.

    Calls and running io jobs are asked, whichever is drawn.
    """
    ticket = on.start("mix", "e", jobs)
    pings: list[int] = []

    def start(_: int) -> int:
        if rng.random() < 1 / 2:
            return on.start_saying(rng.choice(alive))
        pings.append(on.start_ping())
        return pings[-1]

    lags = open_loop(on, start, PING_EVERY_SEC, lambda: on.has_landed(ticket))
    for ping in pings:
        on.pinged(ping, "the event loop should have answered")
    assert on.outcome(ticket, "a mix of jobs should have ended") == results, "a mix of jobs gave wrong results"
    return lags, _took(on, ticket)


def io_latencies(on: Stage, rng: Random, puzzle: Puzzle) -> tuple[list[float], float]:
    """Run io jobs, on a schedule, while two cpu jobs take both cores; gives also the steps a second of these."""
    names = _spinning(on, rng, puzzle)
    began = perf_counter()
    ends_at = began + IO_SECONDS
    before = _spun(on, names)
    values: dict[int, int] = {}

    def start(number: int) -> int:
        ticket = on.start("run", "e", "io", "echo-io", [number])
        values[ticket] = number
        return ticket

    latencies = open_loop(on, start, IO_EVERY_SEC, lambda: perf_counter() > ends_at)
    rate = (_spun(on, names) - before) / (perf_counter() - began)
    for ticket, number in values.items():
        assert on.outcome(ticket, "an io job should have ended") == ["value", number], "an io job gave a wrong result"
    for name, value in names.items():
        assert on.call("cancel", name) is True, "a cpu job that never ends had ended"
        on.call("result", name)
        on.departure(name, "a cpu job should have been stopped by cancelling it")
        said = on.guests[name].heard("spun")
        right = said[-1:] == [puzzle.worked(value, SPIN_ROUNDS * len(said))]
        assert right, "a cpu job that computes until it is cancelled came to a wrong number"
    return latencies, rate


def _spinning(on: Stage, rng: Random, puzzle: Puzzle) -> dict[str, int]:
    """Have two cpu jobs compute; gives their names, and the numbers with which they begin."""
    names = {f"cpu-spin{number}": puzzle.value(rng) for number in range(ROOMY["cpu"])}
    for name, value in names.items():
        on.submit("e", "cpu", name)
        on.arrival(name, "a cpu job should have started").tell("spin", value, puzzle.modulus, SPIN_ROUNDS)
    for name in names:
        guest = on.guests[name]
        on.until(lambda guest=guest: bool(guest.heard("spun")), "a cpu job should have begun to compute")
    return names


def _spun(on: Stage, names: Iterable[str]) -> int:
    return SPIN_ROUNDS * sum(len(on.guests[name].heard("spun")) for name in names)


def open_loop(on: Stage, start: Callable[[int], int], every_sec: float, over: Callable[[], bool]) -> list[float]:
    """Start a call every so often, however long the others take; each takes its seconds from when it was due."""
    due: dict[int, float] = {}
    began, number = perf_counter(), 0
    while not over():
        next_due = began + number * every_sec
        if perf_counter() >= next_due:
            due[start(number)] = next_due
            number += 1
        else:
            on.pump(min(0.001, max(0.0, next_due - perf_counter())))
    for ticket in due:
        on.until(lambda ticket=ticket: on.has_landed(ticket), "a call should have ended")
    return [on.landed_at(ticket) - at for ticket, at in due.items()]
