"""The server: its connections, which are state machines without tasks, and the house that they live in."""

import asyncio
import socket
from math import inf

from desk_batch import read_batch, write_batch
from desk_ledger import Ledger, exposition
from desk_stock import Ask, Results, Stock
from desk_wire import (
    BATCH,
    BLANK_LINES,
    CLOSE,
    CONTINUE,
    EXPOSITION,
    HEALTH,
    ITEM,
    ITEM_KEY,
    KEEP_ALIVE,
    MAX_BODY,
    MAX_HEAD,
    METRICS,
    MSGPACK,
    NOWHERE,
    OCTETS,
    OTHER_VERSION,
    PLAUSIBLE_START,
    REQUEST_LINE,
    STANDARD_BODIES,
    TEXT,
    Chunks,
    Framing,
    Malformed,
    head_of,
    locate,
    read_fields,
)

ARRIVAL_SEC = 3.0
"""How long a request may take to arrive, the first one counted from when its connection was opened."""
IDLE_SEC = 60.0
LINGER_SEC = 2.0
"""How long a connection that is being closed may take."""
STALL_SEC = 15.0
"""How long a client may take nothing of its answer."""
SWEEP_SEC = 0.25
GRACE_SEC = 2.0

MAX_AHEAD = 128 * 1024
"""How much a client may send ahead while its request is worked on."""
BURST = 8
"""How many steps a connection goes on its own when it has sent ahead."""
MAX_UNSENT = 40 * 1024 * 1024
MAX_CONNECTIONS = 900
MAX_REMEMBERED = 256

# What a connection is doing.
HEAD, BODY, WORK, SEND, LINGER, CLOSING, CLOSED = range(7)

_RETRY = b"Retry-After: 1\r\n"
_ALLOW_GET = b"Allow: GET\r\n"
_ALLOW_POST = b"Allow: POST\r\n"


