"""HTTP/1.1 by hand: one Connection for each client, driven by asyncio's transports. A request is read, answered, and only
then is the next one looked at; what a client sends meanwhile waits in its socket."""

import asyncio
import math
import re
from urllib.parse import unquote

import msgpack

ARRIVAL_SEC = 3.0
IDLE_SEC = 20.0
STUCK_SEC = 10.0
TICK_SEC = 1.0
MAX_HEAD = 16 * 1024
MAX_BODY = 64 * 1024
MAX_LEFTOVER = 64 * 1024
MAX_IDS = 100

TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
REQUEST_LINE = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+) ([\x21-\x7e\x80-\xff]+) HTTP/1\.([01])")
BAD_IN_VALUE = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
HEX = re.compile(rb"[0-9A-Fa-f]{1,8}")
ID = re.compile(r"[A-Za-z0-9_-]{1,64}")

REASONS = {
    200: b"200 OK",
    400: b"400 Bad Request",
    404: b"404 Not Found",
    405: b"405 Method Not Allowed",
    413: b"413 Content Too Large",
    431: b"431 Request Header Fields Too Large",
    502: b"502 Bad Gateway",
    503: b"503 Service Unavailable",
    504: b"504 Gateway Timeout",
}
BYTES = b"Content-Type: application/octet-stream\r\n"
TEXT = b"Content-Type: text/plain; charset=utf-8\r\n"
METRICS = b"Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"
MSGPACK = b"Content-Type: application/msgpack\r\n"

SIZE, DATA, DATA_END, TRAILER = range(4)


