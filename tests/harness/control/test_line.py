"""Messages over byte streams: whole, in pieces, cut short, and nonsense."""

import threading

import pytest

from harness.control.line import CAPS, Line
from harness.control.messages import Progress, Result, parse_from_grader, to_plain
from harness.errors import ControlLost
from harness.wire.codec import pack
from harness.wire.frames import frame

PROGRESS = Progress("checks", "a", 1, 2, "x")


def line(stream):
    return Line(stream, stream, parse_from_grader)


def test_messages_arrive_in_order(ends):
    ours, theirs = map(line, ends)
    for done in range(5):
        ours.send(Progress("checks", "a", done, 5, ""))
    assert [theirs.receive().done for _ in range(5)] == list(range(5))


def test_a_message_in_single_bytes_arrives(ends):
    for byte in frame(pack(to_plain(PROGRESS))):
        ends[0].write(bytes([byte]))
    assert line(ends[1]).receive() == PROGRESS


def test_a_large_message_arrives_though_the_stream_takes_it_in_pieces(ends):
    result = Result({"samples": list(range(300_000))}, "x" * 1_000_000)
    sender = threading.Thread(target=line(ends[0]).send, args=(result,))
    sender.start()
    assert line(ends[1]).receive() == result
    sender.join()


def test_messages_of_several_threads_do_not_mix(ends):
    ours, theirs = map(line, ends)
    messages = [Progress("checks", str(number), number, 9, "x" * 40_000) for number in range(9)]
    threads = [threading.Thread(target=ours.send, args=(message,)) for message in messages]
    for thread in threads:
        thread.start()
    assert {theirs.receive().done for _ in threads} == set(range(9))
    for thread in threads:
        thread.join()


def test_the_end_between_messages_is_an_end(ends):
    line(ends[0]).send(PROGRESS)
    ends[0].close()
    theirs = line(ends[1])
    assert theirs.receive() == PROGRESS
    assert theirs.receive() is None


def test_the_end_within_a_message_is_a_fault(ends):
    ends[0].write(frame(pack(to_plain(PROGRESS)))[:-1])
    ends[0].close()
    with pytest.raises(ControlLost, match="in the middle"):
        line(ends[1]).receive()


@pytest.mark.parametrize(("data", "complaint"), [
    (b"Traceback (most recent call last)", "longer than"),
    ((CAPS.frame_bytes + 1).to_bytes(4, "big"), "longer than"),
    (frame(b"\xc1"), "malformed"),
    (frame(b""), "malformed"),
    (frame(b"\x91" * 40 + b"\x00"), "deeper"),
    (frame(pack([1, 2])), "malformed message"),
], ids=["text", "oversized", "no msgpack", "empty", "deep", "no message"])  # fmt: skip
def test_nonsense_is_a_fault(ends, data, complaint):
    ends[0].write(data)
    with pytest.raises(ControlLost, match=complaint):
        line(ends[1]).receive()


def test_sending_to_nobody_is_a_fault(ends):
    ends[1].close()
    with pytest.raises(ControlLost, match="is gone"):
        line(ends[0]).send(PROGRESS)


def test_what_is_no_plain_data_is_a_fault_of_the_sender(ends):
    with pytest.raises(ControlLost, match="result that cannot be sent"):
        line(ends[0]).send(Result({"checks": object()}, ""))
