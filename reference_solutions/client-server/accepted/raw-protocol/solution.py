"""A server that speaks HTTP itself, on an asyncio protocol with its own buffer, and a crew of users as load generator.

Theory of operation: a connection parses one request at a time. What is in memory is answered at once, inside of the
very callback that received the request; for anything else a task is started, and reading goes on when it has answered.
The backend is a table of flights: an id, a task, and how many wait.
"""

import asyncio
import collections
import re
import time
from dataclasses import dataclass
from urllib.parse import unquote

import msgpack

ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
HEAD_BYTES = 16 * 1024
BODY_BYTES = 64 * 1024
UNFINISHED_SEC = 3.0
PATIENCE_SEC = 1.0
GRACE_SEC = 2.0
KEEP_SEC = 1.5
KEEP_ITEMS = 1000
BOUNDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
REASONS = {200: "OK", 400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed", 408: "Request Timeout"}
REASONS |= {413: "Content Too Large", 502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout"}


@dataclass
class Flight:
    """A call of the backend, or one that waits to begin."""

    task: asyncio.Task | None = None
    passengers: int = 0


class Store:
    """Items: those in memory, and the flights that fetch others."""

    def __init__(self, backend):
        self.backend = backend
        self.memory = collections.OrderedDict()
        self.flights = {}
        self.runway = asyncio.Semaphore(backend.limit)
        self.begun = 0
        self.airborne = 0

    def look(self, item):
        """Give an item that is in memory and fresh, or None."""
        kept = self.memory.get(item)
        return kept[0] if kept is not None and time.monotonic() - kept[1] < KEEP_SEC else None

    async def status_and_value(self, item, until):
        """Give what GET /item answers."""
        value = self.look(item)
        if value is not None:
            return 200, value
        flight = self.flights.get(item)
        if flight is None:
            if len(self.flights) >= 2 * self.backend.limit:  # a short line: who would wait longer comes again
                return 503, None
            flight = self.flights[item] = Flight()
            flight.task = asyncio.get_running_loop().create_task(self.fly(item, flight))
        flight.passengers += 1
        try:
            seconds = until - asyncio.get_running_loop().time()
            await asyncio.wait([flight.task], timeout=max(0.0, seconds))
            return flight.task.result() if flight.task.done() else (504, None)
        finally:
            flight.passengers -= 1
            if flight.passengers == 0 and not flight.task.done():
                self.gone(item, flight)
                flight.task.cancel()

    async def fly(self, item, flight):
        """Call the backend."""
        try:
            async with self.runway:
                self.begun += 1
                self.airborne += 1
                try:
                    value = await self.backend.get(item)
                except KeyError:
                    return 404, None
                except Exception:  # noqa: BLE001
                    return 502, None
                finally:
                    self.airborne -= 1
        finally:
            self.gone(item, flight)
        self.memory[item] = value, time.monotonic()
        self.memory.move_to_end(item)
        if len(self.memory) > KEEP_ITEMS:
            self.memory.popitem(last=False)
        return 200, value

    def gone(self, item, flight):
        """Let nobody board any more."""
        if self.flights.get(item) is flight:
            del self.flights[item]


class Counts:
    """What /metrics shows."""

    def __init__(self):
        self.answers = collections.Counter()
        self.slots = {route: [0] * 7 for route in ("item", "batch")}
        self.seconds = {"item": 0.0, "batch": 0.0}

    def add(self, route, status, seconds):
        """Count one answer."""
        self.answers[route, status] += 1
        slot = 0
        while slot < 6 and seconds > BOUNDS[slot]:
            slot += 1
        self.slots[route][slot] += 1
        self.seconds[route] += seconds

    def text(self, store):
        """Write it down."""
        rows = [f'http_requests_total{{route="{r}",status="{s}"}} {n}' for (r, s), n in self.answers.items()]
        for route, slots in self.slots.items():
            name = "http_request_duration_seconds"
            for at, bound in enumerate((*map(str, BOUNDS), "+Inf")):
                rows.append(f'{name}_bucket{{le="{bound}",route="{route}"}} {sum(slots[: at + 1])}')
            rows.append(f'{name}_sum{{route="{route}"}} {self.seconds[route]}')
            rows.append(f'{name}_count{{route="{route}"}} {sum(slots)}')
        rows += [f"backend_calls_total {store.begun}", f"backend_calls_in_flight {store.airborne}", ""]
        return "\n".join(rows).encode()


class Malformed(Exception):
    """The request can't be read; `status` answers it."""

    def __init__(self, status):
        super().__init__(status)
        self.status = status


class Service:
    """Everything that connections share."""

    def __init__(self, backend):
        self.store = Store(backend)
        self.counts = Counts()
        self.connections = set()
        self.tasks = set()
        self.closing = False

    def begin(self, answer):
        """Begin to answer a request, which goes on when its client is gone."""
        task = asyncio.get_running_loop().create_task(answer)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task

    def sends(self):
        """Tell whether an answer is still on its way."""
        return any(connection.transport.get_write_buffer_size() for connection in self.connections)


class Connection(asyncio.BufferedProtocol):
    """One client."""

    def __init__(self, service):
        self.service = service
        self.loop = asyncio.get_running_loop()
        self.space = bytearray(16 * 1024)
        self.data = bytearray()
        self.head = None
        self.task = None
        self.can_write = True
        self.used = False

    def connection_made(self, transport):
        self.transport = transport
        self.service.connections.add(self)
        self.timer = self.loop.call_later(UNFINISHED_SEC, self.expire)
        self.expires = self.loop.time() + UNFINISHED_SEC

    def connection_lost(self, exc):
        self.service.connections.discard(self)
        self.timer.cancel()

    def expire(self):
        """Hang up on who has not sent a request in time; the timer is only moved when it fires."""
        left = self.expires - self.loop.time()
        if self.task is None and left <= 0:
            self.transport.abort()
        else:
            self.timer = self.loop.call_later(max(left, 0.1), self.expire)

    def get_buffer(self, sizehint):
        return self.space

    def buffer_updated(self, nbytes):
        if self.used and not self.data and self.head is None:  # it is idle no longer
            self.expires = self.loop.time() + UNFINISHED_SEC
        self.data += memoryview(self.space)[:nbytes]
        self.go_on()

    def pause_writing(self):
        self.can_write = False

    def resume_writing(self):
        self.can_write = True
        self.go_on()

    def go_on(self):
        """Read requests until one has to be waited for; a client that does not read is not read from either."""
        try:
            while self.task is None and self.can_write and not self.transport.is_closing():
                request = self.next_request()
                if request is None:
                    break
                self.handle(*request)
        except Malformed as fault:
            self.answer(fault.status, b"", close=True)
        if (self.task is not None or not self.can_write) and len(self.data) > HEAD_BYTES:
            self.transport.pause_reading()
        else:
            self.transport.resume_reading()

    def next_request(self):
        """Take the next whole request out of the buffer: method, path, body and whether the connection stays."""
        if self.head is None:
            end = self.data.find(b"\r\n\r\n")
            if end < 0:
                if len(self.data) > HEAD_BYTES:
                    raise Malformed(400)
                return None
            self.head = parsed_head(bytes(self.data[:end]))
            del self.data[: end + 4]
        method, path, length, stays = self.head
        body = b""
        if length is None:
            body = self.chunked()
            if body is None:
                return None
        elif length:
            if len(self.data) < length:
                return None
            body = bytes(self.data[:length])
            del self.data[:length]
        self.head = None
        return method, path, body, stays

    def chunked(self):
        """Read a chunked body, when all of it is here; its size is bounded, so starting over is too."""
        parts, at, size = [], 0, 0
        while True:
            end = self.data.find(b"\r\n", at)
            if end < 0:
                if len(self.data) - at > 1024:
                    raise Malformed(400)
                return None
            digits = bytes(self.data[at:end]).partition(b";")[0].strip()
            if not re.fullmatch(rb"[0-9A-Fa-f]{1,8}", digits):
                raise Malformed(400)
            chunk = int(digits, 16)
            size += chunk
            if size > BODY_BYTES:
                raise Malformed(413)
            if chunk == 0:
                stop = self.data.find(b"\r\n", end + 2)
                if stop < 0:
                    return None
                del self.data[: stop + 2]
                return b"".join(parts)
            if len(self.data) < end + 2 + chunk + 2:
                return None
            parts.append(bytes(self.data[end + 2 : end + 2 + chunk]))
            at = end + 2 + chunk + 2

    def handle(self, method, path, body, stays):
        """Answer at once, or start a task that will."""
        service = self.service
        stays = stays and not service.closing
        if path.startswith("/item/") and method == "GET":
            began = self.loop.time()
            item = unquote(path[6:], errors="replace")
            value = service.store.look(item)
            if value is not None:
                service.counts.add("item", 200, self.loop.time() - began)
                self.answer(200, value, close=not stays)
            elif ID.fullmatch(item) is None:
                service.counts.add("item", 400, 0.0)
                self.answer(400, b"", close=not stays)
            else:
                self.task = service.begin(self.later("item", self.item(item, began), began, stays))
        elif path == "/batch" and method == "POST":
            began = self.loop.time()
            self.task = service.begin(self.later("batch", self.batch(body, began), began, stays))
        elif path == "/healthz":
            self.answer(200, b"ok", close=not stays)
        elif path == "/metrics":
            self.answer(200, service.counts.text(service.store), close=not stays)
        else:
            self.answer(404, b"", close=not stays)

    async def later(self, route, answer, began, stays):
        """Answer when the answer is there, and go on reading."""
        status, body = await answer
        self.service.counts.add(route, status, self.loop.time() - began)
        self.task = None
        self.answer(status, body or b"", close=not stays or self.service.closing)
        if not self.transport.is_closing():
            self.go_on()

    async def item(self, item, began):
        return await self.service.store.status_and_value(item, began + PATIENCE_SEC)

    async def batch(self, body, began):
        try:
            ids = msgpack.unpackb(body)
        except Exception:  # noqa: BLE001
            return 400, None
        if type(ids) is not list or len(ids) > 100 or not all(type(i) is str and ID.fullmatch(i) for i in ids):
            return 400, None
        store, until = self.service.store, began + PATIENCE_SEC
        found = {item: (200, value) for item in ids if (value := store.look(item)) is not None}
        missing = [item for item in dict.fromkeys(ids) if item not in found]
        found.update(
            zip(missing, await asyncio.gather(*(store.status_and_value(i, until) for i in missing)), strict=True)
        )
        return 200, msgpack.packb(found)

    def answer(self, status, body, close):
        """Write an answer."""
        self.used = True
        self.expires = self.loop.time() + UNFINISHED_SEC
        if self.transport.is_closing():
            return
        retry = "Retry-After: 1\r\n" if status == 503 else ""
        end = "Connection: close\r\n" if close else ""
        head = f"HTTP/1.1 {status} {REASONS[status]}\r\nContent-Length: {len(body)}\r\n{retry}{end}\r\n"
        self.transport.write(head.encode() + body)
        if close:
            self.transport.close()


def parsed_head(raw):
    """Read method, path, length (None: chunked) and whether the connection stays."""
    lines = raw.decode("latin-1").split("\r\n")
    first = lines[0].split(" ")
    if len(first) != 3 or first[2] not in ("HTTP/1.1", "HTTP/1.0") or not first[1].startswith("/"):
        raise Malformed(400)
    headers = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip():
            raise Malformed(400)
        name = name.lower()
        if headers.get(name, value) != value and name in ("content-length", "transfer-encoding"):
            raise Malformed(400)
        headers[name] = value.strip()
    stays = first[2] == "HTTP/1.1" and headers.get("connection", "").lower() != "close"
    if "transfer-encoding" in headers:
        if headers["transfer-encoding"].lower() != "chunked" or "content-length" in headers:
            raise Malformed(400)
        return first[0], first[1], None, stays
    length = headers.get("content-length", "0")
    if not (length.isascii() and length.isdigit()):
        raise Malformed(400)
    if len(length) > 9 or int(length) > BODY_BYTES:
        raise Malformed(413)
    return first[0], first[1].partition("?")[0], int(length), stays


async def serve(listener, backend):
    """Serve until cancelled; then answer what is under way, for two seconds at most."""
    service = Service(backend)
    server = await asyncio.get_running_loop().create_server(lambda: Connection(service), sock=listener, backlog=1024)
    try:
        await asyncio.Event().wait()
    finally:
        service.closing = True
        until = asyncio.get_running_loop().time() + GRACE_SEC
        server.close()
        for connection in list(service.connections):
            if connection.task is None:
                connection.transport.close()
        tasks = list(service.tasks)  # of connections that are lost, too
        try:
            if tasks:
                await asyncio.wait(tasks, timeout=GRACE_SEC)
            while service.sends() and asyncio.get_running_loop().time() < until:
                await asyncio.sleep(0.02)
        finally:  # also where whoever ends us can't wait so long
            for task in tasks:
                task.cancel()
            if tasks:
                await asyncio.wait(tasks)
            for connection in list(service.connections):
                connection.transport.abort()


# ---- the load generator: as many users as are needed, each with a connection, who take what is due from a line


@dataclass
class Report:
    """What was measured."""

    sent: int = 0
    succeeded: int = 0
    errors: int = 0
    timeouts: int = 0
    throughput_per_sec: float = 0.0
    p50_ms: float = 0.0
    p90_ms: float = 0.0
    p99_ms: float = 0.0
    max_ms: float = 0.0


async def connected(connect):
    """Open a connection. That the system gave up waiting for it is its failure, not the end of a request's time."""
    try:
        return await connect()
    except TimeoutError as fault:
        raise ConnectionError("no connection came about") from fault


class Load:
    """A line of due requests, and users who serve themselves from it; a new one comes whenever all are busy."""

    def __init__(self, connect):
        self.connect = connect
        self.loop = asyncio.get_running_loop()
        self.line = collections.deque()
        self.idle = collections.deque()
        self.users = set()
        self.report = Report()
        self.latencies = []
        self.last = 0.0

    def put(self, number, due):
        """Hand a request to an idle user, or to a new one."""
        if self.idle:
            self.idle.pop().set_result((number, due))
            return
        user = self.loop.create_task(self.user(number, due))
        self.users.add(user)
        user.add_done_callback(self.users.discard)

    async def user(self, number, due):
        """Send requests over one connection, for as long as it lasts."""
        wires = None
        try:
            while True:
                try:
                    async with asyncio.timeout_at(due + 2.0):
                        if wires is None:
                            wires = await connected(self.connect)
                        good = await self.ask(wires, number)
                except TimeoutError:
                    self.report.timeouts += 1
                    self.latencies.append(2.0)
                    return
                except OSError:
                    self.report.errors += 1
                    return
                self.last = self.loop.time()
                if good:
                    self.latencies.append(self.last - due)
                else:
                    self.report.errors += 1
                if good is None:
                    return
                turn = self.loop.create_future()
                self.idle.append(turn)
                number, due = await turn
        finally:
            if wires is not None:
                wires[1].close()

    async def ask(self, wires, number):
        """Ask once: True for ok, False for error, None when the connection is of no more use."""
        reader, writer = wires
        writer.write(b"%d\n" % number)
        self.report.sent += 1
        line = await reader.readline()
        return {b"%d ok\n" % number: True, b"%d error\n" % number: False}.get(line)

    async def run(self, rate, duration):
        """Put everything in line in time, wait for the end, and sum up."""
        start = self.last = self.loop.time()
        number = 0
        while number / rate < duration * (1 - 1e-12):
            wait = start + number / rate - self.loop.time()
            if wait > 0:
                await asyncio.sleep(wait)
                continue
            self.put(number, start + number / rate)
            number += 1
        while len(self.idle) < len(self.users):
            await asyncio.sleep(0.005)
        for turn in self.idle:
            turn.cancel()
        if self.users:
            await asyncio.wait(self.users)
        report, ordered = self.report, sorted(self.latencies)
        report.succeeded = len(ordered) - report.timeouts
        report.throughput_per_sec = report.succeeded / max(duration, self.last - start)
        for name, percent in (("p50_ms", 50), ("p90_ms", 90), ("p99_ms", 99), ("max_ms", 100)):
            rank = -(-len(ordered) * percent // 100)
            setattr(report, name, 1000.0 * ordered[max(rank, 1) - 1] if ordered else 0.0)
        return report


async def measure(connect, rate_per_sec, duration_sec):
    """Run one load."""
    return await Load(connect).run(rate_per_sec, duration_sec)


async def find_capacity(connect, slo_p99_ms):
    """Climb in steps of a fifth from the last rate that held, then in finer ones; two failures in a row end a climb."""

    async def holds(rate, seconds):
        for _ in range(2):
            load = Load(connect)
            report = await load.run(rate, seconds)
            end = seconds + report.p50_ms / 1000  # when the last answer comes, if none has to wait
            lags = report.throughput_per_sec * end < 0.975 * rate * seconds
            bad = report.errors + report.timeouts > report.sent / 100
            if not (lags or bad or report.p99_ms > slo_p99_ms):
                return True
        return False

    rate = 50.0
    for factor, seconds in ((1.8, 0.3), (1.25, 0.5), (1.06, 1.0)):
        while rate * factor < 1100 and await holds(rate * factor, seconds):
            rate *= factor
    return rate * 0.98  # a second lets up to 5 % too much pass
