"""A job executor for asyncio: lanes with limits, threads for what blocks, processes for what computes.

Theory of operation. Everything but the jobs of threads and processes runs on one event loop, so the executor needs no
lock: between two awaits nothing else changes its state, and no state is left half changed across an await.

    submit ──► Lane: waiting (bounded) ──► running (bounded) ──► Entry.future
                                             │
                 io, nested   a task in the submitter's context; stopped by cancelling it
                 blocking     a thread in the submitter's context; can't be stopped, keeps its slot until it returns
                 cpu          a worker process that is kept; stopped by killing it
                 crash        a worker process that is not kept

An Entry is one accepted job. Its `future` is what the caller holds; it settles once, by the result, a timeout or a
cancellation, whichever is first. Its slot goes back when the *work* has ended, which may be later. These two are kept
apart throughout: `_settle` is about the caller, `_ended` about the slot.

`jobs` has the entry, `lane` the lane, `threads` and `workers` what the loop hands work to, `calls` what a worker does.
"""

# ruff: noqa: BLE001  (what jobs raise is data here)

from __future__ import annotations

import asyncio
import contextvars
import pickle
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import Any

from jobs import LANE_OF, Entry, ExecutorClosed, Job, Limits, RemoteError, Tally, WorkerCrashed
from lane import Lane
from threads import Threads
from workers import NeverBegan, Workers

__all__ = ["Executor", "ExecutorClosed", "Job", "Limits", "RemoteError", "WorkerCrashed"]

GRACE_SEC = 0.5
"""How long a shutdown whose time is over waits for coroutines to clean up after they were cancelled."""

STARTS_TRIED = 3
"""Processes that end before they begin on a job, one after another, mean that it can't be run."""


