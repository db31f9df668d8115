"""What load is sent to: something that takes a request at once and answers later, or an HTTP/1.1 server."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Protocol

from harness.load.reply import BadReply, Reply, ReplyParser

RECEIVE_BYTES: Final = 16 * 1024
"""Of one connection at a time; longer replies come in several pieces."""


@dataclass(frozen=True, slots=True)
class Broken:
    """A request that got no reply, and why in a few words."""

    reason: str


Done = Callable[[Reply | Broken], None]


class Target(Protocol):
    """What a run loads."""

    def send(self, request: bytes, done: Done) -> None:
        """Send `request` as soon as possible, without waiting; `done` is called once, later and on the loop."""


Dial = Callable[[Callable[[], asyncio.BaseProtocol]], Awaitable[object]]
"""Opens a connection for a protocol made by the given factory, as `loop.create_connection` does."""


class HttpTarget:
    """An HTTP/1.1 server over keep-alive connections: one request at a time on each, and no pipelining.

    Connections are opened as requests need them, up to `connections`; beyond, requests wait for one, in order.
    """

    def __init__(self, dial: Dial, connections: int) -> None:
        self._dial = dial
        self._room = connections
        self._idle: list[Connection] = []
        self._waiting: deque[tuple[bytes, Done]] = deque()
        self._opening: set[asyncio.Future[None]] = set()
        self._open: set[Connection] = set()

    @property
    def waiting(self) -> int:
        """How many requests have no connection yet."""
        return len(self._waiting)

    async def open(self, connections: int) -> None:
        """Open connections beforehand; raises OSError."""
        for _ in range(connections):
            self._room -= 1
            connection = Connection(self)
            await self._dial(lambda connection=connection: connection)  # type: ignore[misc]
            self.released(connection)

    def send(self, request: bytes, done: Done) -> None:
        """Send on an idle connection, or on the next to become so."""
        if self._idle:
            self._idle.pop().ask(request, done)
            return
        self._waiting.append((request, done))
        self._grow()

    def released(self, connection: "Connection") -> None:
        """Take back a connection whose reply is here."""
        self._open.add(connection)
        if self._waiting:
            connection.ask(*self._waiting.popleft())
        else:
            self._idle.append(connection)

    def lost(self, connection: "Connection") -> None:
        """Forget a connection that ended, and open another if requests wait for one."""
        self._room += 1
        self._open.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        self._grow()

    def close(self) -> None:
        """End every connection; what is in flight is broken."""
        for opening in self._opening:
            opening.cancel()
        waiting, self._waiting = self._waiting, deque()
        for _, done in waiting:
            done(Broken("the run ended"))
        for connection in list(self._open):
            connection.abort()

    def _grow(self) -> None:
        """Open another connection if a request waits for it."""
        if self._room > 0 and len(self._opening) < len(self._waiting):
            self._room -= 1
            opening = asyncio.ensure_future(self._open_one())
            self._opening.add(opening)
            opening.add_done_callback(self._opened)

    def _opened(self, opening: asyncio.Future[None]) -> None:
        self._opening.discard(opening)
        self._grow()

    async def _open_one(self) -> None:
        connection = Connection(self)
        try:
            await self._dial(lambda: connection)
        except OSError as error:
            self._room += 1
            if self._waiting:
                self._waiting.popleft()[1](Broken(f"no connection: {error.strerror or error}"))
            return
        self.released(connection)


class Connection(asyncio.BufferedProtocol):
    """One connection of an HttpTarget; its buffer is its own, for a new one for each reply costs more than reading."""

    def __init__(self, owner: HttpTarget) -> None:
        self._owner = owner
        self._parser = ReplyParser()
        self._done: Done | None = None
        self._transport: asyncio.Transport | None = None
        self._received = bytearray(RECEIVE_BYTES)

    def ask(self, request: bytes, done: Done) -> None:
        """Send a request; the connection must be idle."""
        assert self._done is None
        assert self._transport is not None
        self._done = done
        self._transport.write(request)

    def abort(self) -> None:
        """End the connection at once."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def get_buffer(self, sizehint: int) -> bytearray:  # noqa: ARG002  (asyncio's signature)
        """Say where to put what arrives."""
        return self._received

    def buffer_updated(self, nbytes: int) -> None:
        """Hand over the reply that has become complete."""
        try:
            replies = self._parser.feed(bytes(memoryview(self._received)[:nbytes]))
        except BadReply as error:
            self._break(f"no HTTP: {error}")
            return
        if not replies:
            if self._done is None:
                self._break("a reply that nobody asked for")
            return
        if len(replies) > 1 or self._done is None:
            self._break("more replies than requests")
            return
        self._answer(replies[0])

    def connection_lost(self, exc: Exception | None) -> None:
        """Break what is in flight, unless its reply was to end like this."""
        try:
            last = self._parser.close() if exc is None else None
        except BadReply:
            last = None
        done, self._done = self._done, None
        self._owner.lost(self)
        if done is not None:
            done(last or Broken("reset" if exc else "closed without a reply"))

    def _answer(self, reply: Reply) -> None:
        done, self._done = self._done, None
        assert done is not None
        assert self._transport is not None
        if reply.keeps_alive and not self._transport.is_closing():
            self._owner.released(self)
        else:
            self._transport.abort()
        done(reply)

    def _break(self, reason: str) -> None:
        done, self._done = self._done, None
        self.abort()
        if done is not None:
            done(Broken(reason))
