"""Real workers whose submission dies, hangs, or takes the socket into its own hands."""

import os
import signal
import time
from pathlib import Path

import pytest

from harness.outcome import BadReply, Crashed, Finished, Raised, TimedOut
from harness.wire.messages import MAX_FDS

ENDINGS = """
import os, signal, sys, threading, time
def leave(code): os._exit(code)
def kill(number): os.kill(os.getpid(), number)
def sleep(): time.sleep(60)
def spin():
    while True: pass
def linger(): threading.Thread(target=time.sleep, args=(60,)).start()
def fine(): return "fine"
"""


@pytest.mark.parametrize("code", [0, 1, 77])
def test_leaving_without_an_answer_is_a_crash(start_worker, code):
    worker = start_worker(ENDINGS)
    assert worker.channel.call("leave", code, timeout_sec=10) == Crashed()
    assert worker.channel.call("fine", timeout_sec=10) == Crashed()
    assert worker.process.wait(10) == code


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM])
def test_being_killed_is_a_crash(start_worker, number):
    worker = start_worker(ENDINGS)
    assert worker.channel.call("kill", int(number), timeout_sec=10) == Crashed()
    assert worker.process.wait(10) == -number


@pytest.mark.parametrize("function", ["sleep", "spin"])
def test_no_answer_in_time_is_a_time_out(start_worker, function):
    worker = start_worker(ENDINGS)
    assert worker.channel.call("fine", timeout_sec=10) == Finished("fine")
    start = time.perf_counter()
    assert worker.channel.call(function, timeout_sec=0.3) == TimedOut(0.3)
    assert 0.3 <= time.perf_counter() - start < 2.5
    assert isinstance(worker.channel.call("fine", timeout_sec=10), BadReply)


def test_a_worker_ends_when_nobody_listens_whatever_threads_it_has(start_worker):
    worker = start_worker(ENDINGS)
    assert worker.channel.call("linger", timeout_sec=10) == Finished(None)
    worker.channel.close()
    assert worker.process.wait(10) == 0


FORGERY = """
import gc, os, socket, stat, threading, time
from harness.wire.codec import pack
from harness.wire.frames import frame
def the_socket():
    return next(thing for thing in gc.get_objects() if isinstance(thing, socket.socket))
def forged(nonce=b"n" * 16): return frame(pack([0, nonce, "", "forged"]))
def blind(): the_socket().sendall(forged()); return "honest"
def garbage(): the_socket().sendall(b"\\xff" * 100); return "honest"
def large(): the_socket().sendall(b"\\x7f\\xff\\xff\\xff"); return "honest"
def closes(): the_socket().close(); time.sleep(60)
def half(): the_socket().sendall(forged()[:-1]); os._exit(0)
def later():
    def forge():
        time.sleep(0.1)
        the_socket().sendall(forged())
    threading.Thread(target=forge).start()
    return "honest"
def nonce_of_caller():
    import sys
    frame_ = sys._getframe()
    while "request" not in frame_.f_locals: frame_ = frame_.f_back
    return frame_.f_locals["request"].nonce
def stolen(): the_socket().sendall(forged(nonce_of_caller())); return "honest"
def drip():
    send = the_socket().send
    send((4_000_000).to_bytes(4, "big"))
    for _ in range(4_000_000): send(b"x")
def honest(): return "honest"
"""


@pytest.mark.parametrize("function", ["blind", "garbage", "large", "half"])
def test_a_forged_reply_is_a_bad_reply(start_worker, function):
    worker = start_worker(FORGERY)
    assert isinstance(worker.channel.call(function, timeout_sec=10), BadReply)
    assert worker.channel.broken


def test_a_drip_without_a_pause_does_not_stretch_the_time_limit(start_worker):
    channel = start_worker(FORGERY).channel
    start = time.perf_counter()
    assert channel.call("drip", timeout_sec=0.3) == TimedOut(0.3)
    assert time.perf_counter() - start < 1.5


def test_a_reply_forged_between_calls_is_a_bad_reply_to_the_next(start_worker):
    channel = start_worker(FORGERY).channel
    assert channel.call("later", timeout_sec=10) == Finished("honest")
    time.sleep(1)
    assert channel.call("honest", timeout_sec=10) == BadReply("bytes that nobody asked for")


def test_a_worker_that_closes_its_socket_has_crashed(start_worker):
    assert start_worker(FORGERY).channel.call("closes", timeout_sec=10) == Crashed()


def test_a_stolen_nonce_buys_one_reply_and_breaks_the_channel(start_worker):
    channel = start_worker(FORGERY).channel
    outcomes = [channel.call("stolen", timeout_sec=10), channel.call("honest", timeout_sec=10)]
    assert isinstance(outcomes[-1], BadReply), outcomes
    assert channel.broken


DESCRIPTORS = """
import os
def write(text, *fds):
    for fd in fds: os.write(fd, text)
    return len(fds)
def close(*fds):
    for fd in fds: os.close(fd)
def count(): return len(os.listdir("/proc/self/fd"))
"""


def test_descriptors_arrive_as_the_last_arguments(start_worker):
    channel = start_worker(DESCRIPTORS).channel
    readable, writable = os.pipe()
    try:
        assert channel.call("write", b"hello", timeout_sec=10, fds=[writable, writable]) == Finished(2)
        assert os.read(readable, 100) == b"hellohello"
        assert channel.call("write", b"x", timeout_sec=10) == Finished(0)
        assert channel.call("write", b"x", timeout_sec=10, fds=[writable] * MAX_FDS) == Finished(MAX_FDS)
    finally:
        os.close(readable)
        os.close(writable)


def test_descriptors_arrive_with_megabytes_beside_them(start_worker):
    channel = start_worker(DESCRIPTORS).channel
    with Path(os.devnull).open("wb") as devnull:
        assert channel.call("write", b"x" * 30_000_000, timeout_sec=10, fds=[devnull.fileno()]) == Finished(1)


def test_descriptors_of_a_call_that_cannot_be_made_are_closed(start_worker):
    channel = start_worker(DESCRIPTORS).channel
    with Path(os.devnull).open("wb") as devnull:
        fds = [devnull.fileno()] * 3
        before = channel.call("count", timeout_sec=10)
        assert isinstance(channel.call("missing", timeout_sec=10, fds=fds), Raised)
        assert channel.call("count", timeout_sec=10) == before
        assert channel.call("close", timeout_sec=10, fds=fds) == Finished(None)
        assert channel.call("count", timeout_sec=10) == before


def test_descriptors_the_worker_may_not_have_are_missed(start_worker):
    driver = DESCRIPTORS + "import resource\ndef limit(): resource.setrlimit(resource.RLIMIT_NOFILE, (5, 5))"
    channel = start_worker(driver).channel
    assert channel.call("limit", timeout_sec=10) == Finished(None)
    with Path(os.devnull).open("wb") as devnull:
        outcome = channel.call("close", timeout_sec=10, fds=[devnull.fileno()] * 5)
    assert isinstance(outcome, Raised)
    assert "file descriptors arrived" in outcome.message
