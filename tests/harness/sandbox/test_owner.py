"""Who may sweep what: never a living owner's, always a dead one's, and a stranger's only when it is old."""

import os
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from harness.sandbox.owner import (
    ABANDONED_AFTER_SEC,
    Owner,
    current_owner,
    is_gone,
    parse_start,
    process_start,
    start_by_ps,
)

OWNER = Owner("boot", "pid:[1]", 7, "1000", 5_000.0)
HERE = Owner("boot", "pid:[1]", 8, "2000", 6_000.0)


@pytest.mark.parametrize(("starts", "gone"), [({7: "1000"}, False), ({7: "1001"}, True), ({}, True)],
                         ids=["alive", "its number used again", "gone"])  # fmt: skip
def test_an_owner_of_this_boot_is_looked_up(starts, gone):
    assert is_gone(OWNER, HERE, starts.get) is gone


@pytest.mark.parametrize("elsewhere", [{"boot": "another"}, {"namespace": "pid:[2]"}])
@pytest.mark.parametrize(("age_sec", "gone"), [
    (0, False), (ABANDONED_AFTER_SEC, False), (ABANDONED_AFTER_SEC + 1, True),
])  # fmt: skip
def test_an_owner_of_another_boot_or_namespace_is_given_time(elsewhere, age_sec, gone):
    here = replace(HERE, since_unix_sec=OWNER.since_unix_sec + age_sec, **elsewhere)
    alive = {7: "1000"}.get
    assert is_gone(OWNER, here, alive) is gone


def test_this_process_is_not_gone():
    owner = current_owner()
    assert owner.pid == os.getpid()
    assert not is_gone(Owner.parse(owner.to_text()), current_owner(), process_start)


@pytest.mark.parametrize("text", [
    "", "null", "[]", "{}", '{"boot":"b"}', '{"boot":"b","namespace":"n","pid":"x","started":"1","since_unix_sec":0}',
])  # fmt: skip
def test_what_is_no_owner_is_refused(text):
    with pytest.raises(ValueError, match=r".*"):
        Owner.parse(text)


def test_a_name_with_brackets_and_spaces_does_not_mislead():
    fields = " ".join(["S", *(str(number) for number in range(1, 50))])
    assert parse_start(f"12 (a) S 1 (b c) {fields}") == "19"


@pytest.mark.parametrize("stat", ["", "12 (a) S 1", "12 (a) Z " + "1 " * 40, "12 (a) X " + "1 " * 40])
def test_what_has_ended_has_no_start(stat):
    assert parse_start(stat) is None


@pytest.mark.parametrize("start_of", [process_start, start_by_ps])
def test_a_process_has_a_start_until_it_ends(start_of):
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    first = start_of(process.pid)
    assert first
    time.sleep(0.01)
    assert start_of(process.pid) == first
    process.communicate()
    assert start_of(process.pid) is None


def test_a_process_that_nobody_has_waited_for_is_gone():
    process = subprocess.Popen([sys.executable, "-c", ""])
    deadline = time.monotonic() + 10
    while process_start(process.pid) and time.monotonic() < deadline:
        time.sleep(0.005)
    assert process_start(process.pid) is None
    process.wait()