class Connection(asyncio.Protocol):
    def __init__(self, server):
        self.server = server
        self.loop = server.loop
        self.transport = None
        self.buffer, self.pos = b"", 0  # what has come and was not looked at
        self.first = True  # no request was complete yet
        self.begun = False  # something of the next request is here
        self.headed = False  # its head is
        self.busy = False  # a request is being answered, until the last byte is with the kernel
        self.turn = False  # _advance will be called
        self.unsent = False  # the answer is with the transport, which waits for the client
        self.full = False  # the transport holds bytes
        self.eof = False
        self.ended = False  # nothing more is answered here
        self.expires = 0.0
        self.backlog = 0
        self.timer = None
        self.wait = None
        self.body = bytearray()
        self.route = None
        self.arrived = 0.0

    # ---- what the transport tells

    def connection_made(self, transport):
        self.transport = transport
        if self.server.closing:
            self.ended = True
            transport.abort()
            return
        transport.set_write_buffer_limits(high=0)
        self.server.connections.add(self)
        now = self.loop.time()
        self.expires = now + ARRIVAL_SEC
        self.timer = self.loop.call_at(now + TICK_SEC, self._tick)

    def connection_lost(self, _):
        self.ended = True
        if self.timer is not None:
            self.timer.cancel()
        if self.wait is not None:
            self.server.items.forget(self.wait)
            self.wait = None
        self.buffer = b""
        self.server.lost(self)

    def data_received(self, data):
        if self.ended:
            return
        self.buffer = data if self.pos >= len(self.buffer) else self.buffer[self.pos :] + data
        self.pos = 0
        if not self.begun:
            self.begun = True
            if not self.first:
                self.expires = self.loop.time() + ARRIVAL_SEC
        if not self.busy and not self.turn:
            self._advance()
        if len(self.buffer) - self.pos > MAX_LEFTOVER:
            self.transport.pause_reading()

    def eof_received(self):
        self.eof = True
        return self.busy or self.turn

    def pause_writing(self):
        self.full = True

    def resume_writing(self):
        self.full = False
        if self.unsent:
            self.unsent = False
            self._sent()

    def _tick(self):
        now = self.loop.time()
        if now >= self.expires:
            backlog = self.transport.get_write_buffer_size()
            if not (self.unsent and backlog < self.backlog):
                self.transport.abort()
                return
            self.backlog = backlog
            self.expires = now + STUCK_SEC
        self.timer = self.loop.call_at(min(self.expires, now + TICK_SEC), self._tick)

    # ---- the server's end

    def end_if_idle(self):
        if not self.busy and not self.begun:
            self.ended = True
            self.transport.close()

    # ---- reading

    def _advance(self):
        """Go on with the request that is arriving, and begin to answer it when it is complete."""
        self.turn = False
        if self.busy or self.ended or self.transport.is_closing():
            return
        if (self.headed or self._read_head()) and (self._read_chunks() if self.chunked else self._read_body()):
            self.first = False
            self.busy = True
            self.expires = math.inf
            self.arrived = self.loop.time()
            self._dispatch()
        elif self.eof and not self.busy:
            self.ended = True
            self.transport.close()
        if len(self.buffer) - self.pos <= MAX_LEFTOVER:
            self.transport.resume_reading()

    def _read_head(self):
        buffer = self.buffer
        while buffer.startswith(b"\r\n", self.pos):
            self.pos += 2
        end = buffer.find(b"\r\n\r\n", self.pos)
        if end - self.pos > MAX_HEAD or (end < 0 and len(buffer) - self.pos > MAX_HEAD):
            return self._fail(431)
        if end < 0:
            line_end = buffer.find(b"\n", self.pos)
            if line_end >= 0:
                line = buffer[self.pos : line_end]
                if not line.endswith(b"\r") or not REQUEST_LINE.fullmatch(line[:-1]) or b"\n\n" in buffer:
                    return self._fail(400)
            return False
        lines = buffer[self.pos : end].split(b"\r\n")
        self.pos = end + 4
        request = REQUEST_LINE.fullmatch(lines[0])
        if request is None:
            return self._fail(400)
        self.method, self.target, minor = request.groups()
        self.old = minor == b"0"
        self.keep = not self.old
        length = coding = None
        expects = False
        for line in lines[1:]:
            name, colon, value = line.partition(b":")
            if not colon or TOKEN.fullmatch(name) is None or BAD_IN_VALUE.search(value):
                return self._fail(400)
            name = name.lower()
            if name == b"content-length":
                value = value.strip(b" \t")
                if not value.isdigit() or length not in (None, value):
                    return self._fail(400)
                length = value
            elif name == b"transfer-encoding":
                if coding is not None:
                    return self._fail(400)
                coding = value.strip(b" \t").lower()
            elif name == b"connection":
                options = [option.strip(b" \t") for option in value.lower().split(b",")]
                if b"close" in options:
                    self.keep = False
                elif self.old and b"keep-alive" in options:
                    self.keep = True
            elif name == b"expect":
                expects = value.strip(b" \t").lower() == b"100-continue"
        if coding is not None and (coding != b"chunked" or length is not None or self.old):
            return self._fail(400)
        if length is not None and (len(length) > 15 or int(length) > MAX_BODY):
            return self._fail(413)
        self.chunked = coding is not None
        self.left = int(length) if length is not None else 0
        self.stage = SIZE
        self.trailers = 0
        self.body = bytearray()
        self.route = None
        self.headed = True
        if expects and not self.old and (self.chunked or self.left) and self.pos >= len(self.buffer):
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        return True

    chunked = False

    def _read_body(self):
        if self.left:
            part = self.buffer[self.pos : self.pos + self.left]
            self.pos += len(part)
            self.left -= len(part)
            self.body += part
        return self.left == 0

    def _read_chunks(self):
        buffer = self.buffer
        while True:
            if self.stage == DATA:
                self._read_body()
                if self.left:
                    return False
                self.stage = DATA_END
            elif self.stage == DATA_END:
                if len(buffer) - self.pos < 2:  # noqa: PLR2004
                    return False
                if not buffer.startswith(b"\r\n", self.pos):
                    return self._fail(400)
                self.pos += 2
                self.stage = SIZE
            else:
                end = buffer.find(b"\r\n", self.pos)
                if end < 0:
                    return self._fail(400) if len(buffer) - self.pos > MAX_HEAD else False
                line = buffer[self.pos : end]
                self.pos = end + 2
                if self.stage == TRAILER:
                    if not line:
                        return True
                    self.trailers += len(line)
                    if self.trailers > MAX_HEAD:
                        return self._fail(431)
                    continue
                size = line.partition(b";")[0].strip(b" \t")
                if HEX.fullmatch(size) is None:
                    return self._fail(400)
                self.left = int(size, 16)
                if len(self.body) + self.left > MAX_BODY:
                    return self._fail(413)
                self.stage = DATA if self.left else TRAILER

    def _fail(self, status):
        """What comes on this connection makes no sense, or is too much: say so and hang up."""
        self.route = None
        self.keep = self.old = False
        self.busy = True
        self._answer(status)
        return False

    # ---- answering

    def _dispatch(self):
        path = self.target.decode("latin-1")
        if not path.startswith("/"):
            scheme, _, rest = path.partition("://")
            if scheme.lower() not in ("http", "https"):
                self._answer(400)
                return
            slash = rest.find("/")
            path = rest[slash:] if slash >= 0 else "/"
        path = path.partition("?")[0]
        if "%" in path:
            path = unquote(path)
        if path.startswith("/item/"):
            self.route = "item"
            self._item(path[6:])
        elif path == "/batch":
            self.route = "batch"
            self._batch()
        elif path not in ("/healthz", "/metrics"):
            self._answer(404)
        elif self.method != b"GET":
            self._answer(405)
        elif path == "/healthz":
            self._answer(200, b"ok", TEXT)
        else:
            items = self.server.items
            self._answer(200, self.server.metrics.text(items.total, items.in_flight), METRICS)

    def _item(self, id):
        if self.method != b"GET":
            self._answer(405)
            return
        if ID.fullmatch(id) is None:
            self._answer(400)
            return
        items = self.server.items
        body = items.from_memory(id, self.arrived)
        if body is not None:
            self._answer(200, body)
            return
        asked = items.ask((id,), self.arrived, self._item_has_come)
        if isinstance(asked, dict):
            self._item_has_come(asked)
        else:
            self.wait = asked

    def _item_has_come(self, answers):
        self.wait = None
        [(status, body)] = answers.values()
        if status == 200:
            self._answer(200, body)
        else:
            self._answer(status, extra=b"Retry-After: 1\r\n" if status == 503 else b"")

    def _batch(self):
        if self.method != b"POST":
            self._answer(405)
            return
        ids = ids_of(self.body)
        self.body = bytearray()
        if ids is None:
            self._answer(400)
            return
        asked = self.server.items.ask(dict.fromkeys(ids), self.arrived, self._batch_has_come)
        if isinstance(asked, dict):
            self._batch_has_come(asked)
        else:
            self.wait = asked

    def _batch_has_come(self, answers):
        self.wait = None
        self._answer(200, msgpack.packb(answers), MSGPACK)

    def _answer(self, status, body=b"", kind=BYTES, extra=b""):
        transport = self.transport
        if transport.is_closing():
            return  # the client is gone, and connection_lost is about to be called
        if self.server.closing:
            self.keep = False
        if not self.keep:
            extra += b"Connection: close\r\n"
        elif self.old:
            extra += b"Connection: keep-alive\r\n"
        self.status = status
        head = b"HTTP/1.1 %b\r\n%b%bContent-Length: %d\r\n\r\n" % (REASONS[status], kind, extra, len(body))
        if len(body) <= MAX_HEAD:
            transport.write(head + body)
        else:
            transport.write(head)
            transport.write(body)
        if self.full:
            self.unsent = True
            self.backlog = transport.get_write_buffer_size()
            self.expires = self.loop.time() + STUCK_SEC
        else:
            self._sent()

    def _sent(self):
        now = self.loop.time()
        if self.route is not None:
            self.server.metrics.count(self.route, self.status, now - self.arrived)
        self.busy = self.headed = self.begun = False
        if not self.keep or self.server.closing:
            self.ended = True
            self.expires = now + TICK_SEC
            self.transport.close()
        elif self.pos < len(self.buffer):
            self.begun = self.turn = True
            self.expires = now + ARRIVAL_SEC
            self.loop.call_soon(self._advance)
        elif self.eof:
            self.ended = True
            self.transport.close()
        else:
            self.buffer, self.pos = b"", 0
            self.expires = now + IDLE_SEC


