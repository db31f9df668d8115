"""Processes as `/proc` shows them, and the orders a process starts under."""

import os
import subprocess
import sys
import time

import pytest

from harness.sandbox.launcher import Orders
from harness.sandbox.local_user import FIRST_UID, LAST_UID, give_back, take_uid
from harness.sandbox.processes import (
    Process,
    all_processes,
    carries,
    cpu_sec,
    parse_process,
    parse_status,
    status_of,
    tasks_of_user,
)

linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

STAT = "42 (a) b (c) T 1 40 39 0 -1 4194560 100 0 0 0 11 12 250 50 20 0 3 0 1234 99 0\n"


def test_a_process_is_read_from_its_stat():
    assert parse_process(STAT, 100) == Process(42, "T", 40, 39, 3.0, 3)


@pytest.mark.parametrize("stat", ["", "42 (a) S 1", "nonsense"])
def test_what_is_no_process_is_none(stat):
    assert parse_process(stat, 100) is None


def test_numbers_of_a_status_are_read():
    assert parse_status("Name:\tx 1\nUid:\t61184\t0\t0\t0\nVmHWM:\t  2048 kB\nState:\tS (sleeping)\n") == {
        "Uid": 61184,
        "VmHWM": 2048,
    }


@linux
def test_this_process_is_among_all():
    [me] = [process for process in all_processes() if process.pid == os.getpid()]
    assert (me.group, me.session) == (os.getpgrp(), os.getsid(0))
    assert status_of(me.pid)["Uid"] == os.getuid()
    assert tasks_of_user(os.getuid()) >= me.threads


@linux
def test_cpu_time_is_exact():
    before = cpu_sec(os.getpid())
    end = time.process_time() + 0.05
    while time.process_time() < end:
        pass
    used = cpu_sec(os.getpid()) - before
    assert 0.05 <= used < 0.06


@linux
def test_a_process_that_is_gone_has_no_numbers():
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    assert cpu_sec(process.pid) is None
    assert status_of(process.pid) == {}


@linux
def test_a_mark_is_found_whole():
    environment = {**os.environ, "MARK": "folder:candidate-1:"}
    with subprocess.Popen([sys.executable, "-c", "input()"], env=environment, stdin=subprocess.PIPE) as process:
        time.sleep(0.2)
        assert carries(process.pid, "MARK=folder:candidate-1:")
        assert carries(process.pid, "MARK=folder:")
        assert not carries(process.pid, "MARK=folder:candidate-10:")
        assert not carries(process.pid, "ARK=folder:")
        process.communicate(b"\n")


def test_orders_survive_the_command_line():
    orders = Orders(7, (1, 2), {"processes": 5}, uid=61184, capability=2)
    assert Orders.parse(orders.to_text()) == orders


@linux
def test_every_user_is_taken_once():
    uids = [take_uid() for _ in range(20)]
    try:
        assert len(set(uids)) == 20
        assert all(FIRST_UID <= uid <= LAST_UID for uid in uids)
    finally:
        for uid in uids:
            give_back(uid)
