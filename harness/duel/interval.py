"""From samples to an estimate: the median over launches of the launches' log-ratios, and its exact interval. Pure.

The interval is the sign-test interval for a median: its ends are order statistics of the launch medians, and its
confidence follows from the binomial distribution alone, so it needs no normality, no resampling and no seed
(Conover, Practical Nonparametric Statistics, 3rd ed., section 3.2; `scipy.stats.quantile_test` gives the same ends).
With seven launches it is their whole range, at 98.4 %.
"""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

MEDIAN_EFFICIENCY = math.sqrt(math.pi / 2)
"""Standard error of a median over that of a mean, for normal data."""

CONFIDENCE_WANTED = 0.99
"""The interval is the narrowest that reaches this, or the whole range where the launches are too few to reach it."""

MIN_LAUNCHES = 2
"""Below this no interval exists."""


@dataclass(frozen=True)
class Estimate:
    """A median with its interval, all in the domain of the values given; `noise` is its standard error."""

    center: float
    low: float
    high: float
    confidence: float
    noise: float


def launch_log_ratio(candidate: Sequence[float], reference: Sequence[float]) -> float:
    """Compare two series of one launch, of positive values, by the median of the paired log-ratios.

    A pair is measured within some 20 ms, so a machine that changes its speed for longer than that changes both alike.
    """
    return statistics.median(math.log(mine / theirs) for mine, theirs in zip(candidate, reference, strict=True))


def binomial_half_cdf(k: int, n: int) -> float:
    """P(X <= k) for X ~ Binomial(n, 1/2)."""
    return sum(math.comb(n, i) for i in range(k + 1)) / 2.0**n


def median_ranks(n: int, confidence: float = CONFIDENCE_WANTED) -> tuple[int, float]:
    """Give `r` and the exact confidence of the interval from the r-th smallest to the r-th largest of `n` values."""
    rank = 1
    while 1 - 2 * binomial_half_cdf(rank, n) >= confidence and 2 * (rank + 1) <= n:
        rank += 1
    return rank, 1 - 2 * binomial_half_cdf(rank - 1, n)


def estimate(launches: Sequence[Sequence[float]]) -> Estimate | None:
    """Estimate the median of `launches`, each a non-empty list; `None` when they are too few to claim anything."""
    medians = sorted(statistics.median(values) for values in launches)
    if len(medians) < MIN_LAUNCHES or not all(map(math.isfinite, medians)):
        return None
    rank, confidence = median_ranks(len(medians))
    return Estimate(
        center=statistics.median(medians),
        low=medians[rank - 1],
        high=medians[-rank],
        confidence=confidence,
        noise=MEDIAN_EFFICIENCY * statistics.stdev(medians) / math.sqrt(len(medians)),
    )
