"""What a run of load really came to, from the planted server's own log, and where a report departs from it. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from behaviours import Word
from planted_server import Entry

TIMEOUT_SEC = 2.0
"""By the spec: a request that is not answered this long after it was due has timed out, and counts as that long."""

PERCENT_OFF = 0.05
MS_OFF = 4.0
"""What a scheduler may add on both sides; the planted times are many times longer."""

RATE_OFF = 0.02

LATE_SEC, MAY_BE_LATE = 0.05, 0.05
"""Share of the requests that may arrive so long after they were due."""

COUNTS = ("sent", "succeeded", "errors", "timeouts")
LATENCIES = ("p50_ms", "p90_ms", "p99_ms", "max_ms")


@dataclass(frozen=True)
class Truth:
    """The figures that an honest report has."""

    sent: int
    succeeded: int
    errors: int
    timeouts: int
    throughput_per_sec: float
    p50_ms: float
    p90_ms: float
    p99_ms: float
    max_ms: float


@dataclass(frozen=True)
class Asked:
    """What the submission was asked to do."""

    rate_per_sec: float
    duration_sec: float

    @property
    def requests(self) -> int:
        """How many requests are due."""
        return math.ceil(self.rate_per_sec * self.duration_sec - 1e-9)


def began_at(asked: Asked, log: Sequence[Entry]) -> float:
    """Say when the run began: no request arrives before it is due, so the promptest tells."""
    return min(entry.arrived_at - entry.number / asked.rate_per_sec for entry in log)


def truth(asked: Asked, log: Sequence[Entry]) -> Truth:
    """Work out the honest report on a non-empty log."""
    began = began_at(asked, log)
    latencies: list[float] = []
    errors = timeouts = 0
    last_answer = 0.0
    for entry in log:
        due = began + entry.number / asked.rate_per_sec
        took = math.inf if entry.answered_at is None else entry.answered_at - due
        if took > TIMEOUT_SEC:
            timeouts += 1
            latencies.append(TIMEOUT_SEC)
            continue
        last_answer = max(last_answer, due + took - began)
        if entry.word is Word.OK:
            latencies.append(took)
        else:
            errors += 1
    succeeded = len(latencies) - timeouts
    return Truth(
        sent=len(log),
        succeeded=succeeded,
        errors=errors,
        timeouts=timeouts,
        throughput_per_sec=succeeded / max(asked.duration_sec, last_answer),
        p50_ms=nearest_rank_ms(latencies, 50),
        p90_ms=nearest_rank_ms(latencies, 90),
        p99_ms=nearest_rank_ms(latencies, 99),
        max_ms=nearest_rank_ms(latencies, 100),
    )


def nobody_reached(asked: Asked) -> Truth:
    """Give the honest report where no connection could be used: nothing was sent, and every request failed with one."""
    return Truth(0, 0, asked.requests, 0, 0.0, 0.0, 0.0, 0.0, 0.0)


def nobody_welcomed(asked: Asked) -> Truth:
    """Give the honest report where no connection came about in time: nothing was sent, and every request timed out."""
    timed_out_ms = 1000 * TIMEOUT_SEC
    return Truth(0, 0, 0, asked.requests, 0.0, timed_out_ms, timed_out_ms, timed_out_ms, timed_out_ms)


def nearest_rank_ms(latencies: Sequence[float], percent: float) -> float:
    """Give the smallest latency that at least `percent` of all do not exceed."""
    if not latencies:
        return 0.0
    return 1000 * sorted(latencies)[max(0, math.ceil(percent / 100 * len(latencies) - 1e-9) - 1)]


def departures(report: dict[str, float], true: Truth) -> list[str]:
    """Name the figures of a report that are off, with the truth beside them."""
    found = [
        f"{name} is {report[name]:g} where the server saw {getattr(true, name)}"
        for name in COUNTS
        if report[name] != getattr(true, name)
    ]
    if abs(report["throughput_per_sec"] - true.throughput_per_sec) > RATE_OFF * true.throughput_per_sec:
        found.append(f"throughput_per_sec is {report['throughput_per_sec']:.1f}, truly {true.throughput_per_sec:.1f}")
    for name in LATENCIES:
        right = getattr(true, name)
        if abs(report[name] - right) > PERCENT_OFF * right + MS_OFF:
            found.append(f"{name} is {report[name]:.1f}, truly {right:.1f}")
    return found


def pacing_fault(asked: Asked, log: Sequence[Entry]) -> str | None:
    """Say how the requests themselves departed from the schedule, not sent or late; None when they did not."""
    if not log:
        return "no request arrived at all"
    numbers = sorted(entry.number for entry in log)
    if numbers != list(range(asked.requests)):
        return f"{asked.requests} requests were due, numbered from 0; {len(set(numbers))} different ones arrived"
    began = began_at(asked, log)
    late = [entry for entry in log if entry.arrived_at - began - entry.number / asked.rate_per_sec > LATE_SEC]
    if len(late) > MAY_BE_LATE * len(log):
        return (
            f"{len(late)} of {len(log)} requests arrived more than {1000 * LATE_SEC:.0f} ms after they were due: "
            "an open loop sends each when it is due, whether or not earlier ones were answered"
        )
    return None
