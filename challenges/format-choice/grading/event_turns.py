"""The bars on events: one set of turns in each launch, of which three bars take their part."""

from __future__ import annotations

from dataclasses import dataclass, field

import event_records
from damage import flipped, somewhere
from event_records import Record
from replies import demand_raised, items
from sides import (
    CALL_SEC,
    Launch,
    Samples,
    demand_nothing_kept,
    demand_packed,
    demand_sendable,
    have_nothing_kept,
    packed,
    sent,
    sides,
    timed,
)

EVENTS_LEAST, EVENTS_MOST = 1_800, 2_200
ROUNDS = 6


@dataclass
class EventTurns:
    """What one launch came to."""

    write: Samples = field(default_factory=Samples)
    read: Samples = field(default_factory=Samples)
    size: Samples = field(default_factory=Samples)


@dataclass(frozen=True)
class Segment:
    """Events that one process encoded, for another to decode with the other version."""

    version: int
    events: list[Record]
    blob: object


_from_before: dict[tuple[str, int], Segment] = {}
"""What each side's process of the launch before wrote, round by round: nothing is read twice by one process."""


def take_turns(launch: Launch) -> EventTurns:
    """Write a fresh segment with one version, and read with the other what another process wrote."""
    turns = EventTurns()
    have_nothing_kept(launch)
    if launch.number == 0:
        _from_before.clear()  # another measurement begins, with other sides
    latest: dict[tuple[str, int], Segment] = {}
    count = launch.rng.randint(EVENTS_LEAST, EVENTS_MOST)
    for number in range(ROUNDS):
        version = 1 + number % 2
        events = event_records.stream(launch.rng, version, count)
        raw = sent(events)
        for name, side in sides(launch, number):
            blob, seconds, ahead = timed(side, ("hold_values", raw), "timed_encode_events", version)
            assert isinstance(blob, bytes), "encode_events must return bytes"
            demand_sendable(len(blob), f"a segment of {count:,} usual events")
            turns.write.add(name, seconds, ahead)
            turns.size.add(name, float(len(blob)))
            latest[name, number] = Segment(version, events, blob)
            segment = _from_before.get((name, number), latest[name, number])
            expected = [event_records.read_by_other(version, event) for event in segment.events]
            reply, seconds = side.timed_call("timed_decode_events", 3 - version, segment.blob, timeout_sec=CALL_SEC)
            demand_packed(reply, expected, packed(expected), "an event is not what it should be, in a timed round")
            turns.read.add(name, seconds)
    _from_before.update(latest)
    _demand_damage_is_seen(launch, latest["candidate", launch.rng.randrange(ROUNDS)])
    demand_nothing_kept(launch, set())
    return turns


def _demand_damage_is_seen(launch: Launch, segment: Segment) -> None:
    """Have a segment as they are timed read with a byte changed: who does not look at those reads it."""
    assert isinstance(segment.blob, bytes)
    offset = somewhere(launch.rng, len(segment.blob))
    spoilt = flipped(segment.blob, offset, 1 << launch.rng.randrange(8))
    what = f"decode_events of a log as they are timed, with byte {offset} of {len(spoilt)} changed"
    [answer] = items(launch.candidate.value("decode_logs", 3 - segment.version, [spoilt]), 1, what)
    demand_raised(answer, "format", what)
