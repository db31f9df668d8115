"""Objects that a map should have let go."""

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
