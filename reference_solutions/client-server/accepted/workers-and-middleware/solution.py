"""An aiohttp application with middlewares in front of a fixed crew of workers, and a load generator of timers."""

import asyncio
import bisect
import contextlib
import re
import time
from collections import Counter, OrderedDict
from types import SimpleNamespace

import msgpack
from aiohttp import web

ID = re.compile(r"^[A-Za-z0-9_-]{1,64}\Z")
BOUNDS = [0.05, 0.1, 0.25, 0.5, 1.0, 2.5]

# ---- the backend: a crew of `limit` workers, each with one call at a time


class Full(Exception):
    """The line before the workers is as long as it may be."""


class Order:
    """An item that somebody waits for."""

    def __init__(self, item):
        self.item = item
        self.customers = 0
        self.result = asyncio.get_running_loop().create_future()
        self.result.add_done_callback(lambda result: result.cancelled() or result.exception())
        self.call = None


class Crew:
    """Workers that take orders from one line; orders for one item are one order."""

    def __init__(self, backend):
        self.backend = backend
        self.orders = {}
        self.line = asyncio.Queue()
        self.shelf = OrderedDict()
        self.calls_total = 0
        self.calls_open = 0
        self.workers = [asyncio.create_task(self.work()) for _ in range(backend.limit)]

    async def get(self, item, seconds=1.0):
        """Give an item from the shelf, or order it."""
        made = self.shelf.get(item)
        if made and time.monotonic() - made[1] < 1.2:
            return made[0]
        order = self.orders.get(item)
        if order is None:
            if len(self.orders) >= 5 * self.backend.limit:
                raise Full
            order = self.orders[item] = Order(item)
            self.line.put_nowait(order)
        order.customers += 1
        try:
            done, _ = await asyncio.wait([order.result], timeout=seconds)
            if not done:
                raise TimeoutError
            return order.result.result()
        finally:
            order.customers -= 1
            if not order.customers and not order.result.done():
                self.drop(order)

    def drop(self, order):
        """Cancel an order that nobody waits for."""
        order.result.cancel()
        if self.orders.get(order.item) is order:
            del self.orders[order.item]
        if order.call is not None:
            order.call.cancel()

    async def work(self):
        """Work through the line."""
        while True:
            order = await self.line.get()
            if order.result.done():
                continue
            self.calls_total += 1
            self.calls_open += 1
            order.call = asyncio.ensure_future(self.backend.get(order.item))
            try:
                await asyncio.wait([order.call])
            finally:
                self.calls_open -= 1
                order.call.cancel()
            self.deliver(order)

    def deliver(self, order):
        """Hand over what a call gave."""
        if self.orders.get(order.item) is order:
            del self.orders[order.item]
        if order.result.done() or order.call.cancelled():
            return
        fault = order.call.exception()
        if fault is not None:
            order.result.set_exception(fault if isinstance(fault, KeyError) else RuntimeError("the backend failed"))
            return
        value = order.call.result()
        self.shelf.pop(order.item, None)
        self.shelf[order.item] = value, time.monotonic()
        while len(self.shelf) > 1100:
            self.shelf.popitem(last=False)
        order.result.set_result(value)

    def close(self):
        """Send everybody home."""
        for worker in self.workers:
            worker.cancel()


# ---- the service

crew_key = web.AppKey("crew", Crew)
stats_key = web.AppKey("stats", SimpleNamespace)


@web.middleware
async def count(request, handler):
    """Count what is answered on the two routes that matter."""
    path = request.path
    route = "item" if path.startswith("/item/") else "batch" if path == "/batch" else None
    if route is None:
        return await handler(request)
    request["began"] = time.perf_counter()
    status = 500
    try:
        response = await handler(request)
        status = response.status
    except web.HTTPException as answer:
        status = answer.status
        raise
    finally:
        stats = request.app[stats_key]
        took = time.perf_counter() - request["began"]
        stats.answers[route, status] += 1
        stats.buckets[route][bisect.bisect_left(BOUNDS, took)] += 1
        stats.seconds[route] += took
    return response


@web.middleware
async def explain(request, handler):
    """Turn what went wrong into statuses."""
    try:
        return await handler(request)
    except KeyError:
        return web.Response(status=404)
    except Full:
        return web.Response(status=503, headers={"Retry-After": "1"})
    except TimeoutError:
        return web.Response(status=504)
    except RuntimeError:
        return web.Response(status=502)


async def get_item(request):
    """Answer one item."""
    item = request.match_info["id"]
    if not ID.match(item):
        raise web.HTTPBadRequest
    return web.Response(body=await request.app[crew_key].get(item))


async def post_batch(request):
    """Answer many."""
    try:
        async with asyncio.timeout(2.5):
            raw = await request.read()
    except TimeoutError:
        response = web.Response(status=408)
        response.force_close()
        return response
    request["began"] = time.perf_counter()
    try:
        ids = msgpack.unpackb(raw)
    except Exception as error:
        raise web.HTTPBadRequest from error
    if type(ids) is not list or len(ids) > 100 or not all(type(item) is str and ID.match(item) for item in ids):
        raise web.HTTPBadRequest
    crew = request.app[crew_key]
    wanted = sorted(set(ids))
    found = await asyncio.gather(*(crew.get(item) for item in wanted), return_exceptions=True)
    return web.Response(body=msgpack.packb({item: entry(value) for item, value in zip(wanted, found, strict=True)}))


def entry(found):
    """Write a batch's entry for what an item came to."""
    match found:
        case bytes():
            return [200, found]
        case KeyError():
            return [404, None]
        case Full():
            return [503, None]
        case TimeoutError():
            return [504, None]
    return [502, None]


async def get_healthz(request):
    """Say that we live."""
    return web.Response(body=b"ok")


