"""A server that coalesces, bounds and sheds, and a load generator that counts from when requests were due.

Theory of operation, part one: an HTTP handler asks the `Items`; these answer from a small cache, or let the request
wait for a fetch of that id, which all requests for it share. A fetch exists from the moment that somebody asks until
its call of the backend ends or nobody waits any longer: `limit` of them call, a bounded number wait for their turn, and
who would exceed that is turned away before any work is done.

Part two: a pacer starts every request when it is due and never waits for an answer; each takes an idle connection or
opens one. Latency counts from the due time.
"""

import asyncio
import bisect
import math
import re
import time
from collections import Counter, OrderedDict, deque
from dataclasses import dataclass

import msgpack
from aiohttp import web

# ---- part one: items

FRESH_SEC = 1.5
"""Between the second that an item must be kept and the two after which it is stale."""

CACHED_ITEMS = 1024
WAITING_PER_CALL = 4
REQUEST_SEC = 1.0
ARRIVAL_SEC = 3.0
GRACE_SEC = 2.0

BODY_BYTES = 64 * 1024
BATCH_ITEMS = 100
ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Overloaded(Exception):
    """There is no room for another fetch."""


class BackendFailed(Exception):
    """The backend raised something of its own; were it a TimeoutError, it must not be taken for ours."""


class Fetch:
    """One call of the backend, under way or waiting for its turn, and how many requests wait for it."""

    __slots__ = ("task", "waiters")

    def __init__(self):
        self.task = None
        self.waiters = 0


class Items:
    """The backend behind a cache, shared fetches and a bounded queue."""

    def __init__(self, backend):
        self.calls = 0
        self.in_flight = 0
        self._backend = backend
        self._room = backend.limit * (1 + WAITING_PER_CALL)
        self._turn = asyncio.Semaphore(backend.limit)
        self._cache = OrderedDict()
        self._fetches = {}

    def cached(self, item):
        """Give an item's bytes if they are fresh, else None."""
        found = self._cache.get(item)
        if found is None or found[0] < time.monotonic():
            return None
        return found[1]

    async def get(self, item, until):
        """Give an item's bytes, at the latest at loop time `until`; raises what the backend raises, or Overloaded."""
        value = self.cached(item)
        if value is not None:
            return value
        fetch = self._fetches.get(item)
        if fetch is None:
            if len(self._fetches) >= self._room:
                raise Overloaded
            fetch = self._fetches[item] = Fetch()
            fetch.task = asyncio.create_task(self._fetch(item))
            fetch.task.add_done_callback(_retrieve)
        fetch.waiters += 1
        try:
            async with asyncio.timeout_at(until):
                return await asyncio.shield(fetch.task)
        finally:
            fetch.waiters -= 1
            if not fetch.waiters and not fetch.task.done():
                self._forget(item, fetch)
                fetch.task.cancel()

    async def _fetch(self, item):
        fetch = self._fetches[item]
        try:
            async with self._turn:
                self.calls += 1
                self.in_flight += 1
                try:
                    value = await self._backend.get(item)
                except KeyError:
                    raise
                except Exception as error:
                    raise BackendFailed from error
                finally:
                    self.in_flight -= 1
            self._keep(item, value)
            return value
        finally:
            self._forget(item, fetch)

    def _keep(self, item, value):
        self._cache[item] = (time.monotonic() + FRESH_SEC, value)
        self._cache.move_to_end(item)
        if len(self._cache) > CACHED_ITEMS:
            self._cache.popitem(last=False)

    def _forget(self, item, fetch):
        if self._fetches.get(item) is fetch:
            del self._fetches[item]


def _retrieve(task):
    """Look at a fetch's exception even when every waiter has gone, so that asyncio does not complain."""
    if not task.cancelled():
        task.exception()


# ---- part one: metrics

BOUNDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class Metrics:
    """Counts of answered requests, and a histogram of how long they took, for each route."""

    def __init__(self, items):
        self._items = items
        self._answers = Counter()
        self._buckets = {route: [0] * (len(BOUNDS) + 1) for route in ("item", "batch")}
        self._sums = dict.fromkeys(self._buckets, 0.0)

    def count(self, route, status, seconds):
        """Count one answer."""
        self._answers[route, status] += 1
        self._buckets[route][bisect.bisect_left(BOUNDS, seconds)] += 1
        self._sums[route] += seconds

    def text(self):
        """Write everything as Prometheus reads it."""
        lines = [
            f'http_requests_total{{route="{route}",status="{status}"}} {count}'
            for (route, status), count in sorted(self._answers.items())
        ]
        for route, buckets in self._buckets.items():
            total = 0
            for bound, count in zip((*BOUNDS, "+Inf"), buckets, strict=True):
                total += count
                lines.append(f'http_request_duration_seconds_bucket{{route="{route}",le="{bound}"}} {total}')
            lines.append(f'http_request_duration_seconds_sum{{route="{route}"}} {self._sums[route]:.6f}')
            lines.append(f'http_request_duration_seconds_count{{route="{route}"}} {total}')
        lines.append(f"backend_calls_total {self._items.calls}")
        lines.append(f"backend_calls_in_flight {self._items.in_flight}")
        return "\n".join(lines) + "\n"


