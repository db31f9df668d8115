"""Scenario: requests for an id whose call is just being given up; they are answered like any other.

When the last one who waits for a call leaves, the call is cancelled, which takes some turns of the server's event loop.
Who asks for the same id in these turns is not to share the end of that call. From outside they can't be hit on
purpose, so there are many attempts, at random moments around it, while a thread keeps the server busy with something
else: then a turn takes most of a millisecond and not some microseconds.
"""

import asyncio
import contextlib
import select
import socket
import threading
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from random import Random

import network
from http_client import Client, get
from overload import REQUEST_SEC, SOON_SEC
from stand import Stand

HANG_UPS, LATEST_SEC = 150, 0.0006
"""How often a client hangs up, and until when after that another asks for the same id."""

FOLLOWERS = 4
"""Clients that ask one right after the other, so that one of them may hit the moment."""

ROUNDS, SPREAD_SEC, EVERY_SEC = 3, 0.003, 0.003
"""How often as many requests time out as can call at once, until when after that others ask for the same, and how far
apart they begin.

A server that joins what it has cancelled is hit by those that ask 0.2 to 0.5 ms after, so most ask soon: of 150 to 192,
7 to 28 hit.
"""

BUSY = 16
"""Connections that keep the server busy."""

HELD_UP_SEC = 2.5
"""A connection that this machine left idle for so long may be closed, and nothing can be said."""

ANSWERED = {200, 504}
"""504 only where this machine took a second over what takes milliseconds."""


async def joined(stand: Stand, rng: Random) -> None:
    """Ask for what somebody else has just stopped waiting for, by hanging up or because its second was over."""
    async with busy(stand.port):
        await _after_a_hang_up(stand, rng)
        for _ in range(ROUNDS):
            await _after_a_time_out(stand, rng)


async def _after_a_hang_up(stand: Stand, rng: Random) -> None:
    for item in stand.items.fresh(HANG_UPS):
        stand.backend.hold_all()
        async with AsyncExitStack() as stack:
            followers = [await stack.enter_async_context(Client(stand.port)) for _ in range(FOLLOWERS)]
            async with Client(stand.port) as first:
                await first.send(get(f"/item/{item}"))
                await stand.backend.until(lambda backend, item=item: backend.called(item) > 0, SOON_SEC)
            time.sleep(rng.uniform(0.0, LATEST_SEC))  # a loop's timer is too coarse
            for follower in followers:
                await follower.send(get(f"/item/{item}"))
            await asyncio.sleep(0.002)
            stand.backend.release()
            for follower in followers:
                reply = await follower.reply(f"GET /item/{item}")
                _demand_answered(None if reply is None else reply.status, "whose client had hung up a moment before")


async def _after_a_time_out(stand: Stand, rng: Random) -> None:
    loop = asyncio.get_running_loop()
    stand.backend.hold_all()
    items = stand.items.fresh(stand.limit)

    async def ask_again(number: int, item: str) -> tuple[int | None, int | None]:
        async with Client(stand.port) as first:
            await asyncio.sleep(began + number * EVERY_SEC - loop.time())
            sent_at = loop.time()
            await first.send(get(f"/item/{item}"))
            await asyncio.sleep(REQUEST_SEC / 2)
            async with Client(stand.port) as second:
                await asyncio.sleep(sent_at + REQUEST_SEC - 0.002 - loop.time())
                due_sec = sent_at + REQUEST_SEC + SPREAD_SEC * rng.random() ** 2 - loop.time()
                time.sleep(max(0.0, due_sec))  # a loop's timer is too coarse
                await second.send(get(f"/item/{item}"))
                await asyncio.sleep(0.02)
                stand.backend.release_one(item)
                given_up = await first.reply("a request that has timed out")
                reply = await second.reply(f"GET /item/{item}")
        if loop.time() - sent_at > HELD_UP_SEC:
            return 504, 504
        return given_up and given_up.status, reply and reply.status

    began = loop.time() + 0.2
    found = await asyncio.gather(*(ask_again(number, item) for number, item in enumerate(items)))
    stand.backend.release()
    for _, status in found:
        _demand_answered(status, "which had timed out a moment before")
    assert any(status == 504 for status, _ in found), (
        f"of {len(found)} requests for items that the backend gave after more than {REQUEST_SEC:g} s, none was "
        "answered with 504"
    )


def _demand_answered(status: int | None, which: str) -> None:
    assert status in ANSWERED, (
        f"a request for an item that the backend has got {status or 'no answer'}: it came just when the server gave up "
        f"the call for another request, {which}; that must not take the others along"
    )


@asynccontextmanager
async def busy(port: int) -> AsyncIterator[None]:
    """Ask for `/healthz` all the time, over several connections, from a thread."""
    over = threading.Event()
    asking = asyncio.create_task(asyncio.to_thread(_ask_until, over, port))
    try:
        yield
    finally:
        over.set()
        await asking


def _ask_until(over: threading.Event, port: int) -> None:
    request = get("/healthz")
    with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
        waiting = []
        for _ in range(BUSY):
            network.connecting()
            waiting.append(stack.enter_context(socket.create_connection(("127.0.0.1", port), 1.0)))
        for connection in waiting:
            connection.sendall(request)
        while waiting and not over.is_set():
            for connection in select.select(waiting, [], [], 0.1)[0]:
                if connection.recv(64 * 1024):
                    connection.sendall(request)
                else:
                    waiting.remove(connection)
