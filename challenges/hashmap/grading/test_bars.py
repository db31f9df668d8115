"""The bars: one function for each `[[bars]]` of challenge.toml."""

from collections.abc import Callable

import workload
from curves import growth, longest_pause, memory_per_entry

from harness.duel.round import Workload

Duel = Callable[[Workload], None]
Measure = Callable[..., None]


def test_bulk_insert(duel: Duel) -> None:
    duel(workload.BulkInsert())


def test_hit_lookup(duel: Duel) -> None:
    duel(workload.HitLookup())


def test_miss_lookup(duel: Duel) -> None:
    duel(workload.MissLookup())


def test_churn(duel: Duel) -> None:
    duel(workload.Churn())


def test_string_keys(duel: Duel) -> None:
    duel(workload.StringKeys())


def test_iteration(duel: Duel) -> None:
    duel(workload.Iteration())


def test_colliding_keys(duel: Duel) -> None:
    duel(workload.CollidingKeys())


def test_growth(measure: Measure) -> None:
    measure(growth, unit="exponent")


def test_longest_pause(measure: Measure) -> None:
    measure(longest_pause, unit="s")


def test_memory_per_entry(measure: Measure) -> None:
    measure(memory_per_entry, unit="bytes")
