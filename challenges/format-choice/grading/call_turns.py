"""The bars on calls: one set of turns in each launch, of which four bars take their part."""

from __future__ import annotations

from dataclasses import dataclass, field

import call_records
import numpy as np
from call_records import Record
from sides import CALL_SEC, SIDES, Launch, Samples, Side, demand_packed, packed, sides

CALLS = 1_500
ROUNDS = 4
HANDFUL = 48
BLOCKS = 3
HANDFULS = 75
"""In a block; what counts is the block with the lowest percentile, as the machine stalls at times too."""

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
    if launch.number == 0:
        _few_from_before.clear()
        _from_before.clear()  # another measurement begins, with other sides
    latest: dict[tuple[str, int], Encoded] = {}
    for number in range(ROUNDS):
        calls = [call_records.plain(launch.rng) for _ in range(CALLS)]
        numbers = np.random.default_rng(launch.rng.getrandbits(32)).integers(0, 2**64, CALLS, dtype=np.uint64)
        wanted = [{**call, "id": id_} for call, id_ in zip(calls, numbers.tolist(), strict=True)]
        for name, side in sides(launch, number):
            blobs = _encode(turns, name, side, calls, numbers)
            latest[name, number] = Encoded(wanted, blobs)
            _decode(turns, name, side, _from_before.get((name, number), latest[name, number]))
    few: dict[str, Encoded] = {name: Encoded([], []) for name in SIDES}
    for block in range(blocks):
        _block(turns, launch, block, few)
    _from_before.update(latest)
    _few_from_before.update(few)
    return turns


def _encode(
    turns: CallTurns, name: str, side: Side, calls: list[Record], numbers: np.typing.NDArray[np.uint64]
) -> list[bytes]:
    side.value("hold_calls", calls)
    blobs, seconds = side.timed_call("timed_encode_calls", numbers.tobytes(), timeout_sec=CALL_SEC)
    told = _blobs(blobs, len(calls))
    turns.encode.add(name, seconds)
    turns.size.add(name, float(sum(map(len, told))))
    return told


def _blobs(reply: object, count: int) -> list[bytes]:
    assert isinstance(reply, list), "encode_call must return bytes"
    blobs = [blob for blob in reply if isinstance(blob, bytes)]
    assert len(blobs) == len(reply) == count, "encode_call must return bytes"
    return blobs


def _decode(turns: CallTurns, name: str, side: Side, encoded: Encoded) -> None:
    right = packed(encoded.calls)
    reply, seconds = side.timed_call("timed_decode_calls", encoded.blobs, timeout_sec=CALL_SEC)
    demand_packed(reply, encoded.calls, right, "a call does not come back as it was, in a timed round")
    turns.decode.add(name, seconds)


def _block(turns: CallTurns, launch: Launch, block: int, few: dict[str, Encoded]) -> None:
    """Encode a few calls at a time, and decode a few that another process encoded."""
    calls = [call_records.plain(launch.rng) for _ in range(HANDFULS * HANDFUL)]
    fresh = np.random.default_rng(launch.rng.getrandbits(32)).integers(0, 2**64, (HANDFULS, HANDFUL), dtype=np.uint64)
    samples = Samples()
    for name, side in sides(launch, block):
        side.value("hold_calls", calls)
        for first, numbers in zip(range(0, len(calls), HANDFUL), fresh, strict=True):
            blobs, seconds = side.timed_call("timed_encode_few", first, numbers.tobytes(), timeout_sec=CALL_SEC)
            samples.add(name, seconds)
            part = zip(calls[first : first + HANDFUL], numbers.tolist(), strict=True)
            few[name].calls.extend({**call, "id": id_} for call, id_ in part)
            few[name].blobs.extend(_blobs(blobs, HANDFUL))
        before = _few_from_before.get(name, few[name])
        for first in range(block * HANDFULS * HANDFUL, (block + 1) * HANDFULS * HANDFUL, HANDFUL):
            wanted = before.calls[first : first + HANDFUL]
            some = before.blobs[first : first + HANDFUL]
            reply, seconds = side.timed_call("timed_decode_calls", some, timeout_sec=CALL_SEC)
            samples.add(name, seconds)
            demand_packed(reply, wanted, packed(wanted), "a call does not come back as it was, in a timed round")
    lowest = samples.percentile(PERCENT)
    turns.slowest.candidate += lowest.candidate
    turns.slowest.reference += lowest.reference
