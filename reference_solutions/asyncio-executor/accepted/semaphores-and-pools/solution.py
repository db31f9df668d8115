"""A job executor for asyncio: a task for each job, semaphores for limits, a pool of one process for each cpu slot.

Theory of operation. `submit` takes a place in its lane (a semaphore of limit + queue) and starts the job's own task.
That task takes a slot (a semaphore of limit), does the work, and gives both back when the work has ended: so both
semaphores are first come, first served, and a job that waits is just a task that waits.

The caller's future is not that task. It settles when the caller should know: at the result, the timeout or the
cancellation. The task ends when the work has: a cancelled blocking function keeps it waiting.

Processes are one-process pools of `concurrent.futures`: a pool breaks as a whole when its process dies, so the blast
radius is one job, and to kill a job is to kill its pool.
"""

# ruff: noqa: BLE001, S301  (what jobs raise is data here, and the pickles are our own)

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import multiprocessing
import os
import pickle
import signal
import traceback
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

KINDS = ("io", "blocking", "cpu", "nested", "crash")
GRACE_SEC = 0.5
STARTS_MOST = 8


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


class Lane:
    """Two semaphores: places for what was accepted, slots for what runs."""

    def __init__(self, limit: int, queue: int) -> None:
        self.window = limit + queue
        self.places = asyncio.Semaphore(limit + queue)
        self.slots = asyncio.Semaphore(limit)
        self.entering = 0


class Running:
    """A job's future, its task, and what it submitted."""

    def __init__(self, future: asyncio.Future[Any]) -> None:
        self.future = future
        self.in_slot = False
        self.task: asyncio.Task[None]
        self.children: set[asyncio.Future[Any]] = set()


