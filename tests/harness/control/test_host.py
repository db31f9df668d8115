"""The host's end, with a sandbox in memory and a grader that is a function of its streams."""

import time
from contextlib import suppress

import pytest

from harness.control import host
from harness.control.client import ControlClient
from harness.control.line import Line
from harness.control.messages import Do, Progress, Request, Result, parse_from_host
from harness.errors import ControlLost, EngineUnavailable, GradingTimedOut, SandboxFailed
from harness.sandbox.fake import Asked, FakeSandbox
from harness.sandbox.roles import Side, State, Subject
from harness.wire.frames import frame

CANDIDATE = Subject(Side.CANDIDATE, 0)
REFERENCE = Subject(Side.REFERENCE, 0)
RESULT = Result({"checks": []}, "{}")
TIMEOUT_SEC = 20.0


def graded(grader, job, sandbox=None, timeout_sec=TIMEOUT_SEC, on_progress=lambda _: None):
    """Serve a grading whose grader is a function of a client that has had its job."""

    def run(reader, writer):
        client = ControlClient(reader, writer)
        assert client.receive_job() == job
        grader(client)

    return served(run, job, sandbox, timeout_sec, on_progress)


def served(run, job, sandbox=None, timeout_sec=TIMEOUT_SEC, on_progress=lambda _: None):
    sandbox = sandbox or FakeSandbox(run)
    sandbox._grader = run
    try:
        return host.serve(sandbox, job, on_progress, timeout_sec)
    finally:
        sandbox.stop()


def spoken(*data):
    """Make a grader that writes bytes and hangs up."""

    def run(reader, writer):
        for each in data:
            writer.write(each)

    return run


def test_a_grading_gives_its_result(job):
    sandbox, told, seen = FakeSandbox(None), [], []

    def grader(client):
        client.restart([CANDIDATE, REFERENCE], 5)
        client.hand_over([CANDIDATE], [REFERENCE])
        seen.extend(client.stats([CANDIDATE, REFERENCE]))
        client.progress(Progress("bars", "a", 1, 1, ""))
        client.result(RESULT)

    assert graded(grader, job, sandbox, on_progress=told.append) == RESULT
    assert told == [Progress("bars", "a", 1, 1, "")]
    assert [stats.state for stats in seen] == [State.PAUSED, State.RUNNING]
    assert sandbox.asked[0] == Asked("restart", (CANDIDATE, REFERENCE), 5)


def test_who_is_handed_over_is_read_while_frozen(job):
    seen = []

    def grader(client):
        client.restart([CANDIDATE, REFERENCE], 5)
        client.hand_over([REFERENCE], [])
        seen.extend(client.hand_over([CANDIDATE], [REFERENCE], [CANDIDATE, REFERENCE]))
        client.result(RESULT)

    assert graded(grader, job) == RESULT
    assert [stats.state for stats in seen] == [State.PAUSED, State.PAUSED]


def test_a_request_that_fails_is_answered_with_the_reason(job):
    sandbox = FakeSandbox(None)
    sandbox.failing["restart"] = SandboxFailed("no room left")

    def grader(client):
        with pytest.raises(SandboxFailed, match="no room left"):
            client.restart([CANDIDATE], 5)
        with pytest.raises(SandboxFailed, match="never started: reference-0"):
            client.hand_over([REFERENCE], [])
        client.result(RESULT)

    assert graded(grader, job, sandbox) == RESULT


def test_a_lost_engine_ends_the_grading(job):
    sandbox = FakeSandbox(None)
    sandbox.failing["pause"] = EngineUnavailable("the Docker engine was lost")
    with pytest.raises(EngineUnavailable, match="was lost"):
        graded(lambda client: client.hand_over([CANDIDATE], []), job, sandbox)


def test_an_error_nobody_expected_is_not_lost(job):
    class Broken(FakeSandbox):
        def pause(self, subjects):
            raise ZeroDivisionError("a bug of ours")

    with pytest.raises(ZeroDivisionError):
        graded(lambda client: client.hand_over([CANDIDATE], []), job, Broken(None))


def test_a_fault_of_whoever_draws_progress_is_not_lost(job):
    def grader(client):
        client.progress(Progress("bars", "a", 1, 1, ""))

    def broken(progress):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        graded(grader, job, on_progress=broken)


def test_a_grader_that_dies_is_told_with_its_last_words(job):
    with pytest.raises(ControlLost, match=r"ended before it gave a result(.|\n)*Segmentation fault"):
        graded(lambda client: None, job, FakeSandbox(None, log="Segmentation fault"))


def test_a_grader_that_dies_before_its_job_is_told_too(job):
    with pytest.raises(ControlLost):
        served(lambda reader, writer: None, job)


def silent(reader, writer):
    """Read whatever comes, until the host hangs up."""
    while reader.read(65536):
        pass


def test_a_silent_grader_is_given_up(job):
    began = time.monotonic()
    with pytest.raises(GradingTimedOut, match=r"no result within 0\.3 s(.|\n)*not even a word"):
        served(silent, job, FakeSandbox(None, log="not even a word"), timeout_sec=0.3)
    assert 0.3 <= time.monotonic() - began < 3.0


def test_a_busy_grader_is_given_up_too(job):
    def grader(client):
        while True:
            client.progress(Progress("bars", "a", 1, 1, "still busy"))

    with pytest.raises(GradingTimedOut):
        graded(grader, job, timeout_sec=0.3)


@pytest.mark.parametrize("data", [
    b"hello, this is no frame at all", frame(b"\xc1"), frame(b"\x80"), (2**31).to_bytes(4, "big"), frame(b"\x80")[:-1],
], ids=["text", "no msgpack", "no message", "oversized", "cut"])  # fmt: skip
def test_nonsense_ends_the_grading(job, data):
    with pytest.raises(ControlLost):
        served(spoken(data), job)


@pytest.mark.parametrize("then", [
    lambda client: client.result(RESULT),
    lambda client: client.progress(Progress("bars", "a", 1, 1, "")),
    lambda client: client.hand_over([CANDIDATE], []),
], ids=["result", "progress", "request"])  # fmt: skip
def test_nothing_may_follow_the_result(job, then):
    def grader(client):
        client.result(RESULT)
        then(client)

    with pytest.raises(ControlLost, match="after the result"):
        graded(grader, job)


def test_a_grader_that_lingers_after_its_result_is_not_waited_for(job, monkeypatch):
    monkeypatch.setattr(host, "HANG_UP_LIMIT_SEC", 0.1)

    def run(reader, writer):
        ControlClient(reader, writer).result(RESULT)
        silent(reader, writer)

    assert served(run, job) == RESULT


def test_a_grader_that_asks_on_and_on_is_given_up(job):
    def run(reader, writer):
        line, number = Line(reader, writer, parse_from_host), 0
        line.receive()
        with suppress(ControlLost):
            while True:
                line.send(Request(number := number + 1, Do.STATS, ()))
                line.receive()

    with pytest.raises(GradingTimedOut):
        served(run, job, timeout_sec=0.3)


def test_a_sandbox_that_does_not_start_is_told(job):
    class Broken(FakeSandbox):
        def start(self):
            raise SandboxFailed("no image")

    with pytest.raises(SandboxFailed, match="no image"):
        host.serve(Broken(None), job, lambda _: None, TIMEOUT_SEC)