# ---- part one: HTTP

BUSY = {"Retry-After": "1"}


class Service:
    """The routes."""

    def __init__(self, backend):
        self.items = Items(backend)
        self.metrics = Metrics(self.items)
        self._loop = asyncio.get_running_loop()

    def app(self):
        """Make the application."""
        app = web.Application(client_max_size=BODY_BYTES)
        app.router.add_get("/item/{id}", self.item, allow_head=False)
        app.router.add_post("/batch", self.batch)
        app.router.add_get("/healthz", self.healthz, allow_head=False)
        app.router.add_get("/metrics", self.show_metrics, allow_head=False)
        return app

    async def item(self, request):
        """GET /item/{id}."""
        began = self._loop.time()
        item = request.match_info["id"]
        if ID.fullmatch(item) is None:
            status, value = 400, None
        else:
            value = self.items.cached(item)
            status = 200
            if value is None:
                status, value = await self._outcome(item, began + REQUEST_SEC)
        self.metrics.count("item", status, self._loop.time() - began)
        return web.Response(status=status, body=value, headers=BUSY if status == 503 else None)

    async def batch(self, request):
        """POST /batch."""
        status, body = await self._body(request)
        arrived = self._loop.time()
        if status == 200:
            status, body = await self._batch(body)
        self.metrics.count("batch", status, self._loop.time() - arrived)
        response = web.Response(status=status, body=body, content_type="application/msgpack")
        if status in {408, 413}:
            response.force_close()
        return response

    async def _body(self, request):
        try:
            async with asyncio.timeout(ARRIVAL_SEC):
                return 200, await request.read()
        except TimeoutError:
            return 408, None
        except web.HTTPRequestEntityTooLarge:
            return 413, None

    async def _batch(self, raw):
        items = _wanted(raw)
        if items is None:
            return 400, None
        until = self._loop.time() + REQUEST_SEC
        answers = await asyncio.gather(*(self._outcome(item, until) for item in items))
        return 200, msgpack.packb(dict(zip(items, answers, strict=True)))

    async def _outcome(self, item, until):
        try:
            return 200, await self.items.get(item, until)
        except KeyError:
            return 404, None
        except Overloaded:
            return 503, None
        except TimeoutError:
            return 504, None
        except BackendFailed:
            return 502, None

    async def healthz(self, request):
        """GET /healthz."""
        return web.Response(body=b"ok")

    async def show_metrics(self, request):
        """GET /metrics."""
        return web.Response(text=self.metrics.text())


def _wanted(raw):
    """Read a batch's ids, each once; None where it is no list of at most a hundred of them."""
    try:
        ids = msgpack.unpackb(raw, use_list=True, max_array_len=BATCH_ITEMS)
    except Exception:  # noqa: BLE001  the library raises a dozen kinds for what is no msgpack
        return None
    if not isinstance(ids, list) or not all(isinstance(item, str) and ID.fullmatch(item) for item in ids):
        return None
    return list(dict.fromkeys(ids))


async def serve(listener, backend):
    """Serve HTTP on a listening socket until cancelled, then finish what is in flight."""
    runner = web.AppRunner(
        Service(backend).app(),
        access_log=None,
        keepalive_timeout=ARRIVAL_SEC,  # counts from the opening too, so that it ends whoever never sends a whole head
        lingering_time=0,
        shutdown_timeout=GRACE_SEC,
    )
    await runner.setup()
    try:
        await web.SockSite(runner, listener, backlog=1024).start()
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()


# ---- part two

ANSWER_SEC = 2.0
"""A request that is not answered this long after it was due has timed out."""


@dataclass(frozen=True)
class Report:
    """What a run of load came to."""

    sent: int
    succeeded: int
    errors: int
    timeouts: int
    throughput_per_sec: float
    p50_ms: float
    p90_ms: float
    p99_ms: float
    max_ms: float


