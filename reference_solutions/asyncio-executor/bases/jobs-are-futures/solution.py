"""A job executor for asyncio.

A job is its own future: `Entry` is a subclass of `asyncio.Future` that moves from the door of its lane to the queue, to a slot, to
its end, and whose `cancel` acts at once. The loop reads what processes send; threads do what might block, and nothing is locked.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from contextvars import Context, copy_context
from dataclasses import dataclass
from functools import partial
from typing import Any

from job_errors import ExecutorClosed, RemoteError, WorkerCrashed
from lanes import CANCELLED, DOOR, ENDED, FAILED, QUEUED, REFUSED, RUNNING, SUCCEEDED, Entry, Lane
from workers import Worker, pickled, rebuilt

__all__ = ["Executor", "ExecutorClosed", "Job", "Limits", "RemoteError", "WorkerCrashed"]

KINDS = ("io", "blocking", "cpu", "nested", "crash")
OPEN, DRAINING, CANCELLING = 0, 1, 2
ATTEMPTS = 100  # processes that may die before one begins on a job
GRACE_SEC = 0.3  # after a shutdown's deadline, for what was stopped to end; then once more for threads


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


class Crew:
    """Threads that call functions; as many as there are calls at once. Used from the loop's thread."""

    def __init__(self, post, gone):
        self._post, self._gone = post, gone
        self._calls: queue.SimpleQueue[tuple[Any, ...] | None] = queue.SimpleQueue()
        self._idle = 0
        self.threads: set[threading.Thread] = set()
        self.ended = False

    def call(self, done, function, *args):
        """Call `function(*args)` in a thread, then `done(value, error)` on the loop."""
        if self._idle:
            self._idle -= 1
        else:
            thread = threading.Thread(target=self._main, name="executor-crew", daemon=True)
            thread.start()
            self.threads.add(thread)
        self._calls.put((done, function, args))

    def end(self):
        if not self.ended:
            self.ended = True
            for _ in self.threads:
                self._calls.put(None)

    def _main(self):
        while (call := self._calls.get()) is not None:
            done, function, args = call
            value = error = None
            try:
                value = function(*args)
            except BaseException as raised:
                error = raised
            self._post(self._returned, done, value, error)
            call = done = function = args = value = error = None
        self._post(self._gone, self, threading.current_thread())

    def _returned(self, done, value, error):
        self._idle += 1
        done(value, error)


class Scope:
    """What a nested job gets as its first argument."""

    def __init__(self, executor: Executor, entry: Entry) -> None:
        self._executor, self._entry = executor, entry

    def submit(self, job: Job):
        """Take a job in at once, as a child of the nested job."""
        return self._executor._submit(job, copy_context(), self._entry)

    def map(self, kind, function, items, timeout_sec=None):
        """As `Executor.map`, with children of the nested job."""
        return self._executor._map(self._entry, kind, function, items, timeout_sec)

    def stats(self):
        """As `Executor.stats`."""
        return self._executor.stats()


class Flow:
    """The jobs of one `map`: takes items as far as it may, also while the consumer does something else."""

    def __init__(self, executor, parent, kind, function, items, timeout_sec):
        self._executor, self._parent = executor, parent
        self._kind, self._function, self._timeout_sec = kind, function, timeout_sec
        limits = executor._limits
        self._window = executor._lane_of(kind).limit + limits.queue
        self._items = iter(items)
        self._context = copy_context()
        self._exhausted = False
        self.error: BaseException | None = None  # what the iterable raised, or why no more are taken in
        self.entries: deque[Entry] = deque()

    def pump(self):
        """Take items, from within the generator."""
        self._context = copy_context()
        self._take()

    def _go_on(self):
        """Take items, from the loop: in the context in which the consumer asked last."""
        self._context.run(self._take)

    def _take(self):
        while not self._exhausted and len(self.entries) < self._window:
            if self.entries and self.entries[-1].state is DOOR:
                return  # goes on when that one is let in
            try:
                item = next(self._items)
                job = Job(self._kind, self._function, (item,), self._timeout_sec)
                entry = self._executor._enter(job, self._context.copy(), self._parent, self._go_on)
            except StopIteration:
                self._exhausted = True
            except BaseException as error:
                self._exhausted, self.error = True, error
            else:
                self.entries.append(entry)

    def close(self):
        self._exhausted = True
        for entry in self.entries:
            self._executor._stop(entry, CANCELLED)
            if entry.done() and not entry.cancelled():
                entry.exception()  # nobody will ask for it
        self.entries.clear()


