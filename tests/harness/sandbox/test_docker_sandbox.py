"""The Docker sandbox against a real engine."""

import time

import pytest

from harness.errors import SandboxFailed
from harness.sandbox.roles import Side, State, Subject

pytestmark = pytest.mark.docker

CANDIDATE = Subject(Side.CANDIDATE, 0)
REFERENCE = Subject(Side.REFERENCE, 0)


def test_roles_speak_over_their_sockets(bench):
    bench.start(CANDIDATE, REFERENCE, hash_seed=77)
    assert bench.ask(CANDIDATE, "who") == "candidate"
    assert bench.ask(REFERENCE, "who") == "reference"
    assert bench.ask(CANDIDATE, "hash_seed") == "77"
