"""The server of part one: HTTP/1.1 on asyncio's transports, in front of `items.Items`."""

import asyncio
import math
import re
import struct
from bisect import bisect_left
from email.utils import formatdate
from time import monotonic
from urllib.parse import unquote

import msgpack
from items import Items, Question

MAX_BODY = 64 * 1024
MAX_HEAD = 64 * 1024
MAX_BATCH = 100
MAX_AHEAD = 128 * 1024
"""Input that a busy connection may send ahead before it is no longer read."""
MAX_UNSENT = 24 * 1024 * 1024
"""Answers that all clients together may leave unread in this process."""

REQUEST_SEC = 3.0
IDLE_SEC = 15.0
STALL_SEC = 10.0
LINGER_SEC = 1.0
WAIT_SEC = 1.0
GRACE_SEC = 2.0
SWEEP_SEC = 0.1

STATUS_LINES = {
    status: f"HTTP/1.1 {status} {reason}\r\n".encode()
    for status, reason in {
        200: "OK",
        400: "Bad Request",
        404: "Not Found",
        405: "Method Not Allowed",
        408: "Request Timeout",
        413: "Content Too Large",
        431: "Request Header Fields Too Large",
        502: "Bad Gateway",
        503: "Service Unavailable",
        504: "Gateway Timeout",
    }.items()
}
OCTETS = b"application/octet-stream"
PLAIN = b"text/plain; charset=utf-8"
MSGPACK = b"application/msgpack"
PROMETHEUS = b"text/plain; version=0.0.4; charset=utf-8"

TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
REQUEST_LINE = re.compile(rb"(" + TOKEN + rb") ([\x21-\x7e]+) HTTP/1\.([01])")
REQUEST_START = re.compile(TOKEN + rb"(?: |\Z)|\r?\Z")
NAME = re.compile(TOKEN)
VALUE = re.compile(rb"[\t\x20-\x7e\x80-\xff]*")
BARE_LF = re.compile(rb"(?<!\r)\n")
CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]*)?")
ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Malformed(Exception):
    """What a client sent is no request."""

    def __init__(self, status=400, route=None):
        super().__init__(status)
        self.status = status
        self.route = route


class Head:
    """What the server needs to know of a request's head."""

    __slots__ = ("chunked", "expects", "id", "last", "length", "method", "old", "route")

    def __init__(self, raw):
        first, *lines = raw.split(b"\r\n")
        match = REQUEST_LINE.fullmatch(first)
        if match is None:
            raise Malformed
        method, target, minor = match.groups()
        self.method = method
        self.route, self.id = route_of(target)
        self.old = minor == b"0"
        self.length = 0
        self.chunked = self.expects = False
        connection = b""
        length = coding = host = None
        for line in lines:
            name, colon, value = line.partition(b":")
            if not colon or not NAME.fullmatch(name) or not VALUE.fullmatch(value):
                raise Malformed
            name = name.lower()
            value = value.strip(b" \t")
            if name == b"content-length":
                if length is not None or not value.isdigit() or len(value) > 18:
                    raise Malformed
                length = int(value)
            elif name == b"transfer-encoding":
                if coding is not None:
                    raise Malformed
                coding = value.lower()
            elif name == b"connection":
                connection += b"," + value.lower()
            elif name == b"expect":
                self.expects = value.lower() == b"100-continue"
            elif name == b"host":
                if host is not None:
                    raise Malformed
                host = value
        if coding is not None:
            if coding != b"chunked" or length is not None or self.old:
                raise Malformed
            self.chunked = True
        self.length = length or 0
        options = [option.strip() for option in connection.split(b",")]
        self.last = self.old or b"close" in options


