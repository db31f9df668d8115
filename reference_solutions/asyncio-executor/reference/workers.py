"""Processes for what computes: started in a thread, asked over a socket that the loop watches, killed to be stopped."""

from __future__ import annotations

import asyncio
import multiprocessing
import socket
from functools import partial
from typing import Any

from calls import SIZE, serve, unpacked
from jobs import WorkerCrashed
from threads import Finish, Threads

PRELOADED = ["asyncio", "pickle", "socket", "contextvars", "multiprocessing.connection", "concurrent.futures"]
"""What the fork server imports once, for every worker process."""


class Workers:
    """Worker processes, kept for further cpu jobs."""

    def __init__(self, keep: int) -> None:
        self._keep = keep
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(PRELOADED)
        self._idle: list[Worker] = []
        self._all: set[Worker] = set()
        self._starts: set[asyncio.Task[Worker]] = set()
        self._launchers = Threads()

    async def take(self, fresh: bool) -> Worker:
        """Give an idle worker, or start one; a start that is not waited for is not lost."""
        while self._idle and not fresh:
            worker = self._idle.pop()
            if worker.usable:
                return worker
        start = asyncio.get_running_loop().create_task(self._started())
        self._starts.add(start)
        start.add_done_callback(self._starts.discard)
        try:
            return await asyncio.shield(start)
        except asyncio.CancelledError:
            start.add_done_callback(self._keep_started)
            raise

    def give_back(self, worker: Worker) -> None:
        """Keep a worker for the next job."""
        if worker.usable and len(self._idle) < self._keep:
            self._idle.append(worker)
        else:
            worker.kill()

    async def close(self) -> None:
        """Kill every process and wait until it is gone."""
        if self._starts:
            await asyncio.wait(self._starts)
        await self._launchers.close()
        self._idle.clear()
        for worker in list(self._all):
            worker.kill()
            await worker.gone

    async def _started(self) -> Worker:
        """Start a worker in a thread: the first start of a program waits for its fork server."""
        loop = asyncio.get_running_loop()
        launched: asyncio.Future[Worker] = loop.create_future()

        def launch() -> Finish:
            try:
                return partial(launched.set_result, Worker(self._context))
            except BaseException as fault:  # noqa: BLE001  raised where it is waited for
                return partial(launched.set_exception, fault)

        self._launchers.run(launch)
        worker = await launched
        await worker.connect()
        self._all.add(worker)
        worker.gone.add_done_callback(lambda _: self._all.discard(worker))
        return worker

    def _keep_started(self, start: asyncio.Task[Worker]) -> None:
        if not start.cancelled() and start.exception() is None:
            self.give_back(start.result())


class NeverBegan(Exception):
    """A process ended before it began on a job, so the job may run elsewhere."""


class Worker:
    """One process that answers one request at a time over a socket. Made in a thread, used on the loop."""

    def __init__(self, context: Any) -> None:
        self._ours, theirs = socket.socketpair()
        with theirs:
            self._process = context.Process(target=serve, args=(theirs,), name="executor", daemon=True)
            self._process.start()
        self.usable = True
        self.gone: asyncio.Future[int]

    async def connect(self) -> None:
        """Begin to watch the process and its socket."""
        loop = asyncio.get_running_loop()
        self.gone = loop.create_future()
        self._reader, self._writer = await asyncio.open_connection(sock=self._ours)
        loop.add_reader(self._process.sentinel, self._over)

    async def ask(self, request: bytes) -> tuple[Any, BaseException | None]:
        """Have a pickled call made and give its value or what it raised."""
        try:
            self._writer.write(SIZE.pack(len(request)) + request)
            await self._reader.readexactly(1)
        except (asyncio.IncompleteReadError, ConnectionError) as fault:
            raise NeverBegan from fault
        try:
            (size,) = SIZE.unpack(await self._reader.readexactly(SIZE.size))
            reply = await self._reader.readexactly(size)
        except (asyncio.IncompleteReadError, ConnectionError):
            self.kill()
            code = await asyncio.shield(self.gone)
            raise WorkerCrashed(f"the job's process ended with exit code {code}") from None
        return unpacked(reply)

    def kill(self) -> None:
        """End the process, whatever it does."""
        if self.usable:
            self.usable = False
            if not self.gone.done():
                self._process.kill()
            self._writer.close()

    def _over(self) -> None:
        """Reap the process: its sentinel says that it is gone, so this waits for nothing."""
        asyncio.get_running_loop().remove_reader(self._process.sentinel)
        self._process.join()
        code = self._process.exitcode
        del self._process  # which closes its files; before Python 3.11.4 `close` broke a start in a thread (gh-104536)
        self.gone.set_result(-1 if code is None else code)
        self.kill()
