"""The bars: one function for each id of challenge.toml."""

from dataclasses import dataclass
from random import Random

import pytest
from limits import narrow, roomy
from pairs import Side, in_turn, on_stands

from grader.plugin.facade import PairedLaunch
from grader.plugin.fixtures import Measure
from harness.duel.paired import paired
from harness.duel.schedule import STATISTIC_LOOKS
from harness.load.result import Fate, LoadResult
from harness.load.schedule import poisson

HOT_ITEMS = 64

SATURATION_SEC = 0.15
SATURATION_TURNS = 2

STALE_SEC = 2.1
"""By the spec no item is kept for longer than two."""

LOAD_SHARE = 0.5
"""Half: where a core is shared, what is 70 % now may be all of it in a moment, and then a queue is measured."""

LATENCY_SEC = 0.125
LATENCY_BLOCKS = 4
"""Of two short runs of each side, which are compared run by run.

A stall of the machine spoils a run in three in a noisy hour, on one side as on the other. What a server does to itself
ten times a second is in every run, and five times a second in two of three.
"""

CAPACITY_SEC = 0.05
"""Taken anew for each block: a shared machine is not always equally fast."""

BACKEND_SEC = 0.010
OVERLOAD = 2.0
OVERLOAD_SEC = 0.2
GOODPUT_TURNS = 1
GOOD_SEC = 0.5
"""An answer that comes later than this is of no use to anybody."""

MEMORY_ITEMS = 4_000
"""About as many, in batches of as many as the backend takes at once."""

MEMORY_AGAIN, MEMORY_LATEST = 8, 14
"""So many batches are asked for a second time, out of the latest 14, which are 896 items at most."""

MEMORY_ITEM_BYTES = 16 * 1024


def test_saturation(measure: Measure) -> None:
    measure(_saturation, "s")


def _saturation(launch: PairedLaunch) -> tuple[float, float]:
    """Seconds for each request."""
    with on_stands(launch, limit=roomy(launch.rng)) as sides:
        both = in_turn(sides, launch.number, SATURATION_TURNS, lambda side: 1 / _saturated(side, SATURATION_SEC))
        for side in sides:
            side.demand_counted()
        _demand_one_process(*sides)
        if launch.number == _launch_looked_at(launch.rng):
            _demand_fresh(sides[0])
    return both


_looked_at: int | None = None


def _launch_looked_at(rng: Random) -> int:
    """Draw in which launch, of those that there are in any case, it is seen whether items are fresh."""
    global _looked_at  # noqa: PLW0603  one grading is one process
    if _looked_at is None:
        _looked_at = rng.randrange(STATISTIC_LOOKS[0])
    return _looked_at


def _demand_fresh(side: Side) -> None:
    """Change all items that were asked for under load, and go on asking: two seconds later they are the new ones."""
    side.change()
    _faultless(side.saturate(STALE_SEC), side)
    side.forget()
    _faultless(side.saturate(5.0, requests=2 * HOT_ITEMS), side)


def _demand_one_process(candidate: Side, reference: Side) -> None:
    """Count processes from outside: the reference has none beside the one that serves."""
    mine, usual = (side.stand.subject.stats().processes for side in (candidate, reference))
    if mine is not None and usual is not None:
        assert mine <= usual, (
            f"processes beside the one that calls you: {mine - usual}; everything must run in that one"
        )


def _saturated(side: Side, duration_sec: float) -> float:
    """Give the requests a second of one run."""
    _warm(side)
    return _faultless(side.saturate(duration_sec), side).good_per_sec


def _warm(side: Side) -> None:
    """Have new items fetched, which must be kept for longer than a run lasts: none goes stale while it is measured."""
    side.choose(HOT_ITEMS)
    _faultless(side.saturate(5.0, requests=2 * HOT_ITEMS), side)


def _faultless(result: LoadResult, side: Side) -> LoadResult:
    """Require that below capacity not one request fails."""
    reasons = ", ".join(f"{count} x {reason}" for reason, count in result.reasons.most_common(3))
    unanswered = result.fates[Fate.UNANSWERED]
    assert not reasons, f"below capacity, the {side.name}'s server failed requests: {reasons}"
    assert not unanswered, f"below capacity, the {side.name}'s server left {unanswered} requests unanswered"
    return result


