"""Serve calls on one asyncio event loop, for drivers with `async` functions: each call is a task, many are in flight.

The submission's objects live on this loop, so a call that answers late is the sign of a loop that was blocked. A plain
function of the driver is called on the loop and blocks it, as it would in any program.
"""

import asyncio
import socket
from array import array
from collections import deque
from collections.abc import Awaitable

from harness.wire.codec import Encoder
from harness.wire.frames import FrameDecoder, frame
from harness.wire.messages import Request, parse_request
from harness.worker.answer import FDS_SPACE, call, pack_answer, pack_failure
from harness.worker.capture import Tail
from harness.worker.driver import Driver

RECEIVE_BYTES = 256 * 1024


class LoopService:
    """A connection on the running loop; `serve` ends when the grader hangs up."""

    def __init__(self, driver: Driver, output: Tail, connection: socket.socket) -> None:
        self._driver = driver
        self._output = output
        self._socket = connection
        self._encoder = Encoder()
        self._decoder = FrameDecoder()
        self._fds: deque[int] = deque()
        self._unsent: deque[memoryview] = deque()
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self) -> None:
        """Answer requests until the other end closes."""
        loop = asyncio.get_running_loop()
        self._socket.setblocking(False)
        self._ended = loop.create_future()
        loop.add_reader(self._socket, self._receive)
        await self._ended

    def _receive(self) -> None:
        try:
            data, ancillary, _, _ = self._socket.recvmsg(RECEIVE_BYTES, FDS_SPACE)
        except BlockingIOError:
            return
        except ConnectionError:
            data, ancillary = b"", []
        for _, _, rights in ancillary:
            self._fds.extend(array("i", rights))
        if not data:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._ended.set_result(None)
            return
        for payload in self._decoder.feed(data):
            request = parse_request(payload)
            fds = [self._fds.popleft() for _ in range(min(request.fds, len(self._fds)))]
            task = asyncio.create_task(self._answer(request, fds))
            self._tasks.add(task)  # the loop itself holds tasks weakly
            task.add_done_callback(self._tasks.discard)

    async def _answer(self, request: Request, fds: list[int]) -> None:
        try:
            value = call(self._driver, request, fds)
            if isinstance(value, Awaitable):
                value = await value
            reply = pack_answer(request, value, self._output.text(), self._encoder)
        except BaseException as fault:  # noqa: BLE001  a submission's SystemExit is an answer too
            reply = pack_failure(request, fault, self._output.text(), self._encoder)
        self._output.clear()
        self._unsent.append(memoryview(frame(reply)))
        self._send()

    def _send(self) -> None:
        loop = asyncio.get_running_loop()
        while self._unsent:
            try:
                sent = self._socket.send(self._unsent[0])
            except BlockingIOError:
                loop.add_writer(self._socket, self._send)
                return
            except ConnectionError:
                self._unsent.clear()
                break
            self._unsent[0] = self._unsent[0][sent:]
            if not self._unsent[0]:
                self._unsent.popleft()
        loop.remove_writer(self._socket)
