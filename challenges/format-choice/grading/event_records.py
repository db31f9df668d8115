"""Events of both versions, and the oracle of what becomes of one when the other version reads it."""

from __future__ import annotations

from random import Random
from typing import Any

from hypothesis import strategies as st

Record = dict[str, Any]

KINDS = {1: ("view", "click", "buy"), 2: ("view", "click", "buy", "refund", "gift")}
INT32, INT64 = 2**31, 2**63

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=10)
int64s = st.integers(-INT64, INT64 - 1) | st.sampled_from([0, -1, INT64 - 1, -INT64, INT32, -INT32 - 1])
int32s = st.integers(-INT32, INT32 - 1) | st.sampled_from([0, -1, INT32 - 1, -INT32])


def _kinds(version: int) -> st.SearchStrategy[Any]:
    return st.sampled_from(KINDS[version]) | st.integers(len(KINDS[version]), INT32 - 1)


of_1 = st.fixed_dictionaries(
    {
        "id": int64s,
        "at": int64s,
        "kind": _kinds(1),
        "user": texts,
        "amount": st.none() | int32s,
        "session": st.none() | texts,
        "place": st.none() | st.fixed_dictionaries({"lat": st.floats(), "lon": st.floats()}),
    }
)
of_2 = st.fixed_dictionaries(
    {
        "id": int64s,
        "at": int64s,
        "kind": _kinds(2),
        "account": texts,
        "amount": st.none() | int64s,
        "place": st.none()
        | st.fixed_dictionaries({"lat": st.floats(), "lon": st.floats(), "accuracy": st.none() | int32s}),
        "currency": texts | st.just("EUR"),
        "tags": st.lists(texts, max_size=3),
        "device": st.none() | st.fixed_dictionaries({"os": texts, "build": int32s}),
    }
)
STRATEGIES = {1: of_1, 2: of_2}


def read_by_other(version: int, event: Record) -> Record:
    """Say what the other version reads of an event that `version` wrote."""
    return _read_by_2(event) if version == 1 else _read_by_1(event)


def _read_by_2(event: Record) -> Record:
    place = event["place"]
    return {
        "id": event["id"],
        "at": event["at"],
        "kind": _kind(event["kind"], 1, 2),
        "account": event["user"],
        "amount": event["amount"],
        "place": None if place is None else {**place, "accuracy": None},
        "currency": "EUR",
        "tags": [],
        "device": None,
    }


def _read_by_1(event: Record) -> Record:
    place = event["place"]
    return {
        "id": event["id"],
        "at": event["at"],
        "kind": _kind(event["kind"], 2, 1),
        "user": event["account"],
        "amount": event["amount"],
        "session": None,
        "place": None if place is None else {"lat": place["lat"], "lon": place["lon"]},
    }


def _kind(kind: str | int, writer: int, reader: int) -> str | int:
    number = KINDS[writer].index(kind) if isinstance(kind, str) else kind
    return KINDS[reader][number] if number < len(KINDS[reader]) else number


NEVER_WRITTEN: Record = {"session": None, "place": None, "currency": "EUR", "tags": [], "device": None}


def whole(version: int, event: Record, before: Record | None = None) -> Record:
    """Say all that is known of an event which `version` wrote, and had read as `before`, in the names of version 1."""
    kept = before or NEVER_WRITTEN
    kind, place = event["kind"], event["place"]
    return {
        **kept,
        **{key: value for key, value in event.items() if key not in {"account", "unknown"}},
        "user": event["user" if version == 1 else "account"],
        "kind": KINDS[version].index(kind) if isinstance(kind, str) else kind,
        "place": None if place is None else {"accuracy": (kept["place"] or {}).get("accuracy"), **place},
    }


def seen_by(version: int, event: Record) -> Record:
    """Say what a version reads of an event of which this is known."""
    known = {key: value for key, value in event.items() if key not in {"user", "session"}}
    as_2 = {**known, "kind": _kind(event["kind"], 2, 2), "account": event["user"]}
    return as_2 if version == 2 else {**_read_by_1(as_2), "session": event["session"]}


def changes(version: int) -> list[Record]:
    """List changes of one field each, of every field that a version knows."""
    both: list[Record] = [
        {"id": -5},
        {"at": -1},
        {"kind": "click"},
        {"kind": 77},
        {"amount": None},
        {"amount": 0},
        {"amount": 5},
        {"place": None},
    ]
    if version == 1:
        mine: list[Record] = [{"kind": 4}, {"user": ""}, {"user": "renamed"}, {"place": {"lat": -0.0, "lon": 3.5}}]
        return both + mine + [{"session": session} for session in (None, "", "another")]
    mine = [{"kind": "gift"}, {"account": ""}, {"account": "renamed"}, {"amount": 2**40}]
    mine += [{"place": {"lat": -0.0, "lon": 3.5, "accuracy": accuracy}} for accuracy in (None, 0, 3, None)]
    mine += [{"currency": currency} for currency in ("EUR", "", "CHF")]
    mine += [{"tags": tags} for tags in ([], ["x", "x"])]
    return both + mine + [{"device": device} for device in (None, {"os": "", "build": 0}, {"os": "x", "build": -7})]


def at_both_zeros(version: int) -> list[Record]:
    """Make events of few places, which differ in the sign of a zero."""
    accuracy = {} if version == 1 else {"accuracy": 3}
    lats = (0.0, -0.0, 0.0, -0.0, 0.0, 0.0)
    return [{**plain(Random(7), version), "place": {"lat": lat, "lon": 5.0, **accuracy}} for lat in lats]


def without_unknown(events: object) -> object:
    """Leave out what a reader kept of fields that it does not know."""
    if not isinstance(events, list):
        return events
    return [
        {key: value for key, value in event.items() if key != "unknown"} if isinstance(event, dict) else event
        for event in events
    ]


def plain(rng: Random, version: int, at: int = 1_700_000_000_000_000) -> Record:
    """Make a usual event."""
    event: Record = {
        "id": rng.getrandbits(62),
        "at": at + rng.randrange(10**9),
        "kind": rng.choice(KINDS[version]),
        "user" if version == 1 else "account": f"user-{rng.randrange(5000)}",
        "amount": rng.randrange(1, 100_000) if rng.random() < 0.4 else None,
    }
    place: Record | None = {"lat": rng.uniform(-90, 90), "lon": rng.uniform(-180, 180)} if rng.random() < 0.5 else None
    if version == 1:
        return {**event, "session": f"{rng.getrandbits(64):016x}" if rng.random() < 0.8 else None, "place": place}
    return {
        **event,
        "place": None if place is None else {**place, "accuracy": rng.randrange(100) if rng.random() < 0.5 else None},
        "currency": rng.choice(("EUR", "EUR", "USD", "JPY")),
        "tags": rng.sample(("new", "mobile", "sale", "returning", "staff"), rng.randrange(3)),
        "device": {"os": rng.choice(("ios", "android", "linux")), "build": rng.randrange(9000)}
        if rng.random() < 0.6
        else None,
    }


def stream(rng: Random, version: int, count: int) -> list[Record]:
    """Make the events of a segment, later and later."""
    start = 1_700_000_000_000_000 + rng.randrange(10**14)
    return [plain(rng, version, start + n * 40_000) for n in range(count)]
