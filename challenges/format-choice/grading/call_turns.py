"""The bars on calls: one set of turns in each launch, of which four bars take their part."""

from __future__ import annotations

from dataclasses import dataclass, field

import call_records
import numpy as np
from call_records import Record
from sides import CALL_SEC, Launch, Samples, Side, demand_packed, packed, sides

CALLS = 1_500
ROUNDS = 6
HANDFUL = 48
HANDFULS = 200
PERCENT = 99.0


@dataclass
class CallTurns:
    """What one launch came to."""

    encode: Samples = field(default_factory=Samples)
    decode: Samples = field(default_factory=Samples)
    handful: Samples = field(default_factory=Samples)
    size: Samples = field(default_factory=Samples)


@dataclass(frozen=True)
class Encoded:
    """Calls that one process encoded, for another to decode."""

    calls: list[Record]
    blobs: list[object]


_from_before: dict[str, Encoded] = {}
"""What each side's process of the launch before encoded: decoding it shows that all of it was there."""


def take_turns(launch: Launch) -> CallTurns:
    """Encode fresh calls, decode what another process encoded, and pass a few on at a time."""
    turns = CallTurns()
    if launch.number == 0:
        _from_before.clear()  # another measurement begins, with other sides
    latest: dict[str, Encoded] = {}
    for number in range(ROUNDS):
        calls = [call_records.plain(launch.rng) for _ in range(CALLS)]
        numbers = np.random.default_rng(launch.rng.getrandbits(32)).integers(0, 2**64, CALLS, dtype=np.uint64)
        wanted = [{**call, "id": id_} for call, id_ in zip(calls, numbers.tolist(), strict=True)]
        for name, side in sides(launch, number):
            blobs = _encode(turns, name, side, calls, numbers)
            latest[name] = Encoded(wanted, blobs)
            _decode(turns, name, side, _from_before.get(name, latest[name]))
    _pass_on(turns, launch, latest)
    _from_before.update(latest)
    return turns


def _encode(
    turns: CallTurns, name: str, side: Side, calls: list[Record], numbers: np.typing.NDArray[np.uint64]
) -> list[object]:
    side.value("hold_calls", calls)
    blobs, seconds = side.timed_call("timed_encode_calls", numbers.tobytes(), timeout_sec=CALL_SEC)
    assert isinstance(blobs, list), "encode_call must return bytes"
    assert len(blobs) == len(calls), "encode_call must return bytes"
    assert all(isinstance(blob, bytes) for blob in blobs), "encode_call must return bytes"
    turns.encode.add(name, seconds)
    turns.size.add(name, float(sum(map(len, blobs))))
    return blobs


def _decode(turns: CallTurns, name: str, side: Side, encoded: Encoded) -> None:
    right = packed(encoded.calls)
    reply, seconds = side.timed_call("timed_decode_calls", encoded.blobs, timeout_sec=CALL_SEC)
    demand_packed(reply, encoded.calls, right, "a call does not come back as it was, in a timed round")
    turns.decode.add(name, seconds)


def _pass_on(turns: CallTurns, launch: Launch, latest: dict[str, Encoded]) -> None:
    calls = next(iter(latest.values())).calls
    fresh = np.random.default_rng(launch.rng.getrandbits(32)).integers(0, 2**64, (HANDFULS, HANDFUL), dtype=np.uint64)
    firsts = [launch.rng.randrange(CALLS - HANDFUL) for _ in range(HANDFULS)]
    for name, side in sides(launch, 0):
        replies = []
        for first, numbers in zip(firsts, fresh, strict=True):
            reply, seconds = side.timed_call("timed_pass_on", first, numbers.tobytes(), timeout_sec=CALL_SEC)
            turns.handful.add(name, seconds)
            replies.append(reply)
        for first, numbers, reply in zip(firsts, fresh, replies, strict=True):
            part = zip(calls[first : first + HANDFUL], numbers.tolist(), strict=True)
            wanted = [{**call, "id": id_} for call, id_ in part]
            demand_packed(reply, wanted, packed(wanted), "a call that was passed on does not come back as it was")