def route_of(target):
    """Give what a target names, and the id where it is an item's (None where it is no id)."""
    path = target.decode("ascii")
    if not path.startswith("/"):
        scheme, _, rest = path.partition("://")
        if scheme.lower() != "http" or not rest:
            if path == "*":
                return "", None
            raise Malformed
        path = "/" + rest.partition("/")[2]
    if "#" in path:
        raise Malformed
    path = path.partition("?")[0]
    if "%" in path:
        path = unquote(path, errors="replace")
    if path.startswith("/item/"):
        given = path[6:]
        return "item", given if ID.fullmatch(given) else None
    if path in ("/batch", "/healthz", "/metrics"):
        return path[1:], None
    return "", None


def ids_of(body):
    """Give the different ids of a batch's body."""
    try:
        ids = msgpack.unpackb(body)
    except Exception as error:  # msgpack has many ways to say that it is none
        raise Malformed from error
    if not isinstance(ids, list) or len(ids) > MAX_BATCH:
        raise Malformed
    if not all(isinstance(given, str) and ID.fullmatch(given) for given in ids):
        raise Malformed
    return list(dict.fromkeys(ids))


def packed(outcomes):
    """Give the pieces of a batch's answer; the items themselves are not copied."""
    pieces = [msgpack.Packer().pack_map_header(len(outcomes))]
    for given, (status, data) in outcomes.items():
        pieces.append(msgpack.packb(given))
        if status == 200:
            pieces.append(b"\x92\xcc\xc8\xc6" + struct.pack(">I", len(data)))
            pieces.append(data)
        else:
            pieces.append(msgpack.packb([status, None]))
    return pieces


class Metrics:
    """Counts of what was answered."""

    BOUNDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
    LABELS = ("0.05", "0.1", "0.25", "0.5", "1.0", "2.5", "+Inf")
    ROUTES = ("item", "batch")

    def __init__(self):
        self.answered = {route: {} for route in self.ROUTES}
        self.within = {route: [0] * len(self.LABELS) for route in self.ROUTES}
        self.seconds = dict.fromkeys(self.ROUTES, 0.0)

    def count(self, route, status, seconds):
        answered = self.answered[route]
        answered[status] = answered.get(status, 0) + 1
        self.within[route][bisect_left(self.BOUNDS, seconds)] += 1
        self.seconds[route] += seconds

    def text(self, items):
        lines = ["# TYPE http_requests_total counter"]
        for route in self.ROUTES:
            for status, count in sorted(self.answered[route].items()):
                lines.append(f'http_requests_total{{route="{route}",status="{status}"}} {count}')
        name = "http_request_duration_seconds"
        lines.append(f"# TYPE {name} histogram")
        for route in self.ROUTES:
            total = 0
            for label, count in zip(self.LABELS, self.within[route], strict=True):
                total += count
                lines.append(f'{name}_bucket{{route="{route}",le="{label}"}} {total}')
            lines.append(f'{name}_sum{{route="{route}"}} {self.seconds[route]!r}')
            lines.append(f'{name}_count{{route="{route}"}} {total}')
        lines.append("# TYPE backend_calls_total counter")
        lines.append(f"backend_calls_total {items.calls_total}")
        lines.append("# TYPE backend_calls_in_flight gauge")
        lines.append(f"backend_calls_in_flight {items.in_flight}")
        return "\n".join(lines).encode() + b"\n"


