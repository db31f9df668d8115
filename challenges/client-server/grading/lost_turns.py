"""Scenario: calls that are given up in the moment in which their turn comes; the places that they had are not lost.

Requests that arrived together time out together: whose turn comes when a place is free is just about to leave, too. A
task that is cancelled before its first step runs nothing, and gives nothing back. From outside that can't be hit on
purpose, so bursts fill all the room, in several rounds, while a thread keeps the server busy: then many of them have
their turn and their end between two turns of its event loop.
"""

import asyncio
from collections import Counter
from contextlib import AsyncExitStack

from dying_calls import busy
from http_client import Client, get
from overload import ATTEMPTS, REQUEST_SEC, SOON_SEC, WAITING_PER_CALL, answers_of
from stand import Stand, undisturbed

ROUNDS = 3


async def keeps_places(stand: Stand) -> None:
    """Have all that has room time out together, again and again; then all of the limit is there to be used."""
    async with busy(stand.port):
        for _ in range(ROUNDS):
            await _all_time_out(stand)
    most = 0

    async def all_are_used() -> bool:
        nonlocal most
        most = max(most, await _used(stand))
        return most == stand.limit

    assert await undisturbed(ATTEMPTS, all_are_used), (
        f"{ROUNDS} times, {stand.limit} calls were under way and {stand.limit * WAITING_PER_CALL} requests waited for "
        f"their turn, and all of them timed out at about the same time; then {stand.limit} further ones came, and no "
        f"more than {most} calls were under way for them: places were lost"
    )


async def _all_time_out(stand: Stand) -> None:
    stand.backend.hold_all()
    items = stand.items.fresh(stand.limit * (1 + WAITING_PER_CALL))
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(Client(stand.port)) for _ in items]
        for client, item in zip(clients, items, strict=True):
            await client.send(get(f"/item/{item}"))
        replies = await asyncio.gather(*(client.reply("a request whose backend does not answer") for client in clients))
    found = Counter(reply and reply.status for reply in replies)
    assert set(found) <= {503, 504}, f"requests whose backend did not answer got {dict(found)} instead of 504"
    assert await stand.backend.until(lambda backend: not backend.open, SOON_SEC), (
        f"every request had timed out, but {len(stand.backend.open)} calls of the backend were not cancelled"
    )


async def _used(stand: Stand) -> int:
    """Ask for as many new items as calls may be under way; gives how many calls were."""
    stand.backend.hold_all()
    asking = [asyncio.ensure_future(stand.item(item)) for item in stand.items.fresh(stand.limit)]
    await stand.backend.until(lambda backend: len(backend.open) == stand.limit, REQUEST_SEC / 2)
    used = len(stand.backend.open)
    stand.backend.release()
    await answers_of(asking)
    return used
