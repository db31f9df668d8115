"""What the bars run: one mix of jobs whose results are known, and open-loop series of calls beside it."""

from collections.abc import Callable
from random import Random
from time import perf_counter
from typing import Any

from oracle import worked
from stage import Stage

ROOMY = {"io": 50, "blocking": 4, "cpu": 2, "nested": 4, "queue": 1000}
"""The limits of every bar."""

IO_JOBS, IO_WAIT_SEC = 300, 0.005
BLOCKING_JOBS, BLOCKING_WAIT_SEC = 100, 0.004
CPU_JOBS, CPU_ROUNDS = 60, 30_000
NESTED_JOBS = 30
CRASH_JOBS = 2

LEAST_SEC = max(IO_JOBS * IO_WAIT_SEC / ROOMY["io"], BLOCKING_JOBS * BLOCKING_WAIT_SEC / ROOMY["blocking"])
"""What the jobs of a mix wait, shared among as many as may run at once: nobody who keeps the limits is faster."""

PING_EVERY_SEC = 0.005
IO_EVERY_SEC = 0.005
IO_SECONDS = 0.5

Job = list[Any]


def mix(rng: Random, crash_jobs: int = 0) -> tuple[list[Job], list[object]]:
    """Make a mix of jobs in random order, and their results."""
    made: list[tuple[Job, object]] = []
    for _ in range(IO_JOBS):
        value = rng.getrandbits(32)
        made.append((["io", "wait-io", [value, IO_WAIT_SEC]], value))
    for _ in range(BLOCKING_JOBS):
        value = rng.getrandbits(32)
        made.append((["blocking", "wait", [value, BLOCKING_WAIT_SEC]], value))
    for _ in range(CPU_JOBS):
        seed = rng.randbytes(8).hex()
        made.append((["cpu", "work", [seed, CPU_ROUNDS]], worked(seed, CPU_ROUNDS)))
    for number in range(NESTED_JOBS):
        values = [rng.getrandbits(32) for _ in range(3)]
        made.append((["nested", "sum", [values, ("io", "blocking", "cpu")[number % 3]]], sum(values)))
    for _ in range(crash_jobs):
        value = rng.getrandbits(32)
        made.append((["crash", "echo", [value]], value))
    rng.shuffle(made)
    return [job for job, _ in made], [result for _, result in made]


def mix_seconds(on: Stage, jobs: list[Job], results: list[object]) -> float:
    """Run a mix on a warm executor."""
    ticket = on.start("mix", "e", jobs)
    answer = on.outcome(ticket, "a mix of jobs should have ended")
    assert answer == results, "a mix of jobs gave wrong results"
    return _took(on, ticket)


def _took(on: Stage, ticket: int) -> float:
    took = on.landed_at(ticket) - on.started_at(ticket)
    assert took >= LEAST_SEC, (
        f"a mix of jobs that wait ended in {took:.3f} s, and within the limits it takes {LEAST_SEC:.3f} s at least: "
        "more jobs ran at once than may, or they did not wait"
    )
    return took


def mix_lags(on: Stage, jobs: list[Job], results: list[object]) -> tuple[list[float], float]:
    """Ask for signs of life, on a schedule, while a mix runs; in seconds after the scheduled time, and the mix's."""
    ticket = on.start("mix", "e", jobs)
    pings: list[int] = []

    def start(_: int) -> int:
        pings.append(on.start_ping())
        return pings[-1]

    lags = open_loop(on, start, PING_EVERY_SEC, lambda: on.has_landed(ticket))
    for ping in pings:
        on.pinged(ping, "the event loop should have answered")
    assert on.outcome(ticket, "a mix of jobs should have ended") == results, "a mix of jobs gave wrong results"
    return lags, _took(on, ticket)


def io_latencies(on: Stage, rng: Random) -> list[float]:
    """Run io jobs, on a schedule, while two cpu jobs that never end take both cores."""
    spinning = [f"spin-{rng.getrandbits(48)}" for _ in range(2)]
    on.call("mix", "e", [["cpu", "work", [name, CPU_ROUNDS]] for name in spinning])
    for name in spinning:
        on.call("submit", "e", name, "cpu", "spin", [name], None, "unset")
    ends_at = perf_counter() + IO_SECONDS
    values: dict[int, int] = {}

    def start(number: int) -> int:
        ticket = on.start("run", "e", "io", "echo-io", [number])
        values[ticket] = number
        return ticket

    latencies = open_loop(on, start, IO_EVERY_SEC, lambda: perf_counter() > ends_at)
    for ticket, number in values.items():
        assert on.outcome(ticket, "an io job should have ended") == ["value", number], "an io job gave a wrong result"
    for name in spinning:
        assert on.call("cancel", name) is True, "a cpu job that never ends had ended"
        on.call("result", name)
    return latencies


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