class Connection(asyncio.Protocol):
    """A client. At most one of its requests is under way; the rest of what it sends waits."""

    def __init__(self, server):
        self.server = server
        self.transport = None
        self.buffer = bytearray()
        self.scanned = 0
        self.head = None
        self.body = bytearray()
        self.chunk_left = 0
        self.chunk_stage = "size"
        self.trailer = 0
        self.question = None
        self.busy = False  # a request waits, or its answer is not sent yet
        self.begun = False  # a part of a request is here
        self.first = True
        self.last = False  # this request is the connection's last
        self.linger = False  # after the answer, take in what the client still sends
        self.ended = False  # nothing more is looked at
        self.full = False  # the answer is not wholly with the kernel
        self.unsent = 0
        self.reading = True
        self.route = None
        self.status = 0
        self.arrived = 0.0
        self.deadline = math.inf

    # -- what the transport calls

    def connection_made(self, transport):
        self.transport = transport
        transport.set_write_buffer_limits(high=0)
        self.deadline = monotonic() + REQUEST_SEC
        self.server.connections.add(self)

    def connection_lost(self, exc):
        self.ended = True
        if self.question is not None:
            self.question.give_up()
            self.question = None
        self.buffer.clear()
        self.body.clear()
        self.server.forget(self)

    def eof_received(self):
        if self.busy and not self.ended:
            self.last = True  # it may have closed one half only: it still gets its answer
            return True
        return False

    def pause_writing(self):
        self.full = True

    def resume_writing(self):
        self.full = False
        # not at once: the transport is in the middle of its own work and may not be closed now
        self.server.loop.call_soon(self._flushed)

    def data_received(self, data):
        if self.ended:
            return
        now = monotonic()
        if not self.busy and self.head is None and not self.buffer:
            given = self.server.heads.get(data)
            if given is not None:
                self.arrived = now
                self.last = False
                self.first = False
                self._item(given)
                return
        self.buffer += data
        if self.busy:
            if len(self.buffer) > MAX_AHEAD and self.reading:
                self.reading = False
                self.transport.pause_reading()
            return
        self._advance(now)

    # -- requests

    def _advance(self, now):
        """Go through what is here, up to a request that has to wait."""
        try:
            while not self.busy and not self.ended and (self.buffer or self.head is not None):
                if self.head is None and not self._read_head():
                    break
                body = self._read_body()
                if body is None:
                    break
                head = self.head
                self.head = None
                self.begun = self.first = False
                self.arrived = now
                self.last = head.last
                self._handle(head, body)
        except Malformed as error:
            self._refuse(error)
            return
        if self.busy or self.ended:
            return
        if not self.reading:
            self.reading = True
            self.transport.resume_reading()
        if (self.buffer or self.head is not None) and not self.begun:
            self.begun = True
            if not self.first:  # the first one's time runs from the start of the connection
                self.deadline = now + REQUEST_SEC

    def _read_head(self):
        buffer = self.buffer
        while buffer.startswith(b"\r\n"):
            del buffer[:2]
            self.scanned = 0
        end = buffer.find(b"\r\n\r\n", max(0, self.scanned - 3))
        if end > MAX_HEAD or (end < 0 and len(buffer) > MAX_HEAD):
            raise Malformed(431)
        if not REQUEST_START.match(buffer):
            raise Malformed
        if BARE_LF.search(buffer, max(0, self.scanned - 1), max(end, 0) or len(buffer)):
            raise Malformed
        if end < 0:
            self.scanned = len(buffer)
            return False
        self.scanned = 0
        raw = bytes(buffer[:end])
        del buffer[: end + 4]
        head = Head(raw)
        if head.length > MAX_BODY:
            raise Malformed(413, head.route)
        plain = not (head.length or head.chunked or head.expects or head.last or head.old)
        if plain and head.method == b"GET" and head.route == "item" and head.id and len(raw) <= 512:
            self.server.remember_head(raw + b"\r\n\r\n", head.id)
        self.head = head
        self.chunk_stage = "size"
        self.trailer = 0
        if head.expects and not buffer and not head.old and (head.length or head.chunked):
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        return True

    def _read_body(self):
        """Give the body, or None while it is not here as a whole."""
        buffer = self.buffer
        if not self.head.chunked:
            length = self.head.length
            if len(buffer) < length:
                return None
            body = bytes(buffer[:length])
            del buffer[:length]
            return body
        while True:
            if self.chunk_stage == "data":
                take = min(self.chunk_left, len(buffer))
                self.body += buffer[:take]
                del buffer[:take]
                self.chunk_left -= take
                if self.chunk_left:
                    return None
                self.chunk_stage = "end"
            if self.chunk_stage == "end":
                if len(buffer) < 2:
                    return None
                if not buffer.startswith(b"\r\n"):
                    raise Malformed
                del buffer[:2]
                self.chunk_stage = "size"
            end = buffer.find(b"\r\n", 0, 1026)
            if end < 0:
                if len(buffer) >= 1026:
                    raise Malformed
                return None
            line = bytes(buffer[:end])
            del buffer[: end + 2]
            if self.chunk_stage == "trailer":
                self.trailer += end
                if self.trailer > 8192:
                    raise Malformed(431)
                if not line:
                    body = bytes(self.body)
                    self.body.clear()
                    return body
                continue
            match = CHUNK_SIZE.fullmatch(line)
            if match is None:
                raise Malformed
            self.chunk_left = int(match[1], 16)
            if len(self.body) + self.chunk_left > MAX_BODY:
                raise Malformed(413, self.head.route)
            self.chunk_stage = "data" if self.chunk_left else "trailer"

    def _handle(self, head, body):
        route, method = head.route, head.method
        if route == "":
            self._reply(404, b"no such path\n", PLAIN)
        elif method != (b"POST" if route == "batch" else b"GET"):
            allowed = b"POST" if route == "batch" else b"GET"
            text = b"" if method == b"HEAD" else b"not by this method\n"
            self._reply(405, text, PLAIN, route, b"Allow: " + allowed + b"\r\n")
        elif route == "item":
            if head.id is None:
                self._reply(400, b"no id\n", PLAIN, route)
            else:
                self._item(head.id)
        elif route == "batch":
            try:
                ids = ids_of(body)
            except Malformed:
                self._reply(400, b"no batch\n", PLAIN, route)
                return
            self._look_up(ids, self._answer_batch)
        elif route == "healthz":
            self._reply(200, b"ok", PLAIN)
        else:
            self._reply(200, self.server.metrics.text(self.server.items), PROMETHEUS)

    def _item(self, given):
        data = self.server.items.kept(given, self.arrived)
        if data is not None:
            self._reply(200, data, OCTETS, "item")
        else:
            self._look_up([given], self._answer_item)

    def _look_up(self, ids, answer):
        question = Question(self.server.items, ids, self.arrived, self.arrived + WAIT_SEC)
        if not question.missing:
            answer(question.outcomes)
            return
        self.busy = True
        self.deadline = math.inf
        self.question = question

        def done(outcomes):
            self.question = None
            answer(outcomes)
            if not self.busy and not self.ended:
                self._advance(monotonic())

        question.wait(done)

    def _answer_item(self, outcomes):
        ((status, data),) = outcomes.values()
        if status == 200:
            self._reply(200, data, OCTETS, "item")
        elif status == 503:
            self._reply(503, b"over capacity\n", PLAIN, "item", b"Retry-After: 1\r\n")
        else:
            self._reply(status, STATUS_LINES[status][9:], PLAIN, "item")

    def _answer_batch(self, outcomes):
        self._send(200, packed(outcomes), MSGPACK, "batch", b"")

    def _refuse(self, error):
        """Answer what is no request, and hang up, in a way that the client gets to read the answer."""
        self.last = self.linger = True
        route = error.route if error.route in Metrics.ROUTES else None
        self.arrived = monotonic()
        self.head = None
        self.buffer.clear()
        self.body.clear()
        self._reply(error.status, STATUS_LINES[error.status][9:], PLAIN, route)

    # -- answers

    def _reply(self, status, body, kind, route=None, more=b""):
        self._send(status, (body,), kind, route, more)

    def _send(self, status, pieces, kind, route, more):
        length = len(pieces[0]) if len(pieces) == 1 else sum(map(len, pieces))
        if self.server.closing:
            self.last = True
        head = b"%bContent-Type: %b\r\nContent-Length: %d\r\n%b%b%b\r\n" % (
            STATUS_LINES[status],
            kind,
            length,
            self.server.date,
            more,
            b"Connection: close\r\n" if self.last else b"",
        )
        self.route = route
        self.status = status
        self.busy = True
        self.transport.write(b"".join((head, *pieces)))
        if self.full:
            self.unsent = self.transport.get_write_buffer_size()
            self.deadline = monotonic() + STALL_SEC
            self.server.bound_unsent()
        else:
            self._sent()

    def _sent(self):
        now = monotonic()
        if self.transport.is_closing():
            return  # it was reset meanwhile
        if self.route is not None:
            self.server.metrics.count(self.route, self.status, now - self.arrived)
        self.busy = False
        if not self.last:
            self.deadline = now + IDLE_SEC
            return
        self.ended = True
        if self.linger and not self.server.closing:
            self.deadline = now + LINGER_SEC
            if not self.reading:
                self.transport.resume_reading()
            try:
                self.transport.write_eof()
            except OSError:  # it is gone already
                self.transport.abort()
        else:
            self.transport.close()

    def _flushed(self):
        if self.full or self.transport.is_closing() or not self.busy or self.question is not None:
            return
        self._sent()
        if not self.ended:
            self._advance(monotonic())

    # -- what the server calls

    def expire(self, now):
        """Do what is due at the deadline."""
        if self.full and not self.ended:
            unsent = self.transport.get_write_buffer_size()
            if unsent < self.unsent:
                self.unsent = unsent
                self.deadline = now + STALL_SEC
                return
        self.transport.abort()

    def end_if_idle(self):
        if self.ended:
            self.transport.abort()
        elif not self.busy and not self.buffer and self.head is None:
            self.ended = True
            self.transport.close()


