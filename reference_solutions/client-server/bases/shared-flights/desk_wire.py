"""HTTP/1.1 as it stands on the wire: heads, framing, chunks, places, answers. Nothing in here does I/O."""

import re
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

MAX_HEAD = 16 * 1024
MAX_BODY = 64 * 1024
MAX_CHUNK_LINE = 1024

_TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]"
REQUEST_LINE = re.compile(rb"(" + _TOKEN + rb"{1,32}) ([^\x00-\x20\x7f]+) HTTP/1\.([01])")
OTHER_VERSION = re.compile(rb"[^\x00-\x20\x7f]+ [^\x00-\x20\x7f]+ HTTP/[0-9]+(?:\.[0-9]+)?")
PLAUSIBLE_START = re.compile(_TOKEN + rb"{1,32}(?: |\Z)")
BLANK_LINES = re.compile(rb"(?:\r\n)*")
_FIELD = re.compile(rb"(" + _TOKEN + rb"+):[ \t]*([^\x00-\x08\x0a-\x1f\x7f]*)")
_CHUNK_LINE = re.compile(rb"([0-9A-Fa-f]{1,16})[ \t]*(?:;[^\x00-\x08\x0a-\x1f\x7f]*)?")
_AUTHORITY = re.compile(rb"https?://[^/?#]*", re.IGNORECASE)

ITEM_KEY = re.compile(rb"[A-Za-z0-9_-]{1,64}")


