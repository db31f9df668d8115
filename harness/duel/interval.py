"""From samples to an estimate: the middle of the launches' log-ratios, and an exact interval for it. Pure.

The estimate is the interquartile mean over launches: as deaf to a wild launch as the median, and steadier.

The interval is the sign-test interval for the median: its ends are order statistics of the launch medians, and its
confidence follows from the binomial distribution alone, so it needs no normality, no resampling and no seed
(Conover, Practical Nonparametric Statistics, 3rd ed., section 3.2; `scipy.stats.quantile_test` gives the same ends).
With seven launches it is their whole range, at 98.4 %.
"""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

MIDMEAN_ERROR = 1.09
"""Standard error of an interquartile mean over that of a mean, for normal data and 5 to 50 values."""

CONFIDENCE_WANTED = 0.99
"""The interval is the narrowest that reaches this, or the whole range where the launches are too few to reach it."""

MIN_LAUNCHES = 2
"""Below this no interval exists."""


@dataclass(frozen=True)
class Estimate:
    """A middle with its interval, all in the domain of the values given; `noise` is its standard error."""

    center: float
    low: float
    high: float
    confidence: float
    noise: float

    @property
    def reach(self) -> float:
        """How far the interval reaches from 0: of two equal subjects, what the machine's noise makes of a log-ratio."""
        return max(abs(self.low), abs(self.high))


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


def interquartile_mean(values: Sequence[float]) -> float:
    """Average the middle half of `values`; of those at its edges the fraction counts that lies inside."""
    ordered = sorted(values)
    dropped = len(ordered) // 4
    middle = ordered[dropped : len(ordered) - dropped]
    edge = 1 - (len(ordered) / 4 - dropped)
    weights = [edge, *[1.0] * (len(middle) - 2), edge] if len(middle) > 1 else [1.0]
    return sum(weight * value for weight, value in zip(weights, middle, strict=True)) / sum(weights)


def estimate(launches: Sequence[Sequence[float]]) -> Estimate | None:
    """Estimate the middle of `launches`, each a non-empty list; `None` when they are too few to claim anything."""
    medians = sorted(statistics.median(values) for values in launches)
    if len(medians) < MIN_LAUNCHES or not all(map(math.isfinite, medians)):
        return None
    rank, confidence = median_ranks(len(medians))
    low, high = medians[rank - 1], medians[-rank]
    return Estimate(
        center=min(max(interquartile_mean(medians), low), high),  # equal values average to another by their rounding
        low=low,
        high=high,
        confidence=confidence,
        noise=MIDMEAN_ERROR * statistics.stdev(medians) / math.sqrt(len(medians)),
    )