class Executor:
    """Runs jobs of five kinds without ever blocking the loop it lives on."""

    def __init__(self, limits: Limits | None = None) -> None:
        limits = limits or Limits()
        cpu = Lane(limits.cpu, limits.queue)
        self._lanes = {
            "io": Lane(limits.io, limits.queue),
            "blocking": Lane(limits.blocking, limits.queue),
            "nested": Lane(limits.nested, limits.queue),
            "cpu": cpu,
            "crash": cpu,
        }
        states = ("queued", "running", "succeeded", "failed", "cancelled")
        self._stats = {kind: dict.fromkeys(states, 0) for kind in KINDS}
        self._running: set[Running] = set()
        self._submitting: set[asyncio.Task[Any]] = set()
        self._threads = ThreadPoolExecutor(limits.blocking, thread_name_prefix="executor")
        self._idle: list[Solo] = []
        self._leaving: set[asyncio.Task[None]] = set()
        self._starting: set[asyncio.Task[Solo]] = set()
        self._refusing = self._stopping = False
        self._ended = asyncio.Event()

    async def __aenter__(self) -> Executor:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        await self.shutdown(drain=kind is None)

    async def submit(self, job: Job) -> asyncio.Future[Any]:
        """Take a job in, waiting for room."""
        lane = self._lane(job)
        self._refuse(self._refusing)
        context = contextvars.copy_context()
        if lane.places.locked() or lane.entering:  # who has a place may not have come round to taking it
            await self._place(lane)
        else:
            await lane.places.acquire()  # at once
        return self._accept(job, context, lane.places, None)

    async def _place(self, lane: Lane) -> None:
        """Wait for a place, or for a shutdown."""
        waiting = asyncio.create_task(lane.places.acquire())
        self._submitting.add(waiting)
        lane.entering += 1
        try:
            await asyncio.wait([waiting])
            if waiting.cancelled():
                raise ExecutorClosed("the executor is shut down")
            if self._refusing:
                lane.places.release()
                raise ExecutorClosed("the executor is shut down")
        except asyncio.CancelledError:
            if waiting.done() and not waiting.cancelled():
                lane.places.release()
            waiting.cancel()
            raise
        finally:
            self._submitting.discard(waiting)
            lane.entering -= 1

    async def map(
        self, kind: str, function: Callable[..., Any], items: Iterable[Any], timeout_sec: float | None = None
    ) -> AsyncIterator[Any]:
        """Give `function(item)` for each item, in order and lazily."""

        async def submit(item: Any) -> asyncio.Future[Any]:
            return await self.submit(Job(kind, function, (item,), timeout_sec))

        lane = self._lanes[kind]
        async for value in mapped(submit, items, lane.window, lane.places.locked):
            yield value

    def stats(self) -> dict[str, dict[str, int]]:
        """Count the jobs of each kind by what becomes of them."""
        return {kind: dict(counts) for kind, counts in self._stats.items()}

    async def shutdown(self, drain: bool = True, timeout_sec: float | None = None) -> None:
        """Refuse new jobs, end the accepted ones, and give back every thread and process."""
        loop = asyncio.get_running_loop()
        deadline = None if timeout_sec is None else loop.time() + timeout_sec
        self._refusing = True
        for waiting in self._submitting:
            waiting.cancel()
        if drain:
            await self._idle_until(deadline)
        self._stopping = True
        for running in list(self._running):
            running.future.cancel()
        await self._idle_until(None if deadline is None else max(deadline, loop.time() + GRACE_SEC))
        while self._starting:
            await asyncio.wait(self._starting)
        while self._idle:
            self._leave(self._idle.pop())
        while self._leaving:
            await asyncio.wait(self._leaving)
        stuck = bool(self._running)
        self._threads.shutdown(wait=False)
        if not stuck:
            await asyncio.to_thread(self._threads.shutdown, True)

    async def _idle_until(self, deadline: float | None) -> None:
        loop = asyncio.get_running_loop()
        while self._running and (deadline is None or loop.time() < deadline):
            self._ended.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ended.wait(), None if deadline is None else deadline - loop.time())

    # ---- one job

    def _lane(self, job: Job) -> Lane:
        if job.kind not in self._lanes:
            raise ValueError(f"no such kind of job: {job.kind!r}")
        return self._lanes[job.kind]

    def _refuse(self, refused: bool) -> None:
        if refused:
            raise ExecutorClosed("the executor is shut down")

    def _accept(
        self,
        job: Job,
        context: contextvars.Context,
        place: asyncio.Semaphore | None,
        parent: Running | None,
    ) -> asyncio.Future[Any]:
        running = Running(asyncio.get_running_loop().create_future())
        self._running.add(running)
        self._stats[job.kind]["queued"] += 1
        work = self._work(job, running, inherits=parent is not None and job.kind == "nested")
        running.task = asyncio.get_running_loop().create_task(work, context=context)

        def ended(_: object) -> None:
            self._stats[job.kind]["running" if running.in_slot else "queued"] -= 1
            self._running.discard(running)
            if place is not None:
                place.release()
            running.future.cancel()  # where the task was stopped before it could say anything
            self._ended.set()

        def settled(future: asyncio.Future[Any]) -> None:
            if future.cancelled():
                running.task.cancel()
                for child in list(running.children):
                    child.cancel()
            outcome = "cancelled" if future.cancelled() else "failed" if future._exception else "succeeded"
            self._stats[job.kind][outcome] += 1
            if parent is not None:
                parent.children.discard(future)

        running.task.add_done_callback(ended)
        running.future.add_done_callback(settled)
        if parent is not None:
            parent.children.add(running.future)
        return running.future

    async def _work(self, job: Job, running: Running, inherits: bool) -> None:
        async with contextlib.nullcontext() if inherits else self._lanes[job.kind].slots:
            if running.future.done():  # cancelled a moment ago
                return
            self._stats[job.kind]["queued"] -= 1
            self._stats[job.kind]["running"] += 1
            running.in_slot = True
            loop, timer = asyncio.get_running_loop(), None
            if job.timeout_sec is not None:
                timer = loop.call_later(job.timeout_sec, self._expire, job, running)
            try:
                settle(running.future, await self._ran(job, running))
            except BaseException as fault:
                settle(running.future, fault=fault)
            finally:
                if timer is not None:
                    timer.cancel()

    def _expire(self, job: Job, running: Running) -> None:
        if running.future.done():  # it was cancelled, and cleans up
            return
        settle(running.future, fault=TimeoutError(f"the job ran longer than {job.timeout_sec} s"))
        running.task.cancel()
        for child in list(running.children):
            child.cancel()

    async def _ran(self, job: Job, running: Running) -> Any:
        match job.kind:
            case "io":
                return await job.function(*job.args)
            case "nested":
                return await job.function(Inner(self, running), *job.args)
            case "blocking":
                return await self._in_thread(job)
        payload = pickle.dumps((job.function, job.args))
        return unpacked(await self._in_process(payload, keep=job.kind == "cpu"))

    async def _in_thread(self, job: Job) -> Any:
        context = contextvars.copy_context()  # this task's, which is the submitter's
        loop = asyncio.get_running_loop()
        returned = loop.create_future()

        def call() -> None:
            try:
                outcome = (context.run(job.function, *job.args), None)
            except BaseException as fault:
                outcome = (None, fault)
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(returned.set_result, outcome)

        self._threads.submit(call)
        stopped: asyncio.CancelledError | None = None
        while not returned.done():
            try:
                await asyncio.shield(returned)
            except asyncio.CancelledError as told:
                stopped = told  # the function goes on, and so the slot stays taken
        if stopped is not None:
            raise stopped
        value, fault = returned.result()
        if fault is not None:
            raise fault
        return value

    async def _in_process(self, payload: bytes, keep: bool) -> bytes:
        for _ in range(STARTS_MOST):
            try:
                solo = await self._solo(keep)
            except BrokenProcessPool:  # it died while it started, and has not begun on the job
                continue
            try:
                call = solo.pool.submit(carried, payload)
            except BrokenProcessPool:  # it died while it was idle
                self._leave(solo)
                continue
            try:
                reply = await asyncio.wrap_future(call)
            except BrokenProcessPool:
                begun = solo.has_begun()
                self._leave(solo)
                if not begun:  # it had died, or was about to, when the job was sent
                    continue
                raise WorkerCrashed("the job's process ended before the job did") from None
            except BaseException:
                self._leave(solo)
                raise
            if keep and solo.has_begun():
                self._idle.append(solo)
            else:
                self._leave(solo)
            return reply
        raise WorkerCrashed(f"{STARTS_MOST} processes in a row ended before they began on the job")

    async def _solo(self, keep: bool) -> Solo:
        if keep and self._idle:
            return self._idle.pop()
        starting = asyncio.create_task(asyncio.to_thread(Solo))
        self._starting.add(starting)
        starting.add_done_callback(self._starting.discard)
        try:
            return await asyncio.shield(starting)
        except asyncio.CancelledError:
            starting.add_done_callback(lambda started: started.exception() or self._leave(started.result()))
            raise

    def _leave(self, solo: Solo) -> None:
        solo.kill()
        leaving = asyncio.create_task(asyncio.to_thread(solo.shutdown))
        self._leaving.add(leaving)
        leaving.add_done_callback(self._leaving.discard)


