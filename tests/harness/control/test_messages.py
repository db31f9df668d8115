"""The messages of the control channel, there and back, and everything that is none."""

import pytest

from harness.control.messages import (
    Do,
    Job,
    Progress,
    Reply,
    Request,
    Result,
    parse_from_grader,
    parse_from_host,
    to_plain,
)
from harness.errors import ControlLost
from harness.sandbox.roles import Isolation, Side, State, Stats, Subject
from harness.wire.codec import pack, unpack

CANDIDATE = Subject(Side.CANDIDATE, 3)

JOB = Job("hashmap", 2**60, ("a", "b"), True, 512, 10.0, (1,), (0,), Isolation.DOCKER)
STATS = Reply(3, stats=(Stats(State.PAUSED, cpu_sec=1.5), Stats(State.EXITED, signal=9, oom_killed=True)))
FROM_HOST = {"job": JOB, "done": Reply(1), "refused": Reply(2, error="no such thing"), "stats": STATS}
FROM_GRADER = {
    "hand over": Request(1, Do.HAND_OVER, (CANDIDATE,), resume=(Subject(Side.REFERENCE, 0),), watch=(CANDIDATE,)),
    "restart": Request(2, Do.RESTART, (CANDIDATE,), hash_seed=0),
    "progress": Progress("bars", "hit-lookup", 1, 9, "launch 1"),
    "result": Result({"checks": [{"id": "a"}], "noise": float("inf")}, "{}"),
}


@pytest.mark.parametrize("message", FROM_HOST.values(), ids=FROM_HOST)
def test_what_the_host_says_arrives(message):
    assert parse_from_host(unpack(pack(to_plain(message)))) == message


@pytest.mark.parametrize("message", FROM_GRADER.values(), ids=FROM_GRADER)
def test_what_the_grader_says_arrives(message):
    assert parse_from_grader(unpack(pack(to_plain(message)))) == message


def test_a_request_is_written_as_the_plan_says():
    plain = {"kind": "request", "id": 2, "do": "restart", "subjects": ["candidate-3"], "hash_seed": 7}
    assert to_plain(Request(2, Do.RESTART, (CANDIDATE,), 7)) == plain | {"resume": [], "watch": []}


@pytest.mark.parametrize("change", [
    {"kind": "reply"}, {"kind": None}, {"id": "2"}, {"id": True}, {"id": None}, {"do": "format"}, {"extra": 1},
    {"subjects": "candidate-3"}, {"subjects": ["candidate"]}, {"subjects": ["stranger-1"]}, {"subjects": [3]},
    {"hash_seed": "7"},
], ids=str)  # fmt: skip
def test_what_is_no_request_is_refused(change):
    plain = to_plain(Request(2, Do.RESTART, (CANDIDATE,), 7))
    assert parse_from_grader(plain)
    with pytest.raises(ControlLost, match="malformed message"):
        parse_from_grader(plain | change)


@pytest.mark.parametrize("plain", [None, 7, "result", [], [1], {}, {"kind": ["result"]}])
def test_what_is_no_message_is_refused(plain):
    with pytest.raises(ControlLost):
        parse_from_grader(plain)
    with pytest.raises(ControlLost):
        parse_from_host(plain)


@pytest.mark.parametrize("key", ["seed", "select", "isolation", "kind"])
def test_a_job_lacks_nothing(key):
    plain = to_plain(JOB)
    del plain[key]
    with pytest.raises(ControlLost):
        parse_from_host(plain)


def test_stats_with_a_key_of_tomorrow_are_refused():
    plain = to_plain(STATS)
    plain["stats"][0]["colour"] = "blue"
    with pytest.raises(ControlLost, match="colour"):
        parse_from_host(plain)


def test_neither_side_says_what_is_the_others():
    with pytest.raises(ControlLost):
        parse_from_host(to_plain(FROM_GRADER["hand over"]))
    with pytest.raises(ControlLost):
        parse_from_grader(to_plain(FROM_HOST["done"]))
