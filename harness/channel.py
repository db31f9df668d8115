"""The grader's side of one subject: ask, wait, and come back with an outcome, whatever the subject does.

Theory of operation: one connected Unix socket, non-blocking, and one call at a time.

    encode ──► nothing unasked waiting? ──► send ──► receive one frame ──► decode, same nonce? ──► Finished or Raised
                  │ bytes: BadReply          │ peer does not read, or drips: TimedOut     │ no: BadReply
                  │ end: Crashed             │ end: Crashed; inside a frame: BadReply     ▼

One deadline covers sending and receiving, and is looked at before every wait, so a peer that gives or takes a byte at a
time gains nothing. What is received is bounded by the frame cap before memory is taken for it.
After any outcome but Finished and Raised the channel is broken and closed; its owner starts the subject again.
"""

import math
import os
import select
import socket
import time
from array import array
from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

from harness.errors import CallUnsendable
from harness.outcome import BadReply, Crashed, Finished, Outcome, Raised, TimedOut, describe
from harness.wire.codec import DEFAULT_CAPS, Caps, Encoder
from harness.wire.conversation import Conversation, Event, State
from harness.wire.errors import EncodeError, WireError
from harness.wire.frames import FrameBuffer, frame
from harness.wire.messages import MAX_FDS, NONCE_BYTES, Answered, Request, pack_request

SEND_BUFFER_BYTES: Final = 4 * 1024 * 1024
"""Asked of the kernel, which gives what it allows: fewer switches between the two processes for a long message."""


WATCH_EVERY_SEC: Final = 0.25
"""How often a wait is interrupted for the watch."""

Watch: TypeAlias = Callable[[], Outcome | None]
"""Gives the outcome to end a call with, whatever the subject would answer, or `None` to wait on."""


