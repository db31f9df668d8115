"""Calls: what a valid one is, Hypothesis' and random ones."""

from __future__ import annotations

from random import Random
from typing import Any

from hypothesis import strategies as st

Record = dict[str, Any]

DEPTH_MOST = 16
UINT32, UINT64 = 2**32, 2**64
INT64 = 2**63

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-INT64, INT64 - 1)
    | st.floats()
    | texts
    | st.binary(max_size=12)
    | st.sampled_from(
        [INT64 - 1, -INT64, 0, -1, 2**53 + 1, -0.0, float("nan"), float("inf"), 5e-324, 1.0, "", b"", "\0"]
    )
)
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=4), max_leaves=8)

calls = st.fixed_dictionaries(
    {
        "id": st.integers(0, UINT64 - 1) | st.sampled_from([0, UINT64 - 1, INT64]),
        "method": texts,
        "deadline_ms": st.none() | st.integers(0, UINT32 - 1) | st.sampled_from([0, UINT32 - 1]),
        "trace": st.none() | st.binary(max_size=20),
        "caller": st.fixed_dictionaries({"name": texts, "zone": st.none() | texts, "weight": st.floats()}),
        "args": st.lists(st.fixed_dictionaries({"name": texts, "value": values}), max_size=5),
        "tags": st.dictionaries(texts, texts, max_size=4),
    }
)


BESIDE: tuple[tuple[list[Any], list[Any]], ...] = (([], []), ([1, "x"], []), ([], [None]), (["x"], [2.5, b""]))
"""What stands in each list before and behind the next one."""

EMPTY: tuple[object, ...] = ("", b"", None, False, 0)
"""Values whose encoding may differ from an empty list's in a bit."""


def nested(depth: int, innermost: object = "innermost", beside: tuple[list[Any], list[Any]] = BESIDE[0]) -> Record:
    """Make a call with a value in so many lists, which hold other values beside it."""
    value = innermost
    for _ in range(depth):
        value = [*beside[0], value, *beside[1]]
    return {**plain(Random(7)), "args": [{"name": "flat", "value": [1]}, {"name": "deep", "value": value}]}


def deepest() -> list[Record]:
    """Make calls with values in as many lists as are allowed."""
    whole = [nested(DEPTH_MOST, beside=beside) for beside in BESIDE]
    return [*whole, nested(DEPTH_MOST - 1, []), *(nested(DEPTH_MOST, innermost) for innermost in EMPTY)]


def with_equal_lists() -> list[Record]:
    """Make calls with equal values in several places."""
    point: list[Any] = [1.5, [2, "x"]]
    return [
        {**plain(Random(7)), "args": [{"name": name, "value": point} for name in ("from", "to")]},
        {**plain(Random(7)), "args": [{"name": "grid", "value": [[0, 0, 0]] * 3}, {"name": "none", "value": [[], []]}]},
    ]


def too_deep() -> list[Record]:
    """Make calls with values in more lists than are allowed."""
    beyond: tuple[tuple[int, object], ...] = ((1, "innermost"), (0, []), (3, None))
    return [nested(DEPTH_MOST + more, innermost, beside) for beside in BESIDE for more, innermost in beyond]


def at_limits() -> list[Record]:
    """Make short calls of which a changed bit may make one beyond what is allowed."""
    call = plain(Random(8))
    ends = [INT64 - 1, -INT64]
    return [
        *(nested(DEPTH_MOST, innermost) for innermost in EMPTY),
        {**call, "id": UINT64 - 1, "deadline_ms": UINT32 - 1, "args": [{"name": "ends", "value": ends}]},
        {**call, "id": 0, "deadline_ms": 0, "args": [{"name": "ends", "value": ends}], "tags": {"": ""}},
    ]


def extremes() -> list[Record]:
    """List calls at the ends of what is allowed."""
    call = plain(Random(7))
    long = "ä" * 70_000
    nearly_none: list[Any] = [0, 0.0, -0.0, False, None, "", b"", [], [[]], [None]]
    return [
        {**call, "id": 0, "method": "", "args": [], "tags": {}, "trace": b""},
        {**call, "id": UINT64 - 1, "deadline_ms": UINT32 - 1, "trace": None},
        {**call, "deadline_ms": 0, "caller": {"name": "", "zone": "", "weight": -0.0}},
        {**call, "deadline_ms": None, "caller": {"name": "\0", "zone": None, "weight": float("nan")}},
        {**call, "method": long, "args": [{"name": "big", "value": b"\xff" * 70_000}]},
        {**call, "args": [{"name": "", "value": list(range(-20_000, 20_000))}]},
        {**call, "args": [{"name": "", "value": [[]] * 3000}]},
        {**call, "args": [{"name": str(n), "value": n % 2 == 0} for n in range(2000)]},
        {**call, "tags": {str(n): "" for n in range(2000)}},
        {**call, "args": [{"name": "x", "value": v} for v in nearly_none]},
        {
            **call,
            "args": [{"name": "x", "value": v} for v in (1, 1.0, True, "1", b"1", [1], -1, 2**31, 2**63 - 1, -(2**63))],
        },
        {**call, "args": [{"name": "é", "value": "e\u0301"}, {"name": "x", "value": "\U0001f600\u202e\ufeff"}]},
        {**call, "args": [{"name": "same", "value": 1}, {"name": "same", "value": 2}]},
        *deepest(),
    ]


WORDS = ("user", "order", "stock", "list", "get", "put", "price", "region", "count", "since")


