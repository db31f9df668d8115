"""Serve calls: receive a request, answer it, send the reply, until the grader hangs up."""

import errno
import os
import socket
from array import array
from typing import Final

from harness.wire.codec import Encoder
from harness.wire.errors import EncodeError
from harness.wire.frames import FIRST_READ_BYTES, FrameBuffer, frame, header
from harness.wire.messages import MAX_FDS, Answered, Failed, Request, pack_reply, parse_request
from harness.worker.capture import Tail
from harness.worker.driver import Driver
from harness.worker.failure import describe_failure

SEND_BUFFER_BYTES: Final = 4 * 1024 * 1024
"""Asked of the kernel, which gives what it allows."""

FDS_SPACE: Final = socket.CMSG_SPACE(MAX_FDS * array("i").itemsize)


class Service:
    """A driver, what it prints, and the buffers that its replies and requests pass through."""

    def __init__(self, driver: Driver, output: Tail) -> None:
        self._driver = driver
        self._output = output
        self._encoder = Encoder()

    def serve(self, connection: socket.socket) -> None:
        """Answer requests until the other end closes."""
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        buffer = FrameBuffer()
        while (fds := _receive(connection, buffer)) is not None:
            request = parse_request(buffer.payload())
            buffer.clear()
            reply = self.answer(request, fds)
            self._output.clear()
            _send(connection, reply)

    def answer(self, request: Request, fds: list[int]) -> bytes:
        """Make one call and encode what became of it."""
        try:
            value = self._call(request, fds)
            return pack_reply(Answered(request.nonce, value, self._output.text()), self._encoder)
        except BaseException as fault:  # noqa: BLE001  a submission's SystemExit is an answer too
            return self._pack_failure(describe_failure(request.nonce, fault, self._output.text()))

    def _call(self, request: Request, fds: list[int]) -> object:
        """Run a function of the driver: the only place where a submission's code is called."""
        try:
            function = self._driver.function(request.function)
            _expect(request.fds, fds)
        except BaseException:
            for fd in fds:
                os.close(fd)
            raise
        return function(*request.args, *fds)

    def _pack_failure(self, failed: Failed) -> bytes:
        try:
            return pack_reply(failed, self._encoder)
        except EncodeError:
            return pack_reply(Failed(failed.nonce, "", "Unprintable", "it can't be described"), self._encoder)


def _expect(count: int, fds: list[int]) -> None:
    if len(fds) != count:  # the kernel drops those that a process may not have
        raise OSError(errno.EMFILE, f"{len(fds)} of {count} file descriptors arrived")


def _receive(connection: socket.socket, buffer: FrameBuffer) -> list[int] | None:
    """Receive one frame into `buffer`, and the descriptors that came with it; `None` at the end."""
    fds: list[int] = []
    whole = False
    while not whole:
        count, ancillary, _, _ = connection.recvmsg_into([buffer.room()], FDS_SPACE)
        if not count:
            return None
        for _, _, data in ancillary:
            fds += array("i", data)
        whole = buffer.took(count)
    return fds


def _send(connection: socket.socket, payload: bytes) -> None:
    if len(payload) < FIRST_READ_BYTES:
        connection.sendall(frame(payload))
    else:  # joining them would copy megabytes
        connection.sendall(header(payload))
        connection.sendall(payload)
