"""Objects that a map should have let go."""

from random import Random

from subject import Subject, ask

KINDS = {"objects": (60, 1_200), "ints": (60, 3_000), "texts": (60, 3_000)}
"""Kinds of keys and values, and from how many to how many entries a map has that loses them: a secret number."""

WAYS: dict[str, tuple[str, list[float]]] = {
    "del": ("after `del m[k]`", [0, 0, 0]),
    "pop": ("after `m.pop(k)`", [0, 0, 0]),
    "clear": ("after `m.clear()`", [0, 0, 0]),
    "del-half": ("after `del m[k]` for every second key", [0.5, 0.5, 0.5]),
    "overwrite": ("after `m[k] = v` with an equal key", [1, 0, 1]),
    "update": ("after `m.update(pairs)` with equal keys", [1, 0, 1]),
    "ask": ("after get, in, setdefault and pop with defaults", [1, 1, 1]),
    "fail": ("after operations that raised KeyError", [1, 1, 1]),
    "iterate-and-clear": ("after iterating to the end and `m.clear()`", [0, 0, 0]),
    "drop": ("when the map itself is gone", [0, 0, 0]),
}
"""For each way of losing things: how to say it, and what share of keys, values and entries is left."""


def demand_released(submission: Subject, rng: Random) -> None:
    """Let a map lose keys and values in every way, and demand that they die."""
    for kind, (fewest, most) in KINDS.items():
        for way in WAYS:
            _demand_released(submission, way, kind, 2 * rng.randint(fewest // 2, most // 2))


def _demand_released(submission: Subject, way: str, kind: str, count: int) -> None:
    said, shares = WAYS[way]
    expected = [int(share * count) for share in shares]
    answer = ask(submission, f"losing {kind} ({way})", "leaks", way, count, kind)
    keys, values, entries = answer
    when = f"{said}, of {count} {kind},"
    assert entries == expected[2], f"{when} the map has {entries} entries"
    assert keys <= expected[0], (
        f"{when} the map, or something of yours, still holds {keys - expected[0]} keys that it lost"
    )
    assert values <= expected[1], (
        f"{when} the map, or something of yours, still holds {values - expected[1]} values that it lost"
    )
    assert answer == expected, f"{when} keys or values that are in the map are gone"
