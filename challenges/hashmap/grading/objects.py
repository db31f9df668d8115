"""What a map holds on to: objects that it should have let go, and native mappings that it may not have."""

from random import Random
from typing import Any

from keys import distinct, raw
from large import Subject, ask

KEPT = 60
"""Entries of a map that loses things."""

WAYS: dict[str, tuple[str, list[int]]] = {
    "del": ("after `del m[k]`", [0, 0, 0]),
    "pop": ("after `m.pop(k)`", [0, 0, 0]),
    "clear": ("after `m.clear()`", [0, 0, 0]),
    "del-half": ("after `del m[k]` for every second key", [KEPT // 2, KEPT // 2, KEPT // 2]),
    "overwrite": ("after `m[k] = v` with an equal key", [KEPT, 0, KEPT]),
    "update": ("after `m.update(pairs)` with equal keys", [KEPT, 0, KEPT]),
    "ask": ("after get, in, setdefault and pop with defaults", [KEPT, KEPT, KEPT]),
    "fail": ("after operations that raised KeyError", [KEPT, KEPT, KEPT]),
    "iterate-and-clear": ("after iterating to the end and `m.clear()`", [0, 0, 0]),
    "drop": ("when the map itself is gone", [0, 0, 0]),
}
"""For each way of losing things: how to say it, and how many keys, values and entries are left."""

CENSUSES = (("objects", 3_000, 6_000), ("strings", 3_000, 6_000), ("ints", 20_000, 60_000))
"""Kinds of keys, and how many of them: a secret number in between, so that no size is known to be safe."""

GROWTH_ALLOWED = 1 / 8
"""What native containers may gain meanwhile for each key, alone or together: the interpreter remembers things too."""

SIGHT = "This check sees every dict, set and frozenset among Python's objects, but no other storage"


def demand_released(submission: Subject) -> None:
    """Let a map lose keys and values in every way, and demand that they die."""
    for way, (when, expected) in WAYS.items():
        answer = ask(submission, f"losing objects ({way})", "leaks", way, KEPT)
        keys, values, entries = answer
        assert entries == expected[2], f"{when} the map has {entries} entries"
        assert keys <= expected[0], (
            f"{when} the map, or something of yours, still holds {keys - expected[0]} keys that it lost"
        )
        assert values <= expected[1], (
            f"{when} the map, or something of yours, still holds {values - expected[1]} values that it lost"
        )
        assert answer == expected, f"{when} keys or values that are in the map are gone"


def demand_no_native_growth(submission: Subject, rng: Random) -> None:
    """Fill maps and count what native containers gained; says in its messages what it can't see."""
    for kind, fewest, most in CENSUSES:
        count = rng.randint(fewest, most)
        answer: Any = ask(submission, f"filling a map with {kind}", "census", kind, raw(distinct(rng, count)))
        found, grown, gained, reached = answer
        allowed = int(count * GROWTH_ALLOWED)
        filling = f"while a map was filled with {count} {kind}"
        assert found == count, f"a map filled with {count} {kind} does not give their values back"
        assert grown <= allowed, f"{filling}, one native dict or set grew by {grown} entries. {SIGHT}"
        assert gained <= allowed, f"{filling}, native dicts and sets gained {gained} distinct keys. {SIGHT}"
        assert reached >= count - allowed, (
            f"only {reached} of the {count} {kind} inserted can be reached from the map or the submission's modules: "
            "the rest is stored where this check can't see it"
        )
