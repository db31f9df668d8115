"""Scenarios: clients that are slow, broken or hostile, and everybody else who must not notice."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random

import msgpack
from answers import unpacked
from http_client import Client, get, post
from stand import Stand

ARRIVAL_SEC = 3.0
CLOSED_SEC = 9.0
"""By when a server that counts to three has surely closed the connection, on any machine."""

EXCESS_CLOSED_SEC = 16.0
"""A server may be reading on so that its 413 is seen: aiohttp does for ten seconds."""

SENDING_SEC, PIECES = 0.7, 10
BACKEND_SEC = 0.5
"""Together longer than a second, and each well below it."""

SERVED_SEC, BARELY_SEC = 1.0, 0.9
"""By the spec, and what is tried: it leaves some time to send the rest."""

IDLE_SEC = 2.4
"""Connections may be closed that were idle for 3 s, which is over while the next request arrives."""

ATTEMPTS = 3

BEFORE_SEC, SLOW_ITEM_SEC = 2.4, 0.8
"""Together more than the three seconds in which a connection's first request has to be complete."""

SLOW_CLIENTS = 40
SILENT_CLIENTS = 3
BEGUN = b"\xdc\x00\x10"
"""What a batch of 16 begins with; who asks whether to go on has sent nothing of it."""
READERS, READERS_ITEMS = 8, 20
BODY_BYTES = 64 * 1024
NOBODY_SEC = 5.0
"""Requests wait for a second at most, and so does whoever waits in line behind them."""


async def slow_clients(stand: Stand) -> None:
    """Send requests that never end, which must be ended, and slow ones, which must be served."""
    async with _first_fault(), asyncio.TaskGroup() as group:
        trickling = [group.create_task(_trickle(stand, number)) for number in range(SLOW_CLIENTS)]
        silent = [group.create_task(_silent(stand)) for _ in range(SILENT_CLIENTS)]
        group.create_task(_merely_slow(stand))
        group.create_task(_barely_in_time(stand))
        group.create_task(_connected_before(stand))
        read = stand.items.fresh(READERS_ITEMS)  # the same for all of them, for they all ask at once
        readers = [group.create_task(_never_reads(stand, read)) for _ in range(READERS)]
        for _ in range(10):
            for item in stand.items.fresh(3):
                stand.right(item, await stand.item(item))
            await asyncio.sleep(0.05)
    assert all(task.result() for task in silent), (
        f"a connection on which no request had come within {ARRIVAL_SEC:g} s of its opening, nor a byte of one, was "
        f"still open after {CLOSED_SEC:g} s"
    )
    still = sum(not task.result() for task in trickling)
    assert not still, (
        f"{still} of {SLOW_CLIENTS} connections whose request had not come within {ARRIVAL_SEC:g} s of their opening "
        f"were still open after {CLOSED_SEC:g} s, or {EXCESS_CLOSED_SEC:g} s where the body was too large"
    )
    assert len(readers) == READERS


@asynccontextmanager
async def _first_fault() -> AsyncIterator[None]:
    """Tell of several that failed side by side only the first."""
    try:
        yield
    except ExceptionGroup as group:
        raise group.exceptions[0] from None


async def _silent(stand: Stand) -> bool:
    """Connect and send nothing; True when the server has ended it."""
    async with Client(stand.port) as client:
        return await client.ended(CLOSED_SEC)


async def _trickle(stand: Stand, number: int) -> bool:
    """Send a byte now and then, of a head or of a body, which may be too large; True when the server has ended it."""
    head = b"GET /item/abc HTTP/1.1\r\nHost: server\r\nX-Slow: "
    body, excess = (
        b"POST /batch HTTP/1.1\r\nHost: server\r\nContent-Length: %d\r\n\r\n" % length + BEGUN
        for length in (5_000, 1_000_000)
    )
    asking = body.removesuffix(BEGUN).replace(b"\r\n", b"\r\nExpect: 100-continue\r\n", 1)
    kinds = ((head, CLOSED_SEC), (body, CLOSED_SEC), (asking, CLOSED_SEC), (excess, EXCESS_CLOSED_SEC))
    raw, patience_sec = kinds[number % len(kinds)]
    async with Client(stand.port) as client:
        if not await client.send(raw):
            return True
        ended = asyncio.ensure_future(client.ended(patience_sec))
        while not ended.done():
            await asyncio.sleep(0.2)
            if not await client.send(b"a"):
                ended.cancel()
                return True
        return ended.result()


