"""Items: the backend behind a cache, shared fetches and a bounded queue.

A fetch exists from the moment that somebody asks until its call of the backend ends or nobody waits any longer: `limit`
of them call, a bounded number wait for their turn, and who would exceed that is turned away before any work is done.
"""

import asyncio
import time
from collections import OrderedDict

FRESH_SEC = 1.5
"""Between the second that an item must be kept and the two after which it is stale."""

CACHED_ITEMS = 1024
WAITING_PER_CALL = 4


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
