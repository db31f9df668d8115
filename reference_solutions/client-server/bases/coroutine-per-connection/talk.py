"""HTTP/1.1 on plain sockets: a coroutine for each connection, which reads a request, answers it, and reads the next.

Time limits are kept by one watchman, who looks at all connections four times a second and shuts down those that are
overdue; a coroutine sees that as the end of its connection.
"""

import asyncio
import contextlib
import re
import socket
from urllib.parse import unquote_to_bytes

import msgpack

REQUEST_SEC = 3.0
IDLE_SEC = 30.0
STUCK_SEC = 15.0
WATCH_SEC = 0.25
HEAD_BYTES = 12 * 1024
BODY_BYTES = 64 * 1024
WIRE_BYTES = 640 * 1024  # of a body in chunks, with all that goes with them
READ_BYTES = 64 * 1024
NEVER = float("inf")

FIRST_LINE = re.compile(rb"([A-Za-z!#$%&'*+.^_`|~0-9-]+) ([!-~\x80-\xff]+) HTTP/1\.([01])")
FIELD = re.compile(rb"([A-Za-z!#$%&'*+.^_`|~0-9-]+):[ \t]*([\t -~\x80-\xff]*)")
CHUNK = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[\t -~\x80-\xff]*)?")
ID = re.compile(rb"[A-Za-z0-9_-]{1,64}")
ID_TEXT = re.compile(r"[A-Za-z0-9_-]{1,64}")

PHRASES = {200: "OK", 400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed", 413: "Content Too Large",
           431: "Request Header Fields Too Large", 502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout"}
START = {status: f"HTTP/1.1 {status} {phrase}\r\n".encode() for status, phrase in PHRASES.items()}
PLAIN = b"text/plain; charset=utf-8"
METRICS = b"text/plain; version=0.0.4; charset=utf-8"
OCTETS = b"application/octet-stream"
MSGPACK = b"application/msgpack"


class BadRequestError(Exception):
    """With the status that it is answered with; the connection ends then."""

    def __init__(self, status):
        super().__init__(status)
        self.status = status


class HungUpError(Exception):
    """The client is gone."""


class Client:
    """One connection."""

    def __init__(self, sock, house):
        self.sock = sock
        self.house = house
        self.loop = house.loop
        self.buffer = bytearray()
        self.overdue = self.loop.time() + REQUEST_SEC
        self.idle = True  # nothing of a request is here, and none is being answered
        self.first = True
        self.keep = True
        self.old = False

    async def converse(self):
        try:
            while self.keep:
                try:
                    method, target, body = await self._request()
                except BadRequestError as error:
                    self.keep = False
                    await self._send(error.status)
                    break
                arrived = self.loop.time()
                self.first = False
                self.overdue = NEVER
                route, *answer = await self._answer(method, target, body, arrived)
                del body
                await self._send(*answer)
                if route is not None:
                    self.house.metrics.count(route, answer[0], self.loop.time() - arrived)
                del answer
                if self.house.closing:
                    break
                # who always has something to read for us would keep everybody else from their turn
                await asyncio.sleep(0)
        except (HungUpError, OSError):
            pass
        finally:
            self.house.clients.discard(self)
            self.sock.close()

    def give_up(self):
        """Make the coroutine end at whatever it waits for on the socket."""
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)

    def no_more(self):
        """What has arrived is still read, and then comes the end."""
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_RD)

    # ---- reading

    async def _read(self):
        data = await self.loop.sock_recv(self.sock, READ_BYTES)
        if not data:
            raise HungUpError
        self.buffer += data

    async def _request(self):
        buffer = self.buffer
        if not buffer:
            self.idle = True
            if not self.first:
                self.overdue = self.loop.time() + IDLE_SEC
            if self.house.closing and not self.first:
                raise HungUpError
            await self._read()
        self.idle = False
        if not self.first:
            self.overdue = self.loop.time() + REQUEST_SEC
        seen = 0
        while True:
            while buffer[:2] == b"\r\n":
                del buffer[:2]
                seen = 0
            end = buffer.find(b"\r\n\r\n", max(seen - 3, 0))
            if end >= 0:
                break
            seen = len(buffer)
            if seen > HEAD_BYTES:
                raise BadRequestError(431)
            newline = buffer.find(b"\n")
            if newline >= 0 and not (buffer[newline - 1 : newline] == b"\r" and FIRST_LINE.fullmatch(buffer, 0, newline - 1)):
                raise BadRequestError(400)
            await self._read()
        if end > HEAD_BYTES:
            raise BadRequestError(431)
        lines = bytes(buffer[:end]).split(b"\r\n")
        del buffer[: end + 4]
        first_line = FIRST_LINE.fullmatch(lines[0])
        if first_line is None:
            raise BadRequestError(400)
        method, target, minor = first_line.groups()
        length, chunked, expects = self._fields(lines, old=minor == b"0")
        if expects and (chunked or length) and not buffer:
            await self.loop.sock_sendall(self.sock, b"HTTP/1.1 100 Continue\r\n\r\n")
        if chunked:
            return method, target, await self._chunks()
        while len(buffer) < length:
            await self._read()
        body = bytes(buffer[:length])
        del buffer[:length]
        return method, target, body

    def _fields(self, lines, old):
        length, chunked, expects = None, False, False
        keep, closes = not old, False
        for line in lines[1:]:
            field = FIELD.fullmatch(line)
            if field is None:
                raise BadRequestError(400)
            name = field[1].lower()
            if name == b"connection":
                options = {option.strip(b" \t") for option in field[2].lower().split(b",")}
                closes = closes or b"close" in options
                keep = keep or b"keep-alive" in options
            elif name == b"content-length":
                value = field[2].strip(b" \t")
                if not value.isdigit() or (length is not None and length != value):
                    raise BadRequestError(400)
                length = value
            elif name == b"transfer-encoding":
                if chunked or old or field[2].strip(b" \t").lower() != b"chunked":
                    raise BadRequestError(400)
                chunked = True
            elif name == b"expect":
                expects = not old and field[2].strip(b" \t").lower() == b"100-continue"
        if chunked and length is not None:
            raise BadRequestError(400)
        if length is not None and (len(length) > 12 or int(length) > BODY_BYTES):  # noqa: PLR2004
            raise BadRequestError(413)
        self.old, self.keep = old, keep and not closes
        return int(length or 0), chunked, expects

    async def _line(self, start):
        """Where the line that begins at `start` of the buffer ends."""
        seen = start
        while (end := self.buffer.find(b"\r\n", seen)) < 0:
            if len(self.buffer) - start > HEAD_BYTES or len(self.buffer) > WIRE_BYTES:
                raise BadRequestError(400)
            seen = max(start, len(self.buffer) - 1)
            await self._read()
        return end

    async def _chunks(self):
        """A body in chunks. The buffer is cut once, in the end: chunks may be many and small."""
        buffer, body, at = self.buffer, bytearray(), 0
        while True:
            end = await self._line(at)
            size = CHUNK.fullmatch(buffer, at, end)
            if size is None:
                raise BadRequestError(400)
            size = int(size[1], 16)
            at = end + 2
            if size == 0:
                break
            if len(body) + size > BODY_BYTES or at > WIRE_BYTES:
                raise BadRequestError(413)
            while len(buffer) < at + size + 2:
                await self._read()
            body += buffer[at : at + size]
            at += size + 2
            if buffer[at - 2 : at] != b"\r\n":
                raise BadRequestError(400)
        while (end := await self._line(at)) != at:
            at = end + 2
            if at > WIRE_BYTES:
                raise BadRequestError(431)
        del buffer[: at + 2]
        return bytes(body)

    # ---- answering

    async def _answer(self, method, target, body, arrived):
        """The route that it counts for, the status, and what else `_send` wants to know."""
        if not target.startswith(b"/"):
            scheme, _, rest = target.partition(b"://")
            if scheme.lower() not in (b"http", b"https"):
                return None, 400
            target = b"/" + rest.partition(b"/")[2]
        path = target.partition(b"?")[0]
        if b"%" in path:
            path = unquote_to_bytes(path)
        tower = self.house.tower
        if path.startswith(b"/item/"):
            if method != b"GET":
                return "item", 405
            if ID.fullmatch(path, 6) is None:
                return "item", 400
            id = path[6:].decode()
            data = tower.recall(id, arrived)
            if data is not None:
                return "item", 200, data
            return "item", *(await tower.one(id, arrived))
        if path == b"/batch":
            if method != b"POST":
                return "batch", 405
            ids = ids_of(body)
            if ids is None:
                return "batch", 400
            return "batch", 200, msgpack.packb(await tower.many(ids, arrived)), MSGPACK
        if path not in (b"/healthz", b"/metrics"):
            return None, 404
        if method != b"GET":
            return None, 405
        if path == b"/healthz":
            return None, 200, b"ok", PLAIN
        return None, 200, self.house.metrics.text(tower.calls_total, tower.calls_under_way), METRICS

    async def _send(self, status, body=None, kind=OCTETS):
        body = body or b""
        if self.house.closing:
            self.keep = False
        head = b"%bContent-Type: %b\r\nContent-Length: %d\r\n%b%b\r\n" % (
            START[status],
            kind,
            len(body),
            b"Retry-After: 1\r\n" if status == 503 else b"",  # noqa: PLR2004
            b"Connection: close\r\n" if not self.keep else b"Connection: keep-alive\r\n" if self.old else b"",
        )
        self.overdue = self.loop.time() + STUCK_SEC
        if len(body) <= READ_BYTES:
            await self.loop.sock_sendall(self.sock, head + body)
        else:
            await self.loop.sock_sendall(self.sock, head)
            for at in range(0, len(body), READ_BYTES):
                await self.loop.sock_sendall(self.sock, memoryview(body)[at : at + READ_BYTES])
                self.overdue = self.loop.time() + STUCK_SEC