async def _merely_slow(stand: Stand) -> None:
    """Take most of a second over a request, which is allowed; its own second begins when it is there."""
    items = stand.items.fresh(5)
    stand.backend.delay(items, BACKEND_SEC)
    body = msgpack.packb(items)
    raw = post("/batch", body)
    head, piece = len(raw) - len(body), len(body) // PIECES
    async with Client(stand.port) as client:
        await client.send(raw[:head])
        for at in range(head, len(raw), piece):
            await asyncio.sleep(SENDING_SEC / PIECES)
            await client.send(raw[at : at + piece])
        reply = await client.reply("a batch that took 0.7 s to arrive")
    assert reply is not None and reply.status == 200, "a batch that took 0.7 s to arrive was not served"  # noqa: PT018
    wanted = {item: [200, stand.items.value(item)] for item in items}
    assert unpacked(reply.body) == wanted, (
        f"a batch that took 0.7 s to arrive, and whose items the backend gives after {BACKEND_SEC:g} s, was not "
        "answered with them: a request's second begins when it has arrived"
    )


async def _barely_in_time(stand: Stand) -> None:
    """Send requests whose end comes nearly a second after their beginning, until all are served."""
    fault, took_sec = "", 0.0
    for _ in range(ATTEMPTS):
        items = stand.items.fresh(3)
        batch = post("/batch", msgpack.packb(items))
        found = await asyncio.gather(
            _in_two_parts(stand, get(f"/item/{items[0]}"), 4, "a GET whose head"),
            _in_two_parts(stand, batch, 1, "a batch whose body"),
            _in_two_parts(stand, batch, 1, "a batch, second on its connection, whose body", idle_sec=0.0),
            _in_two_parts(stand, batch, 1, f"a batch, {IDLE_SEC:g} s after the answer before it, whose body", IDLE_SEC),
        )
        faults = [(fault, took_sec) for fault, took_sec in found if fault]
        if not faults:
            return
        fault, took_sec = faults[0]
    assert took_sec > SERVED_SEC, fault  # where this machine took so long to send it, it need not be served


async def _connected_before(stand: Stand) -> None:
    """Connect, ask 2.4 s later, and be answered when the connection is more than three seconds old."""
    for _ in range(ATTEMPTS):
        [item] = stand.items.fresh(1)
        stand.backend.delay([item], SLOW_ITEM_SEC)
        async with Client(stand.port) as client:
            await asyncio.sleep(BEFORE_SEC)
            await client.send(get(f"/item/{item}"))
            reply = await client.reply("a request on a connection that was opened before")
            if reply is not None and reply.status == 200:
                return
    outcome = "the connection was closed" if reply is None else f"status {reply.status} instead of 200"
    raise AssertionError(
        f"a connection was opened, {BEFORE_SEC:g} s later came its first request, whole, for an item that the backend "
        f"gives after {SLOW_ITEM_SEC:g} s: {outcome}, {ATTEMPTS} times; a request that is complete has its own second"
    )


async def _in_two_parts(
    stand: Stand, raw: bytes, last: int, what: str, idle_sec: float | None = None
) -> tuple[str, float]:
    """Send a request, its last bytes late; gives the fault, if any, and how long it took to send it all.

    Its connection is new, or was idle for so long since another was answered.
    """
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with Client(stand.port) as client:
        if idle_sec is not None:
            await client.ask(get("/healthz"))
            await asyncio.sleep(idle_sec)
            began = loop.time()
        await client.send(raw[:-last])
        await asyncio.sleep(began + BARELY_SEC - loop.time())
        await client.send(raw[-last:])
        took_sec = loop.time() - began
        reply = await client.reply(what)
    if reply is not None and reply.status == 200:
        return "", took_sec
    outcome = "the connection was closed" if reply is None else f"status {reply.status} instead of 200"
    return f"{what} was complete after {took_sec:.2f} s: {outcome}; up to {SERVED_SEC:g} s, it is served", took_sec


async def _never_reads(stand: Stand, items: list[str]) -> None:
    """Ask for large answers and read none of them."""
    async with Client(stand.port, receive_buffer=4096) as client:
        for _ in range(4):
            await client.send(post("/batch", msgpack.packb(items)))
        await asyncio.sleep(1.0)
        client.reset()


