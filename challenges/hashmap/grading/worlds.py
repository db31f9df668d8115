"""Worlds of keys, and random sequences of operations in them."""

from dataclasses import dataclass
from functools import cache
from random import Random

from hypothesis import strategies as st
from model import MAPS, Operation, Spec

from harness.unforeseen import Unforeseen

MERSENNE = 2**61 - 1
"""Python hashes ints modulo this number."""

OPERATIONS_A_PHASE = (5, 70)
"""How long a sequence stays in one mode: long enough to fill small tables, short enough to change often."""

Weights = dict[str, int]

MODES: dict[str, Weights] = {
    "grow": {"set": 14, "setdefault": 3, "update": 1, "get-item": 2, "in": 1},
    "churn": {
        "set": 7,
        "del": 5,
        "pop": 2,
        "pop-default": 1,
        "get-item": 3,
        "in": 2,
        "get": 1,
        "setdefault": 2,
        "iter": 1,
    },
    "drain": {"del": 9, "pop": 2, "pop-default": 3, "in": 2, "get-item": 2, "get-default": 1, "len": 1},
    "look": {
        "iter": 1,
        "keys": 1,
        "values": 1,
        "items": 2,
        "len": 1,
        "get-item": 4,
        "get-default": 4,
        "in": 4,
        "bool": 1,
    },
    "several": {
        "set": 12,
        "del": 6,
        "pop-default": 2,
        "setdefault": 2,
        "update": 2,
        "update-keys": 2,
        "items": 2,
        "get": 2,
        "update-map": 2,
        "copy": 2,
        "eq": 3,
        "clear": 1,
        "new": 1,
        "new-from-map": 1,
        "new-empty": 1,
    },
}
"""How often each operation comes in each mode."""

OF_A_KEY = frozenset({"set", "get-item", "del", "in", "get", "get-default", "pop", "pop-default", "setdefault"})
OF_TWO_MAPS = frozenset({"update-map", "copy", "eq", "new-from-map"})
OF_PAIRS = frozenset({"update", "update-keys", "new"})

PAIRS = 4
"""Entries of one update."""


@dataclass(frozen=True)
class World:
    """Keys that belong together."""

    name: str
    specs: tuple[Spec, ...]

    def __hash__(self) -> int:
        return hash(self.name)


def _objects(hashes: list[int], copies: int = 1) -> tuple[Spec, ...]:
    """Make keys of given hashes, each in `copies` equal objects."""
    return tuple(["object", hashed, group] for _ in range(copies) for group, hashed in enumerate(hashes))


def _plain(*values: object) -> tuple[Spec, ...]:
    return tuple(["plain", value] for value in values)


WORLDS = (
    World("small ints", _plain(*range(10))),
    World("many ints", _plain(*range(160))),
    World(
        "ints and their multiples",
        _plain(*range(0, 64, 8), *range(7, 80, 8), *(2**n - 1 for n in range(7, 64)), 2**64, 2**70),
    ),
    World(
        "keys of all kinds",
        (
            *_plain(1, 1.0, True, 0, 0.0, False, -0.0, -1, -2, -1.0, -2.0, "", "a", "b", b"a", None, 2.5),
            *_plain(MERSENNE, MERSENNE - 1, -MERSENNE, MERSENNE + 1, 2**200, -(2**200), float("inf"), float("-inf")),
            *(["nan"], ["nan"], ["tuple", [["plain", 1]]], ["tuple", [["plain", 1.0]]], ["tuple", [["nan"]]]),
        ),
    ),
    World("equal hashes", _objects([7] * 14, copies=2)),
    World(
        "hashes -1, -2 and their neighbours",
        _objects([-1, -2, -3, 0, 1, -2, -1, 2**61 - 2, -(2**61 - 2), 2**63 - 1, -(2**63)]),
    ),
    World("equal low bits", _objects([i << 20 for i in range(24)] + [-(i << 32) for i in range(1, 24)], copies=2)),
    World(
        "equal to everything, by hash",
        tuple(["object", hashed, None] for hashed in range(-9, 40) if hashed != -1),
    ),
    World("a few slots", _objects([i % 5 + 64 * (i % 3) for i in range(40)], copies=2)),
)


