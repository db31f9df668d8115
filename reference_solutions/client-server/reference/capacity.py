"""The search for the highest rate that a server sustains."""

import math
from dataclasses import dataclass

from load import Run

LOWEST_RATE, HIGHEST_RATE = 50.0, 1000.0
PROBE_SEC, TRIAL_SEC = 0.5, 1.0
GUESS_OFF = 1.05

GROWTH = 0.025
"""Of the duration: a rate 3 % beyond the capacity makes the last requests wait that much longer than the first."""


async def find_capacity(connect, slo_p99_ms):
    """Find the highest rate that the server sustains.

    Double until it fails. The pace of its answers then is a guess at the capacity; it is tried from both sides, for a
    server may also fail by its latency alone. Where the guess was wrong, halve the interval that is left.
    """

    async def attempt(rate, duration_sec):
        """Try a rate, and a failing one again: a stall of this machine does not come twice."""
        first = await _trial(connect, rate, duration_sec, slo_p99_ms)
        return first if first.holds else await _trial(connect, rate, duration_sec, slo_p99_ms)

    low, high = LOWEST_RATE, 2 * LOWEST_RATE
    while (probe := await attempt(high, PROBE_SEC)).holds and high < HIGHEST_RATE:
        low, high = high, 2 * high
    for rate in (probe.pace_per_sec / GUESS_OFF, probe.pace_per_sec * GUESS_OFF):
        if low < rate < high:
            low, high = (rate, high) if (await attempt(rate, TRIAL_SEC)).holds else (low, rate)
    while high / low > GUESS_OFF**2 * 1.01:
        rate = math.sqrt(low * high)
        low, high = (rate, high) if (await attempt(rate, TRIAL_SEC)).holds else (low, rate)
    return math.sqrt(low * high)


@dataclass(frozen=True)
class Trial:
    """Whether a rate holds, and how fast good answers came."""

    holds: bool
    pace_per_sec: float


async def _trial(connect, rate, duration_sec, slo_p99_ms):
    run = Run(connect, rate, duration_sec)
    report = await run.report()
    few_fail = report.errors + report.timeouts <= 0.01 * report.sent
    keeps_up = run.growth_sec() <= GROWTH * duration_sec
    return Trial(few_fail and report.p99_ms <= slo_p99_ms and keeps_up, run.pace_per_sec())
