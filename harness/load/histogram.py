"""Latencies in an HdrHistogram: counts in log-linear buckets, three significant digits from 1 µs to beyond an hour.

Theory of operation: a value in µs below 2048 has a bucket of its own. Above, each power of two is split into 1024 equal
buckets, so that a bucket is never wider than 1/1024 of the values in it: the layout of HdrHistogram (Tene) with three
significant digits. Recording costs the same for every value, memory does not grow with their number, and histograms
add up exactly. Minimum, maximum and sum are kept beside the buckets, exactly.
"""

import math
from typing import Final

import numpy as np

SUB_BUCKETS: Final = 2048
"""The power of two from 2 * 10**3 up: neighbours that differ in the third significant digit stay apart."""

HALF: Final = SUB_BUCKETS // 2
HALF_BITS: Final = 10
LARGEST_US: Final = 2**32 - 1
"""About 71 minutes; longer ones count as this in the buckets, and as they are in the maximum and the mean."""

US: Final = 1e6


class LatencyHistogram:
    """Latencies, recorded and read in seconds."""

    def __init__(self) -> None:
        self._counts = [0] * (_slot(LARGEST_US) + 1)
        self.count = 0
        self.min_sec = math.inf
        self.max_sec = 0.0
        self._sum_sec = 0.0

    def record(self, seconds: float) -> None:
        """Count one latency; a negative one, by a clock's grain, counts as none."""
        seconds = max(seconds, 0.0)
        self._counts[_slot(min(round(seconds * US), LARGEST_US))] += 1
        self.count += 1
        self._sum_sec += seconds
        self.min_sec = min(self.min_sec, seconds)
        self.max_sec = max(self.max_sec, seconds)

    def add(self, other: "LatencyHistogram") -> None:
        """Count all that `other` has counted."""
        self._counts = [mine + theirs for mine, theirs in zip(self._counts, other._counts, strict=True)]
        self.count += other.count
        self._sum_sec += other._sum_sec
        self.min_sec = min(self.min_sec, other.min_sec)
        self.max_sec = max(self.max_sec, other.max_sec)

    @property
    def mean_sec(self) -> float:
        """The exact mean; raises ValueError when nothing was recorded."""
        self._refuse_empty()
        return self._sum_sec / self.count

    def percentile_sec(self, percent: float) -> float:
        """Give the smallest latency that at least `percent` of all do not exceed, to three significant digits."""
        self._refuse_empty()
        if not 0 <= percent <= 100:
            raise ValueError(f"no percentile: {percent}")
        wanted = max(1, math.ceil(percent / 100 * self.count - 1e-9))
        slot = int(np.searchsorted(np.cumsum(self._counts), wanted))
        return min(max(_highest_us(slot) / US, self.min_sec), self.max_sec)

    def count_up_to(self, seconds: float) -> int:
        """Count the latencies of at most `seconds`, to three significant digits."""
        return sum(self._counts[: _slot(min(round(seconds * US), LARGEST_US)) + 1])

    def _refuse_empty(self) -> None:
        if not self.count:
            raise ValueError("nothing was recorded")


def _slot(us: int) -> int:
    """Find a value's bucket."""
    shift = max(us.bit_length() - HALF_BITS - 1, 0)
    return (shift << HALF_BITS) + (us >> shift)


def _highest_us(slot: int) -> int:
    """Give the largest value of a bucket."""
    shift = max((slot >> HALF_BITS) - 1, 0)
    return ((slot - (shift << HALF_BITS) + 1) << shift) - 1
