"""Checks on the event log: round trips, what the other version reads, and what is kept for it."""

from __future__ import annotations

from random import Random
from typing import Any, cast

import event_records
from calling import drawn
from event_records import KINDS, Record
from exactness import difference, shown
from hypothesis import strategies as st
from replies import Subject, demand_nothing_beside, gave

EXAMPLES = 60
FAR_KIND = 77

POWERS = 12
"""Segments have up to 2¹² events, drawn so that as many are between each power of two and the next: bars have 2¹¹."""

SEGMENT_MOST_BYTES, EVENT_MOST_BYTES = 16 * 1024, 1024
"""What a segment may take, and each of its events more: as many times what is in it, and 3,000 can still be sent."""

SEGMENTS = 3000
"""More than Python can nest calls, and small ones, as of a service that writes what happens at once."""

PATHS = ((1, 2, 1, 1, 2, 1), (2, 1, 1, 2, 1, 2), (1, 2, 2, 2, 1), (2, 1, 1, 1, 2))
"""The versions that read events and pass them on, one after the other."""


def demand_round_trip(submission: Subject, rng: Random) -> None:
    """Write segments and read logs made of them, in this process and in another."""
    kept: list[tuple[int, list[Record], bytes]] = []
    for version, strategy in event_records.STRATEGIES.items():

        def visit(example: object, version: int = version) -> None:
            events = cast("list[Record]", example)
            kept.append((version, events, encoded(submission, version, events)))
            demand_reads(submission, version, kept[-1][2], events, f"version {version}")

        visit(event_records.at_both_zeros(version))
        drawn(st.lists(strategy, max_size=6), EXAMPLES, rng.getrandbits(32), visit)
    submission.restart()
    for version in event_records.STRATEGIES:
        logs = [(events, blob) for written, events, blob in kept if written == version]
        whole = [event for events, _ in logs for event in events]
        log = b"".join(blob for _, blob in logs)
        demand_reads(submission, version, log, whole, f"a log of {len(logs)} segments, in a fresh process")
        demand_reads(submission, version, b"", [], "an empty log")
        _demand_reads_again(submission, version, log, whole, f"version {version} reads a log")
        small = [event_records.plain(rng, version)], [], [event_records.plain(rng, version)]
        log = b"".join(encoded(submission, version, events) for events in small) * (SEGMENTS // len(small))
        many = [event for events in small for event in events] * (SEGMENTS // len(small))
        demand_reads(submission, version, log, many, f"a log of {SEGMENTS} segments of one event or none")
    demand_nothing_beside(submission, set())


def demand_versions_read_each_other(submission: Subject, rng: Random) -> None:
    """Read with one version what the other wrote: drawn events, and each change of the schema by itself."""
    for version, count in zip((1, 2), _counts(rng), strict=True):
        events = _matrix(version, count, rng)
        blob = encoded(submission, version, events)
        expected = [event_records.read_by_other(version, event) for event in events]
        title = f"version {3 - version} reads what version {version} wrote"
        demand_reads(submission, 3 - version, blob, expected, title)
        _demand_reads_again(submission, 3 - version, blob, expected, title)
    old, new = (event_records.stream(rng, version, 20) for version in (1, 2))
    log = encoded(submission, 1, old) + encoded(submission, 2, new) + encoded(submission, 1, old)
    submission.restart()
    as_new = [event_records.read_by_other(1, event) for event in old]
    as_old = [event_records.read_by_other(2, event) for event in new]
    demand_reads(submission, 2, log, [*as_new, *new, *as_new], "version 2 reads a log of both versions")
    demand_reads(submission, 1, log, [*old, *as_old, *old], "version 1 reads a log of both versions")


def demand_unknown_is_kept(submission: Subject, rng: Random) -> None:
    """Let an event go through the other version, which changes what it knows, and come back whole."""
    for version, count in zip((1, 2), _counts(rng), strict=True):
        other = 3 - version
        events = _matrix(version, count, rng)
        passing = cast(
            "list[Record]", decoded(submission, other, encoded(submission, version, events), "unknown fields")
        )
        expected = []
        for number, (event, seen) in enumerate(zip(events, passing, strict=True)):
            seen["id"] = number
            seen["amount"] = 5 if number % 3 else None
            name, others = ("user", "account") if other == 1 else ("account", "user")
            seen[name] = f"renamed {number}"
            expected.append({**event, "id": number, "amount": seen["amount"], others: seen[name]})
        submission.restart()
        back = encoded(submission, other, passing)
        title = f"version {version} reads what version {other} passed on, with another id, amount and user"
        demand_reads(submission, version, back, expected, title)
        again = cast("list[Record]", decoded(submission, other, back, "unknown fields, passed on"))
        submission.restart()
        demand_reads(submission, version, encoded(submission, other, again), expected, f"{title}, and passed on again")

    for version in (1, 2):
        _demand_log_of_both_is_kept(submission, version, rng)
    for path in PATHS:
        _demand_passed_along(submission, path, rng)


def _demand_log_of_both_is_kept(submission: Subject, version: int, rng: Random) -> None:
    """Have a version read what both wrote, and pass it on in one segment, one among the other, to the other version."""
    wrote = {written: event_records.stream(rng, written, EXAMPLES) for written in (1, 2)}
    log = b"".join(encoded(submission, written, events) for written, events in wrote.items())
    seen = cast("list[Record]", decoded(submission, version, log, f"version {version} reads a log of both versions"))
    other = 3 - version
    right = [
        event if written == other else event_records.read_by_other(version, event)
        for written, events in wrote.items()
        for event in events
    ]
    order = rng.sample(range(len(seen)), len(seen))
    submission.restart()
    blob = encoded(submission, version, [seen[place] for place in order])
    title = f"version {other} reads what version {version} passed on of a log of both versions, in one segment"
    demand_reads(submission, other, blob, [right[place] for place in order], title)


def _demand_passed_along(submission: Subject, path: tuple[int, ...], rng: Random) -> None:
    """Let events go through readers of both versions, of which each changes some of what it knows."""
    place = {"lat": 48.1, "lon": 11.6} if path[0] == 1 else {"lat": 48.1, "lon": 11.6, "accuracy": 12}
    usual = {**event_records.plain(rng, path[0]), "place": place}
    usual |= {"session": "s1"} if path[0] == 1 else {"tags": ["one"], "device": {"os": "ios", "build": 7}}
    events = [usual] * len(event_records.changes(2)) + event_records.stream(rng, path[0], EXAMPLES)
    known = [event_records.whole(path[0], event) for event in events]
    for number, version in enumerate(path[1:], start=1):
        title = f"version {version} reads what went through the versions {', '.join(map(str, path[:number]))}, "
        log = encoded(submission, path[number - 1], events)
        events = cast("list[Record]", decoded(submission, version, log, f"{title}each with changes"))
        expected = [event_records.seen_by(version, each) for each in known]
        found = difference(event_records.without_unknown(events), expected)
        assert found is None, f"{title}of which each changed what it knows: an event is not what it should be: {found}"
        for place_, event in enumerate(events):
            _change(event, version, place_ + number, rng)
        known = [event_records.whole(version, event, before) for event, before in zip(events, known, strict=True)]


def _change(event: Record, version: int, turn: int, rng: Random) -> None:
    """Make the change whose turn it is, and at times another; what became of an accuracy without a place is open."""
    changes = event_records.changes(version)
    for change in (changes[turn % len(changes)], *rng.sample(changes, rng.randrange(2))):
        if version == 2 or event["place"] is not None or "place" not in change:
            event.update(change)


def _counts(rng: Random) -> list[int]:
    """Draw how many events two segments have: one as many as in the bars or more, and one fewer."""
    counts = [about(POWERS - 1, rng), about(rng.randrange(POWERS - 1), rng)]
    rng.shuffle(counts)
    return counts


def about(power: int, rng: Random) -> int:
    """Draw a number between a power of two and the next."""
    return int(2 ** (power + rng.random()))


def _matrix(version: int, count: int, rng: Random) -> list[Record]:
    """Make events that differ from a usual one in one thing each, and usual ones."""
    events = event_records.stream(rng, version, count)
    usual: Record = {**event_records.plain(rng, version), "place": {"lat": 48.1, "lon": -0.0}}
    changes: list[dict[str, Any]] = [{"kind": kind} for kind in (*KINDS[version], FAR_KIND)]
    changes += [{"amount": amount} for amount in (None, 0, 1, -1, 2**31 - 1, -(2**31))]
    changes += [{"id": number} for number in (0, 2**63 - 1, -(2**63))]
    if version == 1:
        changes += [{"session": session} for session in (None, "", "ein Schlüssel")]
        changes += [{"user": ""}, {"place": None}]
    else:
        usual["place"]["accuracy"] = 12
        changes += [{"amount": amount} for amount in (2**31, -(2**31) - 1, 2**63 - 1, -(2**63))]
        changes += [{"currency": currency} for currency in ("EUR", "", "JPY")]
        changes += [{"tags": tags} for tags in ([], ["one"], ["", "", "x"])]
        changes += [{"device": device} for device in (None, {"os": "", "build": 0}, {"os": "ios", "build": -1})]
        changes += [{"place": {"lat": 0.0, "lon": 0.0, "accuracy": a}} for a in (None, 0, 2**31 - 1)]
        changes += [{"account": ""}, {"place": None}]
    return [{**usual, **change} for change in changes] + events


def encoded(submission: Subject, version: int, events: list[Record], long_texts: int = 0) -> bytes:
    """Have a segment encoded, in which so many bytes of text are more than usual."""
    blob = gave(submission.value("encode_events", version, events), f"encode_events({version}, {shown(events)})")
    assert isinstance(blob, bytes), f"encode_events must return bytes, and returned {shown(blob)}"
    most = SEGMENT_MOST_BYTES + EVENT_MOST_BYTES * len(events) + long_texts
    assert len(blob) <= most, f"a segment of {len(events)} events takes {len(blob)} bytes; {most} are allowed"
    return blob


def decoded(submission: Subject, version: int, log: bytes, title: str) -> object:
    events = gave(submission.value("decode_events", version, log), f"{title}: decode_events({version}, ...)")
    assert isinstance(events, list), f"{title}: decode_events must return a list"
    for event in events:
        kept = event.get("unknown", b"") if isinstance(event, dict) else None
        assert isinstance(kept, bytes), f"{title}: an event must be a dict, and its `unknown` bytes, not {shown(kept)}"
    return events


def demand_reads(submission: Subject, version: int, log: bytes, expected: list[Record], title: str) -> None:
    found = difference(event_records.without_unknown(decoded(submission, version, log, title)), expected)
    assert found is None, f"{title}: an event is not what it should be: {found}"


def _demand_reads_again(submission: Subject, version: int, log: bytes, expected: list[Record], title: str) -> None:
    """Read a log twice, and change all that came first before the second time."""
    title += " again, and what it gave the first time was changed by its owner"
    again = cast("list[Record]", gave(submission.value("decode_twice", version, log), title))
    found = difference(event_records.without_unknown(again), expected)
    assert found is None, f"{title}: an event is not what it should be: {found}"
