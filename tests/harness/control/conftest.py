"""A pair of unbuffered streams, and a job."""

import socket
from collections.abc import Iterator
from typing import BinaryIO, cast

import pytest

from harness.control.messages import Job
from harness.sandbox.roles import Isolation


@pytest.fixture
def job() -> Job:
    """Give a job like any other."""
    return Job("hashmap", 7, (), True, 512, 10.0, (1,), (0,), Isolation.NONE)


@pytest.fixture
def ends() -> Iterator[tuple[BinaryIO, BinaryIO]]:
    """Give the two ends of a channel."""
    sockets = socket.socketpair()
    streams = [end.makefile("rwb", buffering=0) for end in sockets]
    for end in sockets:
        end.close()
    yield cast(tuple[BinaryIO, BinaryIO], tuple(streams))
    for stream in streams:
        stream.close()
