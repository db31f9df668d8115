"""The bars: one function for each `[[bars]]` of challenge.toml."""

from collections.abc import Callable

import pytest
import workload
from big_array import BIG_MB, HELD_BEYOND_MB, SEED_BITS
from turns import Batches, Launch, Turn, Turns, take_served_turns, take_turns

Measure = Callable[..., None]
Statistic = Callable[[Launch], tuple[float, float]]

IDLE_LEAST = 0.2
"""Cores that either side counts as leaving idle at least: beyond that the accounting decides, not the work."""

IDLE_ADDED = 0.1
"""Added on both sides, because the accounting is too coarse to compare next to nothing with next to nothing.

At 1.35 times (0.2 + 0.1) a submission leaves 0.3 idle, which is 1.7 of 2 cores.
"""

USEFUL = 1.15
"""CPU seconds beyond so many times the reference's for the same items are no work on them, and not cores used."""

GROWTH_FLOOR_MB = 8.0
CORES = 2

_pure_python_turns: dict[int, Turns] = {}
_big_argument_turns: dict[int, Turns] = {}
"""The turns of each launch, which two bars look at."""


def test_pure_python(measure: Measure) -> None:
    def statistic(launch: Launch) -> tuple[float, float]:
        _pure_python_turns[launch.number] = take_turns(launch, workload.pure_python, times=2)
        return _pure_python_turns[launch.number].wall()

    measure(statistic)


def test_cores_used(measure: Measure) -> None:
    def statistic(launch: Launch) -> tuple[float, float]:
        turns = _pure_python_turns.pop(launch.number, None) or take_turns(launch, workload.pure_python, times=2)
        useful_sec = USEFUL * max(turn.cpu_sec for turn in turns.reference)
        return _idle(turns.candidate, useful_sec), _idle(turns.reference, useful_sec)

    measure(statistic, unit="cores")


def _idle(turns: list[Turn], useful_sec: float) -> float:
    """Give the cores that were not used in all turns together, as they are compared."""
    used = sum(min(turn.cpu_sec, useful_sec) for turn in turns) / sum(turn.wall_sec for turn in turns)
    return max(CORES - used, IDLE_LEAST) + IDLE_ADDED


def test_short_tasks(measure: Measure) -> None:
    measure(_wall(workload.short_tasks, times=2))


def test_compression(measure: Measure) -> None:
    measure(_wall(workload.compression, times=2))


def test_big_argument(measure: Measure) -> None:
    def statistic(launch: Launch) -> tuple[float, float]:
        _big_argument_turns[launch.number] = _big_argument(launch)
        return _big_argument_turns[launch.number].wall()

    measure(statistic)


def test_peak_memory(measure: Measure) -> None:
    def statistic(launch: Launch) -> tuple[float, float]:
        turns = _big_argument_turns.pop(launch.number, None) or _big_argument(launch)
        usual, held = turns.reference[0].before_mb, turns.candidate[0].before_mb
        peak, allowed = turns.candidate[-1].peak_mb, turns.reference[-1].peak_mb
        if usual is None or held is None or peak is None or allowed is None:
            pytest.skip("not measured here: this machine does not tell a container's memory, or its peak")
        growth = peak - min(held, usual + HELD_BEYOND_MB), allowed - usual
        return BIG_MB + max(growth[0], GROWTH_FLOOR_MB), BIG_MB + max(growth[1], GROWTH_FLOOR_MB)

    measure(statistic, unit="MB")


def _big_argument(launch: Launch) -> Turns:
    """Take turns in fresh processes, so that the last turn's peak is that of this work alone."""
    launch.fresh()
    seed = launch.rng.getrandbits(SEED_BITS)
    return take_turns(launch, lambda rng: workload.big_argument(rng, seed), times=2)


def test_waiting(measure: Measure) -> None:
    def statistic(launch: Launch) -> tuple[float, float]:
        turns = take_served_turns(
            launch, lambda rng, backend: workload.Waiting(workload.salts(rng), backend), workload.served, times=1
        )
        return turns.wall()

    measure(statistic)


def test_tiny_tasks(measure: Measure) -> None:
    measure(_wall(workload.tiny, times=4))


def test_pipeline(measure: Measure) -> None:
    def statistic(launch: Launch) -> tuple[float, float]:
        turns = take_served_turns(
            launch,
            lambda rng, backend: workload.Pipeline(workload.pipeline_squarings(rng), backend),
            workload.served,
            times=2,
        )
        return turns.wall()

    measure(statistic)


def _wall(batches: Batches, times: int) -> Statistic:
    return lambda launch: take_turns(launch, batches, times).wall()
