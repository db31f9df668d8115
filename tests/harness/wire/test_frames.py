import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.wire.errors import EncodeError, WireError
from harness.wire.frames import FIRST_READ_BYTES, KEPT_BYTES, FrameBuffer, FrameDecoder, frame


def receive(buffer: FrameBuffer, data: bytes) -> bool:
    """Put `data` where a socket would."""
    buffer.room()[: len(data)] = data
    return buffer.took(len(data))


@given(st.lists(st.binary(max_size=50), max_size=8), st.lists(st.integers(1, 20), min_size=1))
def test_frames_come_back_however_the_stream_is_cut(payloads: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(map(frame, payloads))
    decoder = FrameDecoder()
    found: list[bytes] = []
    while stream:
        size = cuts[len(found) % len(cuts)]
        found += decoder.feed(stream[:size])
        stream = stream[size:]
    assert found == payloads
    assert decoder.pending_bytes == 0


def test_a_frame_cut_short_is_pending() -> None:
    decoder = FrameDecoder()
    assert decoder.feed(frame(b"whole") + frame(b"half")[:-1]) == [b"whole"]
    assert decoder.pending_bytes == 7


def test_a_frame_too_long_is_refused_by_its_header_and_ever_after() -> None:
    decoder = FrameDecoder(frame_bytes=10)
    assert decoder.feed(frame(b"x" * 10)) == [b"x" * 10]
    for data in (b"\x00\x00\x00\x0b", frame(b"fine"), b""):
        with pytest.raises(WireError, match="11 bytes"):
            decoder.feed(data)


def test_a_payload_too_long_is_not_framed() -> None:
    with pytest.raises(EncodeError):
        frame(b"x" * 11, frame_bytes=10)


@given(st.binary(max_size=200), st.integers(1, 200))
def test_a_buffer_collects_one_frame_from_pieces(payload: bytes, size: int) -> None:
    buffer = FrameBuffer()
    data = frame(payload)
    pieces = [data[start : start + size] for start in range(0, len(data), size)]
    assert [receive(buffer, piece) for piece in pieces] == [False] * (len(pieces) - 1) + [True]
    assert bytes(buffer.payload()) == payload


def test_a_buffer_grows_for_a_long_frame_and_serves_the_next() -> None:
    buffer = FrameBuffer()
    for length in (FIRST_READ_BYTES * 3, 5, KEPT_BYTES + 1, 7):
        data = frame(bytes(range(256)) * (length // 256) + b"!" * (length % 256))
        whole = receive(buffer, data[:1000])
        while not whole:
            start = buffer.took_bytes
            whole = receive(buffer, data[start : start + len(buffer.room())])
        assert bytes(buffer.payload()) == data[4:]
        buffer.clear()
        assert buffer.took_bytes == 0
        assert len(buffer.room()) <= KEPT_BYTES


def test_a_buffer_refuses_what_comes_after_the_frame() -> None:
    with pytest.raises(WireError, match="after the end"):
        receive(FrameBuffer(), frame(b"one") + b"\x00")


def test_a_buffer_refuses_a_frame_too_long_before_it_makes_room() -> None:
    buffer = FrameBuffer(frame_bytes=FIRST_READ_BYTES * 2)
    with pytest.raises(WireError, match="longer"):
        receive(buffer, b"\xff\xff\xff\xff")
    assert len(buffer.room()) < FIRST_READ_BYTES