def plain(rng: Random) -> Record:
    """Make a usual call: about a hundred bytes of content."""
    word = rng.choice
    return {
        "id": rng.getrandbits(64),
        "method": f"{word(WORDS)}.{word(WORDS)}",
        "deadline_ms": rng.randrange(60_000) if rng.random() < 0.6 else None,
        "trace": rng.randbytes(16) if rng.random() < 0.5 else None,
        "caller": {
            "name": f"{word(WORDS)}-{rng.randrange(50)}",
            "zone": word(("eu-west-1", "us-east-2")) if rng.random() < 0.5 else None,
            "weight": rng.random(),
        },
        "args": [{"name": word(WORDS), "value": _value(rng, 0)} for _ in range(rng.randint(1, 6))],
        "tags": {key: key + str(rng.randrange(9)) for key in rng.sample(WORDS, rng.randrange(3))},
    }


def small(rng: Random) -> Record:
    """Make a call with as little in it as there may be."""
    caller = {"name": "", "zone": None, "weight": rng.random()}
    return {**plain(rng), "method": "", "deadline_ms": None, "trace": None, "caller": caller, "args": [], "tags": {}}


def large(rng: Random, size: float) -> Record:
    """Make a call of about so many bytes of content: one long value, or many arguments."""
    call = plain(rng)
    if rng.random() < 0.5:
        return {**call, "args": [{"name": rng.choice(WORDS), "value": rng.randbytes(int(size))}]}
    return {**call, "args": [{"name": rng.choice(WORDS), "value": rng.randbytes(6)} for _ in range(int(size / 16))]}


def longer(rng: Random, call: Record, size: float) -> Record:
    """Make a call longer by about so many bytes of content: its trace, or arguments before its own."""
    if rng.random() < 0.5:
        return {**call, "trace": rng.randbytes(int(size))}
    return {**call, "args": [*large(rng, size)["args"], *call["args"]]}


LONG_NAME_CHARS = 340_000


def long_names(rng: Random) -> list[str]:
    """Draw a method, a name of an argument and a tag's key that together nearly fill a MiB."""
    return [rng.randbytes(LONG_NAME_CHARS // 2).hex() for _ in range(3)]


def named(rng: Random, names: list[str]) -> Record:
    """Make a usual call with these names."""
    method, argument, tag = names
    return {**plain(rng), "method": method, "args": [{"name": argument, "value": 1}], "tags": {tag: ""}}


def no_calls(rng: Random) -> list[Record]:
    """Make what is nearly a call: one field has another type, or is out of range."""
    call = plain(rng)
    bad: list[Record] = [{"id": each} for each in (-1, 1.0, True, "1", None)]
    bad += [{"method": each} for each in (b"get", 1, None)]
    bad += [{"deadline_ms": each} for each in (-1, UINT32, 1.5, "1")]
    bad += [{"trace": each} for each in ("trace", 1)]
    bad += [{"tags": {"tag": each}} for each in (1, None, b"x", ["x"])]
    bad += [{"args": [{"name": each, "value": 1}]} for each in (1, None, b"x")]
    bad += [{"args": [{"name": "x", "value": each}]} for each in ({}, {"x": 1}, INT64)]
    caller = call["caller"]
    bad += [{"caller": {**caller, "weight": each}} for each in (1, None, "1")]
    bad += [{"caller": {**caller, "name": each}} for each in (None, 1, b"x")]
    bad += [{"caller": {**caller, "zone": each}} for each in (1, b"x")]
    return [{**call, **each} for each in bad]


def _value(rng: Random, depth: int) -> object:
    kind = rng.random()
    if kind < 0.1:
        return None
    if kind < 0.2:
        return rng.random() < 0.5
    if kind < 0.45:
        return rng.choice((1, -1)) * rng.getrandbits(rng.randrange(1, 48))
    if kind < 0.6:
        return rng.gauss(0, 100)
    if kind < 0.85 or depth == 3:
        return rng.choice(WORDS) + str(rng.randrange(1000))
    if kind < 0.92:
        return rng.randbytes(rng.randrange(24))
    return [_value(rng, depth + 1) for _ in range(rng.randrange(4))]


def complaint(call: object) -> str | None:
    """Say why something is no valid call; `None` when it is one."""
    fields = {"id", "method", "deadline_ms", "trace", "caller", "args", "tags"}
    if not isinstance(call, dict) or call.keys() != fields:
        return "it has not the fields of a call"
    caller, deadline = call["caller"], call["deadline_ms"]
    if not isinstance(caller, dict) or caller.keys() != {"name", "zone", "weight"}:
        return "caller has not its fields"
    bad = [
        name
        for name, good in (
            ("id", type(call["id"]) is int and 0 <= call["id"] < UINT64),
            ("method", type(call["method"]) is str),
            ("deadline_ms", deadline is None or (type(deadline) is int and 0 <= deadline < UINT32)),
            ("trace", call["trace"] is None or type(call["trace"]) is bytes),
            ("caller.name", type(caller["name"]) is str),
            ("caller.zone", caller["zone"] is None or type(caller["zone"]) is str),
            ("caller.weight", type(caller["weight"]) is float),
            ("args", _are_arguments(call["args"])),
            ("tags", _are_tags(call["tags"])),
        )
        if not good
    ]
    return f"{bad[0]} has another type, is out of range or nested too deeply" if bad else None


def _are_arguments(args: object) -> bool:
    return isinstance(args, list) and all(
        isinstance(each, dict)
        and each.keys() == {"name", "value"}
        and type(each["name"]) is str
        and _is_value(each["value"], DEPTH_MOST)
        for each in args
    )


def _are_tags(tags: object) -> bool:
    return isinstance(tags, dict) and all(type(key) is str and type(value) is str for key, value in tags.items())


def _is_value(value: object, depth: int) -> bool:
    if type(value) is list:
        return depth > 0 and all(_is_value(each, depth - 1) for each in value)
    if type(value) is int:
        return -INT64 <= value < INT64
    return value is None or type(value) in {bool, float, str, bytes}
