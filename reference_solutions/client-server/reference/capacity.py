"""The search for the highest rate that a server sustains."""

import math
from dataclasses import dataclass

from load import Run

LOWEST_RATE, HIGHEST_RATE = 50.0, 1000.0
PROBE_SEC, TRIAL_SEC = 0.5, 1.0
GUESS_OFF = 1.05
PRECISION = 1.08

GROWTH = 0.025
"""Of the duration: a rate 3 % beyond the capacity makes the last requests wait that much longer than the first."""


async def find_capacity(connect, slo_p99_ms):
    """Find the highest rate that the server sustains.

    Double until it fails. What got through then is a guess at the capacity; it is tried from both sides, for a server
    may also fail by its latency alone. Where the guess was wrong, halve the interval that is left.
    """

    async def holds(rate):
        """Try a rate, and a failing one again: a stall of this machine does not come twice."""
        for _ in range(2):
            if (await _trial(connect, rate, TRIAL_SEC, slo_p99_ms)).holds:
                return True
        return False

    low, high = LOWEST_RATE, 2 * LOWEST_RATE
    while (probe := await _trial(connect, high, PROBE_SEC, slo_p99_ms)).holds and high < HIGHEST_RATE:
        low, high = high, 2 * high
    guess = probe.through_per_sec
    high *= 1.1  # a stall may have failed the probe
    for rate in (guess / GUESS_OFF, guess * GUESS_OFF):
        if low < rate < high:
            low, high = (rate, high) if await holds(rate) else (low, rate)
    while high / low > GUESS_OFF * PRECISION:
        rate = math.sqrt(low * high)
        low, high = (rate, high) if await holds(rate) else (low, rate)
    return math.sqrt(low * high)


@dataclass(frozen=True)
class Trial:
    """Whether a rate holds, and how much gets through."""

    holds: bool
    through_per_sec: float


async def _trial(connect, rate, duration_sec, slo_p99_ms):
    run = Run(connect, rate, duration_sec)
    report = await run.report()
    few_fail = report.errors + report.timeouts <= 0.01 * report.sent
    keeps_up = run.growth_sec() <= GROWTH * duration_sec
    return Trial(few_fail and report.p99_ms <= slo_p99_ms and keeps_up, report.throughput_per_sec)
