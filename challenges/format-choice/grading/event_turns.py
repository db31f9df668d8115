"""The bars on events: one set of turns in each launch, of which three bars take their part."""

from __future__ import annotations

from dataclasses import dataclass, field

import event_records
import numpy as np
from event_records import Record
from sides import CALL_SEC, Launch, Samples, demand_packed, packed, sides

EVENTS = 2_000
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
    if launch.number == 0:
        _from_before.clear()  # another measurement begins, with other sides
    latest: dict[tuple[str, int], Segment] = {}
    for number in range(ROUNDS):
        version = 1 + number % 2
        events = event_records.stream(launch.rng, version, EVENTS)
        ids = np.random.default_rng(launch.rng.getrandbits(32)).integers(-(2**62), 2**62, EVENTS)
        wanted = [{**event, "id": id_} for event, id_ in zip(events, ids.tolist(), strict=True)]
        for name, side in sides(launch, number):
            side.value("hold_events", events)
            blob, seconds = side.timed_call("timed_encode_events", version, ids.tobytes(), timeout_sec=CALL_SEC)
            assert isinstance(blob, bytes), "encode_events must return bytes"
            turns.write.add(name, seconds)
            turns.size.add(name, float(len(blob)))
            latest[name, number] = Segment(version, wanted, blob)
            segment = _from_before.get((name, number), latest[name, number])
            expected = [event_records.read_by_other(version, event) for event in segment.events]
            reply, seconds = side.timed_call("timed_decode_events", 3 - version, segment.blob, timeout_sec=CALL_SEC)
            demand_packed(reply, expected, packed(expected), "an event is not what it should be, in a timed round")
            turns.read.add(name, seconds)
    _from_before.update(latest)
    return turns