async def broken_clients(stand: Stand, rng: Random) -> None:
    """Whatever arrives, the server answers with a client's error or hangs up, and goes on serving others."""
    for what, raw in _malformed().items():
        async with Client(stand.port) as client:
            await client.send(raw)
            reply = await client.reply(what)
            assert reply is None or 400 <= reply.status < 500, f"{what}: status {reply and reply.status}, not 400 or so"
        [item] = stand.items.fresh(1)
        stand.right(item, await stand.item(item))
    await _oversized(stand)
    await _resets(stand, rng)
    await _resets_in_line(stand)
    assert await stand.backend.until(lambda backend: not backend.open, 5.0), "calls of the backend were never ended"
    for item in stand.items.fresh(20):
        stand.right(item, await stand.item(item))


def _malformed() -> dict[str, bytes]:
    return {
        "a request that is no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 hello\r\n\r\n",
        "a header without a colon": b"GET /item/abc HTTP/1.1\r\nHost server\r\n\r\n",
        "a negative length": b"POST /batch HTTP/1.1\r\nHost: s\r\nContent-Length: -5\r\n\r\n\x90",
        "a length that is no number": b"POST /batch HTTP/1.1\r\nHost: s\r\nContent-Length: five\r\n\r\n\x90",
        "a chunk size that is no number": (
            b"POST /batch HTTP/1.1\r\nHost: s\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\x90\r\n0\r\n\r\n"
        ),
        "a head of 100 KiB": b"GET /item/abc HTTP/1.1\r\nHost: s\r\nX-Long: " + b"a" * 100 * 1024 + b"\r\n\r\n",
        "a target of 100 KiB": b"GET /item/" + b"a" * 100 * 1024 + b" HTTP/1.1\r\nHost: s\r\n\r\n",
    }


async def _oversized(stand: Stand) -> None:
    """Send bodies that are too long, with and without saying so."""
    long = msgpack.packb(["a" * 60] * 1500)
    assert len(long) > BODY_BYTES
    bodies = {
        "a body of 90 KiB": post("/batch", long),
        "a body that says it has 4 GiB": b"POST /batch HTTP/1.1\r\nHost: s\r\nContent-Length: 4294967296\r\n\r\n"
        + long,
        "a chunked body of 90 KiB": (
            b"POST /batch HTTP/1.1\r\nHost: s\r\nTransfer-Encoding: chunked\r\n\r\n"
            + b"%x\r\n" % len(long)
            + long
            + b"\r\n0\r\n\r\n"
        ),
    }
    for what, raw in bodies.items():
        async with Client(stand.port) as client:
            await client.send(raw)
            reply = await client.reply(what)
        status = None if reply is None else reply.status
        assert status in {413, None}, f"{what}: status {status} instead of 413"


async def _resets(stand: Stand, rng: Random) -> None:
    """Hang up rudely at any point of a request and of its answer."""
    for number in range(60):
        raw = (
            post("/batch", msgpack.packb(stand.items.fresh(5)))
            if number % 2
            else get(f"/item/{stand.items.fresh(1)[0]}")
        )
        async with Client(stand.port) as client:
            await client.send(raw[: rng.randint(1, len(raw))] if number % 3 else raw)
            if number % 4 == 0:
                await asyncio.sleep(0.002)
            client.reset()


async def _resets_in_line(stand: Stand) -> None:
    """Hang up in line while the backend answers nobody: when those before have timed out, every call must end."""
    stand.backend.hold_all()
    before = [asyncio.ensure_future(stand.item(item)) for item in stand.items.fresh(stand.limit)]
    await stand.backend.until(lambda backend: len(backend.open) == stand.limit, ARRIVAL_SEC)
    for _ in range(3 * stand.limit):
        async with Client(stand.port) as client:
            await client.send(get(f"/item/{stand.items.fresh(1)[0]}"))
            await asyncio.sleep(0.005)
            client.reset()
    ended = await stand.backend.until(lambda backend: not backend.open, NOBODY_SEC)
    still = len(stand.backend.open)
    stand.backend.release()
    await asyncio.wait(before)
    assert ended, (
        f"{NOBODY_SEC:g} s after every client had hung up or must have timed out, {still} calls of the backend were "
        "still under way: nobody waits for them"
    )
