"""Closing a gate waits for whoever is inside, and lets nobody in."""

import threading
import time

import pytest

from harness.errors import SandboxFailed
from harness.sandbox.gate import Gate


def test_closing_waits_for_the_work_under_way():
    gate, inside, done = Gate(), threading.Event(), []

    def work():
        with gate.passing():
            inside.set()
            time.sleep(0.1)
            done.append("work")

    worker = threading.Thread(target=work)
    worker.start()
    inside.wait()
    gate.close(limit_sec=10)
    assert done == ["work"]
    worker.join()


def test_nobody_gets_in_once_it_is_closed():
    gate = Gate()
    with gate.passing(), gate.passing():
        pass
    gate.close(limit_sec=1)
    with pytest.raises(SandboxFailed, match="being stopped"), gate.passing():
        pass


def test_work_that_fails_is_out():
    gate = Gate()
    with pytest.raises(ZeroDivisionError), gate.passing():
        raise ZeroDivisionError
    gate.close(limit_sec=0)


def test_a_thread_does_not_wait_for_itself_nor_for_ever_for_others():
    gate, over = Gate(), threading.Event()
    began = time.monotonic()
    with gate.passing():
        gate.close(limit_sec=5)
    assert time.monotonic() - began < 1
    gate, inside = Gate(), threading.Event()

    def work():
        with gate.passing():
            inside.set()
            over.wait(10)

    worker = threading.Thread(target=work)
    worker.start()
    inside.wait()
    gate.close(limit_sec=0.05)
    assert worker.is_alive()
    over.set()
    worker.join()