class Stopped(Exception):
    """The watch ended the call; never leaves this package."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(describe(outcome))
        self.outcome = outcome


def _see_nothing() -> None:
    return None


class Channel:
    """Calls into one subject over a connected socket, which it owns. Not for several threads."""

    def __init__(self, connection: socket.socket, caps: Caps = DEFAULT_CAPS, watch: Watch = _see_nothing) -> None:
        connection.setblocking(False)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        self._socket = connection
        self._caps = caps
        self._watch = watch
        self._encoder = Encoder(caps)
        self._conversation = Conversation(caps)
        self._buffer = FrameBuffer(caps.frame_bytes)
        self._encoded: tuple[bytes, bytes] | None = None
        self._after_breaking: Outcome = Crashed()
        self._readable, self._writable = select.poll(), select.poll()
        self._readable.register(connection, select.POLLIN)
        self._writable.register(connection, select.POLLOUT)

    @property
    def broken(self) -> bool:
        """Whether every further call fails without asking the subject."""
        return self._conversation.state is State.BROKEN

    @property
    def connection(self) -> socket.socket:
        """The non-blocking socket, for a flight while it lasts."""
        return self._socket

    @property
    def watch(self) -> Watch:
        """What to ask now and then while waiting."""
        return self._watch

    @property
    def caps(self) -> Caps:
        """What a reply may come to."""
        return self._caps

    def call(self, function: str, *args: object, timeout_sec: float, fds: Sequence[int] = ()) -> Outcome:
        """Call `function` of the subject's driver; the descriptors of `fds` arrive as further int arguments.

        Raises CallUnsendable for arguments that are not plain data; never for what the subject does.
        """
        return self.exchange(self.encode(function, *args, fds=len(fds)), timeout_sec=timeout_sec, fds=fds)

    def timed_call(self, function: str, *args: object, timeout_sec: float) -> tuple[Outcome, float]:
        """Call `function`, and tell the seconds from before the first byte is sent until the reply is decoded."""
        request = self.encode(function, *args)
        start = time.perf_counter()
        outcome = self.exchange(request, timeout_sec=timeout_sec)
        return outcome, time.perf_counter() - start

    def encode(self, function: str, *args: object, fds: int = 0) -> bytes:
        """Encode and frame the request that the next `exchange` sends."""
        if fds > MAX_FDS:
            raise CallUnsendable(f"{fds} file descriptors in one call; {MAX_FDS} are allowed")
        nonce = os.urandom(NONCE_BYTES)
        try:
            payload = pack_request(Request(nonce, function, list(args), fds), self._encoder)
        except EncodeError as error:
            raise CallUnsendable(f"the arguments of {function!r} can't be sent: {error}") from error
        request = frame(payload, self._caps.frame_bytes)
        self._encoded = nonce, request
        return request

    def exchange(self, request: bytes, *, timeout_sec: float, fds: Sequence[int] = ()) -> Outcome:
        """Send `request`, which the last `encode` returned, and wait for its reply."""
        if self.broken:
            return self._after_breaking
        nonce = self._take_encoded(request)
        deadline = time.perf_counter() + timeout_sec
        try:
            self._refuse_unasked()
            self._conversation.ask(nonce)
            self._send(request, fds, deadline)
            self._receive(deadline)
            reply = self._conversation.hear(self._buffer.payload())
        except WireError as error:
            return self._break(Event.NOISE, BadReply(str(error)))
        except TimeoutError:
            return self._break(Event.SILENCE, TimedOut(timeout_sec))
        except ConnectionError:
            return self._break(Event.ENDED, Crashed())
        except Stopped as stop:
            return self._break(Event.NOISE, stop.outcome)
        self._buffer.clear()
        if isinstance(reply, Answered):
            return Finished(reply.value, reply.output)
        return Raised(reply.type_name, reply.message, reply.traceback, reply.output)

    def abandon(self, outcome: Outcome) -> None:
        """Break it from outside: whoever borrowed the connection found `outcome`."""
        self._break(Event.NOISE, outcome)

    def close(self) -> None:
        """Hang up; safe to call twice."""
        if not self.broken:
            self._break(Event.NOISE, Crashed())

    def _take_encoded(self, request: bytes) -> bytes:
        nonce, encoded = self._encoded or (b"", b"")
        if request is not encoded:
            raise ValueError("exchange sends what the last encode returned, once")
        self._encoded = None
        return nonce

    def _break(self, event: Event, outcome: Outcome) -> Outcome:
        if not self.broken:
            self._conversation.note(event)
        self._socket.close()
        self._buffer.clear()
        crashed = isinstance(outcome, Crashed)
        self._after_breaking = outcome if crashed else BadReply(f"nothing more is asked after it {describe(outcome)}")
        return outcome

    def _refuse_unasked(self) -> None:
        if self._readable.poll(0):
            if self._receive_some() == 0:
                raise ConnectionResetError
            raise WireError("bytes that nobody asked for")

    def _send(self, request: bytes, fds: Sequence[int], deadline: float) -> None:
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array("i", fds))] if fds else []
        rest = memoryview(request)
        while rest:
            try:
                rest = rest[self._socket.sendmsg([rest], rights) :]
                rights = []
            except BlockingIOError:
                self._wait(self._writable, deadline)

    def _receive(self, deadline: float) -> None:
        whole = False
        while not whole:
            self._wait(self._readable, deadline)
            count = self._receive_some()
            if count == 0 and self._buffer.took_bytes:
                raise WireError("a reply cut short")
            if count == 0:
                raise ConnectionResetError
            whole = count is not None and self._buffer.took(count)

    def _receive_some(self) -> int | None:
        """Receive into the buffer; 0 at the end, `None` where there was nothing, as before an out-of-band byte."""
        try:
            return self._socket.recv_into(self._buffer.room())
        except BlockingIOError:
            return None

    def _wait(self, poll: select.poll, deadline: float) -> None:
        """Wait until `poll` has something to report; raises TimeoutError at `deadline`, or Stopped by the watch."""
        while (left := deadline - time.perf_counter()) > 0:
            if poll.poll(math.ceil(min(left, WATCH_EVERY_SEC) * 1000)):
                return
            if (outcome := self._watch()) is not None:
                raise Stopped(outcome)
        raise TimeoutError
