"""A server in front of a slow backend, and a load generator. The parts are in items.py, wire.py, metrics.py and loadgen.py."""

import asyncio
import socket
from typing import Protocol

from items import Items
from loadgen import Connect, Report, find_capacity, measure
from metrics import Metrics
from wire import Server

__all__ = ["Backend", "Connect", "Report", "find_capacity", "measure", "serve"]

GRACE_SEC = 1.9


class Backend(Protocol):
    """What `serve` is given."""

    limit: int
    """How many calls may be under way at once."""

    async def get(self, id: str) -> bytes:  # noqa: A002
        """Give the bytes of an item; KeyError where there is none, another exception where the backend failed."""


async def serve(listener: socket.socket, backend: Backend) -> None:
    """Serve HTTP on a listening socket until cancelled, then finish what is in flight."""
    loop = asyncio.get_running_loop()
    items = Items(loop, backend)
    server = Server(loop, items, Metrics())
    # start_serving=False: nothing is awaited before we hold what has to be closed
    listening = await loop.create_server(server.connect, sock=listener, backlog=512, start_serving=False)
    try:
        await listening.start_serving()
        await loop.create_future()
    finally:
        listening.close()
        try:
            await server.finish(GRACE_SEC)
        finally:
            server.abort()
            items.close()
            while items.tasks:
                try:
                    await asyncio.wait(items.tasks)
                except asyncio.CancelledError:
                    continue