class Executor:
    """Runs jobs of five kinds without ever blocking the loop it lives on."""

    def __init__(self, limits: Limits | None = None) -> None:
        limits = limits or Limits()
        self._lanes = {name: Lane(getattr(limits, name), limits.queue) for name in ("io", "blocking", "cpu", "nested")}
        self._tallies = {kind: Tally() for kind in LANE_OF}
        self._entries: set[Entry] = set()  # also what keeps every job from being garbage-collected
        self._threads = Threads()
        self._workers = Workers(keep=limits.cpu)
        self._refusing = False
        self._stopping = False
        self._idlers: set[asyncio.Future[None]] = set()
        self._closing: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Executor:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        await self.shutdown(drain=kind is None)

    # ---- taking jobs in

    async def submit(self, job: Job) -> asyncio.Future[Any]:
        """Take a job in, waiting for room; cancelling the future that this gives cancels the job."""
        context = contextvars.copy_context()
        self._refuse(self._refusing)
        await self._lane(job).place()
        self._refuse(self._refusing)
        return self._accept(job, context, None)

    def map(
        self, kind: str, function: Callable[..., Any], items: Iterable[Any], timeout_sec: float | None = None
    ) -> AsyncIterator[Any]:
        """Run `function(item)` for each item and give the results in the order of the items, lazily."""
        return self._map(Job(kind, function, (), timeout_sec), items, None)

    def stats(self) -> dict[str, dict[str, int]]:
        """Count the jobs of each kind by what becomes of them."""
        return {kind: dict(vars(tally)) for kind, tally in self._tallies.items()}

    def _refuse(self, refused: bool) -> None:
        if refused:
            raise ExecutorClosed("the executor is shut down")

    def _lane(self, job: Job) -> Lane:
        if job.kind not in LANE_OF:
            raise ValueError(f"no such kind of job: {job.kind!r}")
        return self._lanes[LANE_OF[job.kind]]

    def _accept(self, job: Job, context: contextvars.Context, parent: Entry | None) -> asyncio.Future[Any]:
        lane = self._lane(job)
        future = asyncio.get_running_loop().create_future()
        inherits = parent is not None and job.kind == "nested"
        entry = Entry(job, lane, future, context, inherits, outside=parent is None)
        self._entries.add(entry)
        future.add_done_callback(lambda _: self._settled(entry))
        if parent is not None:
            parent.children.add(entry)
            future.add_done_callback(lambda _: parent.children.discard(entry))
        if inherits:
            self._start(entry)
        else:
            lane.waiting[entry] = None
            lane.outside += entry.outside
            self._tallies[job.kind].queued += 1
            self._fill(lane)
        return future

    def _accept_child(self, job: Job, parent: Entry) -> asyncio.Future[Any]:
        self._refuse(self._stopping)
        return self._accept(job, contextvars.copy_context(), parent)

    async def _map(self, model: Job, items: Iterable[Any], parent: Entry | None) -> AsyncIterator[Any]:
        lane = self._lane(model)
        source = iter(items)
        ahead: deque[asyncio.Future[Any]] = deque()
        more = True
        try:
            while True:
                # With a result to wait for, waiting for room as well would only hold that result back.
                while more and len(ahead) < lane.limit + lane.room and (not ahead or parent or lane.has_room()):
                    try:
                        job = replace(model, args=(next(source),))
                    except StopIteration:
                        more = False
                    else:
                        ahead.append(self._accept_child(job, parent) if parent else await self.submit(job))
                if not ahead:
                    return
                yield await ahead.popleft()
        finally:
            for future in ahead:
                future.cancel()

    # ---- running them

    def _fill(self, lane: Lane) -> None:
        while lane.waiting and lane.running < lane.limit:
            entry = next(iter(lane.waiting))
            self._leave_queue(entry)
            if entry.future.done():  # cancelled a moment ago
                self._forget(entry)
            else:
                self._start(entry)

    def _leave_queue(self, entry: Entry) -> None:
        del entry.lane.waiting[entry]
        entry.lane.outside -= entry.outside
        self._tallies[entry.job.kind].queued -= 1

    def _start(self, entry: Entry) -> None:
        entry.lane.running += not entry.inherits
        self._tallies[entry.job.kind].running += 1
        if entry.job.timeout_sec is not None:
            loop = asyncio.get_running_loop()
            entry.timer = loop.call_later(entry.job.timeout_sec, self._expire, entry)
        match entry.job.kind:
            case "io":
                self._start_task(entry, entry.job.function, entry.job.args)
            case "nested":
                self._start_task(entry, entry.job.function, (Scope(self, entry), *entry.job.args))
            case "blocking":
                self._start_thread(entry)
            case _:
                self._start_task(entry, self._on_worker, (entry.job,))

    def _start_task(self, entry: Entry, function: Callable[..., Any], args: tuple[Any, ...]) -> None:
        async def run() -> None:
            try:
                self._settle(entry, await function(*args), None)
            except BaseException as fault:  # a SystemExit that left a task would end the loop
                self._settle(entry, None, fault)

        task = asyncio.get_running_loop().create_task(run(), context=entry.context)
        task.add_done_callback(lambda _: self._ended(entry))  # also where it was cancelled before its first step
        entry.work, entry.stop = task, task.cancel

    def _start_thread(self, entry: Entry) -> None:
        def finish(value: Any, fault: BaseException | None) -> None:
            self._settle(entry, value, fault)
            self._ended(entry)

        def run() -> Callable[[], None]:
            try:
                value = entry.context.run(entry.job.function, *entry.job.args)
            except BaseException as fault:
                return partial(finish, None, fault)
            return partial(finish, value, None)

        self._threads.run(run)

    async def _on_worker(self, job: Job) -> Any:
        request = pickle.dumps((job.function, job.args))
        for _ in range(STARTS_TRIED):
            worker = await self._workers.take(fresh=job.kind == "crash")
            try:
                value, fault = await worker.ask(request)
            except NeverBegan:
                worker.kill()
                continue
            except BaseException:
                worker.kill()
                raise
            if job.kind == "crash":
                worker.kill()
            else:
                self._workers.give_back(worker)
            if fault is not None:
                raise fault
            return value
        raise WorkerCrashed(f"{STARTS_TRIED} processes ended before they began on the job")

    # ---- ending them

    def _settle(self, entry: Entry, value: Any, fault: BaseException | None) -> None:
        """Tell the caller, unless a timeout or a cancellation was first."""
        if entry.future.done():
            return
        if fault is None:
            entry.future.set_result(value)
        elif isinstance(fault, asyncio.CancelledError):
            entry.future.cancel()
        elif isinstance(fault, StopIteration):  # which no future takes
            wrapped = RuntimeError("the job raised StopIteration")
            wrapped.__cause__ = fault
            entry.future.set_exception(wrapped)
        else:
            entry.future.set_exception(fault)

    def _expire(self, entry: Entry) -> None:
        self._settle(entry, None, TimeoutError(f"the job ran longer than {entry.job.timeout_sec} s"))
        self._stop(entry)

    def _settled(self, entry: Entry) -> None:
        """Count what became of a job, and end its work if that goes on."""
        tally = self._tallies[entry.job.kind]
        if entry.future.cancelled():
            tally.cancelled += 1
        elif entry.future._exception is not None:  # asking properly would silence asyncio's word on unseen exceptions
            tally.failed += 1
        else:
            tally.succeeded += 1
        if entry.timer is not None:
            entry.timer.cancel()
        if entry.future.cancelled():
            self._stop(entry)

    def _stop(self, entry: Entry) -> None:
        """End a job's work, and that of all it submitted."""
        if entry in entry.lane.waiting:
            self._leave_queue(entry)
            self._forget(entry)
            entry.lane.call_submitters()
        stop, entry.stop = entry.stop, None
        if stop is not None:
            stop()
        for child in list(entry.children):
            child.future.cancel()

    def _ended(self, entry: Entry) -> None:
        """Give the slot back: the work is over."""
        entry.stop = None
        entry.lane.running -= not entry.inherits
        self._tallies[entry.job.kind].running -= 1
        self._settle(entry, None, asyncio.CancelledError())  # a task cancelled before its first step told nobody
        self._forget(entry)
        self._fill(entry.lane)
        entry.lane.call_submitters()

    def _forget(self, entry: Entry) -> None:
        self._entries.discard(entry)
        if not self._entries:
            for idler in self._idlers:
                if not idler.done():
                    idler.set_result(None)

    # ---- shutting down

    async def shutdown(self, drain: bool = True, timeout_sec: float | None = None) -> None:
        """Refuse new jobs, end the accepted ones, and give back every thread and process."""
        loop = asyncio.get_running_loop()
        deadline = None if timeout_sec is None else loop.time() + timeout_sec
        self._refusing = True
        for lane in self._lanes.values():
            lane.dismiss_submitters()
        if drain:
            await self._idle(deadline)
        self._stopping = True
        for entry in list(self._entries):
            entry.future.cancel()
        await self._idle(deadline if deadline is None else max(deadline, loop.time() + GRACE_SEC))
        if self._closing is None:
            self._closing = loop.create_task(self._close())
        await asyncio.shield(self._closing)

    async def _idle(self, deadline: float | None) -> None:
        """Wait until no job is left, or the deadline has passed."""
        loop = asyncio.get_running_loop()
        while self._entries and (deadline is None or loop.time() < deadline):
            idler = loop.create_future()
            self._idlers.add(idler)
            try:
                await asyncio.wait([idler], timeout=None if deadline is None else deadline - loop.time())
            finally:
                self._idlers.discard(idler)

    async def _close(self) -> None:
        await self._workers.close()
        await self._threads.close()


class Scope:
    """The executor as a nested job sees it: what it submits never waits for room, and is cancelled with it."""

    def __init__(self, executor: Executor, entry: Entry) -> None:
        self._executor = executor
        self._entry = entry

    async def submit(self, job: Job) -> asyncio.Future[Any]:
        """Take a job in at once."""
        return self._executor._accept_child(job, self._entry)

    def map(
        self, kind: str, function: Callable[..., Any], items: Iterable[Any], timeout_sec: float | None = None
    ) -> AsyncIterator[Any]:
        """Do as the executor's `map` does."""
        return self._executor._map(Job(kind, function, (), timeout_sec), items, self._entry)
