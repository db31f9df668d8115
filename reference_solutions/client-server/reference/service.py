"""The server: routes that ask the items, on aiohttp."""

import asyncio
import contextlib
import re

import msgpack
from aiohttp import web
from items import BackendFailed, Items, Overloaded
from metrics import Metrics

REQUEST_SEC = 1.0
ARRIVAL_SEC = 3.0
GRACE_SEC = 2.0

BODY_BYTES = 64 * 1024
BATCH_ITEMS = 100
ID = re.compile(r"[A-Za-z0-9_-]{1,64}")

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

    async def healthz(self, _request):
        """GET /healthz."""
        return web.Response(body=b"ok")

    async def show_metrics(self, _request):
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
        await _to_its_end(runner.cleanup())


async def _to_its_end(ending):
    """Wait for the end of what must not be left halfway, also when cancelled once more meanwhile."""
    task = asyncio.ensure_future(ending)
    while not task.done():
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.shield(task)
