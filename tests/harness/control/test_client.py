"""The grader's end, against a host that says whatever the test wants."""

import threading

import pytest

from harness.control.client import ControlClient
from harness.control.line import Line
from harness.control.messages import Do, Progress, Reply, Result, parse_from_grader
from harness.errors import ControlLost, SandboxFailed
from harness.sandbox.roles import Side, State, Stats, Subject

CANDIDATE = Subject(Side.CANDIDATE, 0)
REFERENCE = Subject(Side.REFERENCE, 0)


class Host:
    """The other end: sends what it is told, on the test's thread or one of its own."""

    def __init__(self, stream):
        self.line = Line(stream, stream, parse_from_grader)
        self.heard = []

    def answering(self, count, answer):
        """Read `count` requests first, then answer each."""

        def run():
            self.heard = [self.line.receive() for _ in range(count)]
            for reply in answer(self.heard):
                self.line.send(reply)

        thread = threading.Thread(target=run)
        thread.start()
        return thread


@pytest.fixture
def host(ends):
    return Host(ends[0])


@pytest.fixture
def client(ends):
    return ControlClient(ends[1], ends[1])


def done(requests):
    return [Reply(request.id) for request in requests]


def test_the_job_comes_first(host, client, job):
    host.line.send(job)
    assert client.receive_job() == job


def test_anything_else_first_is_a_fault(host, client):
    host.line.send(Reply(1))
    with pytest.raises(ControlLost, match="did not begin with a job"):
        client.receive_job()


def test_no_job_is_a_fault(ends, client):
    ends[0].close()
    with pytest.raises(ControlLost):
        client.receive_job()


def test_requests_are_numbered_and_name_their_subjects(host, client):
    for do, ask in [
        (Do.HAND_OVER, lambda: client.hand_over([CANDIDATE], [REFERENCE])),
        (Do.RESTART, lambda: client.restart([CANDIDATE], 5)),
    ]:
        thread = host.answering(1, done)
        ask()
        thread.join()
        [request] = host.heard
        assert (request.do, request.subjects) == (do, (CANDIDATE,))
        assert request.hash_seed == (5 if do is Do.RESTART else None)


def test_a_hand_over_brings_the_accounting_of_those_to_watch(host, client):
    other = Subject(Side.REFERENCE, 1)
    accounts = tuple(Stats(State.PAUSED, cpu_sec=cpu) for cpu in (1.5, 2.5, 3.5))
    thread = host.answering(1, lambda requests: [Reply(requests[0].id, stats=accounts)])
    assert client.hand_over([CANDIDATE], [REFERENCE], [other, REFERENCE, CANDIDATE]) == list(accounts)
    thread.join()
    [request] = host.heard
    assert (request.do, request.subjects, request.resume) == (Do.HAND_OVER, (CANDIDATE,), (REFERENCE,))
    assert request.watch == (other, REFERENCE, CANDIDATE)


def test_a_hand_over_to_nobody_from_nobody_asks_nothing(ends, client):
    client.hand_over([], [])
    client.progress(Progress("checks", "a", 0, 1, ""))
    assert isinstance(Host(ends[0]).line.receive(), Progress)


def test_a_refusal_is_raised_and_the_next_request_works(host, client):
    thread = host.answering(1, lambda requests: [Reply(requests[0].id, error="frozen solid")])
    with pytest.raises(SandboxFailed, match="frozen solid"):
        client.hand_over([CANDIDATE], [REFERENCE])
    thread.join()
    again = host.answering(1, done)
    client.hand_over([CANDIDATE], [])
    again.join()


def test_stats_come_in_the_order_asked(host, client):
    stats = (Stats(State.PAUSED, cpu_sec=1.0), Stats(State.EXITED, exit_code=3))
    thread = host.answering(1, lambda requests: [Reply(requests[0].id, stats=stats)])
    assert client.stats([CANDIDATE, REFERENCE]) == list(stats)
    thread.join()


@pytest.mark.parametrize(("answer", "complaint"), [
    (lambda request, job: Reply(request.id + 1), "a reply to no request"),
    (lambda request, job: Reply(request.id), "asked for the stats of 1 subjects and got 0"),
    (lambda request, job: job, "a second job"),
], ids=["another's", "too few", "job"])  # fmt: skip
def test_what_is_no_answer_is_a_fault(host, client, answer, complaint, job):
    thread = host.answering(1, lambda requests: [answer(requests[0], job)])
    with pytest.raises(ControlLost, match=complaint):
        client.stats([CANDIDATE])
    thread.join()


def test_a_host_that_hangs_up_is_a_fault(ends, client):
    ends[0].close()
    with pytest.raises(ControlLost):
        client.hand_over([CANDIDATE], [])


def test_threads_take_turns(host, client):
    def answer_one_by_one():
        for _ in range(20):
            host.line.send(Reply(host.line.receive().id))

    answering = threading.Thread(target=answer_one_by_one)
    askers = [threading.Thread(target=client.hand_over, args=([CANDIDATE], [])) for _ in range(20)]
    for thread in (answering, *askers):
        thread.start()
    for thread in (answering, *askers):
        thread.join(5)
    assert not any(thread.is_alive() for thread in askers)


def test_the_result_is_handed_in(host, client):
    client.result(Result({"checks": []}, "{}"))
    assert host.line.receive() == Result({"checks": []}, "{}")
