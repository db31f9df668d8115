"""What sockets are called: the same at both ends, and nothing that tells a launch."""

import doctest

from harness.sandbox import doors as module
from harness.sandbox.doors import doors
from harness.sandbox.roles import Side, Subject


def test_the_example():
    assert doctest.testmod(module) == (0, 1)


def test_a_later_launch_has_the_same_doors():
    first, later = ([Subject(side, launch) for side in Side] for launch in (0, 9))
    assert list(doors(first).values()) == list(doors(later).values()) == ["0.sock", "0.sock"]


def test_those_of_one_side_that_are_started_together_have_doors_of_their_own():
    both = [Subject(Side.REFERENCE, 3), Subject(Side.REFERENCE, 4)]
    assert list(doors(both).values()) == ["0.sock", "1.sock"]