class Server:
    """What the connections of one `serve` share."""

    def __init__(self, loop, backend):
        self.loop = loop
        self.items = Items(loop, backend)
        self.metrics = Metrics()
        self.connections = set()
        self.closing = False
        self.emptied = asyncio.Event()
        self.heads = {}
        self.date = b""
        self._tell_date()

    def remember_head(self, raw, given):
        """Remember what a head means: a client's are mostly the same bytes, and are not parsed again."""
        if len(self.heads) >= 1024:
            self.heads.clear()
        self.heads[raw] = given

    def forget(self, connection):
        self.connections.discard(connection)
        if not self.connections:
            self.emptied.set()

    def bound_unsent(self):
        """Hang up on those who read slowest, where answers nobody reads would fill the memory."""
        full = [one for one in self.connections if one.full]
        unsent = sum(one.transport.get_write_buffer_size() for one in full)
        if unsent <= MAX_UNSENT:
            return
        for one in sorted(full, key=lambda one: one.deadline):
            unsent -= one.transport.get_write_buffer_size()
            one.transport.abort()
            if unsent <= MAX_UNSENT:
                return

    def _tell_date(self):
        self.date = b"Date: " + formatdate(usegmt=True).encode() + b"\r\n"

    def sweep(self):
        now = monotonic()
        self._tell_date()
        self.items.forget_old(now)
        for connection in [one for one in self.connections if one.deadline <= now]:
            connection.expire(now)

    async def shut_down(self):
        self.closing = True
        try:
            for _ in range(3):  # requests that are here already get in
                await asyncio.sleep(0)
            for connection in list(self.connections):
                connection.end_if_idle()
            if self.connections:
                self.emptied.clear()
                try:
                    async with asyncio.timeout(GRACE_SEC):
                        await self.emptied.wait()
                except TimeoutError:
                    pass
        finally:
            for connection in list(self.connections):
                connection.transport.abort()
            await self.items.close()
            for _ in range(10):
                if not self.connections:
                    break
                await asyncio.sleep(0)


async def serve(listener, backend):
    """Serve HTTP on a listening socket until cancelled, then finish what is in flight."""
    loop = asyncio.get_running_loop()
    server = Server(loop, backend)
    accepting = await loop.create_server(
        lambda: Connection(server), sock=listener, backlog=1024, start_serving=False
    )
    try:
        await accepting.start_serving()
        while True:
            await asyncio.sleep(SWEEP_SEC)
            server.sweep()
    finally:
        accepting.close()
        await server.shut_down()
