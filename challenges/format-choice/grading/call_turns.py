"""The bars on calls: one set of turns in each launch, of which four bars take their part."""

from __future__ import annotations

from dataclasses import dataclass, field

import call_records
from call_records import Record
from sides import (
    CALL_SEC,
    SIDES,
    Launch,
    Samples,
    Side,
    demand_nothing_kept,
    demand_packed,
    demand_sendable,
    have_nothing_kept,
    packed,
    percentile,
    sent,
    sides,
    timed,
)

CALLS = 1_500
ROUNDS = 4
HANDFUL = 48
BLOCKS = 3
HANDFULS = 75
"""In a block; what counts is the block in the middle, as the machine stalls at times too."""

PERCENT = 99.0


@dataclass
class CallTurns:
    """What one launch came to."""

    encode: Samples = field(default_factory=Samples)
    decode: Samples = field(default_factory=Samples)
    slowest: Samples = field(default_factory=Samples)
    size: Samples = field(default_factory=Samples)


@dataclass(frozen=True)
class Encoded:
    """Calls that one process encoded, for another to decode."""

    calls: list[Record]
    blobs: list[bytes]


_from_before: dict[tuple[str, int], Encoded] = {}
"""What each side's process of the launch before encoded, round by round: decoding it shows that all of it was there.

Nothing is decoded twice by one process, and no call is encoded twice, or it could have been done before the clock ran.
"""

_few_from_before: dict[str, Encoded] = {}


def take_turns(launch: Launch, blocks: int = BLOCKS) -> CallTurns:
    """Encode fresh calls, decode what another process encoded, and a few at a time in so many blocks."""
    turns = CallTurns()
    have_nothing_kept(launch)
    if launch.number == 0:
        _few_from_before.clear()
        _from_before.clear()  # another measurement begins, with other sides
    latest: dict[tuple[str, int], Encoded] = {}
    for number in range(ROUNDS):
        calls = [call_records.plain(launch.rng) for _ in range(CALLS)]
        raw = sent(calls)
        for name, side in sides(launch, number):
            blobs = _encode(turns, name, side, raw)
            latest[name, number] = Encoded(calls, blobs)
            _decode(turns, name, side, _from_before.get((name, number), latest[name, number]))
    few: dict[str, Encoded] = {name: Encoded([], []) for name in SIDES}
    for block in range(blocks):
        _block(turns, launch, block, few)
    _from_before.update(latest)
    _few_from_before.update(few)
    demand_nothing_kept(launch, set())
    return turns


def _encode(turns: CallTurns, name: str, side: Side, raw: bytes) -> list[bytes]:
    blobs, seconds, ahead = timed(side, ("hold_values", raw), "timed_encode_calls", 0, CALLS)
    told = _blobs(blobs, CALLS)
    turns.encode.add(name, seconds, ahead)
    turns.size.add(name, float(sum(map(len, told))))
    return told


def _blobs(reply: object, count: int) -> list[bytes]:
    assert isinstance(reply, list), "encode_call must return bytes"
    blobs = [blob for blob in reply if isinstance(blob, bytes)]
    assert len(blobs) == len(reply) == count, "encode_call must return bytes"
    demand_sendable(sum(map(len, blobs)), f"{count:,} usual calls")
    return blobs


def _decode(turns: CallTurns, name: str, side: Side, encoded: Encoded) -> None:
    right = packed(encoded.calls)
    reply, seconds = side.timed_call("timed_decode_calls", encoded.blobs, timeout_sec=CALL_SEC)
    demand_packed(reply, encoded.calls, right, "a call does not come back as it was, in a timed round")
    turns.decode.add(name, seconds)


def _block(turns: CallTurns, launch: Launch, block: int, few: dict[str, Encoded]) -> None:
    """Encode a few calls at a time, and decode a few that another process encoded."""
    calls = [call_records.plain(launch.rng) for _ in range(HANDFULS * HANDFUL)]
    hold = "hold_values", sent(calls)
    for name, side in sides(launch, block):
        seconds = []
        ahead = 0.0
        for first in range(0, len(calls), HANDFUL):
            if first == 0:
                blobs, took, ahead = timed(side, hold, "timed_encode_calls", first, HANDFUL)
            else:
                blobs, took = side.timed_call("timed_encode_calls", first, HANDFUL, timeout_sec=CALL_SEC)
            seconds.append(took)
            few[name].blobs.extend(_blobs(blobs, HANDFUL))
        few[name].calls.extend(calls)
        before = _few_from_before.get(name, few[name])
        for first in range(block * HANDFULS * HANDFUL, (block + 1) * HANDFULS * HANDFUL, HANDFUL):
            wanted = before.calls[first : first + HANDFUL]
            some = before.blobs[first : first + HANDFUL]
            reply, took = side.timed_call("timed_decode_calls", some, timeout_sec=CALL_SEC)
            seconds.append(took)
            demand_packed(reply, wanted, packed(wanted), "a call does not come back as it was, in a timed round")
        turns.slowest.add(name, percentile(seconds, PERCENT), ahead / HANDFULS)
