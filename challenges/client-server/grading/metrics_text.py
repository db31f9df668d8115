"""Read /metrics as Prometheus does, as far as the spec uses it. Pure; the text is hostile."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

TEXT_BYTES = 256 * 1024
LINE = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{([^}]*)\})?\s+(\S+)(?:\s+\d+)?")
LABEL = re.compile(r'\s*([a-zA-Z_][a-zA-Z0-9_]*)="([^"]*)"\s*,?')

Labels = frozenset[tuple[str, str]]


@dataclass(frozen=True)
class Metrics:
    """Samples by name and labels."""

    samples: Mapping[tuple[str, Labels], float]

    def value(self, name: str, **labels: str) -> float:
        """Give one sample; 0 where there is none, as a counter that never counted may be left out."""
        return self.samples.get((name, frozenset(labels.items())), 0.0)

    def buckets(self, name: str, **labels: str) -> dict[float, float]:
        """Give the cumulative counts of a histogram by upper bound."""
        wanted = set(labels.items())
        found: dict[float, float] = {}
        for (sample, pairs), value in self.samples.items():
            if sample == name + "_bucket" and wanted <= pairs:
                found[_number(dict(pairs).get("le", "nan"))] = value
        return found


def parse_metrics(raw: bytes) -> Metrics:
    """Parse the text; raises AssertionError that names the line."""
    assert len(raw) <= TEXT_BYTES, "GET /metrics: the text is longer than 256 KiB"
    samples: dict[tuple[str, Labels], float] = {}
    for line in raw.decode("utf-8", "replace").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        found = LINE.fullmatch(line.strip())
        assert found is not None, f"GET /metrics: not in Prometheus' text format: {line[:80]!r}"
        labels = frozenset(LABEL.findall(found[2] or ""))
        samples[found[1], labels] = _number(found[3])
    return Metrics(samples)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


@dataclass(frozen=True)
class Took:
    """The bounds on what a server can honestly say that a request took."""

    at_least_sec: float
    at_most_sec: float


GRAIN_SEC = 0.002
"""Clocks are rounded, and one of them may be coarser than ours."""


def histogram_fault(buckets: Mapping[float, float], bounds: tuple[float, ...], took: list[Took]) -> str | None:
    """Say what is wrong with a histogram of durations that are known within bounds; None when it can be true."""
    for bound in (*bounds, math.inf):
        if bound not in buckets:
            return f"there is no bucket le={_shown(bound)}"
        surely = sum(one.at_most_sec <= bound - GRAIN_SEC for one in took)
        perhaps = sum(one.at_least_sec <= bound + GRAIN_SEC for one in took)
        if bound == math.inf:
            surely = perhaps = len(took)
        if not surely <= buckets[bound] <= perhaps:
            wanted = f"{surely}" if surely == perhaps else f"{surely} to {perhaps}"
            return f"le={_shown(bound)} counts {buckets[bound]:g} of {len(took)} requests where {wanted} took no longer"
    return None


def sum_fault(total_sec: float, took: list[Took]) -> str | None:
    """Say what is wrong with a sum of durations."""
    low = sum(one.at_least_sec - GRAIN_SEC for one in took)
    high = sum(one.at_most_sec + GRAIN_SEC for one in took)
    if low <= total_sec <= high:
        return None
    return f"the durations add up to {total_sec:.2f} s where the requests took {max(low, 0):.2f} to {high:.2f} s"


def _shown(bound: float) -> str:
    return "+Inf" if bound == math.inf else f"{bound:g}"
