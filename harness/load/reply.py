"""HTTP/1.1 replies from bytes: a parser without I/O, for the requests that a load generator sends (not HEAD).

Theory of operation: `feed` appends to a buffer and lets the current state take from it until it wants more. A state is
a row of a table; each takes what it can and names the next:

    HEAD ──► LENGTH ──► HEAD            a body of known length (or none)
         ├─► CHUNK ──► TRAILER ──► HEAD  a chunked body
         └─► UNTIL_CLOSE                 a body that ends with the connection
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

HEAD_BYTES: Final = 64 * 1024
"""No server worth measuring sends more headers than this."""

BODY_BYTES: Final = 64 * 1024 * 1024
"""A body that never ends must not fill our memory."""

NO_BODY: Final = frozenset({204, 304})


class BadReply(Exception):
    """What the server sent is not HTTP/1.1, or too large."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole reply; header names are lower case, and of several equal ones the last counts."""

    status: int
    headers: dict[bytes, bytes]
    body: bytes
    keeps_alive: bool


class State(Enum):
    """What the next bytes are."""

    HEAD = auto()
    LENGTH = auto()
    CHUNK = auto()
    TRAILER = auto()
    UNTIL_CLOSE = auto()


@dataclass(frozen=True, slots=True)
class Head:
    """A parsed head, and how its body is delimited."""

    status: int
    headers: dict[bytes, bytes]
    keeps_alive: bool
    next: State
    length: int


class ReplyParser:
    """Parses what one connection receives."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._state = State.HEAD
        self._head: Head | None = None
        self._chunks: list[bytes] = []
        self._chunked_bytes = 0
        self._known: tuple[bytes, Head] | None = None
        self._known_prefix = b"never"
        self._done: list[Reply] = []

    @property
    def idle(self) -> bool:
        """Whether nothing of a further reply has arrived."""
        return self._state is State.HEAD and not self._buffer

    def feed(self, data: bytes) -> list[Reply]:
        """Give the replies that `data` completes; raises BadReply."""
        if not self._buffer and self._state is State.HEAD and data.startswith(self._known_prefix):
            assert self._known is not None
            raw, head = self._known
            if head.next is State.LENGTH and len(data) == len(raw) + 4 + head.length:
                return [Reply(head.status, head.headers, data[len(raw) + 4 :], head.keeps_alive)]
        self._buffer += data
        self._done = []
        while _TAKE[self._state](self):
            pass
        return self._done

    def close(self) -> Reply | None:
        """Note that the connection ended, and give the reply that this completes; raises BadReply inside of one."""
        if self.idle:
            return None
        if self._state is not State.UNTIL_CLOSE:
            raise BadReply("the connection ended inside of a reply")
        self._finish(bytes(self._buffer))
        return self._done[-1]

    def _take_head(self) -> bool:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(self._buffer) > HEAD_BYTES:
                raise BadReply("the head is too long")
            return False
        raw = bytes(self._buffer[:end])
        del self._buffer[: end + 4]
        # a server repeats itself but for its clock, so the last head is most often this one
        if self._known is None or self._known[0] != raw:
            self._known = (raw, _parsed_head(raw))
            self._known_prefix = raw + b"\r\n\r\n"
        head = self._known[1]
        if 100 <= head.status < 200:
            return bool(self._buffer)
        self._head, self._state = head, head.next
        return True

    def _take_length(self) -> bool:
        assert self._head is not None
        length = self._head.length
        if len(self._buffer) < length:
            return False
        body = bytes(self._buffer[:length])
        del self._buffer[:length]
        self._finish(body)
        return bool(self._buffer)

    def _take_chunk(self) -> bool:
        end = self._buffer.find(b"\r\n")
        if end < 0:
            return self._refuse_longer_than(HEAD_BYTES)
        size = _chunk_size(bytes(self._buffer[:end]))
        self._chunked_bytes += size
        if self._chunked_bytes > BODY_BYTES:
            raise BadReply("the body is too long")
        if size == 0:
            del self._buffer[: end + 2]
            self._state = State.TRAILER
            return True
        whole = end + 2 + size + 2
        if len(self._buffer) < whole:
            self._chunked_bytes -= size
            return False
        if self._buffer[whole - 2 : whole] != b"\r\n":
            raise BadReply("a chunk is longer than it says")
        self._chunks.append(bytes(self._buffer[end + 2 : whole - 2]))
        del self._buffer[:whole]
        return True

    def _take_trailer(self) -> bool:
        end = self._buffer.find(b"\r\n")
        if end < 0:
            return self._refuse_longer_than(HEAD_BYTES)
        del self._buffer[: end + 2]
        if end == 0:
            self._finish(b"".join(self._chunks))
        return bool(self._buffer)

    def _take_until_close(self) -> bool:
        return self._refuse_longer_than(BODY_BYTES)

    def _refuse_longer_than(self, limit: int) -> bool:
        if len(self._buffer) > limit:
            raise BadReply("the reply is too long")
        return False

    def _finish(self, body: bytes) -> None:
        assert self._head is not None
        self._done.append(Reply(self._head.status, self._head.headers, body, self._head.keeps_alive))
        self._state, self._head, self._chunks, self._chunked_bytes = State.HEAD, None, [], 0


_TAKE: Final[dict[State, Callable[[ReplyParser], bool]]] = {
    State.HEAD: ReplyParser._take_head,
    State.LENGTH: ReplyParser._take_length,
    State.CHUNK: ReplyParser._take_chunk,
    State.TRAILER: ReplyParser._take_trailer,
    State.UNTIL_CLOSE: ReplyParser._take_until_close,
}


def _parsed_head(raw: bytes) -> Head:
    first, *lines = raw.split(b"\r\n")
    version, _, rest = first.partition(b" ")
    code = rest[:3]
    if version not in {b"HTTP/1.1", b"HTTP/1.0"} or not code.isdigit() or len(code) != 3:
        raise BadReply("the first line is no status line")
    headers: dict[bytes, bytes] = {}
    for line in lines:
        name, colon, value = line.partition(b":")
        if not colon:
            raise BadReply("a header line has no colon")
        headers[name.strip().lower()] = value.strip()
    status = int(code)
    following, length = _delimited(status, headers)
    connection = headers.get(b"connection", b"").lower()
    alive = connection != b"close" and (version == b"HTTP/1.1" or connection == b"keep-alive")
    return Head(status, headers, alive and following is not State.UNTIL_CLOSE, following, length)


def _delimited(status: int, headers: dict[bytes, bytes]) -> tuple[State, int]:
    if status in NO_BODY or 100 <= status < 200:
        return State.LENGTH, 0
    if b"chunked" in headers.get(b"transfer-encoding", b"").lower():
        return State.CHUNK, 0
    if b"content-length" not in headers:
        return State.UNTIL_CLOSE, 0
    length = headers[b"content-length"]
    if not length.isdigit() or len(length) > 18:
        raise BadReply("the length is no number")
    if int(length) > BODY_BYTES:
        raise BadReply("the body is too long")
    return State.LENGTH, int(length)


def _chunk_size(line: bytes) -> int:
    digits = line.partition(b";")[0].strip()
    if not digits or len(digits) > 15 or digits.translate(None, b"0123456789abcdefABCDEF"):
        raise BadReply("a chunk's size is no number")
    return int(digits, 16)
