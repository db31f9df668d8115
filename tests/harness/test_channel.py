"""The channel against peers that know the protocol and break it; the tests with a real worker are in `worker/`."""

import os
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from harness.channel import Channel
from harness.errors import CallUnsendable
from harness.outcome import BadReply, Crashed, Finished, Outcome, Raised, TimedOut
from harness.wire.codec import Caps, Encoder, pack
from harness.wire.frames import FrameBuffer, frame
from harness.wire.messages import MAX_FDS, NONCE_BYTES, Answered, Failed, Request, pack_reply, parse_request

LIMIT_SEC = 0.3
"""Time limit of the calls that must time out."""

SLACK_SEC = 2.0
"""How much later than its limit a call may end on a busy machine."""

PATIENCE_SEC = 10
"""How long a peer tries to hold up a call."""

CAPS = Caps(frame_bytes=1024 * 1024, elements=10_000)

Script = Callable[[socket.socket], None]
Peer = Callable[[Script], Channel]


@pytest.fixture
def peer() -> Iterator[Peer]:
    """Give a channel to a peer that runs a script in a thread; both ends are closed at the end."""
    ends: list[Channel | socket.socket] = []
    threads: list[threading.Thread] = []

    def start(script: Script) -> Channel:
        ours, theirs = socket.socketpair()
        channel = Channel(ours, CAPS)
        ends.extend((channel, theirs))
        threads.append(threading.Thread(target=run, args=(script, theirs), daemon=True))
        threads[-1].start()
        return channel

    def run(script: Script, connection: socket.socket) -> None:
        try:
            script(connection)
        except (ConnectionError, OSError):  # the channel hung up, as it should
            return

    yield start
    for end in ends:
        end.close()
    for thread in threads:
        thread.join(SLACK_SEC)


def hear(connection: socket.socket) -> Request:
    """Receive one request as an honest peer would."""
    buffer = FrameBuffer()
    while not buffer.took(connection.recv_into(buffer.room())):
        pass
    return parse_request(buffer.payload())


def answer(request: Request, value: object = 42) -> bytes:
    return frame(pack_reply(Answered(request.nonce, value), Encoder()))


def says(make: Callable[[Request], bytes]) -> Script:
    """Answer each request with whatever bytes `make` makes of it, and stay connected."""

    def script(connection: socket.socket) -> None:
        while True:
            connection.sendall(make(hear(connection)))

    return script


def is_broken(channel: Channel) -> bool:
    """Tell whether a channel is of no more use, and says so without asking or raising."""
    return channel.broken and isinstance(channel.call("f", timeout_sec=60), BadReply | Crashed)


def test_an_answer_is_finished(peer: Peer) -> None:
    channel = peer(says(lambda request: answer(request, [request.function, request.args])))
    assert channel.call("f", 1, b"two", timeout_sec=5) == Finished(["f", [1, b"two"]])
    assert channel.call("g", timeout_sec=5) == Finished(["g", []])
    assert not channel.broken


def test_a_failure_is_raised_and_the_channel_works_on(peer: Peer) -> None:
    failure = ("printed", "KeyError", "'k'", "Traceback")
    channel = peer(says(lambda request: frame(pack_reply(Failed(request.nonce, *failure), Encoder()))))
    for _ in range(2):
        assert channel.call("f", timeout_sec=5) == Raised("KeyError", "'k'", "Traceback", "printed")


FORGED: dict[str, tuple[Callable[[Request], bytes], str]] = {
    "another nonce": (lambda _: frame(pack_reply(Answered(b"n" * 16, 42), Encoder())), "another question"),
    "no nonce": (lambda _: frame(pack([0, b"", "", 42])), "another question"),
    "not a reply": (lambda request: frame(pack({"nonce": request.nonce})), "not a reply"),
    "the request itself": (lambda request: frame(pack(list(request))), "not a reply"),
    "not msgpack": (lambda _: frame(b"\xc1"), "malformed"),
    "a pickle": (lambda _: frame(b"\x80\x04\x95\x0b\x00\x00\x00\x00\x00\x00\x00\x8c\x02os"), "malformed"),
    "an empty frame": (lambda _: frame(b""), "malformed"),
    "no frame": (lambda _: b"HTTP/1.1 200 OK\r\n\r\n", "longer than"),
    "a long frame announced": (lambda _: b"\x7f\xff\xff\xff", "longer than"),
    "a long frame sent": (lambda request: answer(request, b"x" * CAPS.frame_bytes), "longer than"),
    "many elements": (lambda request: answer(request, [0] * 10_001), "elements"),
    "deep": (lambda request: frame(b"\x94\x00\xc4\x10" + request.nonce + b"\xa0" + b"\x91" * 40 + b"\x01"), "deeper"),
    "a long text": (lambda request: frame(pack([0, request.nonce, "x" * 5000, 42])), "not a reply"),
    "the answer twice": (lambda request: answer(request) * 2, "after the end"),
    "a byte too many": (lambda request: answer(request) + b"\x00", "after the end"),
}


