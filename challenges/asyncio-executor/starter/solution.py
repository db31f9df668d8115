"""A job executor for asyncio: the prototype that went into production.

It does what the demo showed. Under load it stalls, leaks, deadlocks and loses work. SPEC.md says what it should do;
keep the names and signatures of what is public here, and change whatever else you like.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import Any

log = logging.getLogger(__name__)

KINDS = ("io", "blocking", "cpu", "nested", "crash")


class ExecutorClosed(RuntimeError):
    """The executor takes no more jobs."""


class WorkerCrashed(RuntimeError):
    """The process of a cpu or crash job ended before the job did."""


class RemoteError(RuntimeError):
    """What a cpu or crash job raised or returned can't be carried to this process; says what it was."""


@dataclass(frozen=True)
class Job:
    """What to run; `timeout_sec` counts from the start of its run."""

    kind: str
    function: Callable[..., Any]
    args: tuple[Any, ...] = ()
    timeout_sec: float | None = None


@dataclass(frozen=True)
class Limits:
    """How many jobs may run at once, and how many of each lane may wait."""

    io: int = 100
    blocking: int = 8
    cpu: int = 2
    nested: int = 16
    queue: int = 1000


class Executor:
    """Runs jobs of five kinds."""

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._lock = asyncio.Lock()
        self._slots = asyncio.Semaphore(
            self._limits.io + self._limits.blocking + self._limits.cpu + self._limits.nested
        )
        self._processes = ProcessPoolExecutor(max_workers=self._limits.cpu)
        self._stats = {kind: {"queued": 0, "running": 0, "succeeded": 0, "failed": 0, "cancelled": 0} for kind in KINDS}
        self._running = 0
        self._closed = False

    async def __aenter__(self) -> Executor:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.shutdown()

    async def submit(self, job: Job) -> asyncio.Future[Any]:
        """Take a job in and give a future of its result; cancelling the future cancels the job."""
        if job.kind not in KINDS:
            raise ValueError(f"no such kind of job: {job.kind!r}")
        async with self._lock:  # one at a time, so that jobs start in order
            if self._closed:
                raise ExecutorClosed("the executor is shut down")
            future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
            self._stats[job.kind]["queued"] += 1
            await self._slots.acquire()
            self._stats[job.kind]["queued"] -= 1
            future.get_loop().create_task(self._run(job, future))
        return future

    async def map(
        self, kind: str, function: Callable[..., Any], items: Iterable[Any], timeout_sec: float | None = None
    ) -> AsyncIterator[Any]:
        """Run `function(item)` for each item and give the results in the order of the items."""
        futures = [await self.submit(Job(kind, function, (item,), timeout_sec)) for item in items]
        for future in futures:
            yield await future

    def stats(self) -> dict[str, dict[str, int]]:
        """Count the jobs of each kind by what became of them."""
        return self._stats

    async def shutdown(self, drain: bool = True, timeout_sec: float | None = None) -> None:
        """Refuse new jobs, finish (drain) or drop the old ones, and end threads and processes."""
        async with self._lock:
            self._closed = True
        if drain:
            while self._running:
                await asyncio.sleep(0.05)
        self._processes.shutdown(wait=drain)

    async def _run(self, job: Job, future: asyncio.Future[Any]) -> None:
        self._started(job)
        try:
            if job.timeout_sec is None:
                value = await self._execute(job)
            else:
                value = await asyncio.wait_for(self._execute(job), job.timeout_sec)
        except Exception:
            log.exception("a %s job failed", job.kind)
            self._stats[job.kind]["failed"] += 1
            value = None
        else:
            self._stats[job.kind]["succeeded"] += 1
        if not future.done():
            future.set_result(value)
        self._ended(job)

    async def _execute(self, job: Job) -> Any:
        match job.kind:
            case "io":
                return await job.function(*job.args)
            case "nested":
                return await job.function(self, *job.args)
            case "blocking":
                return await self._in_thread(job)
            case "cpu":
                if self._is_small(job):  # a process would cost more than it saves
                    return job.function(*job.args)
                return await self._in_process(job)
            case _:
                return await self._in_process(job)

    async def _in_thread(self, job: Job) -> Any:
        return await asyncio.get_running_loop().run_in_executor(None, job.function, *job.args)

    async def _in_process(self, job: Job) -> Any:
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._processes, job.function, *job.args)
        except RuntimeError:
            # The pool is broken: make another one, or nothing will ever run again.
            self._processes.shutdown(wait=True)
            self._processes = ProcessPoolExecutor(max_workers=self._limits.cpu)
            return None

    def _is_small(self, job: Job) -> bool:
        """Guess whether a job is short: what has little to work on is."""
        return all(len(repr(arg)) < 1000 for arg in job.args)

    def _started(self, job: Job) -> None:
        self._running += 1
        self._stats[job.kind]["running"] += 1

    def _ended(self, job: Job) -> None:
        self._running -= 1
        self._stats[job.kind]["running"] -= 1
        self._slots.release()