class Executor:
    """Runs jobs of five kinds."""

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._loop = asyncio.get_running_loop()
        self._phase = OPEN
        self._lanes = {
            kind: Lane(getattr(self._limits, kind), self._limits.queue, self._start, self._accept, self._drop)
            for kind in ("io", "blocking", "cpu", "nested")
        }
        self._lanes["crash"] = self._lanes["cpu"]
        self._counts = {kind: {"queued": 0, "running": 0, SUCCEEDED: 0, FAILED: 0, CANCELLED: 0} for kind in KINDS}
        self._alive: set[Entry] = set()  # accepted and not ended; this is who owns a job
        self._threads = Crew(self._post, self._thread_gone)  # for blocking jobs
        self._chores = Crew(self._post, self._thread_gone)  # for what processes need
        self._idle: list[Worker] = []  # processes without a job
        self._helpers: set[asyncio.Task[None]] = set()  # that see processes off
        self._leaving: list[threading.Thread] = []  # those that said that they are about to end
        self._watchers: set[asyncio.Future[None]] = set()

    async def __aenter__(self) -> Executor:
        return self

    async def __aexit__(self, exc_type: object, *_: object) -> None:
        await self.shutdown(drain=exc_type is None)

    # Submitting. `submit` is no coroutine function: the context is that of its call, not that of the first `await`.

    def submit(self, job: Job):
        """Take a job in and give a future of its result; cancelling the future cancels the job."""
        return self._submit(job, copy_context(), None)

    async def _submit(self, job: Job, context: Context, parent: Entry | None) -> asyncio.Future[Any]:
        entry = self._enter(job, context, parent)
        if entry.state is DOOR:
            entry.confirmed = False
            entry.waiter = self._loop.create_future()
            try:
                await entry.waiter
            except BaseException:
                self._withdraw(entry)
                raise
            if entry.state is REFUSED:
                raise ExecutorClosed("the executor was shut down")
            entry.confirmed = True
            entry.lane.pump()
        return entry

    def map(
        self, kind: str, function: Callable[..., Any], items: Iterable[Any], timeout_sec: float | None = None
    ) -> AsyncIterator[Any]:
        """Run `function(item)` for each item and give the results in the order of the items."""
        return self._map(None, kind, function, items, timeout_sec)

    async def _map(self, parent, kind, function, items, timeout_sec):
        flow = Flow(self, parent, kind, function, items, timeout_sec)
        try:
            while True:
                flow.pump()
                if not flow.entries:
                    break
                yield await flow.entries[0]
                flow.entries.popleft()  # only now was it handed out
            if flow.error is not None:
                raise flow.error
        finally:
            flow.close()

    def _lane_of(self, kind: str) -> Lane:
        if kind not in KINDS:
            raise ValueError(f"no such kind of job: {kind!r}")
        return self._lanes[kind]

    def _enter(self, job, context, parent, let_in=None) -> Entry:
        """Accept a job, or put it before the door of its lane; `let_in` is called when it leaves the door."""
        lane = self._lane_of(job.kind)
        inside = parent is not None
        if self._phase is not OPEN and not (inside and parent.state is RUNNING and self._phase is DRAINING):
            raise ExecutorClosed("the executor was shut down")
        entry = Entry(job, context, lane, self._loop, self._cancelled)
        entry.inside, entry.let_in = inside, let_in
        if inside:
            if parent.state is RUNNING:
                entry.parent = parent
                parent.children.add(entry)
            if job.kind == "nested":
                entry.slot = False  # starts whatever runs: this is why nested jobs can't wait for each other in a ring
                self._count_in(entry)
                self._start(entry)
                return entry
        elif lane.door or not lane.has_room():
            lane.door[entry] = None
            return entry
        self._count_in(entry)
        lane.put(entry)
        lane.pump()
        return entry

    def _count_in(self, entry: Entry) -> None:
        entry.state = QUEUED
        self._alive.add(entry)
        self._counts[entry.job.kind]["queued"] += 1

    def _accept(self, entry: Entry) -> None:
        """Called by the lane when one is let in from the door."""
        self._count_in(entry)
        self._wake(entry)

    def _wake(self, entry: Entry) -> None:
        if entry.waiter is not None and not entry.waiter.done():
            entry.waiter.set_result(None)
        if entry.let_in is not None:
            self._loop.call_soon(entry.let_in)

    def _withdraw(self, entry: Entry) -> None:
        """Undo the submission of one whose submitter was cancelled before it knew that the job was accepted."""
        if entry.state is DOOR:
            entry.lane.door.pop(entry, None)
        elif entry.state is QUEUED:
            entry.lane.remove(entry)
            self._alive.discard(entry)
            self._counts[entry.job.kind]["queued"] -= 1
        entry.state = ENDED
        entry.lane.pump()
        self._notify()

    def stats(self) -> dict[str, dict[str, int]]:
        """Count the jobs of each kind by what became of them."""
        return {kind: dict(counts) for kind, counts in self._counts.items()}

    # Running.

    def _start(self, entry: Entry) -> None:
        entry.state = RUNNING
        counts = self._counts[entry.job.kind]
        counts["queued"] -= 1
        counts["running"] += 1
        if entry.job.timeout_sec is not None:
            entry.timer = self._loop.call_later(max(0.0, entry.job.timeout_sec), self._timed_out, entry)
        try:
            match entry.job.kind:
                case "io" | "nested":
                    entry.task = self._loop.create_task(self._shell(entry), context=entry.context)
                    entry.task.add_done_callback(partial(self._task_done, entry))
                case "blocking":
                    self._threads.call(partial(self._finish, entry), self._in_thread, entry)
                case _:
                    entry.task = self._loop.create_task(self._serve(entry))
                    entry.task.add_done_callback(partial(self._task_done, entry))
        except Exception as error:  # a thread that can't be started, for instance
            self._loop.call_soon(self._finish, entry, None, error)

    async def _shell(self, entry: Entry) -> tuple[Any, BaseException | None]:
        """Run a coroutine function so that not even a SystemExit gets out of its task."""
        job = entry.job
        try:
            if job.kind == "nested":
                return await job.function(Scope(self, entry), *job.args), None
            return await job.function(*job.args), None
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            return None, error

    def _task_done(self, entry: Entry, task: asyncio.Task[Any]) -> None:
        if task.cancelled():
            self._finish(entry, None, asyncio.CancelledError())
        elif (error := task.exception()) is not None:
            self._finish(entry, None, error)
        else:
            self._finish(entry, *task.result())

    @staticmethod
    def _in_thread(entry: Entry) -> Any:
        if entry.halted:
            return None  # told off before the thread got to it
        return entry.context.run(entry.job.function, *entry.job.args)

    def _chore(self, function: Callable[..., Any], *args: Any) -> asyncio.Future[tuple[Any, BaseException | None]]:
        """Call a function in a thread; gives (value, error)."""
        done: asyncio.Future[tuple[Any, BaseException | None]] = self._loop.create_future()

        def tell(value: Any, error: BaseException | None) -> None:
            if not done.done():
                done.set_result((value, error))

        self._chores.call(tell, function, *args)
        return done

    async def _serve(self, entry: Entry) -> tuple[Any, BaseException | None]:
        """Run a cpu or crash job in a process, and in another one should that die before it began."""
        payload, error = await self._chore(pickled, entry.job.function, entry.job.args)
        if error is not None:
            return None, error
        for _ in range(ATTEMPTS):
            if entry.halted:
                break
            if entry.job.kind == "cpu" and self._idle:
                worker = self._idle.pop()
            else:
                worker, error = await self._chore(Worker)
                if error is not None:
                    crash = WorkerCrashed(f"no process for the job: {error!r}")
                    crash.__cause__ = error
                    return None, crash
                worker.attach(self._loop, self._idle_died)
            begun, answer = False, None
            if not entry.halted:
                entry.worker = worker
                begun, answer = await worker.exchange(self._chore, payload)
                entry.worker = None
            if worker.dead or entry.job.kind == "crash" or self._phase is CANCELLING or (begun and answer is None):
                await worker.end(self._chore)
            else:
                self._idle.append(worker)
            if answer is not None:
                result, error = await self._chore(rebuilt, *answer)
                return (None, error) if error is not None else result
            if begun:
                break
        return None, WorkerCrashed("the process ended before the job did")

    def _idle_died(self, worker: Worker) -> None:
        if worker in self._idle:
            self._idle.remove(worker)
            self._see_off(worker)

    def _see_off(self, worker: Worker) -> None:
        helper = self._loop.create_task(worker.end(self._chore))
        self._helpers.add(helper)
        helper.add_done_callback(self._seen_off)

    def _seen_off(self, helper: asyncio.Task[None]) -> None:
        self._helpers.discard(helper)
        self._notify()

    def _post(self, callback: Callable[..., None], *args: Any) -> None:
        """Call something on the loop, from any thread."""
        try:
            self._loop.call_soon_threadsafe(callback, *args)
        except RuntimeError:
            pass  # the loop is closed: nobody is left to be told

    # Ending.

    def _finish(self, entry: Entry, value: Any, error: BaseException | None) -> None:
        """Tell the result of one that ran, unless something else was told already, and end it."""
        future = entry
        outcome = entry.told
        if outcome is None:
            if future.done():
                outcome = CANCELLED  # in this very moment
            elif error is None:
                future.set_result(value)
                outcome = SUCCEEDED
            elif isinstance(error, asyncio.CancelledError):
                entry.told = CANCELLED
                future.tell_cancelled()
                outcome = CANCELLED
            else:
                if isinstance(error, StopIteration):
                    stop, error = error, RuntimeError(f"the job raised {error!r}")
                    error.__cause__ = stop
                future.set_exception(error)
                outcome = FAILED
        self._end(entry, outcome)

    def _end(self, entry: Entry, outcome: str) -> None:
        """The one place where a job ends, and gives its slot back."""
        if entry.state is ENDED:
            return
        counts = self._counts[entry.job.kind]
        counts["running" if entry.state is RUNNING else "queued"] -= 1
        counts[outcome] += 1
        if entry.state is RUNNING and entry.slot:
            entry.lane.release()
        entry.state = ENDED
        self._alive.discard(entry)
        if entry.timer is not None:
            entry.timer.cancel()
            entry.timer = None
        if entry.parent is not None:
            entry.parent.children.discard(entry)
            entry.parent = None
        for child in entry.children:
            child.parent = None
        entry.children.clear()
        entry.lane.pump()
        self._notify()

    def _cancelled(self, entry: Entry) -> None:
        """Called by `Entry.cancel`."""
        if entry.told is None and entry.state in (DOOR, QUEUED, RUNNING):
            self._stop(entry, CANCELLED)

    def _drop(self, entry: Entry) -> None:
        self._stop(entry, CANCELLED)

    def _timed_out(self, entry: Entry) -> None:
        if entry.told is None and not entry.done():
            entry.set_exception(TimeoutError(f"the job ran for more than {entry.job.timeout_sec} s"))
            self._stop(entry, FAILED)

    def _stop(self, first: Entry, outcome: str) -> None:
        """Tell a job off, and all that it submitted, and stop them."""
        family, pending = [], [first]
        while pending:
            entry = pending.pop()
            pending.extend(entry.children)
            if entry.state not in (ENDED, REFUSED):
                family.append(entry)
        for entry in family:
            if entry.told is None:
                entry.told = outcome if entry is first else CANCELLED
                entry.tell_cancelled()
        for entry in reversed(family):  # the deepest first, so that no `cancel` has to go through all of them
            if entry.state not in (ENDED, REFUSED):
                self._halt(entry)

    def _halt(self, entry: Entry) -> None:
        if entry.state is DOOR:
            entry.lane.door.pop(entry, None)
            entry.state = ENDED
        elif entry.state is QUEUED:
            entry.lane.remove(entry)
            self._end(entry, entry.told)
        elif not entry.halted:  # a coroutine is cancelled once, whatever comes after
            entry.halted = True
            if entry.timer is not None:
                entry.timer.cancel()
                entry.timer = None
            if entry.worker is not None:
                entry.worker.kill()
            elif entry.job.kind in ("io", "nested") and entry.task is not None:
                entry.task.cancel()

    # Shutting down.

    async def shutdown(self, drain: bool = True, timeout_sec: float | None = None) -> None:
        """Refuse new jobs, finish (drain) or cancel the old ones, and end threads and processes."""
        over = None if timeout_sec is None else self._loop.time() + max(0.0, timeout_sec)
        self._close()
        if drain:
            await self._until(lambda: not self._alive or self._phase is CANCELLING, over)
        if not drain or self._alive:
            self._cancel_all()
        last = None if over is None else over + GRACE_SEC
        await self._until(lambda: not self._alive, last)
        self._end_crew()
        last = None if over is None else max(self._loop.time(), over) + GRACE_SEC
        await self._until(self._all_gone, last)
        while any(thread.is_alive() for thread in self._leaving):  # for the microseconds after their last words
            await asyncio.sleep(0.0005)
        self._leaving.clear()

    def _close(self) -> None:
        if self._phase is not OPEN:
            return
        self._phase = DRAINING
        for kind, lane in self._lanes.items():
            if kind == "crash":
                continue  # the lane of cpu
            unsure = [entry for entry in lane.queue if not entry.confirmed]
            for entry in unsure:
                lane.remove(entry)
                self._alive.discard(entry)
                self._counts[entry.job.kind]["queued"] -= 1
            for entry in [*lane.door, *unsure]:
                entry.state = REFUSED
                if entry.let_in is not None and not entry.done():
                    entry.set_exception(ExecutorClosed("the executor was shut down"))
                self._wake(entry)
            lane.door.clear()
            lane.pump()

    def _cancel_all(self) -> None:
        self._phase = CANCELLING
        for entry in list(self._alive):
            self._stop(entry, CANCELLED)
        self._end_crew()  # nothing starts any more: idle threads and processes need not wait for the others
        self._notify()

    def _end_crew(self) -> None:
        """Let idle threads and processes go; nothing starts any more."""
        self._threads.end()
        while self._idle:
            self._see_off(self._idle.pop())

    def _all_gone(self) -> bool:
        while self._idle:  # a job gave one back since
            self._see_off(self._idle.pop())
        if not self._helpers and not any(entry.job.kind in ("cpu", "crash") for entry in self._alive):
            self._chores.end()  # no process is left that would need one
        return not self._helpers and not self._threads.threads and not self._chores.threads

    def _thread_gone(self, crew: Crew, thread: threading.Thread) -> None:
        crew.threads.discard(thread)
        self._leaving.append(thread)
        self._notify()

    async def _until(self, condition: Callable[[], bool], last: float | None) -> None:
        """Wait until the condition holds, or that time has come."""
        while not condition():
            if last is not None and self._loop.time() >= last:
                return
            watcher = self._loop.create_future()
            self._watchers.add(watcher)
            timer = None if last is None else self._loop.call_at(last, _set, watcher)
            try:
                await watcher
            finally:
                self._watchers.discard(watcher)
                if timer is not None:
                    timer.cancel()

    def _notify(self) -> None:
        for watcher in self._watchers:
            _set(watcher)


def _set(watcher: asyncio.Future[None]) -> None:
    if not watcher.done():
        watcher.set_result(None)
