"""Several calls in flight to one subject, over the channel that otherwise asks one thing at a time.

Theory of operation: a poll loop without threads. `start` queues a request and sends what the socket takes; `wait` sends
the rest, receives what comes and gives back the calls that have landed, each with the times of its start and its
landing by the grader's clock. Open-loop load is: start everything that is due, wait until the next is. More than one
call at a time needs a driver with `async` functions; the worker takes the calls of any other one by one.

The first thing that is not an answer to an open question ends the flight: all calls land with that outcome, and
the channel is broken. So does leaving with calls pending, because their answers could be taken for others'.
"""

import os
import select
import socket
import time
from array import array
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

from harness.channel import WATCH_EVERY_SEC, Channel
from harness.errors import CallUnsendable
from harness.outcome import BadReply, Crashed, Finished, Outcome, Raised, TimedOut
from harness.wire.codec import Encoder
from harness.wire.errors import EncodeError, WireError
from harness.wire.frames import FrameDecoder, frame
from harness.wire.messages import MAX_FDS, NONCE_BYTES, Answered, Reply, Request, pack_request
from harness.wire.questions import Questions

RECEIVE_BYTES: Final = 256 * 1024


@dataclass(frozen=True)
class Landing:
    """A call that has ended, with the seconds of `time.perf_counter` at which it was started and its reply was here."""

    ticket: int
    outcome: Outcome
    started_at: float
    landed_at: float


@dataclass
class Unsent:
    """What is left of a request to send; `fds` are our own duplicates and go with its first byte."""

    rest: memoryview
    fds: list[int]


class Flight:
    """Calls in flight; a context manager. `explain` says why a process ended, where someone knows better."""

    def __init__(self, channel: Channel, explain: Callable[[Outcome], Outcome] = lambda outcome: outcome) -> None:
        self._channel = channel
        self._socket = channel.connection
        self._caps = channel.caps
        self._explain = explain
        self._encoder = Encoder(self._caps)
        self._decoder = FrameDecoder(self._caps.frame_bytes)
        self._questions = Questions(self._caps)
        self._unsent: deque[Unsent] = deque()
        self._landed: dict[int, Landing] = {}
        self._started_at: dict[int, float] = {}
        self._ending: Outcome | None = Crashed() if channel.broken else None
        self._tickets = 0

    @property
    def pending(self) -> int:
        """How many calls have not landed."""
        return len(self._questions)

    def start(self, function: str, *args: object, fds: Sequence[int] = ()) -> int:
        """Start a call and give its ticket; the descriptors of `fds` arrive as further int arguments.

        Raises CallUnsendable for arguments that are not plain data; never for what the subject does.
        """
        nonce, request = self._encoded(function, args, len(fds))
        self._tickets += 1
        ticket = self._tickets
        self._started_at[ticket] = time.perf_counter()
        self._questions.ask(nonce, ticket)
        if self._ending is not None:
            self._end(self._ending)
            return ticket
        self._unsent.append(Unsent(memoryview(request), [os.dup(fd) for fd in fds]))
        self._guarded(self._send_some)
        return ticket

    def wait(self, timeout_sec: float) -> list[Landing]:
        """Give the calls that have landed since; waits for the first of them, up to `timeout_sec`."""
        self._wait_until(lambda: bool(self._landed), timeout_sec)
        landed = list(self._landed.values())
        self._landed.clear()
        return landed

    def landed(self, ticket: int, timeout_sec: float) -> Outcome:
        """Wait for one call; after TimedOut it is still in flight."""
        self._wait_until(lambda: ticket in self._landed, timeout_sec)
        landing = self._landed.pop(ticket, None)
        return TimedOut(timeout_sec) if landing is None else landing.outcome

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End; with calls pending, or anything else still to come, the subject has to be started again."""
        self._drop_unsent()
        if self._ending is None and (self.pending or self._decoder.pending_bytes):
            self._channel.abandon(BadReply("calls were still in flight"))

    def _encoded(self, function: str, args: Sequence[object], fds: int) -> tuple[bytes, bytes]:
        if fds > MAX_FDS:
            raise CallUnsendable(f"{fds} file descriptors in one call; {MAX_FDS} are allowed")
        nonce = os.urandom(NONCE_BYTES)
        try:
            payload = pack_request(Request(nonce, function, list(args), fds), self._encoder)
            return nonce, frame(payload, self._caps.frame_bytes)
        except EncodeError as error:
            raise CallUnsendable(f"the arguments of {function!r} can't be sent: {error}") from error

    def _wait_until(self, is_so: Callable[[], bool], timeout_sec: float) -> None:
        deadline = time.perf_counter() + timeout_sec
        self._guarded(self._receive_some)
        while not is_so() and self._ending is None:
            left = deadline - time.perf_counter()
            if left <= 0:
                return
            # select rather than poll, whose grain of a millisecond would delay the next start
            wait_sec = min(left, WATCH_EVERY_SEC)
            readable, writable, _ = select.select([self._socket], [self._socket] if self._unsent else [], [], wait_sec)
            if writable:
                self._guarded(self._send_some)
            if readable:
                self._guarded(self._receive_some)
            if (outcome := self._channel.watch()) is not None:
                self._break(outcome)

    def _guarded(self, step: Callable[[], None]) -> None:
        if self._ending is not None:
            return
        try:
            step()
        except WireError as error:
            self._break(BadReply(str(error)))
        except ConnectionError:
            self._break(Crashed())

    def _send_some(self) -> None:
        while self._unsent:
            first = self._unsent[0]
            rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array("i", first.fds))] if first.fds else []
            try:
                first.rest = first.rest[self._socket.sendmsg([first.rest], rights) :]
            except BlockingIOError:
                return
            _close(first.fds)
            if not first.rest:
                self._unsent.popleft()

    def _receive_some(self) -> None:
        """Receive what there is, without waiting."""
        while True:
            try:
                data = self._socket.recv(RECEIVE_BYTES)
            except BlockingIOError:
                return
            now = time.perf_counter()
            if not data:
                raise ConnectionResetError
            for payload in self._decoder.feed(data):
                ticket, reply = self._questions.hear(payload)
                self._land(ticket, _outcome(reply), now)

    def _land(self, ticket: int, outcome: Outcome, now: float) -> None:
        self._landed[ticket] = Landing(ticket, outcome, self._started_at.pop(ticket), now)

    def _break(self, outcome: Outcome) -> None:
        self._channel.abandon(outcome)
        self._drop_unsent()
        self._end(self._explain(outcome))

    def _end(self, outcome: Outcome) -> None:
        self._ending = outcome
        now = time.perf_counter()
        for ticket in self._questions.give_up():
            self._land(ticket, outcome, now)

    def _drop_unsent(self) -> None:
        for unsent in self._unsent:
            _close(unsent.fds)
        self._unsent.clear()


def _outcome(reply: Reply) -> Outcome:
    if isinstance(reply, Answered):
        return Finished(reply.value, reply.output)
    return Raised(reply.type_name, reply.message, reply.traceback, reply.output)


def _close(fds: list[int]) -> None:
    for fd in fds:
        os.close(fd)
    fds.clear()
