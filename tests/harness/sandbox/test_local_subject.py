"""Whose processes a subject without Docker signals: its own, also once its worker's id may belong to somebody else."""

import subprocess
import sys

import pytest

from harness.sandbox import local_subject as module
from harness.sandbox.local_subject import LocalSubject
from harness.sandbox.processes import Process


@pytest.fixture
def ended_worker():
    """Start a worker that ends at once and is reaped."""
    worker = subprocess.Popen([sys.executable, "-c", ""], start_new_session=True)
    worker.wait()
    return worker


def process(pid, session):
    return Process(pid, "S", session, session, 0.0, 1)


def test_what_a_worker_left_in_its_session_is_ended(ended_worker, monkeypatch):
    left = process(pid=2**22 - 1, session=ended_worker.pid)
    monkeypatch.setattr(module, "all_processes", lambda: [left, process(2**22 - 2, 1)])
    assert LocalSubject(ended_worker, "mark", None)._session() == [left]


def test_a_stranger_who_got_the_workers_id_is_left_alone(ended_worker, monkeypatch):
    stranger = process(pid=ended_worker.pid, session=ended_worker.pid)
    strangers_child = process(pid=2**22 - 1, session=ended_worker.pid)
    monkeypatch.setattr(module, "all_processes", lambda: [stranger, strangers_child])
    assert LocalSubject(ended_worker, "mark", None)._session() == []
