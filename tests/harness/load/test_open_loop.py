"""The open loop in virtual time: planted stalls, lost answers, and a queue whose waiting times are known."""

import asyncio
import math

import numpy as np
import pytest

from harness.load.closed_loop import Saturation, saturate
from harness.load.open_loop import Plan, run_open_loop
from harness.load.reply import Reply
from harness.load.result import Fate, LoadResult
from harness.load.schedule import Schedule, constant, poisson
from harness.load.target import Broken, Done, Target
from tests.harness.load.virtual_time import run_virtually

GOOD = Reply(200, {}, b"", keeps_alive=True)


class Queue:
    """One server, first come first served, each request taking `service_sec`; it stalls once, for `stall`."""

    def __init__(self, service_sec: float, stall: tuple[float, float] = (math.inf, math.inf)) -> None:
        self._service_sec = service_sec
        self._stall = stall
        self._free_at = 0.0

    def send(self, request: bytes, done: Done) -> None:
        loop = asyncio.get_running_loop()
        begins = max(self._free_at, loop.time())
        if self._stall[0] <= begins < self._stall[1]:
            begins = self._stall[1]
        self._free_at = begins + self._service_sec
        loop.call_at(self._free_at, done, GOOD)


class Patient:
    """Infinitely many servers, and a verdict on each request: answer, break, or lose it."""

    def __init__(self, delay_sec: float, lost: frozenset[int] = frozenset(), broken: frozenset[int] = frozenset()):
        self._delay_sec = delay_sec
        self._lost = lost
        self._broken = broken

    def send(self, request: bytes, done: Done) -> None:
        number = int(request)
        if number not in self._lost:
            answer = Broken("planted") if number in self._broken else GOOD
            asyncio.get_running_loop().call_later(self._delay_sec, done, answer)


def load(target: Target, schedule: Schedule, grace_sec: float = 1e6) -> LoadResult:
    plan = Plan(schedule, lambda k: b"%d" % k, lambda k, reply: reply.status == 200, grace_sec, spin_sec=0.0)

    async def main() -> LoadResult:
        return await run_open_loop(plan, target)

    return run_virtually(main())


def test_everything_is_sent_on_time_whatever_the_server_does() -> None:
    result = load(Patient(5.0), constant(100, 10))
    assert result.sent == 1000
    assert result.lateness.max_sec == pytest.approx(0, abs=1e-9)
    assert result.latencies.percentile_sec(50) == pytest.approx(5.0, rel=1e-3)


def test_a_stall_of_a_second_shows_in_the_tail_as_users_would_see_it() -> None:
    """Of 10 s at 100/s, the 100 requests of the stalled second wait from 1 s down to 0: p99 is 0.9 s and more."""
    result = load(Queue(0.001, stall=(4.0, 5.0)), constant(100, 10))
    # what queued is worked off at 1000/s while 100/s come in
    assert result.latencies.percentile_sec(99) == pytest.approx(0.91, abs=0.02)
    assert result.latencies.max_sec == pytest.approx(1.001, abs=0.001)
    assert result.latencies.percentile_sec(50) == pytest.approx(0.001, rel=0.01)


def test_a_closed_loop_omits_the_same_stall() -> None:
    """Why the open loop is needed: one client that waits for its answer meets the stall once in thousands."""

    async def main() -> LoadResult:
        plan = Saturation(1, lambda k: b"", lambda k, reply: True, duration_sec=10)
        return await saturate(plan, Queue(0.001, stall=(4.0, 5.0)))

    result = run_virtually(main())
    assert result.latencies.max_sec == pytest.approx(1.0, rel=0.01)
    assert result.latencies.percentile_sec(99.9) == pytest.approx(0.001, rel=0.01)


RHO = 0.7
SERVICE_SEC = 0.01


@pytest.fixture(scope="module")
def md1() -> LoadResult:
    """Load a queue with Poisson arrivals and constant service."""
    return load(Queue(SERVICE_SEC), poisson(RHO / SERVICE_SEC, 2000, seed=5))


def test_md1_mean_wait_is_the_known_one(md1: LoadResult) -> None:
    """Pollaczek and Khinchine: rho / (2 mu (1 - rho))."""
    known = RHO / (2 / SERVICE_SEC * (1 - RHO))
    assert md1.latencies.mean_sec - SERVICE_SEC == pytest.approx(known, rel=0.03)


@pytest.mark.parametrize("percent", [50, 90, 99, 99.9])
def test_md1_tail_is_the_known_one(md1: LoadResult, percent: float) -> None:
    waits = np.linspace(0, 30 * SERVICE_SEC, 30_001)
    known = waits[np.searchsorted([erlang(t) for t in waits], percent / 100)]
    assert md1.latencies.percentile_sec(percent) - SERVICE_SEC == pytest.approx(known, rel=0.08)


def erlang(wait_sec: float) -> float:
    """P(W <= t) in M/D/1 (Erlang, 1909)."""
    rate = RHO / SERVICE_SEC
    total = 0.0
    for k in range(int(wait_sec / SERVICE_SEC + 1e-9) + 1):
        x = rate * (k * SERVICE_SEC - wait_sec)
        total += x**k / math.factorial(k) * math.exp(-x)
    return (1 - RHO) * total


def test_a_late_generator_counts_its_lateness_as_latency_and_says_so() -> None:
    """Whoever is held up for 0.5 s still counts from the due time."""

    class Blocking(Patient):
        def send(self, request: bytes, done: Done) -> None:
            super().send(request, done)
            if int(request) == 10:
                asyncio.get_running_loop()._now += 0.5  # type: ignore[attr-defined]

    result = load(Blocking(0.010), constant(100, 1))
    assert result.lateness.max_sec == pytest.approx(0.49, abs=0.01)
    assert result.latencies.max_sec == pytest.approx(0.50, abs=0.011)


def test_lost_answers_count_as_unanswered_with_the_time_they_waited() -> None:
    result = load(Patient(0.01, lost=frozenset(range(0, 100, 20))), constant(100, 1), grace_sec=2.0)
    assert result.fates == {Fate.GOOD: 95, Fate.UNANSWERED: 5}
    assert result.latencies.count == 100
    assert result.latencies.max_sec == pytest.approx(2.99, abs=0.01)
    assert result.duration_sec == pytest.approx(2.99, abs=0.01)


def test_broken_and_refused_requests_are_counted_apart() -> None:
    target = Patient(0.01, broken=frozenset({1, 2, 3}))
    plan = Plan(constant(100, 1), lambda k: b"%d" % k, lambda k, reply: k % 2 == 0, spin_sec=0.0)

    async def main() -> LoadResult:
        return await run_open_loop(plan, target)

    result = run_virtually(main())
    assert result.fates == {Fate.GOOD: 49, Fate.BROKEN: 3, Fate.REFUSED: 48}
    assert result.reasons == {"planted": 3, "status 200": 48}
    assert result.latencies.count == 49
    assert result.failed == 51


def test_saturation_finds_the_rate_of_a_queue() -> None:
    async def main() -> LoadResult:
        return await saturate(Saturation(8, lambda k: b"", lambda k, reply: True, 10), Queue(0.004))

    assert run_virtually(main()).good_per_sec == pytest.approx(250, rel=0.01)


def test_saturation_ends_after_its_requests() -> None:
    async def main() -> LoadResult:
        plan = Saturation(3, lambda k: b"", lambda k, reply: True, duration_sec=1e6, requests=100)
        return await saturate(plan, Queue(0.01))

    result = run_virtually(main())
    assert (result.sent, result.fates) == (100, {Fate.GOOD: 100})
    assert result.duration_sec == pytest.approx(1.0)