class Inner:
    """The executor as a nested job sees it."""

    def __init__(self, executor: Executor, running: Running) -> None:
        self._executor = executor
        self._running = running

    async def submit(self, job: Job) -> asyncio.Future[Any]:
        """Take a job in at once."""
        self._executor._lane(job)
        self._executor._refuse(self._executor._stopping)
        return self._executor._accept(job, contextvars.copy_context(), None, self._running)

    async def map(
        self, kind: str, function: Callable[..., Any], items: Iterable[Any], timeout_sec: float | None = None
    ) -> AsyncIterator[Any]:
        """Do as the executor's `map` does."""

        async def submit(item: Any) -> asyncio.Future[Any]:
            return await self.submit(Job(kind, function, (item,), timeout_sec))

        async for value in mapped(submit, items, self._executor._lanes[kind].window, lambda: False):
            yield value


async def mapped(
    submit: Callable[[Any], Any], items: Iterable[Any], window: int, full: Callable[[], bool]
) -> AsyncIterator[Any]:
    """Submit items ahead, at most `window` of them, and give their results in order."""
    source, ahead = iter(items), deque[asyncio.Future[Any]]()
    exhausted = False
    try:
        while True:
            while not exhausted and len(ahead) < window and not (ahead and full()):
                try:
                    item = next(source)
                except StopIteration:
                    exhausted = True
                else:
                    ahead.append(await submit(item))
            if not ahead:
                return
            yield await ahead.popleft()
    finally:
        for future in ahead:
            future.cancel()


