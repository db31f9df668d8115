"""Serve calls one at a time: receive a request, answer it, send the reply, until the grader hangs up."""

import socket
from array import array
from typing import Final

from harness.wire.codec import Encoder
from harness.wire.frames import FIRST_READ_BYTES, FrameBuffer, frame, header
from harness.wire.messages import Request, parse_request
from harness.worker.answer import FDS_SPACE, call, pack_answer, pack_failure
from harness.worker.capture import Tail
from harness.worker.driver import Driver

SEND_BUFFER_BYTES: Final = 4 * 1024 * 1024
"""Asked of the kernel, which gives what it allows."""


class Service:
    """A driver, what it prints, and the buffers that its replies and requests pass through."""

    def __init__(self, driver: Driver, output: Tail) -> None:
        self._driver = driver
        self._output = output
        self._encoder = Encoder()

    def serve(self, connection: socket.socket) -> None:
        """Answer requests until the other end closes, or the driver turns out to be one for an event loop."""
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        buffer = FrameBuffer()
        while not self._driver.is_async and (fds := _receive(connection, buffer)) is not None:
            request = parse_request(buffer.payload())
            buffer.clear()
            reply = self.answer(request, fds)
            self._output.clear()
            _send(connection, reply)

    def answer(self, request: Request, fds: list[int]) -> bytes:
        """Make one call and encode what became of it."""
        try:
            value = call(self._driver, request, fds)
            return pack_answer(request, value, self._output.text(), self._encoder)
        except BaseException as fault:  # noqa: BLE001  a submission's SystemExit is an answer too
            return pack_failure(request, fault, self._output.text(), self._encoder)


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