@cache
def pool(world: World, mode: str) -> tuple[Operation, ...]:
    """List the operations that a mode draws from; values come later. Simple ones come first."""
    several = mode == "several"
    listed: list[Operation] = []
    for name, weight in MODES[mode].items():
        for m in range(MAPS if several else 1):
            listed += _forms(name, m, len(world.specs), weight)
    return tuple(listed)


def _forms(name: str, m: int, keys: int, weight: int) -> list[Operation]:
    """List an operation's forms, repeated so that the sum of all forms has about `weight` times a fixed share."""
    share = max(1, weight * 40 // keys)
    if name in OF_A_KEY:
        return [[name, m, key] for key in range(keys)] * share
    if name in OF_PAIRS:
        starts = range(0, keys, 3)
        return [[name, m, [(start + i) % keys for i in range(PAIRS)]] for start in starts] * max(
            1, weight * 40 // len(starts)
        )
    if name in OF_TWO_MAPS:
        return [[name, m, other] for other in range(MAPS)] * (weight * 13)
    return [[name, m]] * (weight * 20)


def numbered(picked: list[Operation]) -> list[Operation]:
    """Give operations the values that they lack: their own position, so that every write is told from every other."""
    return [_with_value(operation, position) for position, operation in enumerate(picked)]


def _with_value(operation: Operation, position: int) -> Operation:
    name, *rest = operation
    if name in {"set", "setdefault"}:
        return [name, *rest, position]
    if name in {"get-default", "pop-default"}:
        return [name.removesuffix("-default"), *rest, -position if position % 4 else None]
    if name in OF_PAIRS:
        return [name, rest[0], [[key, position] for key in rest[1]]]
    return operation


def final_look(world: World, maps: int = MAPS) -> list[Operation]:
    """Look at everything: what a sequence broke must show at its end."""
    looks: list[Operation] = []
    for m in range(maps):
        looks += [["items", m], ["len", m], ["values", m], ["iter", m]]
        looks += [["get", m, key, -1] for key in range(len(world.specs))]
    return looks


PHASES = st.lists(st.tuples(st.sampled_from(sorted(MODES)), st.integers(*OPERATIONS_A_PHASE)), min_size=3, max_size=7)
"""Modes that a sequence passes through, and how long it stays in each."""

SEEDS = st.integers(0, 2**64 - 1)


@cache
def sequences(world: World) -> st.SearchStrategy[list[Operation]]:
    """Make the strategy of sequences that pass through several modes and end with a look at everything.

    Hypothesis draws the modes, their lengths and a seed. The operations come from that seed: drawing each of them
    would take longer than replaying it, and what that is good for, its shrinking, is done by `replaying.shrink`.
    """
    ending = final_look(world)

    def sequence(phases: list[tuple[str, int]], seed: int) -> list[Operation]:
        rng = Unforeseen(seed)
        return numbered([form for mode, length in phases for form in rng.choices(pool(world, mode), k=length)]) + ending

    return st.builds(sequence, PHASES, SEEDS)


def long_run(rng: Random, keys: int, length: int) -> tuple[World, list[Operation]]:
    """Make one long sequence over many int keys that grows, churns and drains a map several times."""
    world = World(f"{keys} ints {rng.random()}", _plain(*(rng.getrandbits(62) - 2**61 for _ in range(keys))))
    modes = ["grow", "churn", "drain", "grow", "churn", "look", "drain", "grow"]
    picked = [
        operation
        for mode in modes
        for operation in rng.choices(
            [form for form in pool(world, mode) if form[0] not in {"iter", "items", "keys", "values"}],
            k=length // len(modes),
        )
    ]
    return world, numbered(picked) + final_look(world, maps=1)
