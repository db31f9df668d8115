"""The control channel through a real container: a whole conversation, and what is said when something is killed."""

import signal
import socket
import threading
from contextlib import contextmanager, suppress

import pytest
from docker import DockerClient

from harness.control.host import serve
from harness.control.messages import Job
from harness.errors import ControlLost, EngineUnavailable, GradingTimedOut
from harness.sandbox.commands import Commands
from harness.sandbox.docker_engine import connect
from harness.sandbox.docker_leftovers import GRADING_LABEL
from harness.sandbox.roles import Isolation

pytestmark = pytest.mark.docker

ENGINE_SOCKET = "/var/run/docker.sock"
TIMEOUT_SEC = 60.0

BEGIN = """
import os, sys, time
from harness.control.client import ControlClient
from harness.control.messages import Progress, Result
from harness.sandbox.roles import Side, Subject
client = ControlClient(os.fdopen(os.dup(0), "rb", 0), os.fdopen(os.dup(1), "wb", 0))
job = client.receive_job()
candidate, reference = (Subject(side, 0) for side in Side)
client.restart([candidate, reference], job.seed)
client.hand_over([candidate], [])
"""

WHOLE = """
for _ in range(4):
    client.hand_over([reference], [candidate])
    client.hand_over([candidate], [reference])
states = [stats.state.value for stats in client.stats([candidate, reference])]
client.result(Result({"states": states}, "x" * 3_000_000))
"""

IN_THE_MIDDLE = """
print("half way there", file=sys.stderr, flush=True)
client.progress(Progress("bars", "a", 1, 2, ""))
time.sleep(60)
"""

ON_AND_ON = """
client.progress(Progress("bars", "a", 1, 2, ""))
while True:
    client.hand_over([reference], [candidate])
    client.hand_over([candidate], [reference])
"""


@pytest.fixture
def job():
    return Job("hashmap", 7, (), True, 96, 10.0, (1,), (0,), Isolation.DOCKER)


@pytest.fixture
def conversing(docker_sandbox):
    """Make a sandbox whose grader is a program of the control channel."""

    def make(program, **options):
        subject = ("python3", "-c", "import time; time.sleep(600)")
        return docker_sandbox(commands=Commands(("python3", "-c", BEGIN + program), subject), **options)

    return make


def test_a_whole_conversation(conversing, job):
    sandbox = conversing(WHOLE)
    result = serve(sandbox, job, lambda _: None, TIMEOUT_SEC)
    sandbox.stop()
    assert result.evidence == {"states": ["paused", "running"]}
    assert len(result.benchmarks) == 3_000_000


@pytest.mark.parametrize(("signum", "ending"), [(signal.SIGKILL, "signal 9"), (signal.SIGTERM, "signal 15")])
def test_a_grader_killed_half_way_is_told_with_its_last_words(engine, conversing, job, new_id, signum, ending):
    grading = new_id()
    sandbox = conversing(IN_THE_MIDDLE, grading_id=grading)

    def kill(_):
        [grader] = containers(engine, grading, "grader")
        engine.api.kill(grader, signum)

    with pytest.raises(ControlLost, match=rf"half way there(.|\n)*the grader ended with {ending}"):
        serve(sandbox, job, kill, TIMEOUT_SEC)
    sandbox.stop()
    assert not containers(engine, grading)


def test_a_grader_that_takes_too_long_is_told(conversing, job):
    sandbox = conversing(IN_THE_MIDDLE)
    with pytest.raises(GradingTimedOut, match=r"no result within 3 s(.|\n)*half way there"):
        serve(sandbox, job, lambda _: None, 3.0)
    sandbox.stop()


def test_a_subject_killed_through_the_engine_is_no_fault_of_its_own(engine, conversing, job, new_id):
    grading = new_id()
    program = """
from harness.errors import SandboxFailed
client.progress(Progress("bars", "a", 1, 2, ""))
try:
    while client.stats([reference])[0].state.value == "running":
        time.sleep(0.01)
except SandboxFailed as failed:
    client.result(Result({"failed": str(failed)}, ""))
"""
    sandbox = conversing(program, grading_id=grading)

    def kill_both(_):
        for subject in containers(engine, grading, "subject"):
            engine.api.kill(subject, signal.SIGKILL)

    told = serve(sandbox, job, kill_both, TIMEOUT_SEC).evidence["failed"]
    assert told == "somebody told the engine to kill reference-0 while it was in use"
    sandbox.stop()


@pytest.mark.parametrize("program", [IN_THE_MIDDLE, ON_AND_ON], ids=["idle", "asking"])
def test_a_lost_engine_is_told_and_stop_works_once_it_is_back(engine, conversing, job, new_id, door, program):
    grading = new_id()
    with door.client() as client:
        sandbox = conversing(program, grading_id=grading, client=client)
        with pytest.raises((ControlLost, EngineUnavailable), match="engine was lost"):
            serve(sandbox, job, lambda _: door.close(), TIMEOUT_SEC)
        with pytest.raises(EngineUnavailable):
            sandbox.stop()
        assert len(containers(engine, grading)) == 3
        door.open()
        sandbox.stop()
    assert not containers(engine, grading)


def test_no_engine_is_told_with_advice(monkeypatch, tmp_path):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nothing.sock")
    with pytest.raises(EngineUnavailable, match=r"no Docker engine answers(.|\n)*docs\.docker\.com"):
        connect()


def containers(engine, grading, hostname=None):
    """List the ids of a grading's containers."""
    found = engine.containers.list(all=True, filters={"label": f"{GRADING_LABEL}={grading}"})
    return [each.id for each in found if hostname in (None, each.attrs["Config"]["Hostname"])]


class Door:
    """A way to the engine that can be shut: a socket that passes everything on."""

    def __init__(self, path):
        self._path = path
        self._sockets = []
        self.open()

    def open(self):
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(self._path))
        listener.listen(32)
        self._sockets.append(listener)
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def close(self):
        self._path.unlink(missing_ok=True)
        for each in self._sockets:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        self._sockets.clear()

    @contextmanager
    def client(self):
        client = DockerClient(base_url=f"unix://{self._path}", timeout=20)
        yield client
        client.close()

    def _accept(self, listener):
        with listener, suppress(OSError):
            while True:
                ours, theirs = listener.accept()[0], socket.socket(socket.AF_UNIX)
                theirs.connect(ENGINE_SOCKET)
                self._sockets += [ours, theirs]
                answers = threading.Thread(target=_pass_on, args=(theirs, ours), daemon=True)
                questions = threading.Thread(target=_pass_on, args=(ours, theirs), daemon=True)
                for thread in (answers, questions):
                    thread.start()


def _pass_on(source, target):
    with source, suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


@pytest.fixture
def door(tmp_path):
    """Give a way to the engine, shut afterwards."""
    door = Door(tmp_path / "engine.sock")
    yield door
    door.close()
