"""Ten thousand hostile streams: whatever comes, the decoder gives plain values or a WireError, and nothing else."""

import random
from collections.abc import Iterator

import pytest

from harness.wire.codec import DEFAULT_CAPS, Caps, Encoder, pack, unpack
from harness.wire.errors import WireError
from harness.wire.frames import FrameDecoder, frame
from harness.wire.messages import Answered, Failed, Request, pack_reply, pack_request, parse_reply, parse_request

STREAMS = 10_000
SMALL = Caps(frame_bytes=100_000, depth=32, elements=200)
"""So small that most samples are beyond it and the census counts every one."""

NONCE = b"n" * 16
CONTENT: list[object] = [
    [1, 2.5, None, True, "text", b"bytes", -70_000, 2**80],
    {"kind": "result", "evidence": {"checks": [{"id": "a", "ok": True}] * 5}, 1: {b"k": []}},
    [[[[[[[[[[[[[[[[[[[[[[[[[[["deep"]]]]]]]]]]]]]]]]]]]]]]]]]]],
    [list(range(300)), ["x" * length for length in range(0, 300, 7)], [{str(i): i} for i in range(40)]],
]


def samples() -> list[bytes]:
    encoder = Encoder()
    answers = [pack_reply(Answered(NONCE, value, "printed"), encoder) for value in CONTENT]
    requests = [pack_request(Request(NONCE, "lookup", [value]), encoder) for value in CONTENT]
    failure = pack_reply(Failed(NONCE, "printed", "KeyError", "'k'", "Traceback"), encoder)
    return [frame(payload) for payload in (*answers, *requests, failure)]


def mutate(data: bytes, rng: random.Random) -> bytes:
    mutant = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 5, 20))):
        position = rng.randrange(len(mutant) + 1)
        match rng.randrange(5):
            case 0 if position < len(mutant):
                mutant[position] = rng.randrange(256)
            case 1:
                del mutant[position : position + rng.randrange(1, 9)]
            case 2:
                mutant[position:position] = rng.randbytes(rng.randrange(1, 9))
            case 3:
                mutant[position:position] = rng.choice((b"\xdd", b"\xdf", b"\xc6", b"\xdb", b"\xc9")) + rng.randbytes(4)
            case _:
                mutant[position:position] = mutant[: rng.randrange(len(mutant) + 1)]
    return bytes(mutant)


def hostile_streams() -> Iterator[bytes]:
    """Make random bytes, damaged frames, and whole frames around damaged payloads."""
    rng = random.Random(20_250)
    valid = samples()
    for number in range(STREAMS):
        sample = rng.choice(valid)
        match number % 5:
            case 0:
                yield rng.randbytes(rng.randrange(200))
            case 1:
                yield mutate(sample, rng)
            case _:
                yield frame(mutate(sample[4:], rng))


@pytest.mark.parametrize("caps", [DEFAULT_CAPS, SMALL], ids=["default caps", "small caps"])
def test_only_plain_values_and_wire_errors_come_out(caps: Caps) -> None:
    values, refusals = 0, 0
    for stream in hostile_streams():
        try:
            payloads = FrameDecoder(caps.frame_bytes).feed(stream)
        except WireError:
            refusals += 1
            continue
        for payload in payloads:
            try:
                value = unpack(payload, caps)
            except WireError:
                refusals += 1
            else:
                values += 1
                assert repr(unpack(pack(value, caps), caps)) == repr(value)
    assert values > STREAMS // 50
    assert refusals > STREAMS // 4


def test_only_messages_and_wire_errors_come_out() -> None:
    messages = 0
    for stream in hostile_streams():
        for parse in (parse_reply, parse_request):
            try:
                messages += parse(stream[4:]) is not None
            except WireError:
                continue
    assert messages > STREAMS // 100
