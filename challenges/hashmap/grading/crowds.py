"""Scripts carried out among many other entries, as many as the bars' maps have."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from random import Random

from misbehaving import EQUAL, STORED, Intrusion, intrusions, raising_scripts
from model import Operation, Spec
from scripts import Script, ints
from semantics import (
    ITERATORS,
    changed_while_iterating,
    equality_scripts,
    independence_scripts,
    key_error_scripts,
    key_scripts,
    overwritten_while_iterating,
    unhashable_scripts,
)
from workload import Churn, HitLookup, Iteration

COUNTS = (600, 4_000)
"""Others: a secret number in between, as often of one order of magnitude as of another."""

AS_TIMED = (HitLookup.ENTRIES, Churn.ENTRIES, Iteration.ENTRIES)
"""Sizes of bars' maps, at which some scripts look, too."""

FIRST_BITS = 45
STEP = 97
"""Others are ints that ascend by so much from a secret number of so many bits, which is far from the scripts' own."""

WHOLE = frozenset({"items", "iter", "keys", "values"})
"""Looks at all of a map, which would take most of the time if there were more than one of a kind in a script."""

SAME = 3
"""Of scripts that try the same in several orders, one of so many is enough here."""


AGES = ("new", "oldest gone", "half gone")
"""What has become of the first that were inserted."""


def crowded_keys(rng: Random) -> Iterator[Script]:
    """Yield what decides whether two keys are one."""
    for script in list(key_scripts())[rng.randrange(SAME) :: SAME]:
        yield amid(rng, script, count(rng))


def crowded_errors(rng: Random) -> Iterator[Script]:
    """Yield lookups of what is not there."""
    for script in key_error_scripts():
        yield amid(rng, script, count(rng))


def crowded_unhashable(rng: Random) -> Iterator[Script]:
    """Yield operations on unhashable keys."""
    for script in unhashable_scripts((5,)):
        yield amid(rng, script, count(rng))


def crowded_raising(rng: Random) -> Iterator[Script]:
    """Yield keys that raise, in maps of sizes that are timed."""
    for script in raising_scripts((5,)):
        yield amid(rng, script, rng.choice(AS_TIMED) - leading(script.operations))


def crowded_iteration(rng: Random) -> Iterator[Script]:
    """Yield changes under each kind of iterator: in maps of any size, of the size that is timed, and at the end."""
    for what in ITERATORS:
        changed, overwritten = list(changed_while_iterating(what, 2, 1)), overwritten_while_iterating(what, 2)
        for script in changed:
            yield amid(rng, script, count(rng))
        for age in AGES:
            yield amid(rng, overwritten, count(rng), age=age)
        for script in (rng.choice(changed), overwritten):
            yield amid(rng, script, Iteration.ENTRIES - leading(script.operations))
        entries = count(rng)
        steps: list[Operation] = [["open", 0, 0, what], *[["step", 0, what]] * (entries + 1)]
        end = Script(f"the end of {what}", ints(1, 2), [["set", 0, 0, 1], *steps, ["set", 0, 1, 2], steps[-1]])
        yield amid(rng, end, entries)


def crowded_equality(rng: Random) -> Iterator[Script]:
    """Yield comparisons of maps."""
    for script in equality_scripts((0, 5)):
        yield amid(rng, script, count(rng), maps=(0, 1))


def crowded_independence(rng: Random) -> Iterator[Script]:
    """Yield changes of one map and looks at another."""
    for script in list(independence_scripts((5,)))[rng.randrange(SAME) :: SAME]:
        yield amid(rng, script, count(rng))


def crowded_intrusions(rng: Random) -> Iterator[Intrusion]:
    """Yield every operation that takes the key away with which another is compared, and a third as many others."""
    taking: list[Intrusion] = []
    other: list[Intrusion] = []
    for intrusion in intrusions((4,)):
        (taking if intrusion.during == [["del", 0, STORED]] else other).append(intrusion)
    for intrusion in [*taking, *rng.sample(other, len(taking) // SAME)]:
        timed = Churn.ENTRIES if intrusion.operation[2] == EQUAL else HitLookup.ENTRIES
        size = rng.choice((timed - leading(intrusion.before), count(rng)))
        yield replace(
            intrusion,
            specs=[*intrusion.specs, *others(rng, size)],
            before=[*intrusion.before, ["fill", 0, len(intrusion.specs), size]],
            after=thinned(intrusion.after),
        )


def count(rng: Random) -> int:
    """Draw how many others there are."""
    fewest, most = COUNTS
    return int(fewest * (most / fewest) ** rng.random())


def leading(operations: list[Operation]) -> int:
    """Count the insertions with which operations begin."""
    return next((at for at, operation in enumerate(operations) if operation[0] != "set"), len(operations))


def amid(rng: Random, script: Script, count: int, maps: Iterable[int] = (0,), age: str = "") -> Script:
    """Put `count` others into maps when the first of a script are in: into any but the first map in another order.

    By the `age`, else a random one, more were there before all of them, and are deleted when all are in, so that the
    script looks at maps with holes.
    """
    early, step = {"new": (0, 1), "oldest gone": (rng.randrange(count // 8, count // 2), 1), "half gone": (count, 2)}[
        age or rng.choice(AGES)
    ]
    late = count - (early - len(range(0, early, step)))
    first, half, begun = len(script.specs), late // 2, leading(script.operations)
    before: list[Operation] = [["fill", m, first, early] for m in maps if early]
    fill: list[Operation] = []
    for m in maps:
        halves: list[Operation] = [["fill", m, first + early, half], ["fill", m, first + early + half, late - half]]
        fill += halves if m == 0 else halves[::-1]
    thin: list[Operation] = [["thin", m, first, early, step] for m in maps if early]
    operations = [*before, *script.operations[:begun], *fill, *thin, *thinned(script.operations[begun:])]
    return Script(f"{script.name}, amid {count} other entries", [*script.specs, *others(rng, early + late)], operations)


def others(rng: Random, count: int) -> list[Spec]:
    """Describe keys of no script."""
    first = rng.getrandbits(FIRST_BITS) | 1 << FIRST_BITS
    return ints(*range(first, first + STEP * count, STEP))


def thinned(operations: list[Operation]) -> list[Operation]:
    """Leave out all looks at the whole of a map but the last of each kind."""
    last = {tuple(operation): at for at, operation in enumerate(operations) if operation[0] in WHOLE}
    return [each for at, each in enumerate(operations) if each[0] not in WHOLE or last[tuple(each)] == at]