@pytest.mark.parametrize(("make", "reason"), FORGED.values(), ids=FORGED)
def test_what_is_no_answer_is_a_bad_reply(peer: Peer, make: Callable[[Request], bytes], reason: str) -> None:
    channel = peer(says(make))
    outcome = channel.call("f", timeout_sec=5)
    assert isinstance(outcome, BadReply)
    assert reason in outcome.reason
    assert is_broken(channel)


def test_a_reply_cut_short_is_a_bad_reply(peer: Peer) -> None:
    def script(connection: socket.socket) -> None:
        connection.sendall(answer(hear(connection))[:-1])
        connection.close()

    channel = peer(script)
    assert channel.call("f", timeout_sec=5) == BadReply("a reply cut short")
    assert is_broken(channel)


def test_bytes_sent_before_the_question_are_a_bad_reply(peer: Peer) -> None:
    sent = threading.Event()

    def script(connection: socket.socket) -> None:
        connection.sendall(b"\x00")
        sent.set()
        says(answer)(connection)

    channel = peer(script)
    assert sent.wait(5)
    assert channel.call("f", timeout_sec=5) == BadReply("bytes that nobody asked for")
    assert is_broken(channel)


def test_an_answer_repeated_later_is_a_bad_reply_to_the_next_question(peer: Peer) -> None:
    def script(connection: socket.socket) -> None:
        first = hear(connection)
        connection.sendall(answer(first))
        hear(connection)
        connection.sendall(answer(first))

    channel = peer(script)
    assert channel.call("f", timeout_sec=5) == Finished(42)
    assert channel.call("f", timeout_sec=5) == BadReply("an answer to another question")
    assert is_broken(channel)


def test_a_late_answer_is_never_taken_for_the_next(peer: Peer) -> None:
    def script(connection: socket.socket) -> None:
        request = hear(connection)
        time.sleep(LIMIT_SEC * 2)
        connection.sendall(answer(request))

    channel = peer(script)
    assert channel.call("f", timeout_sec=LIMIT_SEC) == TimedOut(LIMIT_SEC)
    time.sleep(LIMIT_SEC * 2)
    outcome = channel.call("f", timeout_sec=5)
    assert isinstance(outcome, BadReply)
    assert f"no answer within {LIMIT_SEC:g} s" in outcome.reason


def stay(connection: socket.socket) -> None:
    """Stay connected and do nothing until the channel hangs up."""
    hang_up = select.poll()
    hang_up.register(connection, select.POLLHUP)
    hang_up.poll(PATIENCE_SEC * 1000)


def silent(connection: socket.socket) -> None:
    hear(connection)
    stay(connection)


def deaf(connection: socket.socket) -> None:
    stay(connection)


def slow_reader(connection: socket.socket) -> None:
    for _ in range(1000):
        connection.recv(1)
        time.sleep(0.01)


def drip(connection: socket.socket) -> None:
    for byte in answer(hear(connection), b"x" * 1000):
        connection.sendall(bytes([byte]))
        time.sleep(0.01)


def drip_of_a_header(connection: socket.socket) -> None:
    hear(connection)
    connection.sendall(b"\x00\x00")
    stay(connection)


def promise(connection: socket.socket) -> None:
    hear(connection)
    connection.sendall(CAPS.frame_bytes.to_bytes(4, "big") + b"x" * 100)
    stay(connection)


def out_of_band(connection: socket.socket) -> None:
    hear(connection)
    connection.send(b"!", socket.MSG_OOB)
    stay(connection)


@pytest.mark.parametrize("script", [silent, deaf, slow_reader, drip, drip_of_a_header, promise, out_of_band])
def test_no_peer_can_stretch_the_time_limit(peer: Peer, script: Script) -> None:
    channel = peer(script)
    start = time.perf_counter()
    outcome = channel.call("f", b"x" * 1_000_000, timeout_sec=LIMIT_SEC)
    took_sec = time.perf_counter() - start
    assert outcome == TimedOut(LIMIT_SEC)
    assert LIMIT_SEC <= took_sec < LIMIT_SEC + SLACK_SEC
    assert is_broken(channel)