class Malformed(Exception):
    """What came is no request; `status` is what to answer."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


# ---- heads


class Framing(NamedTuple):
    """What the header fields say about the body and the connection."""

    status: int = 0
    """Not 0: refuse the request with it."""
    length: int = 0
    chunked: bool = False
    keep: bool = True
    expect: bool = False


def read_fields(block: bytes, *, version_1_1: bool) -> Framing:
    """Read the header fields, which are what is between the request line and the empty line."""
    length = None
    chunked = close = alive = expect = host = False
    for line in block.split(b"\r\n") if block else ():
        field = _FIELD.fullmatch(line)
        if field is None:
            return Framing(400)
        name = field[1].lower()
        if name == b"content-length":
            value = field[2].rstrip(b" \t")
            if length is not None or not value.isdigit():
                return Framing(400)
            if len(value) > 18:
                return Framing(413)
            length = int(value)
        elif name == b"transfer-encoding":
            if chunked or not version_1_1:
                return Framing(400)
            if field[2].rstrip(b" \t").lower() != b"chunked":
                return Framing(501)
            chunked = True
        elif name == b"connection":
            options = [option.strip(b" \t").lower() for option in field[2].split(b",")]
            close = close or b"close" in options
            alive = alive or b"keep-alive" in options
        elif name == b"expect":
            if field[2].rstrip(b" \t").lower() != b"100-continue":
                return Framing(417)
            expect = version_1_1
        elif name == b"host":
            if host:
                return Framing(400)
            host = True
    if chunked and length is not None:
        return Framing(400)
    keep = not close and (version_1_1 or alive)
    return Framing(0, length or 0, chunked, keep, expect)


# ---- bodies in chunks


class Chunks:
    """A chunked body that is still arriving."""

    __slots__ = ("_left", "_pending", "_step", "_trailer", "body")

    def __init__(self) -> None:
        self.body = bytearray()
        self._pending = b""
        self._left = 0
        self._trailer = 0
        self._step = self._size

    def feed(self, data: bytes) -> bytes | None:
        """Take what has come. Give what is behind the end of the body, or None while it has not ended."""
        if self._pending:
            data = self._pending + data
            self._pending = b""
        at = 0
        while True:
            moved = self._step(data, at)
            if moved is None:
                self._pending = data[at:]
                return None
            at = moved
            if self._step is None:
                return data[at:]

    # Each step gives where it has come to, or None when it needs more data.

    def _size(self, data: bytes, at: int) -> int | None:
        eol = data.find(b"\r\n", at)
        if eol < 0:
            if len(data) - at > MAX_CHUNK_LINE or data.find(b"\n", at) >= 0:
                raise Malformed(400)
            return None
        line = _CHUNK_LINE.fullmatch(data, at, eol)
        if line is None or eol - at > MAX_CHUNK_LINE:
            raise Malformed(400)
        size = int(line[1], 16)
        if size == 0:
            self._step = self._trailers
        elif len(self.body) + size > MAX_BODY:
            raise Malformed(413)
        else:
            self._left = size
            self._step = self._content
        return eol + 2

    def _content(self, data: bytes, at: int) -> int | None:
        piece = data[at : at + self._left]
        if not piece:
            return None
        self.body += piece
        self._left -= len(piece)
        if not self._left:
            self._step = self._gap
        return at + len(piece)

    def _gap(self, data: bytes, at: int) -> int | None:
        gap = data[at : at + 2]
        if gap == b"\r\n":
            self._step = self._size
            return at + 2
        if gap in (b"", b"\r"):
            return None
        raise Malformed(400)

    def _trailers(self, data: bytes, at: int) -> int | None:
        eol = data.find(b"\r\n", at)
        if eol < 0:
            if len(data) - at > MAX_HEAD or data.find(b"\n", at) >= 0:
                raise Malformed(400)
            return None
        if eol == at:
            self._step = None
        else:
            self._trailer += eol - at
            if self._trailer > MAX_HEAD or _FIELD.fullmatch(data, at, eol) is None:
                raise Malformed(400)
        return eol + 2


# ---- places

ITEM, BATCH, HEALTH, METRICS, NOWHERE = range(5)

_PLACES = {b"/batch": (BATCH, b""), b"/healthz": (HEALTH, b""), b"/metrics": (METRICS, b"")}
_NO_PLACE = (NOWHERE, b"")


def locate(target: bytes) -> tuple[int, bytes]:
    """Find what a request's target points to, and for an item its key, which need not be an id."""
    if not target.startswith(b"/"):
        authority = _AUTHORITY.match(target)
        if authority is None:
            return _NO_PLACE
        target = target[authority.end() :]
    query = target.find(b"?")
    path = target if query < 0 else target[:query]
    if b"%" in path:
        parts = [unquote_to_bytes(part) for part in path.split(b"/")]
        if len(parts) == 3 and not parts[0] and parts[1] == b"item":
            return ITEM, parts[2]
        if any(b"/" in part for part in parts):
            return _NO_PLACE
        path = b"/".join(parts)
    if path.startswith(b"/item/"):
        return ITEM, path[6:]
    return _PLACES.get(path, _NO_PLACE)


# ---- answers

_REASONS = {
    200: b"OK",
    400: b"Bad Request",
    404: b"Not Found",
    405: b"Method Not Allowed",
    408: b"Request Timeout",
    413: b"Content Too Large",
    417: b"Expectation Failed",
    431: b"Request Header Fields Too Large",
    501: b"Not Implemented",
    502: b"Bad Gateway",
    503: b"Service Unavailable",
    504: b"Gateway Timeout",
    505: b"HTTP Version Not Supported",
}
_FIRST_LINES = {status: b"HTTP/1.1 %d %b\r\n" % (status, reason) for status, reason in _REASONS.items()}
STANDARD_BODIES = {status: (reason.lower() + b"\n",) for status, reason in _REASONS.items()}

TEXT = b"text/plain; charset=utf-8"
OCTETS = b"application/octet-stream"
MSGPACK = b"application/msgpack"
EXPOSITION = b"text/plain; version=0.0.4; charset=utf-8"

CLOSE = b"Connection: close\r\n"
KEEP_ALIVE = b"Connection: keep-alive\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


def head_of(status: int, kind: bytes, length: int, extra: bytes) -> bytes:
    """Give the head of an answer; `extra` are whole header lines."""
    return b"%bContent-Type: %b\r\nContent-Length: %d\r\n%b\r\n" % (_FIRST_LINES[status], kind, length, extra)