class Run:
    """One open-loop run in progress."""

    def __init__(self, connect, rate_per_sec, duration_sec):
        self._connect = connect
        self._rate = rate_per_sec
        self._count = math.ceil(rate_per_sec * duration_sec - 1e-9)
        self._duration = duration_sec
        self._idle = deque()
        self._loop = asyncio.get_running_loop()
        self._latencies = {}
        self.sent = self.errors = self.timeouts = 0
        self._last_answer = 0.0
        self.waiting = 0

    async def report(self):
        """Run to the end."""
        self._began = self._loop.time()
        running = set()
        for number in range(self._count):
            due = self._began + number / self._rate
            while (left := due - self._loop.time()) > 0:
                await asyncio.sleep(left)
            task = asyncio.create_task(self._request(number, due))
            running.add(task)
            task.add_done_callback(running.discard)
        if running:
            await asyncio.wait(running)
        for _, writer in self._idle:
            writer.close()
        return self._summary()

    async def _request(self, number, due):
        self.waiting += 1
        try:
            async with asyncio.timeout_at(due + ANSWER_SEC):
                good = await self._exchange(number)
        except TimeoutError:
            self.timeouts += 1
            self._latencies[number] = ANSWER_SEC
        except (OSError, EOFError):
            self.errors += 1
        else:
            now = self._loop.time()
            self._last_answer = max(self._last_answer, now - self._began)
            if good:
                self._latencies[number] = now - due
            else:
                self.errors += 1
        finally:
            self.waiting -= 1

    async def _exchange(self, number):
        reader, writer = self._idle.pop() if self._idle else await self._connect()
        try:
            if reader.at_eof():  # closed while it was idle
                writer.close()
                reader, writer = await self._connect()
            writer.write(b"%d\n" % number)
            self.sent += 1
            answer = await reader.readline()
        except BaseException:
            writer.close()  # its answer may still come, and would be taken for another's
            raise
        if answer not in (b"%d ok\n" % number, b"%d error\n" % number):
            writer.close()
            return False
        self._idle.append((reader, writer))
        return answer.endswith(b"ok\n")

    def _summary(self):
        latencies = sorted(self._latencies.values())
        succeeded = len(latencies) - self.timeouts

        def percentile(percent):
            if not latencies:
                return 0.0
            return 1000 * latencies[max(0, math.ceil(percent / 100 * len(latencies) - 1e-9) - 1)]

        return Report(
            sent=self.sent,
            succeeded=succeeded,
            errors=self.errors,
            timeouts=self.timeouts,
            throughput_per_sec=succeeded / max(self._duration, self._last_answer),
            p50_ms=percentile(50),
            p90_ms=percentile(90),
            p99_ms=percentile(99),
            max_ms=percentile(100),
        )

    def growth_sec(self):
        """Say how much slower the last fifth of all requests was than the first: this shows a queue that grows."""
        in_order = [self._latencies[number] for number in sorted(self._latencies)]
        fifth = max(1, len(in_order) // 5)
        return sum(in_order[-fifth:]) / fifth - sum(in_order[:fifth]) / fifth if in_order else 0.0


async def measure(connect, rate_per_sec, duration_sec):
    """Load a server with evenly spaced requests and report what its users would have seen."""
    return await Run(connect, rate_per_sec, duration_sec).report()


LOWEST_RATE, HIGHEST_RATE = 50.0, 1000.0
PROBE_SEC, TRIAL_SEC = 0.5, 1.0
GUESS_OFF = 1.05
PRECISION = 1.08

GROWTH = 0.025
"""Of the duration: a rate 3 % beyond the capacity makes the last requests wait that much longer than the first."""


async def find_capacity(connect, slo_p99_ms):
    """Find the highest rate that the server sustains.

    Double until it fails. What got through then is a guess at the capacity; it is tried from both sides, for a server
    may also fail by its latency alone. Where the guess was wrong, halve the interval that is left.
    """

    async def holds(rate):
        """Try a rate, and a failing one again: a stall of this machine does not come twice."""
        for _ in range(2):
            if (await _trial(connect, rate, TRIAL_SEC, slo_p99_ms)).holds:
                return True
        return False

    low, high = LOWEST_RATE, 2 * LOWEST_RATE
    while (probe := await _trial(connect, high, PROBE_SEC, slo_p99_ms)).holds and high < HIGHEST_RATE:
        low, high = high, 2 * high
    guess = probe.through_per_sec
    high *= 1.1  # a stall may have failed the probe
    for rate in (guess / GUESS_OFF, guess * GUESS_OFF):
        if low < rate < high:
            low, high = (rate, high) if await holds(rate) else (low, rate)
    while high / low > GUESS_OFF * PRECISION:
        rate = math.sqrt(low * high)
        low, high = (rate, high) if await holds(rate) else (low, rate)
    return math.sqrt(low * high)


@dataclass(frozen=True)
class Trial:
    """Whether a rate holds, and how much gets through."""

    holds: bool
    through_per_sec: float


async def _trial(connect, rate, duration_sec, slo_p99_ms):
    run = Run(connect, rate, duration_sec)
    report = await run.report()
    few_fail = report.errors + report.timeouts <= 0.01 * report.sent
    keeps_up = run.growth_sec() <= GROWTH * duration_sec
    return Trial(few_fail and report.p99_ms <= slo_p99_ms and keeps_up, report.throughput_per_sec)
