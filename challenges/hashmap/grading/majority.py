"""What is slow most of the time, and not now and then because the machine was busy."""

from collections.abc import Callable

MAJORITY = 2
"""Of three measurements; whoever is slow in every second run of the same is slow in two of them often enough."""


def mostly_above(limit_sec: float, measure: Callable[[], float]) -> float | None:
    """Measure until two measurements agree; give the last where two are above the limit, and None otherwise."""
    above = below = 0
    while True:
        seconds = measure()
        if seconds > limit_sec:
            above += 1
        else:
            below += 1
        if above == MAJORITY:
            return seconds
        if below == MAJORITY:
            return None