def ids_of(body):
    """The ids that a batch lists, or None when it is no batch."""
    try:
        ids = msgpack.unpackb(body)
    except Exception:  # noqa: BLE001
        return None
    if type(ids) is not list or len(ids) > MAX_IDS:
        return None
    if not all(type(id) is str and ID.fullmatch(id) for id in ids):
        return None
    return ids


class Server:
    """What the connections of one `serve` share."""

    def __init__(self, loop, items, metrics):
        self.loop = loop
        self.items = items
        self.metrics = metrics
        self.connections = set()
        self.closing = False
        self.all_lost = None

    def connect(self):
        return Connection(self)

    def lost(self, connection):
        self.connections.discard(connection)
        if self.all_lost is not None and not self.connections and not self.all_lost.done():
            self.all_lost.set_result(None)

    async def finish(self, grace_sec):
        """Answer what is in flight and close every connection; the caller cuts short what is left."""
        self.closing = True
        await asyncio.sleep(0.02)  # what has arrived is read; it is in flight too
        for connection in list(self.connections):
            connection.end_if_idle()
        if self.connections:
            self.all_lost = self.loop.create_future()
            await asyncio.wait([self.all_lost], timeout=grace_sec)

    def abort(self):
        self.closing = True
        for connection in list(self.connections):
            connection.transport.abort()
