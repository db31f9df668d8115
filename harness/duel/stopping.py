"""When a duel ends: as soon as a look at the launches settles on which side of the threshold the ratio lies. Pure."""

import math
from enum import StrEnum

from harness.duel.interval import Estimate


class Decision(StrEnum):
    """Where the whole interval lies."""

    BELOW = "below"
    ABOVE = "above"
    UNDECIDED = "undecided"


def decide(estimate: Estimate | None, threshold: float) -> Decision:
    """Compare an estimate in logs with a ratio `threshold`; no estimate decides nothing."""
    if estimate is None:
        return Decision.UNDECIDED
    bar = math.log(threshold)
    if estimate.high <= bar:
        return Decision.BELOW
    if estimate.low > bar:
        return Decision.ABOVE
    return Decision.UNDECIDED