# ---- latency: measured once for each launch, and read by three bars


@dataclass(frozen=True)
class Latencies:
    """Each side's percentiles in seconds, run by run."""

    candidate: list[dict[float, float]]
    reference: list[dict[float, float]]


PERCENTS = (50.0, 99.0, 99.9)
_measured: dict[int, Latencies] = {}


def test_latency_p50(measure: Measure) -> None:
    measure(lambda launch: _latency(launch, 50.0), "s")


def test_latency_p99(measure: Measure) -> None:
    measure(lambda launch: _latency(launch, 99.0), "s")


def test_latency_p999(measure: Measure) -> None:
    measure(lambda launch: _latency(launch, 99.9), "s")


def _latency(launch: PairedLaunch, percent: float) -> tuple[float, float]:
    if launch.number not in _measured:
        _measured[launch.number] = _latencies(launch)
    both = _measured[launch.number]
    return paired([run[percent] for run in both.candidate], [run[percent] for run in both.reference])


def _latencies(launch: PairedLaunch) -> Latencies:
    """Load both sides with the same Poisson schedules, at a share of what the reference can do."""
    with on_stands(launch, limit=roomy(launch.rng)) as (candidate, reference):
        found: dict[str, list[dict[float, float]]] = {candidate.name: [], reference.name: []}
        for _ in range(LATENCY_BLOCKS):
            rate = LOAD_SHARE * _saturated(reference, CAPACITY_SEC)
            schedules = [poisson(rate, LATENCY_SEC, launch.rng.getrandbits(32)) for _ in range(2)]
            for side, number in ((candidate, 0), (reference, 0), (reference, 1), (candidate, 1)):
                _warm(side)
                latencies = _faultless(side.open_loop(schedules[number]), side).latencies
                found[side.name].append({percent: latencies.percentile_sec(percent) for percent in PERCENTS})
    return Latencies(found[candidate.name], found[reference.name])


# ---- goodput


def test_goodput(measure: Measure) -> None:
    measure(_goodput, "s")


def _goodput(launch: PairedLaunch) -> tuple[float, float]:
    """Seconds for each good answer, at twice what the backend can do."""
    limit = narrow(launch.rng)
    schedule = poisson(OVERLOAD * limit / BACKEND_SEC, OVERLOAD_SEC, launch.rng.getrandbits(32))
    with on_stands(launch, limit=limit) as sides:

        def run(side: Side) -> float:
            side.stand.backend.delay_all(BACKEND_SEC)
            side.choose(len(schedule))
            result = side.open_loop(schedule, grace_sec=2.5)
            return OVERLOAD_SEC / max(result.latencies.count_up_to(GOOD_SEC), 0.5)

        both = in_turn(sides, launch.number, GOODPUT_TURNS, run)
        for side in sides:
            side.demand_counted()
        return both


# ---- memory


def test_memory(measure: Measure) -> None:
    measure(_memory, "MiB")


def _memory(launch: PairedLaunch) -> tuple[float, float]:
    """Peak memory of the whole container while many items pass through a server that has just started."""
    launch.fresh()
    limit = roomy(launch.rng)
    order = _with_some_again(launch.rng, MEMORY_ITEMS // limit)
    with on_stands(launch, limit=limit, size=MEMORY_ITEM_BYTES) as sides:
        for side in sides:
            side.choose_batches(order, limit)
            _faultless(side.saturate(20.0, requests=len(order), connections=1), side)
            side.demand_kept()
        peaks = [side.stand.subject.stats().memory_peak_mb for side in sides]
    if peaks[0] is None or peaks[1] is None:
        pytest.skip("not measured here: this sandbox does not tell a subject's peak memory")
    return peaks[0], peaks[1]


def _with_some_again(rng: Random, batches: int) -> list[int]:
    """Give the numbers of the batches in the order in which they are asked for; some come again, while they are kept.

    A server that is asked for nothing twice could keep nothing and look frugal.
    """
    again = set(rng.sample(range(MEMORY_LATEST, batches), MEMORY_AGAIN))
    order: list[int] = []
    for number in range(batches):
        order += [number, number - rng.randrange(MEMORY_LATEST)] if number in again else [number]
    return order
