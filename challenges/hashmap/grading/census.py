"""The census of native mappings: what native containers gain while ordinary calls of the driver fill a map.

Nothing in such a call tells that a census comes after it: it is the very call of a bar or of a behaviour check, with
keys of the same kinds, made from the grading's seed. The order is drawn too, and one call is not counted at all.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, cast

import numpy as np
import workload
from keys import distinct, raw
from kinds import KINDS, assorted_call
from model import Model, Operation
from subject import Subject, ask

from harness.duel.round import Call, Round

INTS = (20_000, 60_000)
MANY_INTS = (100_000, 140_000)
ASSORTED = (8_000, 20_000)
OBJECTS = (1_500, 3_000)
"""How many keys: a secret number in between, so that no size is known to be safe. Objects cost more, as
each is described by itself.
"""

GROWTH_ALLOWED = 1 / 8
"""What native containers may gain meanwhile for each key, alone or together: the interpreter remembers things too."""

SIGHT = "This check sees every dict, set and frozenset among Python's objects, but no other storage"


@dataclass(frozen=True)
class Filling:
    """Calls of which the last one fills the held map, and what is in it then."""

    kind: str
    count: int
    inserted: object
    """The keys, as the driver's `census` takes them."""

    calls: Sequence[Call]
    check: Callable[[object], str | None]
    """Says what is wrong with the last call's answer."""


def demand_no_native_growth(submission: Subject, rng: Random) -> None:
    """Fill maps and count what native containers gained; says in its messages what it can't see."""
    fillings = [_build(rng, INTS), _build(rng, MANY_INTS), _bulk_insert(rng), _words(rng), _objects(rng)]
    fillings += [_lookups(rng), _assorted(rng)]
    rng.shuffle(fillings)
    unwatched = rng.randrange(len(fillings))
    for place, filling in enumerate(fillings):
        if place == unwatched:
            _play(submission, _other(rng))
        demand_filled_without_natives(submission, filling)


def demand_filled_without_natives(submission: Subject, filling: Filling) -> None:
    """Note all native containers, fill the held map, and count what they gained."""
    ask(submission, "before filling a map", "note_natives")
    _play(submission, filling)
    count, kind = filling.count, filling.kind
    answer: Any = ask(submission, f"after filling a map with {kind}", "census", kind, filling.inserted)
    grown, gained, reached = answer
    allowed = int(count * GROWTH_ALLOWED)
    during = f"while a map was filled with {count} {kind}"
    assert grown <= allowed, f"{during}, one native dict or set grew by {grown} entries. {SIGHT}"
    assert gained <= allowed, f"{during}, native dicts and sets gained {gained} distinct keys. {SIGHT}"
    assert reached >= count - allowed, (
        f"only {reached} of the {count} {kind} inserted can be reached from the map or the submission's modules: "
        "the rest is stored where this check can't see it"
    )


def _play(submission: Subject, filling: Filling) -> None:
    doing = f"filling a map with {filling.kind}"
    answer: object = None
    for call in filling.calls:
        answer = ask(submission, doing, call.function, *call.args)
    wrong = filling.check(answer)
    assert wrong is None, f"{doing}: {wrong}"


def _build(rng: Random, counts: tuple[int, int]) -> Filling:
    """Build a map as the checks on large maps and the bars' preparation do."""
    keys = distinct(rng, rng.randint(*counts))
    right = f"a map of {len(keys)} entries has another length"
    calls = (Call("build", (raw(keys),)),)
    return Filling("ints", len(keys), raw(keys), calls, lambda answer: None if answer == len(keys) else right)


def _bulk_insert(rng: Random) -> Filling:
    """Play a round of the bar."""
    round_ = workload.BulkInsert().round(rng)
    keys = np.unique(np.frombuffer(cast(bytes, round_.timed.args[0]), dtype=np.int64))
    return _of_round(round_, "ints", len(keys), raw(keys))


def _assorted(rng: Random) -> Filling:
    """Build a map of other keys, as the check on maps of each kind does."""
    call, right = assorted_call(rng, kind := rng.choice(KINDS), rng.randint(*ASSORTED))
    wrong = f"a map of {kind} has other values"
    keys = cast(bytes, call.args[1])
    return Filling(kind, len(keys) // 8, keys, (call,), lambda answer: None if answer == right else wrong)


def _words(rng: Random) -> Filling:
    """Play a round of the bar."""
    round_ = workload.StringKeys().round(rng)
    words = set(str(round_.timed.args[0]).split(" "))
    return _of_round(round_, "strings", len(words), " ".join(sorted(words)))


def _lookups(rng: Random) -> Filling:
    """Play a round of one of the bars of lookups, whose maps are the smallest."""
    round_ = rng.choice((workload.HitLookup, workload.MissLookup))().round(rng)
    keys = cast(bytes, round_.prepare[0].args[0])
    return _of_round(round_, "ints", len(keys) // 8, keys)


def _other(rng: Random) -> Filling:
    """Make a bar's call that nobody counts."""
    return _of_round(rng.choice((workload.Churn, workload.Iteration))().round(rng), "ints", 0, b"")


def _of_round(round_: Round, kind: str, count: int, inserted: object) -> Filling:
    return Filling(kind, count, inserted, (*round_.prepare, round_.timed), round_.check)


def _objects(rng: Random) -> Filling:
    """Replay insertions and lookups of objects, as the behaviour checks do, with hashes in strides as in theirs."""
    count = rng.randint(*OBJECTS)
    first, stride = rng.getrandbits(20), rng.randint(1, 2**20)
    hashes = [first + stride * number for number in range(count)]
    specs = [["object", hashed, group] for group, hashed in enumerate(hashes)]
    operations: list[Operation] = [["set", 0, key, key] for key in range(count)]
    operations += [["get", 0, key, -1] for key in rng.sample(range(count), count)]
    expected = Model(specs).replay(operations)
    return Filling(
        "objects",
        count,
        raw(hashes),
        (Call("replay", (specs, operations)),),
        lambda answer: None if answer == expected else "a map does not give the values of its keys back",
    )
