"""What a run of load came to."""

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

from harness.load.histogram import LatencyHistogram


class Fate(StrEnum):
    """What became of a request."""

    GOOD = "good"
    REFUSED = "refused"
    BROKEN = "broken"
    UNANSWERED = "unanswered"


@dataclass
class LoadResult:
    """The figures of one run; `latencies` holds good replies, and unanswered requests with as long as they waited.

    `lateness` is how far behind its own schedule the generator sent: where its tail comes near to what was measured,
    the figures are the generator's, and void.
    """

    duration_sec: float = 0.0
    sent: int = 0
    fates: Counter[Fate] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    latencies: LatencyHistogram = field(default_factory=LatencyHistogram)
    lateness: LatencyHistogram = field(default_factory=LatencyHistogram)

    @property
    def good_per_sec(self) -> float:
        """Good replies a second, over the whole run."""
        return self.fates[Fate.GOOD] / self.duration_sec

    @property
    def failed(self) -> int:
        """How many requests did not get a good reply."""
        return self.sent - self.fates[Fate.GOOD]

    def count(self, fate: Fate, reason: str = "") -> None:
        """Count what became of one request."""
        self.fates[fate] += 1
        if reason:
            self.reasons[reason] += 1
