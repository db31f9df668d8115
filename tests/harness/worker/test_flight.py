"""Calls in flight to a real worker whose driver is asynchronous: order, the loop's lag, descriptors, endings."""

import os
import socket
import time

import pytest

from harness.flight import Flight
from harness.outcome import BadReply, Crashed, Finished, Raised, TimedOut

PATIENCE_SEC = 10.0
"""What a busy machine may take for what takes milliseconds."""

DRIVER = """
import asyncio, os, threading, time
gates = {}

async def ping():
    return None

async def wait_for(gate):
    await gates.setdefault(gate, asyncio.Event()).wait()
    return gate

async def open_gate(gate):
    gates.setdefault(gate, asyncio.Event()).set()

def thread():
    return threading.current_thread() is threading.main_thread() and asyncio.get_running_loop() is not None

async def block(seconds):
    time.sleep(seconds)

async def fail():
    print("before")
    raise LookupError("not here")

async def leave():
    os._exit(3)

async def read(fd):
    data = os.read(fd, 100)
    os.close(fd)
    return data

async def echo(value):
    return value
"""


@pytest.fixture
def flight(start_worker):
    """Begin a flight to an asynchronous driver that has loaded."""
    channel = start_worker(DRIVER).channel
    assert channel.call("", timeout_sec=PATIENCE_SEC) == Finished(None)
    with Flight(channel) as flight:
        yield flight


def test_calls_land_in_the_order_of_their_completion(flight):
    tickets = {gate: flight.start("wait_for", gate) for gate in "abc"}
    for gate in "cab":
        opened = flight.start("open_gate", gate)
        assert flight.landed(opened, PATIENCE_SEC) == Finished(None)
        [landing] = flight.wait(PATIENCE_SEC)
        assert (landing.ticket, landing.outcome) == (tickets[gate], Finished(gate))
    assert flight.pending == 0
    assert flight.wait(0) == []


def test_a_call_that_has_not_landed_stays_in_flight(flight):
    ticket = flight.start("wait_for", "a")
    assert flight.landed(ticket, 0.01) == TimedOut(0.01)
    assert flight.pending == 1
    flight.start("open_gate", "a")
    assert flight.landed(ticket, PATIENCE_SEC) == Finished("a")


def test_a_blocked_loop_answers_no_ping_before_it_is_free(flight):
    block_sec = 0.2
    blocking = flight.start("block", block_sec)
    ping = flight.start("ping")
    landings = {}
    while len(landings) < 2:
        landings |= {landing.ticket: landing for landing in flight.wait(PATIENCE_SEC)}
    assert landings[ping].landed_at - landings[blocking].started_at >= block_sec
    assert landings[ping].outcome == Finished(None)


def test_a_plain_function_runs_on_the_loop_too(flight):
    assert flight.landed(flight.start("thread"), PATIENCE_SEC) == Finished(True)


def test_what_is_raised_is_told_with_what_was_printed(flight):
    outcome = flight.landed(flight.start("fail"), PATIENCE_SEC)
    assert isinstance(outcome, Raised)
    assert (outcome.type_name, outcome.message, outcome.output) == ("LookupError", "not here", "before\n")
    assert "harness" not in outcome.traceback


def test_descriptors_arrive_with_their_own_call(flight):
    pipes = [os.pipe() for _ in range(20)]
    tickets = []
    for number, (reading, writing) in enumerate(pipes):
        os.write(writing, b"%d" % number)
        tickets.append(flight.start("read", fds=[reading]))
        flight.start("ping")
        os.close(reading)
        os.close(writing)
    for number, ticket in enumerate(tickets):
        assert flight.landed(ticket, PATIENCE_SEC) == Finished(b"%d" % number)


def test_thousands_of_calls_and_megabytes_pass_both_ways(flight):
    blob = bytes(1_000_000)
    large = [flight.start("echo", blob) for _ in range(20)]
    small = [flight.start("echo", number) for number in range(5_000)]
    for ticket in large:
        assert flight.landed(ticket, PATIENCE_SEC) == Finished(blob)
    for number, ticket in enumerate(small):
        assert flight.landed(ticket, PATIENCE_SEC) == Finished(number)


def test_all_calls_land_when_the_subject_dies(flight):
    waiting = [flight.start("wait_for", "never") for _ in range(3)]
    flight.start("leave")
    landings = flight.wait(PATIENCE_SEC)
    assert len(landings) == 4
    assert {landing.outcome for landing in landings} == {Crashed()}
    assert {*waiting} < {landing.ticket for landing in landings}
    late = flight.start("ping")
    assert flight.landed(late, PATIENCE_SEC) == Crashed()


def test_the_channel_works_on_after_a_flight_with_nothing_pending(start_worker):
    channel = start_worker(DRIVER).channel
    channel.call("", timeout_sec=PATIENCE_SEC)
    with Flight(channel) as flight:
        flight.landed(flight.start("ping"), PATIENCE_SEC)
    assert channel.call("echo", 5, timeout_sec=PATIENCE_SEC) == Finished(5)


def test_leaving_with_calls_pending_breaks_the_channel(start_worker):
    channel = start_worker(DRIVER).channel
    channel.call("", timeout_sec=PATIENCE_SEC)
    with Flight(channel) as flight:
        flight.start("wait_for", "never")
    assert channel.broken
    assert isinstance(channel.call("ping", timeout_sec=PATIENCE_SEC), BadReply)


def test_a_flight_over_a_broken_channel_lands_every_call(start_worker):
    channel = start_worker(DRIVER).channel
    channel.close()
    with Flight(channel) as flight:
        assert flight.landed(flight.start("ping"), PATIENCE_SEC) == Crashed()


def test_waiting_with_nothing_in_flight_takes_its_time(flight):
    began = time.perf_counter()
    assert flight.wait(0.05) == []
    assert time.perf_counter() - began >= 0.05


def test_a_synchronous_driver_has_no_loop(start_worker):
    channel = start_worker("import sys\ndef loops(): return 'asyncio' in sys.modules").channel
    assert channel.call("loops", timeout_sec=PATIENCE_SEC) == Finished(False)


def test_a_listening_socket_is_served_on_the_loop(start_worker):
    channel = start_worker(SERVING).channel
    channel.call("", timeout_sec=PATIENCE_SEC)
    with socket.socket(socket.AF_INET) as listener, Flight(channel) as flight:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        assert flight.landed(flight.start("serve", fds=[listener.fileno()]), PATIENCE_SEC) == Finished(None)
        with socket.create_connection(listener.getsockname(), timeout=PATIENCE_SEC) as client:
            client.sendall(b"hello\n")
            assert client.recv(100) == b"hello\n"


SERVING = """
import asyncio, socket
servers = []

async def serve(fd):
    async def echo(reader, writer):
        writer.write(await reader.readline())
        await writer.drain()
        writer.close()
    servers.append(await asyncio.start_server(echo, sock=socket.socket(fileno=fd)))
"""
