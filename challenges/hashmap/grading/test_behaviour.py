"""The behaviour checks: one function for each `[[checks]]` of challenge.toml, told as a property and a short story."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol

import crowds
import misbehaving
import scripts
import semantics
from census import demand_no_native_growth
from hunting import hunt
from kinds import demand_all_kinds
from large import (
    AGEINGS,
    demand_bounded_churn,
    demand_growth_after_shrinking,
    demand_growth_and_shrink,
    demand_million,
)
from objects import demand_released
from postponed import demand_nothing_postponed
from replaying import demand, demand_shrinking
from scripts import Script
from source_rule import violations
from subject import Subject
from worlds import WORLDS, long_run

from harness.unforeseen import Unforeseen

EXAMPLES_A_WORLD = 16
"""With nine worlds and some 150 operations an example, over 20,000 of them; the scripts find the known bugs."""

LONG_RUNS = ((40, 2_000), (1_500, 12_000))
"""Keys and operations of the runs that make a map grow and shrink far."""

VIOLATIONS_SHOWN = 10
"""More of them say nothing new."""


class Submission(Subject, Protocol):
    """The `submission` fixture."""

    source: Path


def test_agrees_with_model(submission: Submission, fresh_seed: int) -> None:
    title = "operations do not answer as those of a map"
    for script in scripts.model_scripts():
        demand_shrinking(submission, f"{title} ({script.name})", script.specs, script.operations)
    rng = Unforeseen(fresh_seed)
    for world in WORLDS:
        hunt(submission, f"{title} ({world.name})", world, rng.getrandbits(32), EXAMPLES_A_WORLD)
    for keys, length in LONG_RUNS:
        world, operations = long_run(rng, keys, length)
        demand_shrinking(submission, f"{title} ({keys} random ints)", list(world.specs), operations)


def test_key_semantics(submission: Submission, fresh_seed: int) -> None:
    title = "keys are not told apart by hash, identity and equality"
    _demand_all(submission, title, semantics.key_scripts(), demand_shrinking)
    _demand_all(submission, title, crowds.crowded_keys(Unforeseen(fresh_seed)))


def test_hostile_hashes(submission: Submission) -> None:
    title = "keys with a hostile pattern of hashes are mixed up"
    _demand_all(submission, title, scripts.pattern_scripts(), demand_shrinking)


def test_key_error(submission: Submission, fresh_seed: int) -> None:
    title = "a missing key does not raise KeyError with that very key, or a default does not avoid it"
    _demand_all(submission, title, semantics.key_error_scripts())
    _demand_all(submission, title, crowds.crowded_errors(Unforeseen(fresh_seed)))


def test_unhashable_keys(submission: Submission, fresh_seed: int) -> None:
    title = "an unhashable key does not raise TypeError, or changes the map"
    _demand_all(submission, title, semantics.unhashable_scripts())
    _demand_all(submission, title, crowds.crowded_unhashable(Unforeseen(fresh_seed)))


def test_raising_keys(submission: Submission, fresh_seed: int) -> None:
    title = "an exception in __eq__ or __hash__ does not reach the caller, or changes the map"
    _demand_all(submission, title, misbehaving.raising_scripts())
    _demand_all(submission, title, misbehaving.unmoved_scripts(), misbehaving.demand_unmoved)
    _demand_all(submission, title, crowds.crowded_raising(Unforeseen(fresh_seed)))


def test_mutating_keys(submission: Submission, fresh_seed: int) -> None:
    for intrusion in (*misbehaving.intrusions(), *crowds.crowded_intrusions(Unforeseen(fresh_seed))):
        misbehaving.demand_whole(submission, "an __eq__ that changes the map breaks it", intrusion)


def test_iteration_guard(submission: Submission, fresh_seed: int) -> None:
    title = "iteration is out of order, or misses a change of size, or sees one where there is none"
    _demand_all(submission, title, semantics.iteration_scripts())
    _demand_all(submission, title, crowds.crowded_iteration(Unforeseen(fresh_seed)))


def test_instances_are_independent(submission: Submission, fresh_seed: int) -> None:
    title = "maps share state"
    _demand_all(submission, title, semantics.independence_scripts())
    _demand_all(submission, title, crowds.crowded_independence(Unforeseen(fresh_seed)))


def test_equality_and_repr(submission: Submission, fresh_seed: int) -> None:
    title = "==, != or hash() is wrong"
    _demand_all(submission, title, semantics.equality_scripts())
    _demand_all(submission, title, crowds.crowded_equality(Unforeseen(fresh_seed)))
    _demand_all(submission, "repr is wrong", semantics.repr_scripts())


def test_bounded_churn(submission: Submission, fresh_seed: int) -> None:
    rng = Unforeseen(fresh_seed)
    for ageing in AGEINGS:
        demand_bounded_churn(submission, rng, ageing)


def test_done_is_done(submission: Submission, fresh_seed: int) -> None:
    demand_nothing_postponed(submission, Unforeseen(fresh_seed))


def test_growth_and_shrink(submission: Submission, fresh_seed: int) -> None:
    rng = Unforeseen(fresh_seed)
    demand_growth_and_shrink(submission, rng)
    demand_growth_after_shrinking(submission, rng)
    demand_all_kinds(submission, rng)


def test_million_entries(submission: Submission, fresh_seed: int) -> None:
    demand_million(submission, Unforeseen(fresh_seed))


def test_releases_objects(submission: Submission, fresh_seed: int) -> None:
    demand_released(submission, Unforeseen(fresh_seed))


def test_no_native_mapping_source(submission: Submission) -> None:
    found = violations(submission.source)
    listed = "\n".join(map(str, found[:VIOLATIONS_SHOWN]))
    more = f"\n… and {len(found) - VIOLATIONS_SHOWN} more" if len(found) > VIOLATIONS_SHOWN else ""
    assert not found, (
        f"the source breaks the rule against native mappings:\n{listed}{more}\n"
        "This check reads the syntax tree of solution.py and what it imports, and runs nothing: it proves what the "
        "source names, not what it does"
    )


def test_no_native_mapping_census(submission: Submission, fresh_seed: int) -> None:
    demand_no_native_growth(submission, Unforeseen(fresh_seed))


def _demand_all(
    submission: Submission, title: str, listed: Iterable[Script], demanding: Callable[..., None] = demand
) -> None:
    for script in listed:
        demanding(submission, f"{title} ({script.name})", script.specs, script.operations)
