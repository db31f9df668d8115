"""Scenario: requests for an id whose call is just being given up; they are answered like any other.

When the last one who waits for a call leaves, the call is cancelled, which takes some turns of the server's event loop.
Who asks for the same id in these turns is not to share the end of that call. From outside they can't be hit on
purpose, so there are many attempts, at random moments around it.
"""

import asyncio
import time
from contextlib import AsyncExitStack
from random import Random

from http_client import Client, get
from overload import REQUEST_SEC, SOON_SEC
from stand import Stand

HANG_UPS, LATEST_SEC = 150, 0.0006
"""How often a client hangs up, and until when after that another asks for the same id."""

FOLLOWERS = 4
"""Clients that ask one right after the other, so that one of them may hit the moment."""

GIVEN_UP, SPREAD_SEC, EVERY_SEC = 150, 0.003, 0.004
"""Requests that time out, until when after that others ask for the same, and how far apart they begin."""

HELD_UP_SEC = 2.5
"""A connection that this machine left idle for so long may be closed, and nothing can be said."""

ANSWERED = {200, 504}
"""504 only where this machine took a second over what takes milliseconds."""


async def joined(stand: Stand, rng: Random) -> None:
    """Ask for what somebody else has just stopped waiting for, by hanging up or because its second was over."""
    await _after_a_hang_up(stand, rng)
    await _after_a_time_out(stand, rng)


async def _after_a_hang_up(stand: Stand, rng: Random) -> None:
    for item in stand.items.fresh(HANG_UPS):
        stand.backend.hold_all()
        async with AsyncExitStack() as stack:
            followers = [await stack.enter_async_context(Client(stand.port)) for _ in range(FOLLOWERS)]
            async with Client(stand.port) as first:
                await first.send(get(f"/item/{item}"))
                await stand.backend.until(lambda backend, item=item: backend.called(item) > 0, SOON_SEC)
            _spin(rng.uniform(0.0, LATEST_SEC))
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
    items = stand.items.fresh(GIVEN_UP)

    async def ask_again(number: int, item: str) -> int | None:
        async with Client(stand.port) as first:
            await asyncio.sleep(began + number * EVERY_SEC - loop.time())
            sent_at = loop.time()
            await first.send(get(f"/item/{item}"))
            await asyncio.sleep(REQUEST_SEC / 2)
            async with Client(stand.port) as second:
                await asyncio.sleep(sent_at + REQUEST_SEC - 0.002 - loop.time())
                _spin(sent_at + REQUEST_SEC + rng.uniform(0.0, SPREAD_SEC) - loop.time())
                await second.send(get(f"/item/{item}"))
                await asyncio.sleep(0.02)
                stand.backend.release_one(item)
                await first.reply("a request that has timed out")
                reply = await second.reply(f"GET /item/{item}")
        held_up = loop.time() - sent_at > HELD_UP_SEC
        return 504 if held_up else None if reply is None else reply.status

    began = loop.time() + 0.2
    found = await asyncio.gather(*(ask_again(number, item) for number, item in enumerate(items)))
    stand.backend.release()
    for status in found:
        _demand_answered(status, "which had timed out a moment before")


def _demand_answered(status: int | None, which: str) -> None:
    assert status in ANSWERED, (
        f"a request for an item that the backend has got {status or 'no answer'}: it came just when the server gave up "
        f"the call for another request, {which}; that must not take the others along"
    )


def _spin(seconds: float) -> None:
    """Wait more exactly than a loop's timer does."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        pass
