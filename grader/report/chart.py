"""Where ratios stand on a logarithmic axis: twice as slow lies as far from one as twice as fast. Pure."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from grader.result import BarResult

AIR: Final = 1.15
"""The axis reaches this factor beyond the outermost mark."""

TICKS: Final = tuple(step * 10.0**power for power in range(-6, 7) for step in (1, 2, 5))


@dataclass(frozen=True)
class Axis:
    """From the ratio `low` to the ratio `high`."""

    low: float
    high: float

    def place(self, ratio: float) -> float:
        """Say where a ratio stands: 0 is the left end and 1 the right, and what lies beyond stands at an end."""
        share = math.log(max(ratio, self.low) / self.low) / math.log(self.high / self.low)
        return min(share, 1.0)

    @property
    def ticks(self) -> list[float]:
        """Give the round ratios on it."""
        return [tick for tick in TICKS if self.low <= tick <= self.high]


@dataclass(frozen=True)
class Mark:
    """One submission's measurement of one bar, as places on the axis."""

    estimate: float
    low: float
    high: float
    launches: tuple[float, ...]


def axis_over(bars: Iterable[BarResult]) -> Axis:
    """Make the axis on which the reference, every pass threshold and every interval are seen."""
    seen = [1.0]
    for bar in bars:
        seen += [bar.pass_] if bar.ratio is None else [bar.pass_, bar.ratio.low, bar.ratio.high]
    return Axis(min(seen) / AIR, max(seen) * AIR)


def mark(bar: BarResult, axis: Axis) -> Mark | None:
    """Place a bar's interval and the median ratio of each launch; `None` where it was not measured."""
    if bar.ratio is None:
        return None
    return Mark(
        estimate=axis.place(bar.ratio.estimate),
        low=axis.place(bar.ratio.low),
        high=axis.place(bar.ratio.high),
        launches=tuple(axis.place(middle) for middle in _middles(bar.launches)),
    )


def _middles(launches: Sequence[Sequence[float]]) -> list[float]:
    middles = [median(launch) for launch in launches if launch]
    return [middle for middle in middles if middle > 0 and math.isfinite(middle)]
