"""The public tests: a beginning, run in process by `takehome test` or pytest. The grading checks far more."""

import asyncio
import socket
from contextlib import asynccontextmanager

import aiohttp
import msgpack
import pytest
from solution import find_capacity, measure, serve

PATIENCE_SEC = 30


def run(main):
    """Run a test's coroutine; one that hangs is a failure that says where it hung."""
    return asyncio.run(asyncio.wait_for(main(), PATIENCE_SEC))


class PlainBackend:
    """A backend that knows what it was asked, answers after a moment, and can be held up."""

    def __init__(self, limit=8):
        self.limit = limit
        self.calls = []
        self.under_way = 0
        self.most = 0
        self.open = asyncio.Event()
        self.open.set()

    async def get(self, id):  # noqa: A002
        self.calls.append(id)
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            await asyncio.sleep(0.005)
            await self.open.wait()
        finally:
            self.under_way -= 1
        if id == "missing":
            raise KeyError(id)
        if id == "broken":
            raise RuntimeError("out of order")
        return b"the item " + id.encode()


@asynccontextmanager
async def serving(backend):
    """Run `serve` and give a client session with its address as base."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(128)
        listener.setblocking(False)
        task = asyncio.create_task(serve(listener, backend))
        done, _ = await asyncio.wait([task], timeout=0.05)
        if done:
            task.result()  # raises what `serve` raised
            pytest.fail("serve returned without being cancelled")
        base = f"http://127.0.0.1:{listener.getsockname()[1]}"
        async with aiohttp.ClientSession(base, connector=aiohttp.TCPConnector(limit=0)) as session:
            yield session, task
        task.cancel()
        await asyncio.wait([task])


async def status_of(session, item):
    async with session.get(f"/item/{item}") as reply:
        return reply.status


def test_items_and_their_statuses():
    async def main():
        async with serving(PlainBackend()) as (session, _):
            async with session.get("/item/abc") as reply:
                assert reply.status == 200
                assert await reply.read() == b"the item abc"
            assert await status_of(session, "missing") == 404
            assert await status_of(session, "broken") == 502
            assert await status_of(session, "no.id") == 400

    run(main)


def test_a_batch():
    async def main():
        async with serving(PlainBackend()) as (session, _):
            ids = ["a", "missing", "b", "a"]
            async with session.post("/batch", data=msgpack.packb(ids)) as reply:
                assert reply.status == 200
                answers = msgpack.unpackb(await reply.read())
            assert answers == {"a": [200, b"the item a"], "missing": [404, None], "b": [200, b"the item b"]}
            async with session.post("/batch", data=b"\xc1") as reply:
                assert reply.status == 400

    run(main)


def test_equal_requests_share_one_call():
    async def main():
        backend = PlainBackend()
        async with serving(backend) as (session, _):
            statuses = await asyncio.gather(*(status_of(session, "same") for _ in range(20)))
        assert statuses == [200] * 20
        assert backend.calls == ["same"]

    run(main)


def test_over_capacity_the_excess_is_refused_at_once():
    async def main():
        backend = PlainBackend(limit=2)
        backend.open.clear()
        async with serving(backend) as (session, _):
            asking = [asyncio.create_task(status_of(session, f"item{n}")) for n in range(30)]
            await asyncio.sleep(0.3)
            refused = [task.result() for task in asking if task.done()]
            assert len(refused) >= 20
            assert set(refused) == {503}
            backend.open.set()
            statuses = await asyncio.gather(*asking)
        assert 2 <= statuses.count(200) <= 10
        assert backend.most == 2

    run(main)


def test_requests_in_flight_are_answered_at_shutdown():
    async def main():
        backend = PlainBackend()
        backend.open.clear()
        async with serving(backend) as (session, task):
            asking = asyncio.create_task(status_of(session, "abc"))
            await asyncio.sleep(0.2)
            task.cancel()
            await asyncio.sleep(0.1)
            backend.open.set()
            assert await asking == 200
            done, _ = await asyncio.wait([task], timeout=5)
            assert done

    run(main)


# ---- part two


@asynccontextmanager
async def planted(service_sec, stall=(9e9, 9e9), workers=1000):
    """Run a server of the protocol, and give a `connect` to it; it answers nothing during the stall."""
    loop = asyncio.get_running_loop()
    turn = asyncio.Semaphore(workers)
    began = loop.time()

    async def converse(reader, writer):
        while line := await reader.readline():
            async with turn:
                await asyncio.sleep(service_sec)
            since = loop.time() - began
            if stall[0] <= since < stall[1]:
                await asyncio.sleep(stall[1] - since)
            writer.write(line.strip() + b" ok\n")
        writer.close()

    server = await asyncio.start_server(converse, "127.0.0.1", 0, backlog=512)
    port = server.sockets[0].getsockname()[1]
    try:
        yield lambda: asyncio.open_connection("127.0.0.1", port)
    finally:
        server.close()


def test_measures_a_steady_server():
    async def main():
        async with planted(0.050) as connect:
            report = await measure(connect, 100, 1.0)
        assert (report.sent, report.succeeded, report.errors, report.timeouts) == (100, 100, 0, 0)
        assert report.p50_ms == pytest.approx(50, abs=10)

    run(main)


def test_a_stall_shows_as_users_would_have_seen_it():
    async def main():
        async with planted(0.010, stall=(0.5, 1.5)) as connect:
            report = await measure(connect, 100, 2.5)
        assert report.succeeded == 250
        assert report.p50_ms < 400
        assert report.p99_ms == pytest.approx(990, rel=0.1)

    run(main)


def test_finds_the_capacity_of_two_workers():
    async def main():
        async with planted(0.010, workers=2) as connect:
            return await find_capacity(connect, slo_p99_ms=100)

    # asyncio.sleep is late by up to a millisecond or two, so the workers are a little slower than planned
    assert 140 <= run(main) <= 215
