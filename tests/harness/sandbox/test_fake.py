"""The fake keeps the rules of the real sandboxes."""

import pytest

from harness.errors import SandboxFailed
from harness.sandbox.fake import Asked, FakeControl
from harness.sandbox.roles import Side, State, Stats, Subject, SubjectControl

CANDIDATE = Subject(Side.CANDIDATE, 0)
REFERENCE = Subject(Side.REFERENCE, 0)


def states(control):
    return [stats.state for stats in control.stats([CANDIDATE, REFERENCE])]


def test_subjects_are_started_frozen_and_thawed():
    control = FakeControl()
    as_its_users_see_it: SubjectControl = control
    as_its_users_see_it.restart([CANDIDATE, REFERENCE], 5)
    control.pause([CANDIDATE])
    assert states(control) == [State.PAUSED, State.RUNNING]
    control.resume([CANDIDATE, REFERENCE])
    assert states(control) == [State.RUNNING, State.RUNNING]
    assert control.asked[:2] == [Asked("restart", (CANDIDATE, REFERENCE), 5), Asked("pause", (CANDIDATE,))]


def test_one_that_ended_stays_ended_until_it_is_restarted():
    control = FakeControl()
    control.restart([CANDIDATE, REFERENCE], 5)
    control.charge(CANDIDATE, Stats(State.EXITED, signal=9))
    control.pause([CANDIDATE])
    control.resume([CANDIDATE])
    assert control.stats([CANDIDATE]) == [Stats(State.EXITED, signal=9)]
    control.restart([CANDIDATE], 6)
    assert control.stats([CANDIDATE])[0].state is State.RUNNING


def test_cpu_is_what_the_test_says_and_starts_at_nothing():
    control = FakeControl()
    control.restart([CANDIDATE], 5)
    control.pause([CANDIDATE])
    control.use_cpu(CANDIDATE, 0.5)
    assert control.stats([CANDIDATE])[0].cpu_sec == 0.5
    control.restart([CANDIDATE], 5)
    assert control.stats([CANDIDATE])[0].cpu_sec == 0.0


@pytest.mark.parametrize("request_", ["pause", "resume", "stats"])
def test_one_that_was_never_started_is_our_fault(request_):
    with pytest.raises(SandboxFailed, match="never started: candidate-0"):
        getattr(FakeControl(), request_)([CANDIDATE])


def test_a_request_fails_as_told():
    control = FakeControl()
    control.failing["restart"] = SandboxFailed("no room")
    with pytest.raises(SandboxFailed, match="no room"):
        control.restart([CANDIDATE], 5)
