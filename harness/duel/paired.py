"""One launch's numbers from values that were taken in turn. Pure.

Where cores are shared, one may be half as fast again as a second before. The least value of each side, or its median,
then tells who met the better moments. In such an hour they stray up to three times as far as the median of the ratios
of neighbours, which met the same; in a calm one they are as good. `benchmarks/paired_turns.py` tells of which kind an
hour is.
"""

import math
import statistics
from collections.abc import Sequence

from harness.duel.interval import launch_log_ratio


def paired(candidate: Sequence[float], reference: Sequence[float]) -> tuple[float, float]:
    """Give the reference's median, and for the candidate that times the middle ratio of the pairs.

    Values are positive, in any unit, and paired by position: each pair on the same work, one just after the other.
    Raises ValueError where there are not as many on both sides.
    """
    theirs = statistics.median(reference)
    return theirs * math.exp(launch_log_ratio(candidate, reference)), theirs