async def get_metrics(request):
    """Write the metrics."""
    crew, stats = request.app[crew_key], request.app[stats_key]
    out = ["# TYPE http_requests_total counter"]
    for (route, status), answers in stats.answers.items():
        out.append(f'http_requests_total{{status="{status}",route="{route}"}} {answers}')
    out.append("# TYPE http_request_duration_seconds histogram")
    name = "http_request_duration_seconds"
    for route, buckets in stats.buckets.items():
        for number, bound in enumerate([*BOUNDS, "+Inf"]):
            out.append(f'{name}_bucket{{route="{route}",le="{bound}"}} {sum(buckets[: number + 1])}')
        out.append(f'{name}_sum{{route="{route}"}} {stats.seconds[route]!r}')
        out.append(f'{name}_count{{route="{route}"}} {sum(buckets)}')
    out.append(f"backend_calls_total {crew.calls_total}")
    out.append(f"backend_calls_in_flight {crew.calls_open}")
    return web.Response(text="\n".join([*out, ""]))


async def serve(listener, backend):
    """Serve until cancelled."""
    app = web.Application(middlewares=[count, explain], client_max_size=65536)
    crew = app[crew_key] = Crew(backend)
    app[stats_key] = SimpleNamespace(
        answers=Counter(), buckets={"item": [0] * 7, "batch": [0] * 7}, seconds={"item": 0.0, "batch": 0.0}
    )
    app.add_routes(
        [
            web.get("/item/{id}", get_item),
            web.post("/batch", post_batch),
            web.get("/healthz", get_healthz),
            web.get("/metrics", get_metrics),
        ]
    )
    runner = web.AppRunner(app, access_log=None, keepalive_timeout=3, shutdown_timeout=1.9, lingering_time=0.5)
    await runner.setup()
    await web.SockSite(runner, listener).start()
    try:
        await asyncio.get_running_loop().create_future()
    finally:
        closing = asyncio.create_task(close(runner, crew))
        while not closing.done():  # whoever ends us may lose patience, and closing goes on
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.shield(closing)


async def close(runner, crew):
    """Answer what is in flight, close every connection, and send the crew home."""
    await runner.cleanup()
    crew.close()
    await asyncio.wait(crew.workers)


# ---- the load generator: a timer for each request, set beforehand


async def connected(connect):
    """Open a connection. That the system gave up waiting for it is its failure, not the end of a request's time."""
    try:
        return await connect()
    except TimeoutError as fault:
        raise ConnectionError("no connection came about") from fault


async def measure(connect, rate_per_sec, duration_sec):
    """Set all timers, wait for what they start."""
    loop = asyncio.get_running_loop()
    pool = []
    latencies = []
    tally = Counter()
    tasks = []
    start = loop.time() + 0.05
    last = start

    async def ask(number):
        nonlocal last
        reader = writer = None
        kept = False
        try:
            while reader is None or reader.at_eof():
                reader, writer = pool.pop() if pool else await connected(connect)
            writer.write(f"{number}\n".encode())
            tally["sent"] += 1
            answer = (await reader.readline()).decode()
            last = max(last, loop.time())
            kept = answer in {f"{number} ok\n", f"{number} error\n"}
            return answer == f"{number} ok\n"
        finally:
            if kept:
                pool.append((reader, writer))
            elif writer is not None:
                writer.close()

    async def one(number):
        due = start + number / rate_per_sec
        try:
            async with asyncio.timeout_at(due + 2.0):
                good = await ask(number)
        except TimeoutError:
            tally["timeouts"] += 1
            latencies.append(2.0)
        except OSError:
            tally["errors"] += 1
        else:
            if good:
                latencies.append(loop.time() - due)
            tally["succeeded" if good else "errors"] += 1

    number = 0
    while number / rate_per_sec < duration_sec - 1e-9:
        loop.call_at(start + number / rate_per_sec, lambda number=number: tasks.append(loop.create_task(one(number))))
        number += 1
    await asyncio.sleep(start + (number - 1) / rate_per_sec + 0.002 - loop.time())
    while len(tasks) < number:
        await asyncio.sleep(0.002)
    await asyncio.gather(*tasks)
    for _, writer in pool:
        writer.close()
    latencies.sort()

    def percentile(percent):
        return 1000 * latencies[max(0, -(-percent * len(latencies) // 100) - 1)] if latencies else 0.0

    return SimpleNamespace(
        sent=tally["sent"],
        succeeded=tally["succeeded"],
        errors=tally["errors"],
        timeouts=tally["timeouts"],
        throughput_per_sec=tally["succeeded"] / max(duration_sec, last - start),
        p50_ms=percentile(50),
        p90_ms=percentile(90),
        p99_ms=percentile(99),
        max_ms=percentile(100),
    )


TRIAL_SEC = 1.0
"""Long beside the objective, so that a queue shows."""


async def find_capacity(connect, slo_p99_ms):
    """Double until it fails, and bisect between that and the last rate that held.

    What got through at a rate that failed says little: answers may be late or few and go on growing.
    """

    async def good(rate, seconds):
        report = await measure(connect, rate, seconds)
        return report.p99_ms <= slo_p99_ms and report.errors + report.timeouts <= report.sent / 100

    async def holds(rate):
        return await good(rate, TRIAL_SEC) or await good(rate, TRIAL_SEC)

    rate = 100
    while rate < 2000 and await good(rate, 0.6):
        rate *= 2
    low, high = rate / 2, rate
    while high / low > 1.1:
        middle = (low * high) ** 0.5
        low, high = (middle, high) if await holds(middle) else (low, middle)
    return low * 1.01  # up to a tenth more may hold, and a second lets some 4 % too much pass
