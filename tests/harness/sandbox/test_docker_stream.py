"""Docker's interleaved streams, taken apart however they arrive."""

import socket
import threading

import pytest

from harness.sandbox.docker_stream import AttachedStream, Demultiplexer
from harness.sandbox.tail import Tail


def docker_frame(stream, payload):
    return bytes([stream, 0, 0, 0]) + len(payload).to_bytes(4, "big") + payload


DATA = docker_frame(1, b"out") + docker_frame(2, b"err") + docker_frame(1, b"") + docker_frame(1, b"put")


@pytest.mark.parametrize("size", range(1, len(DATA) + 1))
def test_pieces_of_any_size_are_put_together(size):
    demultiplexer, streams = Demultiplexer(), {1: b"", 2: b""}
    for start in range(0, len(DATA), size):
        for stream, piece in demultiplexer.feed(DATA[start : start + size]):
            streams[stream] += piece
    assert streams == {1: b"output", 2: b"err"}


def test_a_huge_frame_passes_through_without_being_kept():
    demultiplexer = Demultiplexer()
    demultiplexer.feed(bytes([1, 0, 0, 0]) + (2**32 - 1).to_bytes(4, "big"))
    assert demultiplexer.feed(b"x" * 1000) == [(1, b"x" * 1000)]


@pytest.fixture
def attached():
    ours, theirs = socket.socketpair()
    errors = Tail()
    stream = AttachedStream(ours, [ours], errors)
    yield stream, theirs, errors
    stream.close()
    theirs.close()


def test_output_is_read_and_errors_are_kept(attached):
    stream, theirs, errors = attached
    theirs.sendall(DATA)
    assert stream.read(3) + stream.read(100) == b"output"
    assert errors.text() == "err"
    theirs.close()
    assert stream.read(1) == b""


def test_input_is_not_framed(attached):
    stream, theirs, _ = attached
    assert stream.write(b"question") == 8
    assert theirs.recv(100) == b"question"


def test_closing_wakes_a_reader(attached):
    stream, _, _ = attached
    read = []
    reader = threading.Thread(target=lambda: read.append(stream.read(1)))
    reader.start()
    stream.close()
    reader.join(5)
    assert read in ([b""], [])
    assert not reader.is_alive()


def test_a_tail_keeps_the_end_and_no_more():
    tail = Tail(limit_bytes=10)
    tail.write(b"x" * 1_000_000)
    tail.write(b"the end\xff")
    assert tail.text() == "xxthe end\ufffd"
    for _ in range(100):
        tail.write(b"ab")
    assert tail.text() == "ab" * 5
    assert Tail().text() == ""
