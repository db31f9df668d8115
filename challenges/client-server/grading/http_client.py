"""A client that can also misbehave: raw requests on raw connections, each reply parsed strictly, each wait limited."""

import asyncio
import contextlib
import hashlib
import socket
import struct
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import network

from harness.load.reply import BadReply, Reply, ReplyParser

PATIENCE_SEC = 10.0
"""For a reply that takes milliseconds or, where the backend is held, a second: many times what any machine needs."""

RECEIVE_BYTES = 64 * 1024
CHUNK_BYTES = 20


class Unanswered(AssertionError):
    """There was no proper reply; says so to the candidate."""


def get(path: str, *, last: bool = False) -> bytes:
    """Write a GET request, which may be the last one on its connection."""
    return _head(f"GET {path}", "Connection: close\r\n" if last else "")


def post(path: str, body: bytes) -> bytes:
    """Write a POST request."""
    return _head(f"POST {path}", f"Content-Type: application/msgpack\r\nContent-Length: {len(body)}\r\n", body) + body


def chunked(path: str, body: bytes) -> bytes:
    """Write a POST request whose body comes in chunks."""
    pieces = [body[at : at + CHUNK_BYTES] for at in range(0, len(body), CHUNK_BYTES)]
    head = _head(f"POST {path}", "Transfer-Encoding: chunked\r\n", body)
    return head + b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


HOSTS = ("server", "localhost", "127.0.0.1:8080", "items.example.com", "api.internal")
AGENTS = ("curl/8.5.0", "python-requests/2.32.3", "Go-http-client/1.1", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0)")
ACCEPTS = ("*/*", "application/octet-stream", "text/html,application/json;q=0.9,*/*;q=0.8")
LANGUAGES = ("en", "en-GB,en;q=0.7", "de-CH")
HEADERS = (("User-Agent", AGENTS), ("Accept", ACCEPTS), ("Accept-Language", LANGUAGES))
"""What clients send that says nothing to this server; each is left out in one of two requests."""


def _head(request: str, further: str, body: bytes = b"") -> bytes:
    """Write a head with headers as various clients send them: which ones, a hash of the request decides."""
    drawn = iter(hashlib.blake2b(request.encode() + body).digest())
    lines = [f"Host: {HOSTS[next(drawn) % len(HOSTS)]}\r\n"]
    for name, values in HEADERS:
        value = values[next(drawn) % len(values)]
        lines.insert(next(drawn) % (len(lines) + 1), f"{name}: {value}\r\n" if next(drawn) % 2 else "")
    return f"{request} HTTP/1.1\r\n{''.join(lines)}{further}\r\n".encode()


@dataclass(frozen=True)
class Answer:
    """A reply, when its request was sent and when all of it was here, by the loop's clock."""

    reply: Reply
    sent_at: float
    here_at: float

    @property
    def status(self) -> int:
        return self.reply.status

    @property
    def body(self) -> bytes:
        return self.reply.body

    @property
    def took_sec(self) -> float:
        return self.here_at - self.sent_at


class Client:
    """One connection."""

    def __init__(self, port: int, receive_buffer: int | None = None) -> None:
        self._port = port
        self._receive_buffer = receive_buffer
        self._parser = ReplyParser()
        self._socket: socket.socket | None = None

    async def __aenter__(self) -> Self:
        """Connect."""
        self._socket = socket.socket()
        self._socket.setblocking(False)
        if self._receive_buffer is not None:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self._receive_buffer)
        network.connecting()
        try:
            async with asyncio.timeout(PATIENCE_SEC):
                await asyncio.get_running_loop().sock_connect(self._socket, ("127.0.0.1", self._port))
        except (TimeoutError, OSError):
            self._socket.close()
            raise Unanswered("your server can't be connected to any more") from None
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close."""
        self._own().close()

    def reset(self) -> None:
        """Close so that the server sees a reset instead of an end."""
        self._own().setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._own().close()

    async def send(self, data: bytes) -> bool:
        """Send raw bytes; False when the server has hung up."""
        try:
            async with asyncio.timeout(PATIENCE_SEC):
                await asyncio.get_running_loop().sock_sendall(self._own(), data)
        except (TimeoutError, OSError):
            return False
        return True

    async def ask(self, request: bytes, patience_sec: float = PATIENCE_SEC) -> Answer:
        """Send a request and give its reply; raises Unanswered."""
        what = request.split(b" HTTP/", 1)[0].decode("latin-1")[:80]
        sent_at = asyncio.get_running_loop().time()
        await self.send(request)
        reply = await self.reply(what, patience_sec)
        if reply is None:
            raise Unanswered(f"{what}: your server closed the connection without a reply")
        return Answer(reply, sent_at, asyncio.get_running_loop().time())

    async def reply(self, what: str, patience_sec: float = PATIENCE_SEC) -> Reply | None:
        """Wait for a reply; None when the connection ended instead."""
        try:
            async with asyncio.timeout(patience_sec):
                while True:
                    data = await self._receive()
                    replies = self._parser.feed(data) if data else [self._parser.close()]
                    if replies:
                        return replies[0]
        except TimeoutError:
            raise Unanswered(f"{what}: no reply within {patience_sec:g} s") from None
        except BadReply as error:
            raise Unanswered(f"{what}: what your server sent is no HTTP reply: {error}") from None

    async def ended(self, patience_sec: float) -> bool:
        """Wait for the server to close the connection, whatever it sends before."""
        try:
            async with asyncio.timeout(patience_sec):
                while await self._receive():
                    pass
        except TimeoutError:
            return False
        return True

    async def _receive(self) -> bytes:
        with contextlib.suppress(OSError):
            return await asyncio.get_running_loop().sock_recv(self._own(), RECEIVE_BYTES)
        return b""

    def _own(self) -> socket.socket:
        assert self._socket is not None
        return self._socket