def settle(future: asyncio.Future[Any], value: Any = None, fault: BaseException | None = None) -> None:
    """Settle a future that is not settled yet."""
    if future.done():
        return
    if isinstance(fault, asyncio.CancelledError):
        future.cancel()
    elif isinstance(fault, StopIteration):
        future.set_exception(RuntimeError("the job raised StopIteration"))
    elif fault is not None:
        future.set_exception(fault)
    else:
        future.set_result(value)


class Solo:
    """A pool of one process, which runs when this returns. Made in a thread: starting takes a while."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["asyncio", "concurrent.futures.process", "traceback"])
        self._notices, theirs = context.Pipe(duplex=False)
        self.pool = ProcessPoolExecutor(1, mp_context=context, initializer=tell_at, initargs=(theirs,))
        try:
            self._pid = self.pool.submit(os.getpid).result()
        except BrokenProcessPool:
            self.shutdown()
            raise
        finally:
            theirs.close()

    def has_begun(self) -> bool:
        """Tell, once for each call, whether the process began on it: a pool does not say."""
        try:
            return self._notices.poll() and bool(self._notices.recv_bytes())
        except EOFError:
            return False

    def shutdown(self) -> None:
        """Wait until the process is gone, and let go of it."""
        self.pool.shutdown()
        self._notices.close()

    def kill(self) -> None:
        """End the process, whatever it does."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGKILL)


# ---- what crosses between processes


notices: list[Connection] = []
"""In a worker process, where it says that it begins on a call."""


def tell_at(connection: Connection) -> None:
    """Prepare a worker process."""
    notices.append(connection)


def carried(payload: bytes) -> bytes:
    """Make a call in a worker process and pack what became of it, so that the pool never sees an odd object."""
    notices[0].send_bytes(b"begun")
    try:
        function, args = pickle.loads(payload)
        value = function(*args)
    except BaseException as fault:
        text = "".join(traceback.format_exception(fault))
        try:
            blob = pickle.dumps(fault)
            pickle.loads(blob)
        except BaseException:
            return pickle.dumps(("odd", None, f"{type(fault).__name__}: {fault}\n{text}"))
        return pickle.dumps(("raised", blob, text))
    try:
        return pickle.dumps(("value", value, ""))
    except BaseException as fault:
        return pickle.dumps(("odd", None, f"the result can't be pickled: {fault}"))


class RemoteTraceback(Exception):
    """The text of a traceback in another process."""

    def __str__(self) -> str:
        return f"\n{self.args[0]}"


def unpacked(reply: bytes) -> Any:
    """Give the value, or raise what was raised."""
    text = ""
    try:
        what, value, text = pickle.loads(reply)
        fault = pickle.loads(value) if what == "raised" else None
    except Exception as broken:  # the text of a traceback says what was raised
        raise RemoteError(f"what the job gave can't be rebuilt here: {broken!r}\n{text}") from None
    if fault is not None:
        fault.__cause__ = RemoteTraceback(text)
        raise fault
    if what == "odd":
        raise RemoteError(text)
    return value