class Connection(asyncio.Protocol):
    """A client's connection."""

    __slots__ = (
        "_arrived",
        "_arriving",
        "_ask",
        "_backlog",
        "_bodyless",
        "_body",
        "_buffer",
        "_chunks",
        "_feeding",
        "_house",
        "_keep",
        "_ledger",
        "_length",
        "_method",
        "_old",
        "_paused",
        "_state",
        "_status",
        "_target",
        "_transport",
        "_unsent",
        "deadline",
    )

    def __init__(self, house: "House") -> None:
        self._house = house
        self._transport: asyncio.Transport | None = None
        self._state = HEAD
        self._buffer = b""
        self._feeding = False
        self._arriving = True  # the time of the first request runs from the beginning
        self._paused = False
        self._unsent = False
        self._backlog = 0
        self._method = self._target = b""
        self._length = 0
        self._body: bytearray | None = None
        self._chunks: Chunks | None = None
        self._keep = True
        self._old = False
        self._bodyless = False
        self._arrived = 0.0
        self._status = 0
        self._ledger: Ledger | None = None
        self._ask: Ask | None = None
        self.deadline = inf

    # ---- what the transport tells

    def connection_made(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        transport.set_write_buffer_limits(high=0)  # so that we are told when all is sent
        self.deadline = self._house.clock() + ARRIVAL_SEC
        if not self._house.welcome(self):
            self._state = CLOSING
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._state = CLOSED
        self._buffer = b""
        self._body = self._chunks = None
        self._withdraw()
        self._house.farewell(self)

    def data_received(self, data: bytes) -> None:
        state = self._state
        if state == HEAD or state == BODY:
            if self._buffer:
                data = self._buffer + data
                self._buffer = b""
            self._feed(data)
        elif state == WORK or state == SEND:
            self._park(self._buffer + data)
        # else: we have said our last word, and only read on so that the client gets to see it

    # A client that closes its side has hung up: eof_received is inherited, and closes the connection.

    def pause_writing(self) -> None:
        self._unsent = True

    def resume_writing(self) -> None:
        self._unsent = False
        if self._state == SEND:
            self._house.lagging.discard(self)
            self._sent()

    # ---- requests

    def _feed(self, data: bytes) -> None:
        """Work through what has come, request by request."""
        now = self._house.clock()
        self._feeding = True
        try:
            for _ in range(BURST):
                if not data:
                    return
                if self._state == HEAD:
                    data = self._take_head(data, now)
                elif self._state == BODY:
                    data = self._take_body(data, now)
                else:
                    break
        finally:
            self._feeding = False
        if data and self._state < LINGER:
            self._park(data)
            if self._state == HEAD or self._state == BODY:
                self._house.soon(self._unpark)  # others have their turn in between

    def _park(self, data: bytes) -> None:
        """Keep what cannot be worked on now."""
        self._buffer = data
        if len(data) > MAX_AHEAD and not self._paused:
            self._paused = True
            self._transport.pause_reading()

    def _unpark(self) -> None:
        if self._buffer and (self._state == HEAD or self._state == BODY):
            if self._paused:
                self._paused = False
                self._transport.resume_reading()
            data, self._buffer = self._buffer, b""
            self._feed(data)

    def _take_head(self, data: bytes, now: float) -> bytes:
        """Take a request's head, and give what is behind it."""
        if data[0] == 13:  # an empty line or two before a request are forgiven
            data = data[BLANK_LINES.match(data).end() :]
        end = data.find(b"\r\n\r\n")
        if end < 0:
            return self._hold(data, now)
        if end > MAX_HEAD:
            return self._refuse(431)
        eol = data.find(b"\r\n")
        line = REQUEST_LINE.fullmatch(data, 0, eol)
        if line is None:
            return self._refuse(505 if OTHER_VERSION.fullmatch(data, 0, eol) else 400)
        method, target, minor = line.groups()
        framing = self._house.framing(data[eol + 2 : end], version_1_1=minor == b"1")
        if framing.status:
            return self._refuse(framing.status)
        rest = data[end + 4 :]
        self._keep = framing.keep
        self._old = minor == b"0"
        if not framing.chunked and not framing.length:
            self._dispatch(method, target, b"", now)
            return rest
        if framing.length > MAX_BODY:
            return self._refuse(413)
        self._method = method
        self._target = target
        self._length = framing.length
        if framing.chunked:
            self._chunks = Chunks()
        else:
            self._body = bytearray()
        self._state = BODY
        self._await_rest(now)
        if framing.expect and not rest:
            self._transport.write(CONTINUE)
        return rest

    def _hold(self, data: bytes, now: float) -> bytes:
        """Keep the beginning of a head, if it can be one."""
        if len(data) > MAX_HEAD:
            return self._refuse(431)
        if data and data != b"\r":
            if PLAUSIBLE_START.match(data) is None or data.count(b"\n") != data.count(b"\r\n"):
                return self._refuse(400)
        self._buffer = data
        self._await_rest(now)
        return b""

    def _await_rest(self, now: float) -> None:
        if not self._arriving:
            self._arriving = True
            self.deadline = now + ARRIVAL_SEC

    def _take_body(self, data: bytes, now: float) -> bytes:
        """Take what belongs to the body, and give what is behind it."""
        if self._chunks is not None:
            try:
                rest = self._chunks.feed(data)
            except Malformed as error:
                return self._refuse(error.status)
            if rest is None:
                return b""
            body = bytes(self._chunks.body)
            self._chunks = None
        else:
            missing = self._length - len(self._body)
            self._body += data[:missing]
            if len(data) < missing:
                return b""
            rest = data[missing:]
            body = bytes(self._body)
            self._body = None
        self._dispatch(self._method, self._target, body, now)
        return rest

    def _dispatch(self, method: bytes, target: bytes, body: bytes, now: float) -> None:
        """See to a request that has arrived."""
        house = self._house
        self._state = WORK
        self._arriving = False
        self.deadline = inf
        self._arrived = now
        self._bodyless = method == b"HEAD"
        place, key = locate(target)
        if place == ITEM:
            self._ledger = house.items
            if ITEM_KEY.fullmatch(key) is None:
                self._reply(400)
            elif method != b"GET":
                self._reply(405, extra=_ALLOW_GET)
            else:
                name = key.decode("ascii")
                data = house.stock.recall(name, now)
                if data is not None:
                    self._reply(200, (data,), OCTETS)
                else:
                    self._ask = house.stock.ask((name,), now, self._item_is_known)
        elif place == BATCH:
            self._ledger = house.batches
            if method != b"POST":
                self._reply(405, extra=_ALLOW_POST)
            else:
                ids = read_batch(body)
                if ids is None:
                    self._reply(400)
                else:
                    self._ask = house.stock.ask(ids, now, self._batch_is_known)
        else:
            self._ledger = None
            if place == NOWHERE:
                self._reply(404)
            elif method != b"GET":
                self._reply(405, extra=_ALLOW_GET)
            elif place == HEALTH:
                self._reply(200, (b"ok",), TEXT)
            elif place == METRICS:
                self._reply(200, (house.metrics(),), EXPOSITION)

    # ---- answers

    def _item_is_known(self, results: Results) -> None:
        self._ask = None
        ((status, data),) = results.values()
        if data is not None:
            self._reply(200, (data,), OCTETS)
        else:
            self._reply(status, extra=_RETRY if status == 503 else b"")

    def _batch_is_known(self, results: Results) -> None:
        self._ask = None
        self._reply(200, write_batch(results), MSGPACK)

    def _reply(self, status: int, pieces: "tuple | list" = (), kind: bytes = TEXT, extra: bytes = b"") -> None:
        """Answer the request that is worked on."""
        transport = self._transport
        if self._state != WORK or transport.is_closing():
            return
        if not pieces:
            pieces = STANDARD_BODIES[status]
        if not self._keep or self._house.closing:
            self._keep = False
            extra += CLOSE
        elif self._old:
            extra += KEEP_ALIVE
        head = head_of(status, kind, sum(map(len, pieces)), extra)
        self._status = status
        transport.write(head if self._bodyless else b"".join((head, *pieces)))
        if self._unsent:
            self._state = SEND
            self._backlog = transport.get_write_buffer_size()
            self.deadline = self._house.clock() + STALL_SEC
            self._house.lags(self)
        elif not transport.is_closing():  # which it is when the write has failed
            self._sent()

    def _sent(self) -> None:
        """Go on after an answer, all of which is sent."""
        now = self._house.clock()
        if self._ledger is not None:
            self._ledger.enter(self._status, now - self._arrived)
            self._ledger = None
        if not self._keep or self._house.closing:
            self._close(now)
            return
        self._state = HEAD
        self.deadline = now + IDLE_SEC
        if not self._feeding:
            self._unpark()

    def _refuse(self, status: int) -> bytes:
        """Answer what is no request, and hear the client out for a while, so that it gets to read the answer."""
        self._state = LINGER
        self._buffer = b""
        self._body = self._chunks = None
        self.deadline = self._house.clock() + LINGER_SEC
        body = STANDARD_BODIES[status]
        self._transport.write(b"".join((head_of(status, TEXT, len(body[0]), CLOSE), *body)))
        try:
            self._transport.write_eof()
        except OSError:  # it has gone already
            self._transport.abort()
        return b""

    # ---- the end

    def expire(self, now: float) -> None:
        """Do what is to be done at the deadline."""
        state = self._state
        if state == HEAD and not self._buffer:
            self._close(now)
        elif state == HEAD or state == BODY:
            body = STANDARD_BODIES[408]
            self._transport.write(b"".join((head_of(408, TEXT, len(body[0]), CLOSE), *body)))
            self._close(now)
        elif state == SEND:
            backlog = self._transport.get_write_buffer_size()
            if backlog < self._backlog:
                self._backlog = backlog
                self.deadline = now + STALL_SEC
            else:
                self.drop()
        elif state != CLOSED:
            self.drop()

    def retire(self, now: float) -> None:
        """End the connection if it is idle; else it ends after its request."""
        if self._state == HEAD and not self._buffer:
            self._close(now)

    def drop(self) -> None:
        """End the connection at once, whatever it is doing."""
        self._withdraw()
        self._state = CLOSING
        self.deadline = inf
        self._house.lagging.discard(self)
        self._transport.abort()

    def is_idle(self) -> bool:
        """Tell whether nothing of a request has arrived."""
        return self._state == HEAD and not self._buffer

    def unsent(self) -> int:
        """Tell how many bytes of answers are not sent yet."""
        return self._transport.get_write_buffer_size()

    def _close(self, now: float) -> None:
        self._state = CLOSING
        self._buffer = b""
        self._body = self._chunks = None
        self.deadline = now + LINGER_SEC
        self._transport.close()

    def _withdraw(self) -> None:
        ask, self._ask = self._ask, None
        if ask is not None:
            self._house.stock.withdraw(ask)


class House:
    """What the connections of one call of `serve` have in common."""

    def __init__(self, loop: asyncio.AbstractEventLoop, backend: object) -> None:
        self.clock = loop.time
        self.soon = loop.call_soon
        self.stock = Stock(loop, backend)
        self.items = Ledger("item")
        self.batches = Ledger("batch")
        self.lagging: set[Connection] = set()
        self.closing = False
        self._loop = loop
        self._connections: set[Connection] = set()
        self._framings: dict[bytes, Framing] = {}
        self._locked = False
        self._emptied: asyncio.Future | None = None
        self._sweeper = loop.call_later(SWEEP_SEC, self._sweep)

    def connection(self) -> Connection:
        """Make the protocol of a new connection."""
        return Connection(self)

    def welcome(self, connection: Connection) -> bool:
        """Take a connection in, if there is room."""
        if self._locked:
            return False
        if len(self._connections) >= MAX_CONNECTIONS:
            idle = [one for one in self._connections if one.is_idle()]
            if not idle:
                return False
            min(idle, key=lambda one: one.deadline).drop()
        self._connections.add(connection)
        return True

    def farewell(self, connection: Connection) -> None:
        """Forget a connection that has ended."""
        self._connections.discard(connection)
        self.lagging.discard(connection)
        if not self._connections and self._emptied is not None and not self._emptied.done():
            self._emptied.set_result(None)

    def framing(self, block: bytes, *, version_1_1: bool) -> Framing:
        """Read header fields. Clients send the same ones over and over, so what they mean is remembered."""
        if not version_1_1:
            return read_fields(block, version_1_1=False)
        framing = self._framings.get(block)
        if framing is None:
            framing = read_fields(block, version_1_1=True)
            if len(block) <= 1024:
                if len(self._framings) >= MAX_REMEMBERED:
                    self._framings.clear()
                self._framings[block] = framing
        return framing

    def lags(self, connection: Connection) -> None:
        """Note that a client does not keep up with its answer, and bound what all of them take up together."""
        self.lagging.add(connection)
        total = sum(one.unsent() for one in self.lagging)
        while total > MAX_UNSENT:
            slowest = min(self.lagging, key=lambda one: one.deadline)
            total -= slowest.unsent()
            slowest.drop()

    def metrics(self) -> bytes:
        """Give the body of /metrics."""
        return exposition((self.items, self.batches), self.stock.calls, self.stock.under_way)

    def _sweep(self) -> None:
        self._sweeper = self._loop.call_later(SWEEP_SEC, self._sweep)
        now = self.clock()
        for connection in [one for one in self._connections if one.deadline <= now]:
            connection.expire(now)
        self.stock.prune(now)

    async def close(self) -> None:
        """Answer what is in flight, for as long as the grace lasts, and end everything."""
        self.closing = True
        ends = self.clock() + GRACE_SEC
        try:
            for _ in range(5):  # what has arrived already comes in
                await asyncio.sleep(0)
            self._locked = True
            for connection in list(self._connections):
                connection.retire(self.clock())
            if self._connections:
                self._emptied = self._loop.create_future()
                await asyncio.wait([self._emptied], timeout=ends - self.clock())
        finally:
            await self._end()

    async def _end(self) -> None:
        self._locked = True
        self._sweeper.cancel()
        self.stock.halt()
        for connection in list(self._connections):
            connection.drop()
        while self.stock.tasks or self._connections:
            try:
                if self.stock.tasks:
                    await asyncio.wait(set(self.stock.tasks))
                else:
                    await asyncio.sleep(0)
            except asyncio.CancelledError:  # we are about to end, and leave nothing behind
                continue


async def serve(listener: socket.socket, backend: object) -> None:
    """Serve HTTP on a listening socket until cancelled, then finish what is in flight."""
    loop = asyncio.get_running_loop()
    house = House(loop, backend)
    try:
        server = await loop.create_server(house.connection, sock=listener, backlog=1024, start_serving=False)
        try:
            await server.start_serving()
            await loop.create_future()
        finally:
            server.close()
    finally:
        await house.close()
