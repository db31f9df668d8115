"""A server in front of a slow backend, and a load generator: see talk.py, flights.py and load.py."""

import asyncio
import socket
from typing import Protocol

from flights import Tower
from load import Connect, Report, find_capacity, measure
from metrics import Metrics
from talk import House

__all__ = ["Backend", "Connect", "Report", "find_capacity", "measure", "serve"]

GRACE_SEC = 1.95


class Backend(Protocol):
    """What `serve` is given."""

    limit: int
    """How many calls may be under way at once."""

    async def get(self, id: str) -> bytes:  # noqa: A002
        """Give the bytes of an item; KeyError where there is none, another exception where the backend failed."""


async def serve(listener: socket.socket, backend: Backend) -> None:
    """Serve HTTP on a listening socket until cancelled, then finish what is in flight."""
    tower = Tower(backend)
    house = House(listener, tower, Metrics())
    welcome, watch = asyncio.create_task(house.welcome()), asyncio.create_task(house.watch())
    try:
        await asyncio.wait((welcome, watch))  # they do not end by themselves
    finally:
        try:
            welcome.cancel()
            # its reader has to be off the loop before the listener is closed
            await asyncio.wait((welcome,))
            await house.close(GRACE_SEC)
        finally:
            house.closing = True
            welcome.cancel()
            watch.cancel()
            for talk in house.talks:
                talk.cancel()
            tower.close()
            while rest := {task for task in (welcome, watch, *house.talks, *tower.tasks) if not task.done()}:
                try:
                    await asyncio.wait(rest)
                except asyncio.CancelledError:
                    continue
            for client in house.clients:  # those whose task was cancelled before it began
                client.sock.close()
