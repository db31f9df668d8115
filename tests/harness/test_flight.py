"""A flight against peers that know the protocol and break it: everything pending lands, and nothing is believed."""

import socket
import threading
from contextlib import suppress

import pytest

from harness.channel import Channel
from harness.flight import Flight
from harness.outcome import BadReply, Crashed, Finished
from harness.wire.codec import Encoder
from harness.wire.frames import FrameDecoder, frame
from harness.wire.messages import NONCE_BYTES, Answered, pack_reply, parse_request

PATIENCE_SEC = 10.0


def answer(nonce, value=42):
    return frame(pack_reply(Answered(nonce, value), Encoder()))


@pytest.fixture
def flight_to():
    """Begin a flight to a peer that, once it has three requests, says what `make` makes of their nonces."""
    ends, threads = [], []

    def start(make):
        ours, theirs = socket.socketpair()
        ends.extend((ours, theirs))

        def run():
            nonces, decoder = [], FrameDecoder()
            while len(nonces) < 3:
                data = theirs.recv(65536)
                if not data:
                    return
                nonces += [parse_request(payload).nonce for payload in decoder.feed(data)]
            with suppress(OSError):  # the test may be over already
                theirs.sendall(make(nonces))
                theirs.shutdown(socket.SHUT_WR)

        threads.append(threading.Thread(target=run, daemon=True))
        threads[-1].start()
        return Flight(Channel(ours))

    yield start
    for end in ends:
        end.close()
    for thread in threads:
        thread.join(PATIENCE_SEC)


def outcomes(flight):
    tickets = [flight.start("f", number) for number in range(3)]
    return [flight.landed(ticket, PATIENCE_SEC) for ticket in tickets]


def test_answers_out_of_order_reach_their_calls(flight_to):
    with flight_to(lambda nonces: b"".join(answer(nonces[n], n) for n in (2, 0, 1))) as flight:
        assert outcomes(flight) == [Finished(0), Finished(1), Finished(2)]


BROKEN = {
    "answer to no question": lambda nonces: answer(bytes(NONCE_BYTES)),
    "the same answer twice": lambda nonces: answer(nonces[0]) * 2,
    "not a reply": lambda nonces: frame(b"\xc0"),
    "not msgpack": lambda nonces: frame(b"\xc1"),
    "a frame too long": lambda nonces: b"\xff\xff\xff\xff",
}


@pytest.mark.parametrize("make", BROKEN.values(), ids=BROKEN)
def test_noise_ends_the_flight(flight_to, make):
    with flight_to(make) as flight:
        found = outcomes(flight)
        assert isinstance(found[1], BadReply)
        assert found[1] == found[2]
        assert flight.pending == 0
        assert flight.landed(flight.start("f"), PATIENCE_SEC) == found[1]


def test_a_peer_that_hangs_up_has_crashed(flight_to):
    with flight_to(lambda nonces: answer(nonces[1])) as flight:
        assert outcomes(flight) == [Crashed(), Finished(42), Crashed()]


def test_why_a_peer_ended_is_asked_of_who_knows(flight_to):
    flight = flight_to(lambda nonces: b"")
    flight._explain = lambda outcome: Crashed(exit_code=3)
    with flight:
        assert outcomes(flight) == [Crashed(exit_code=3)] * 3
