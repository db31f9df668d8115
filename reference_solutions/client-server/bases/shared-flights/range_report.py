"""`measure`: constant load, and what its users would have seen."""

import asyncio
import math
from dataclasses import dataclass

from range_fleet import ERROR, LATE, OK, PATIENCE_SEC, Connect, Fleet, Shot, until


@dataclass(frozen=True)
class Report:
    """What a run of load came to."""

    sent: int
    succeeded: int
    errors: int
    timeouts: int
    throughput_per_sec: float
    p50_ms: float
    p90_ms: float
    p99_ms: float
    max_ms: float


def how_many(rate_per_sec: float, duration_sec: float) -> int:
    """Count the k = 0, 1, 2, ... with k / rate < duration, in the arithmetic in which they are due."""
    count = max(0, math.ceil(rate_per_sec * duration_sec))
    while count > 0 and (count - 1) / rate_per_sec >= duration_sec:
        count -= 1
    while count / rate_per_sec < duration_sec:
        count += 1
    return count


def percentile(ordered: list[float], percent: int) -> float:
    """Give the smallest value that at least so many percent do not exceed."""
    if not ordered:
        return 0.0
    rank = -(-percent * len(ordered) // 100)  # rounded up
    return ordered[max(rank, 1) - 1]


async def measure(connect: Connect, rate_per_sec: float, duration_sec: float) -> Report:
    """Load a server with evenly spaced requests and report what its users would have seen."""
    loop = asyncio.get_running_loop()
    fleet = Fleet(connect)
    shots: list[Shot] = []
    start = loop.time()
    try:
        for number in range(how_many(rate_per_sec, duration_sec)):
            due = start + number / rate_per_sec
            await until(loop, due)
            shot = Shot(number, due)
            shots.append(shot)
            fleet.fire(shot)
        await fleet.calm()
    finally:
        await fleet.close()
    return summarise(shots, start, duration_sec)


def summarise(shots: list[Shot], start: float, duration_sec: float) -> Report:
    """Give the report on shots that are all decided."""
    latencies = [(shot.answered - shot.due) * 1000 for shot in shots if shot.verdict == OK]
    succeeded = len(latencies)
    timeouts = sum(shot.verdict == LATE for shot in shots)
    latencies += [PATIENCE_SEC * 1000] * timeouts
    latencies.sort()
    took = max([duration_sec, *(shot.answered - start for shot in shots if shot.answered is not None)])
    return Report(
        sent=sum(shot.sent for shot in shots),
        succeeded=succeeded,
        errors=sum(shot.verdict == ERROR for shot in shots),
        timeouts=timeouts,
        throughput_per_sec=succeeded / took if took > 0 else 0.0,
        p50_ms=percentile(latencies, 50),
        p90_ms=percentile(latencies, 90),
        p99_ms=percentile(latencies, 99),
        max_ms=latencies[-1] if latencies else 0.0,
    )