def ids_of(body):
    """The ids of a batch, each once; None when it is no batch."""
    try:
        ids = msgpack.unpackb(body, strict_map_key=False)
    except Exception:  # noqa: BLE001
        return None
    if not isinstance(ids, list) or len(ids) > 100:  # noqa: PLR2004
        return None
    for id in ids:
        if not isinstance(id, str) or not ID_TEXT.fullmatch(id):
            return None
    return list(dict.fromkeys(ids))


class House:
    """All connections of one `serve`."""

    def __init__(self, listener, tower, metrics):
        self.loop = asyncio.get_running_loop()
        self.listener = listener
        self.tower = tower
        self.metrics = metrics
        self.clients = set()
        self.talks = set()
        self.closing = False

    async def welcome(self):
        """Accept connections, for ever."""
        while True:
            try:
                sock, _ = await self.loop.sock_accept(self.listener)
            except OSError:  # too many open files, or the client has left already
                await asyncio.sleep(0.02)
                continue
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            client = Client(sock, self)
            self.clients.add(client)
            talk = self.loop.create_task(client.converse())
            self.talks.add(talk)
            talk.add_done_callback(self.talks.discard)

    async def watch(self):
        while True:
            await asyncio.sleep(WATCH_SEC)
            now = self.loop.time()
            for client in self.clients:
                if client.overdue <= now:
                    client.give_up()

    async def close(self, grace_sec):
        self.closing = True
        self.listener.close()
        for client in self.clients:
            if client.idle:
                client.no_more()
        if self.talks:
            await asyncio.wait(self.talks, timeout=grace_sec)
