"""Threads for what blocks."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable

Finish = Callable[[], None]


class Threads:
    """Threads that are started when wanted and kept until `close`; a lane sees to it that they stay few."""

    def __init__(self) -> None:
        self._work: queue.SimpleQueue[Callable[[], Finish] | None] = queue.SimpleQueue()
        self._all: dict[threading.Thread, asyncio.Future[None]] = {}
        self._busy = 0

    def run(self, work: Callable[[], Finish]) -> None:
        """Run `work` on a thread at once, and what it returns on the loop."""
        self._busy += 1
        if self._busy > len(self._all):
            loop = asyncio.get_running_loop()
            over = loop.create_future()
            # A daemon: a function that never returns must not keep the program from ending.
            thread = threading.Thread(target=self._serve, args=(loop, over), name="executor", daemon=True)
            self._all[thread] = over
            thread.start()
        self._work.put(work)

    def _serve(self, loop: asyncio.AbstractEventLoop, over: asyncio.Future[None]) -> None:
        with contextlib.suppress(RuntimeError):  # a function may outlive the loop
            while (work := self._work.get()) is not None:
                finish = work()
                loop.call_soon_threadsafe(self._rest, finish)
                del work, finish  # an idle thread keeps nothing alive
            loop.call_soon_threadsafe(over.set_result, None)

    def _rest(self, finish: Finish) -> None:
        self._busy -= 1
        finish()

    async def close(self) -> None:
        """End the threads; one whose function goes on ends after it."""
        for _ in self._all:
            self._work.put(None)
        while sum(not over.done() for over in self._all.values()) > self._busy:
            await asyncio.wait(
                [over for over in self._all.values() if not over.done()], return_when=asyncio.FIRST_COMPLETED
            )
        for thread, over in self._all.items():
            if over.done():
                thread.join()  # it has nothing left to do
