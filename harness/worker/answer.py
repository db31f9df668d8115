"""Make one call into the driver, and encode what became of it: what both ways of serving have in common."""

import errno
import os
import socket
from array import array
from typing import Final

from harness.wire.codec import Encoder
from harness.wire.errors import EncodeError
from harness.wire.messages import MAX_FDS, Answered, Failed, Request, pack_reply
from harness.worker.driver import Driver
from harness.worker.failure import describe_failure

FDS_SPACE: Final = socket.CMSG_SPACE(MAX_FDS * array("i").itemsize)


def call(driver: Driver, request: Request, fds: list[int]) -> object:
    """Run a function of the driver: the only place where a submission's code is called."""
    try:
        function = driver.function(request.function)
        _expect(request.fds, fds)
    except BaseException:
        for fd in fds:
            os.close(fd)
        raise
    return function(*request.args, *fds)


def pack_answer(request: Request, value: object, output: str, encoder: Encoder) -> bytes:
    """Encode the answer; raises EncodeError where it is not plain data."""
    return pack_reply(Answered(request.nonce, value, output), encoder)


def pack_failure(request: Request, fault: BaseException, output: str, encoder: Encoder) -> bytes:
    """Encode what was raised, whatever it is."""
    failed = describe_failure(request.nonce, fault, output)
    try:
        return pack_reply(failed, encoder)
    except EncodeError:
        return pack_reply(Failed(failed.nonce, "", "Unprintable", "it can't be described"), encoder)


def _expect(count: int, fds: list[int]) -> None:
    if len(fds) != count:  # the kernel drops those that a process may not have
        raise OSError(errno.EMFILE, f"{len(fds)} of {count} file descriptors arrived")
