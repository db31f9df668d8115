"""The checks: each names one property, and fails with a short story in which a map lacks it.

Known bugs are scripts that always run; Hypothesis looks for unknown ones in worlds of hostile keys, long enough to find
every known wrong map by itself.
"""

from collections.abc import Iterable
from random import Random

import large
import misbehaving
import objects
import scripts
import semantics
import source_rule
from hunting import hunt
from replaying import CanReplay, demand, demand_shrinking
from scripts import Script
from worlds import WORLDS, long_run

EXAMPLES = 20
"""Random sequences a world of keys; each has up to some hundred operations."""

LONG_RUNS = ((40, 2_000), (1_500, 16_000))
"""Keys and operations of sequences that live through many growths and clean-ups."""

VIOLATIONS_SHOWN = 10
"""A message is for a person."""


def demand_all(submission: CanReplay, title: str, told: Iterable[Script]) -> None:
    """Demand that every script is answered rightly."""
    for script in told:
        demand(submission, f"{title} ({script.name})", script.specs, script.operations)


def test_agrees_with_model(submission, fresh_seed):
    for script in scripts.model_scripts():
        demand_shrinking(submission, f"agrees with a model ({script.name})", script.specs, script.operations)
    rng = Random(fresh_seed)
    for world in WORLDS:
        hunt(submission, f"agrees with a model ({world.name})", world, rng.getrandbits(32), EXAMPLES)
    for keys, length in LONG_RUNS:
        world, operations = long_run(rng, keys, length)
        demand_shrinking(submission, "agrees with a model (a long run)", list(world.specs), operations)


def test_key_semantics(submission):
    demand_all(submission, "keys are found by hash, then identity, then equality", semantics.key_scripts())


def test_hostile_hashes(submission):
    for script in scripts.pattern_scripts():
        demand_shrinking(submission, f"hostile hashes are handled ({script.name})", script.specs, script.operations)


def test_key_error(submission):
    demand_all(submission, "KeyError carries the key", semantics.key_error_scripts())


def test_unhashable_keys(submission):
    demand_all(submission, "unhashable keys raise TypeError and change nothing", semantics.unhashable_scripts())


def test_raising_keys(submission):
    demand_all(submission, "a key that raises leaves the map unchanged", misbehaving.raising_scripts())


def test_mutating_keys(submission):
    for intrusion in misbehaving.intrusions():
        misbehaving.demand_whole(submission, "an __eq__ that changes the map does not break it", intrusion)


def test_iteration_guard(submission):
    demand_all(submission, "iteration notices a change of size", semantics.iteration_scripts())


def test_instances_are_independent(submission):
    demand_all(submission, "maps share no state", semantics.independence_scripts())


def test_equality_and_repr(submission):
    demand_all(submission, "maps compare by content", semantics.equality_scripts())
    demand_all(submission, "repr shows the content", semantics.repr_scripts())


def test_bounded_churn(submission, fresh_seed):
    rng = Random(fresh_seed)
    for oldest_first in (True, False):
        large.demand_bounded_churn(submission, rng, oldest_first)


def test_growth_and_shrink(submission, fresh_seed):
    large.demand_growth_and_shrink(submission, Random(fresh_seed))


def test_million_entries(submission, fresh_seed):
    large.demand_million(submission, Random(fresh_seed))


def test_releases_objects(submission):
    objects.demand_released(submission)


def test_no_native_mapping_source(submission):
    found = source_rule.violations(submission.source)
    shown = "; ".join(map(str, found[:VIOLATIONS_SHOWN]))
    more = f"; and {len(found) - VIOLATIONS_SHOWN} more" if len(found) > VIOLATIONS_SHOWN else ""
    assert not found, f"the source may not name a native mapping: {shown}{more}"


def test_no_native_mapping_census(submission):
    objects.demand_no_native_growth(submission)