def test_an_out_of_band_byte_before_the_question_is_a_bad_reply(peer: Peer) -> None:
    sent = threading.Event()

    def script(connection: socket.socket) -> None:
        connection.send(b"!", socket.MSG_OOB)
        sent.set()
        stay(connection)

    channel = peer(script)
    assert sent.wait(5)
    assert isinstance(channel.call("f", timeout_sec=LIMIT_SEC), BadReply | TimedOut)
    assert is_broken(channel)


def flood(connection: socket.socket) -> None:
    hear(connection)
    while True:
        connection.sendall(b"\x00\x0f\xff\xff" * 10_000)


def flood_unheard(connection: socket.socket) -> None:
    while True:
        connection.sendall(b"\x00" * 40_000)


@pytest.mark.parametrize("script", [flood, flood_unheard])
def test_a_flood_is_a_bad_reply(peer: Peer, script: Script) -> None:
    channel = peer(script)
    assert isinstance(channel.call("f", b"x" * 500_000, timeout_sec=30), BadReply)
    assert is_broken(channel)


def closes_at_once(connection: socket.socket) -> None:
    connection.close()


def closes_unread(connection: socket.socket) -> None:
    connection.recv(1)
    connection.close()


def closes_after_reading(connection: socket.socket) -> None:
    hear(connection)
    connection.close()


@pytest.mark.parametrize("script", [closes_at_once, closes_unread, closes_after_reading])
def test_a_peer_that_hangs_up_has_crashed(peer: Peer, script: Script) -> None:
    channel = peer(script)
    assert channel.call("f", b"x" * 1_000_000, timeout_sec=5) == Crashed()
    assert channel.call("f", timeout_sec=5) == Crashed()
    assert channel.broken


def test_megabytes_go_both_ways(peer: Peer) -> None:
    channel = peer(says(lambda request: answer(request, request.args[0])))
    content = os.urandom(1_000_000)
    for _ in range(3):
        assert channel.call("echo", content, timeout_sec=10) == Finished(content)


def test_a_timed_call_covers_the_peer_but_not_the_encoding(peer: Peer) -> None:
    def script(connection: socket.socket) -> None:
        for _ in range(2):
            request = hear(connection)
            time.sleep(0.1)
            connection.sendall(answer(request))

    channel = peer(script)
    outcome, took_sec = channel.timed_call("f", timeout_sec=5)
    assert outcome == Finished(42)
    assert took_sec >= 0.1
    request = channel.encode("f")
    time.sleep(LIMIT_SEC)  # no part of the limit, which begins with the exchange
    assert channel.exchange(request, timeout_sec=LIMIT_SEC) == Finished(42)


def test_only_the_last_encoded_request_is_sent_and_once(peer: Peer) -> None:
    channel = peer(says(answer))
    stale, fresh = channel.encode("f"), channel.encode("f")
    with pytest.raises(ValueError, match="last encode"):
        channel.exchange(stale, timeout_sec=5)
    assert channel.exchange(fresh, timeout_sec=5) == Finished(42)
    with pytest.raises(ValueError, match="once"):
        channel.exchange(fresh, timeout_sec=5)


@pytest.mark.parametrize("argument", [object(), {1, 2}, b"x" * CAPS.frame_bytes, [0] * 10_001])
def test_arguments_that_cannot_be_sent_are_our_own_fault_and_break_nothing(peer: Peer, argument: object) -> None:
    channel = peer(says(answer))
    with pytest.raises(CallUnsendable, match="'f'"):
        channel.call("f", argument, timeout_sec=5)
    assert channel.call("f", timeout_sec=5) == Finished(42)


def test_too_many_file_descriptors_are_our_own_fault(peer: Peer) -> None:
    with pytest.raises(CallUnsendable, match="descriptors"):
        peer(says(answer)).call("f", timeout_sec=5, fds=[0] * (MAX_FDS + 1))


def test_a_closed_channel_answers_like_a_crashed_one(peer: Peer) -> None:
    channel = peer(says(answer))
    channel.close()
    channel.close()
    outcomes: list[Outcome] = [channel.call("f", timeout_sec=5), channel.timed_call("f", timeout_sec=5)[0]]
    assert outcomes == [Crashed(), Crashed()]


def test_a_limit_that_has_passed_already_is_a_time_out(peer: Peer) -> None:
    assert peer(says(answer)).call("f", timeout_sec=-1) == TimedOut(-1)


def test_every_request_has_a_nonce_of_its_own(peer: Peer) -> None:
    nonces: list[bytes] = []

    def note(request: Request) -> bytes:
        nonces.append(request.nonce)
        return answer(request)

    channel = peer(says(note))
    for _ in range(100):
        assert channel.call("f", timeout_sec=5) == Finished(42)
    assert len(set(nonces)) == 100
    assert {len(nonce) for nonce in nonces} == {NONCE_BYTES}
