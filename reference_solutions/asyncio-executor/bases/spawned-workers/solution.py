"""A job executor for asyncio.

All state belongs to the event loop's thread; there are no locks but the one for what a cancellation and the thread that waits for
a process share. A job is a `_Record` from the moment it is accepted (`Executor._accept`) to its end (`Executor._forget`).
A slot is taken in `_start` and comes back in `_ended`, nowhere else.

Threads do what may block: `_Threads` are the threads of one lane, made when first needed. A blocking job is its
function; a cpu or crash job is a call that pickles, starts a process if it must, and waits for the reply or the end of that process.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import multiprocessing
import os
import pickle
import queue
import select
import signal
import socket
import threading
import time
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

import jobworker

KINDS = ("io", "blocking", "cpu", "nested", "crash")
LANES = {"io": "io", "blocking": "blocking", "cpu": "cpu", "crash": "cpu", "nested": "nested"}

CLEAN_UP_SEC = 0.3  # what jobs get to clean up when shutdown's time is over
END_SEC = 0.3  # and after that threads and processes to end
ATTEMPTS = 20  # processes in a row that end before they begin on a job
CHUNK = 1 << 20
FEED_AT_ONCE = 32  # items that map takes before it lets others have the loop

QUEUED, RUNNING, ENDED = "queued", "running", "ended"

Outcome = tuple[bool, Any]  # (True, value) or (False, exception)


class ExecutorClosed(RuntimeError):
    """The executor takes no more jobs."""


class WorkerCrashed(RuntimeError):
    """The process of a cpu or crash job ended before the job did."""


class RemoteError(RuntimeError):
    """What a cpu or crash job raised or returned can't be carried to this process; says what it was."""


class _RemoteTraceback(Exception):
    """Stands as the cause of an exception that comes from another process; prints as its traceback there."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        return f'\n"""\n{self.text}"""'


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

    def __post_init__(self) -> None:
        if min(self.io, self.blocking, self.cpu, self.nested, self.queue) < 1:
            raise ValueError("each limit is at least 1")


# ---------------------------------------------------------------------------------------------------------------- processes


_context = multiprocessing.get_context("forkserver")
_starting = threading.Lock()  # multiprocessing keeps a list of children that isn't made for several threads
_preloaded = False


class _Died(Exception):
    """A process ended before it replied."""

    def __init__(self, began: bool) -> None:
        super().__init__(began)
        self.began = began


class _Worker:
    """A worker process. One thread at a time talks to it; `kill` may be called from any."""

    def __init__(self) -> None:
        global _preloaded
        self._lock = threading.Lock()
        self._closed = False
        self._socket, theirs = socket.socketpair()
        try:
            with theirs, _starting:
                if not _preloaded:
                    # Not __main__, the default: Python 3.11's fork server dies when it can't import it.
                    _context.set_forkserver_preload(["asyncio", "pickle", "socket", "struct", "traceback", "linecache"])
                    _preloaded = True
                self._process = _context.Process(target=jobworker.serve, args=(theirs,), daemon=True)
                self._process.start()
        except BaseException:
            self._socket.close()
            raise
        self._socket.setblocking(False)
        self._pid = self._process.pid
        self._sentinel = self._process.sentinel
        self._poll = select.poll()
        self._poll.register(self._sentinel, select.POLLIN)

    def dead(self) -> bool:
        poll = select.poll()
        poll.register(self._sentinel, select.POLLIN)
        return bool(poll.poll(0))

    def kill(self) -> None:
        with self._lock:
            if not self._closed and not self.dead():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self._pid, signal.SIGKILL)

    def end(self) -> int | None:
        """Kill it, wait until it is gone, and give its exit code."""
        self.kill()
        poll = select.poll()
        poll.register(self._sentinel, select.POLLIN)
        poll.poll()
        with _starting, self._lock:
            self._closed = True
            self._process.join()
            code = self._process.exitcode
            self._process.close()
        self._socket.close()
        return code

    def exchange(self, request: bytes) -> memoryview:
        """Send a request and wait for the reply, or raise `_Died`.

        The end of the process is seen by the sentinel: the socket alone would not do, a job's own children may hold it.
        """
        parts = [memoryview(jobworker.LENGTH.pack(len(request))), memoryview(request)]
        data, need = bytearray(), 1 + jobworker.LENGTH.size
        sock, number = self._socket, self._socket.fileno()
        self._poll.register(number, select.POLLIN | select.POLLOUT)
        while True:
            events = dict(self._poll.poll())
            if events.get(number, 0) & ~select.POLLOUT:
                try:
                    chunk = sock.recv(CHUNK)
                except BlockingIOError:
                    continue
                except ConnectionError:
                    chunk = b""
                if not chunk:
                    raise _Died(bool(data))
                data += chunk
                if len(data) >= need:
                    need = 1 + jobworker.LENGTH.size + jobworker.LENGTH.unpack_from(data, 1)[0]
                    if len(data) >= need:
                        return memoryview(data)[1 + jobworker.LENGTH.size :]
            elif self._sentinel in events:  # and there is nothing more to read
                raise _Died(bool(data))
            elif parts and number in events:
                try:
                    count = sock.send(parts[0])
                except BlockingIOError:
                    continue
                except ConnectionError:
                    count, parts = 0, []
                if parts:
                    parts[0] = parts[0][count:]
                    if not parts[0]:
                        del parts[0]
                if not parts:
                    self._poll.modify(number, select.POLLIN)


class _Call:
    """A cpu or crash job as the loop and the thread that waits for its process share it, under the lock of `_Workers`."""

    def __init__(self, job: Job) -> None:
        self.function = job.function
        self.args = job.args
        self.alone = job.kind == "crash"
        self.stopped = False
        self.worker: _Worker | None = None


class _Workers:
    """The worker processes of one executor."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[_Worker] = []

    def perform(self, call: _Call) -> Outcome:
        """Run a job in a process; for a thread."""
        try:
            request = pickle.dumps((call.function, tuple(call.args)), pickle.HIGHEST_PROTOCOL)
        except Exception as exc:
            return False, exc
        except BaseException as exc:
            return False, RemoteError(f"the job can't be pickled: {type(exc).__qualname__}: {exc}")
        why: object = None
        for attempt in range(ATTEMPTS):
            try:
                worker = self._take(call)
            except Exception as exc:  # no memory, no more processes: may pass
                why = exc
                time.sleep(0.005 * attempt)
                continue
            if worker is None:
                return False, WorkerCrashed("stopped before its process was there")
            try:
                reply = worker.exchange(request)
            except _Died as died:
                self._release(call)
                why = f"exit code {worker.end()}"
                if died.began or call.stopped:
                    return False, WorkerCrashed(f"the process of the job ended before the job did ({why})")
                continue  # it hadn't begun: another process will
            self._release(call)
            if call.alone or call.stopped:
                worker.end()
            else:
                with self._lock:
                    self._idle.append(worker)
            return _decode(reply)
        return False, WorkerCrashed(f"{ATTEMPTS} processes in a row ended before they could begin on the job (the last: {why})")

    def stop(self, call: _Call) -> None:
        """Kill the process that runs a job, or see to it that none does; for the loop, and quick."""
        with self._lock:
            call.stopped = True
            if call.worker is not None:
                call.worker.kill()

    def kill_idle(self) -> None:
        with self._lock:
            for worker in self._idle:
                worker.kill()

    def end_idle(self) -> None:
        """End the processes that have nothing to do; for a thread."""
        while True:
            with self._lock:
                if not self._idle:
                    return
                worker = self._idle.pop()
            worker.end()

    def _take(self, call: _Call) -> _Worker | None:
        while not call.alone:
            with self._lock:
                if call.stopped:
                    return None
                if not self._idle:
                    break
                worker = self._idle.pop()
                if not worker.dead():
                    call.worker = worker
                    return worker
            worker.end()  # it died while idle
        if call.stopped:
            return None
        worker = _Worker()
        with self._lock:
            if not call.stopped:
                call.worker = worker
                return worker
            if not call.alone:
                self._idle.append(worker)
        if call.alone:
            worker.end()
        return None

    def _release(self, call: _Call) -> None:
        with self._lock:
            call.worker = None


def _decode(reply: memoryview) -> Outcome:
    """Rebuild what a worker sent. It may run any code, so it is done in a thread and guarded."""
    tag, body = bytes(reply[:1]), reply[1:]
    if tag == jobworker.VALUE:
        try:
            return True, pickle.loads(body)
        except BaseException as exc:
            return False, RemoteError(f"what the job returned can't be rebuilt here: {type(exc).__qualname__}: {jobworker._message(exc)}")
    if tag == jobworker.STUCK:
        name, reason, trace = pickle.loads(body)
        error: BaseException = RemoteError(f"the job returned a {name}, which can't be pickled: {reason}")
    else:
        packed, name, message, trace = pickle.loads(body)
        try:
            error, args = pickle.loads(packed)
            if not isinstance(error, BaseException) or type(error).__qualname__ != name:
                raise TypeError("rebuilt as something else")
            error.args = args
            error.__cause__ = _RemoteTraceback(trace)
            return False, error
        except BaseException:
            error = RemoteError(f"the job raised {name}: {message} (which can't be carried to this process)")
    error.__cause__ = _RemoteTraceback(trace)
    return False, error


# ------------------------------------------------------------------------------------------------------------------ threads


class _Threads:
    """The threads of one lane: as many as it ever had jobs at once. Its methods are for the loop."""

    def __init__(self, name: str, last_words: Callable[[], None] = lambda: None) -> None:
        self._loop = asyncio.get_running_loop()
        self._name = name
        self._last_words = last_words
        self._work: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._threads: set[threading.Thread] = set()
        self._busy = 0
        self._stopping = False
        self.gone: asyncio.Future[None] = self._loop.create_future()

    def run(self, function: Callable[[], Outcome], callback: Callable[[Outcome], None]) -> None:
        """Call a function in a thread, and then the callback on the loop."""
        self._busy += 1
        if self._busy > len(self._threads):
            # Daemons: a function that never returns must not keep the program from ending.
            thread = threading.Thread(target=self._serve, name=self._name, daemon=True)
            try:
                thread.start()
            except RuntimeError as exc:
                if not self._threads:
                    self._loop.call_soon(self._returned, callback, (False, exc))
                    return
            else:
                self._threads.add(thread)
        self._work.put((function, callback))

    def stop(self) -> None:
        """Let each thread end when it has nothing more to do; `gone` tells when all have."""
        if self._stopping:
            return
        self._stopping = True
        for _ in self._threads:
            self._work.put(None)
        if not self._threads:
            self.gone.set_result(None)

    def _serve(self) -> None:
        while (work := self._work.get()) is not None:
            function, callback = work
            self._tell(self._returned, callback, function())
            del work, function, callback
        self._last_words()
        self._tell(self._thread_ended, threading.current_thread())

    def _tell(self, *call: Any) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody is left to be told
            self._loop.call_soon_threadsafe(*call)

    def _returned(self, callback: Callable[[Outcome], None], outcome: Outcome) -> None:
        self._busy -= 1
        callback(outcome)

    def _thread_ended(self, thread: threading.Thread) -> None:
        thread.join()  # it has nothing more to do than to return
        self._threads.discard(thread)
        if self._stopping and not self._threads and not self.gone.done():
            self.gone.set_result(None)


def _outcome(function: Callable[..., Any], *args: Any) -> Outcome:
    try:
        return True, function(*args)
    except BaseException as exc:
        return False, exc


async def _coroutine_outcome(function: Callable[..., Any], args: tuple[Any, ...]) -> Outcome:
    # Nothing is raised from here: asyncio lets a task's SystemExit and KeyboardInterrupt end the loop.
    try:
        return True, await function(*args)
    except BaseException as exc:
        return False, exc


# ----------------------------------------------------------------------------------------------------------------- executor


class _JobFuture(asyncio.Future):  # type: ignore[type-arg]
    """The future of a job. Cancelling it stops the job at once, not at the loop's next turn."""

    record: _Record | None = None

    def cancel(self, msg: Any = None) -> bool:
        if not super().cancel(msg):
            return False
        if self.record is not None:
            self.record.executor._cancelled(self.record)
        return True


class _Record:
    """A job from its acceptance to its end."""

    __slots__ = ("call", "children", "context", "counted", "executor", "future", "job", "lane", "own_slot", "parent", "state", "stopped", "task", "timer")

    def __init__(self, executor: Executor, job: Job, lane: _Lane, context: contextvars.Context, parent: _Record | None) -> None:
        self.executor = executor
        self.job = job
        self.lane = lane
        self.context = context
        self.parent = parent  # the nested job that submitted it, or who inherited it
        self.children: dict[_Record, None] = {}
        self.counted = parent is None  # against the queue's limit
        self.own_slot = parent is None or job.kind != "nested"
        self.state = QUEUED
        self.stopped = False
        self.task: asyncio.Task[Outcome] | None = None
        self.call: _Call | None = None
        self.timer: asyncio.TimerHandle | None = None
        self.future: _JobFuture | None = _JobFuture(loop=executor._loop)
        self.future.record = self


class _Lane:
    """The slots of a lane, its queue, and the submitters that wait for room."""

    def __init__(self, limit: int, queue_limit: int) -> None:
        self.limit = limit
        self.places = limit + queue_limit
        self.running = 0
        self.queue: OrderedDict[_Record, None] = OrderedDict()
        self.counted = 0  # of the queue, without what nested jobs submitted
        self.promised = 0  # places for submitters that were let in and have not run yet
        self.waiters: OrderedDict[asyncio.Future[bool], None] = OrderedDict()

    def full(self) -> bool:
        return self.running + self.counted + self.promised >= self.places


_alive: set[Executor] = set()  # executors with jobs: the loop holds its tasks weakly, so somebody must hold them


class Executor:
    """Runs jobs of five kinds."""

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._loop = asyncio.get_running_loop()
        self._lanes = {lane: _Lane(getattr(self._limits, lane), self._limits.queue) for lane in set(LANES.values())}
        self._records: dict[_Record, None] = {}
        self._counts = {kind: {"queued": 0, "running": 0, "succeeded": 0, "failed": 0, "cancelled": 0} for kind in KINDS}
        self._workers = _Workers()
        self._blocking_threads = _Threads("executor-blocking")
        self._process_threads = _Threads("executor-cpu", self._workers.end_idle)
        self._closed = False  # no more jobs from outside
        self._halted = False  # nor from within: what is left is cancelled
        self._idle: asyncio.Future[None] = self._loop.create_future()  # closed, and no job left
        self._families: deque[_Record] | None = None

    async def __aenter__(self) -> Executor:
        return self

    async def __aexit__(self, exc_type: type[BaseException] | None, *_: object) -> None:
        await self.shutdown(drain=exc_type is None)

    def submit(self, job: Job) -> Coroutine[Any, Any, asyncio.Future[Any]]:
        """Take a job in and give a future of its result; cancelling the future cancels the job."""
        return self._submit(job, contextvars.copy_context())  # now, not when the coroutine is first run

    def map(
        self, kind: str, function: Callable[..., Any], items: Iterable[Any], timeout_sec: float | None = None
    ) -> AsyncIterator[Any]:
        """Run `function(item)` for each item and give the results in the order of the items."""
        return _map(self.submit, self._lane(kind).places, kind, function, items, timeout_sec)

    def stats(self) -> dict[str, dict[str, int]]:
        """Count the jobs of each kind by what became of them."""
        return {kind: dict(counts) for kind, counts in self._counts.items()}

    async def shutdown(self, drain: bool = True, timeout_sec: float | None = None) -> None:
        """Refuse new jobs, finish (drain) or drop the old ones, and end threads and processes."""
        deadline = None if timeout_sec is None else self._loop.time() + timeout_sec
        self._close()
        if drain:
            await self._until(self._idle, deadline)
        self._halt()
        await self._until(self._idle, deadline, CLEAN_UP_SEC)
        self._workers.kill_idle()
        for threads in (self._blocking_threads, self._process_threads):
            threads.stop()
        for threads in (self._blocking_threads, self._process_threads):
            await self._until(threads.gone, deadline, CLEAN_UP_SEC + END_SEC)

    # --- into the queue

    def _lane(self, kind: str) -> _Lane:
        if kind not in LANES:
            raise ValueError(f"no such kind of job: {kind!r}")
        return self._lanes[LANES[kind]]

    async def _submit(self, job: Job, context: contextvars.Context) -> asyncio.Future[Any]:
        lane = self._lane(job.kind)
        if not self._closed and (lane.waiters or lane.promised or lane.full()):
            await self._wait_for_room(lane)
        if self._closed:
            raise ExecutorClosed("the executor is shut down")
        return self._accept(job, lane, context, None)

    async def _wait_for_room(self, lane: _Lane) -> None:
        waiter: asyncio.Future[bool] = self._loop.create_future()
        lane.waiters[waiter] = None
        try:
            promised = await waiter
        except BaseException:
            lane.waiters.pop(waiter, None)
            if waiter.done() and not waiter.cancelled() and waiter.result():  # let in and cancelled in one turn
                lane.promised -= 1
                self._dispatch(lane)
            raise
        if promised:
            lane.promised -= 1
            if self._closed:
                self._dispatch(lane)

    def _accept(self, job: Job, lane: _Lane, context: contextvars.Context, parent: _Record | None) -> asyncio.Future[Any]:
        record = _Record(self, job, lane, context, parent)
        future = record.future
        assert future is not None
        self._records[record] = None
        _alive.add(self)
        if parent is not None:
            parent.children[record] = None
        self._counts[job.kind]["queued"] += 1
        if record.own_slot:
            lane.queue[record] = None
            lane.counted += record.counted
            self._dispatch(lane)
        else:
            self._start(record)
        return future

    def _dispatch(self, lane: _Lane) -> None:
        """Start what may start, then let in who may come in. To be called whenever a slot or a place came free."""
        while lane.queue and lane.running < lane.limit:
            record = next(iter(lane.queue))
            if not record.counted and lane.full():
                break  # this slot is promised to a submitter, who takes it in a moment
            self._leave_queue(record)
            self._start(record)
        while lane.waiters and not lane.full():
            waiter, _ = lane.waiters.popitem(last=False)
            if not waiter.done():
                lane.promised += 1
                waiter.set_result(True)

    def _leave_queue(self, record: _Record) -> None:
        del record.lane.queue[record]
        record.lane.counted -= record.counted

    # --- running

    def _start(self, record: _Record) -> None:
        job = record.job
        record.state = RUNNING
        record.lane.running += record.own_slot
        self._counts[job.kind]["queued"] -= 1
        self._counts[job.kind]["running"] += 1
        if job.timeout_sec is not None:
            record.timer = self._loop.call_later(job.timeout_sec, self._timed_out, record)
        if job.kind in ("io", "nested"):
            args = (_Scope(self, record), *job.args) if job.kind == "nested" else tuple(job.args)
            record.task = self._loop.create_task(_coroutine_outcome(job.function, args), context=record.context)
            record.task.add_done_callback(partial(self._coroutine_ended, record))
        elif job.kind == "blocking":
            self._blocking_threads.run(partial(_outcome, record.context.run, job.function, *job.args), partial(self._ended, record))
        else:
            record.call = _Call(job)
            self._process_threads.run(partial(self._workers.perform, record.call), partial(self._ended, record))

    def _coroutine_ended(self, record: _Record, task: asyncio.Task[Outcome]) -> None:
        # Cancelled itself is only a task that never took its first step.
        self._ended(record, (False, asyncio.CancelledError()) if task.cancelled() else task.result())

    def _ended(self, record: _Record, outcome: Outcome) -> None:
        """The job has ended and its slot comes back."""
        future, counts = record.future, self._counts[record.job.kind]
        assert future is not None and record.state is RUNNING
        counts["running"] -= 1
        self._forget(record)
        ok, value = outcome
        if future.cancelled():
            counts["cancelled"] += 1
        elif future.done():  # it ran out of time
            counts["failed"] += 1
        elif ok:
            counts["succeeded"] += 1
            future.set_result(value)
        else:
            counts["failed"] += 1
            if isinstance(value, StopIteration):  # a future can't raise it, as a coroutine can't
                error = RuntimeError("the job raised StopIteration")
                error.__cause__ = value
                value = error
            future.set_exception(value)
        record.lane.running -= record.own_slot
        self._dispatch(record.lane)

    def _forget(self, record: _Record) -> None:
        record.state = ENDED
        if record.timer is not None:
            record.timer.cancel()
        if record.future is not None:
            record.future.record = None
        record.future = record.task = record.timer = record.call = None
        parent = record.parent
        if parent is not None:
            parent.children.pop(record, None)
        for child in record.children:  # they go on, and belong to whom this job belonged to
            child.parent = parent
            if parent is not None:
                parent.children[child] = None
        record.children.clear()
        del self._records[record]
        if not self._records:
            _alive.discard(self)
            if self._closed and not self._idle.done():
                self._idle.set_result(None)

    # --- stopping

    def _cancelled(self, record: _Record) -> None:
        """The future of a job has been cancelled."""
        if record.state is QUEUED:
            counts = self._counts[record.job.kind]
            counts["queued"] -= 1
            counts["cancelled"] += 1
            self._leave_queue(record)
            self._forget(record)
            self._dispatch(record.lane)
        elif record.state is RUNNING:
            self._stop(record)

    def _timed_out(self, record: _Record) -> None:
        if record.state is RUNNING and record.future is not None and not record.future.done():
            record.future.set_exception(TimeoutError(f"the job ran for more than {record.job.timeout_sec} s"))
            self._stop(record)

    def _stop(self, record: _Record) -> None:
        """Stop a running job as far as it can be; once. It keeps its slot until it has ended."""
        if record.stopped:
            return
        record.stopped = True
        if record.timer is not None:
            record.timer.cancel()
        self._cancel_family(record)
        if record.task is not None:
            record.task.cancel()
        elif record.call is not None:
            self._workers.stop(record.call)

    def _cancel_family(self, record: _Record) -> None:
        """Cancel what a nested job submitted, to any depth: without recursion, and the youngest first, or else
        cancelling a task would recurse through the futures that each waits for."""
        if self._families is not None:
            self._families.append(record)
            return
        self._families, seen = deque([record]), set()
        try:
            while self._families:
                top = self._families.popleft()
                if top in seen:
                    continue
                family = [top]
                for member in family:
                    family.extend(member.children)
                seen.update(family)
                for member in reversed(family[1:]):
                    if member.future is not None:
                        member.future.cancel()
        finally:
            self._families = None

    def _close(self) -> None:
        if self._closed:
            return
        self._closed = True
        for lane in self._lanes.values():
            while lane.waiters:
                waiter, _ = lane.waiters.popitem(last=False)
                if not waiter.done():
                    waiter.set_result(False)
        if not self._records:
            self._idle.set_result(None)

    def _halt(self) -> None:
        self._halted = True
        for record in reversed(list(self._records)):  # children before their parents, the queue before what runs
            if record.future is not None:
                record.future.cancel()

    async def _until(self, future: asyncio.Future[None], deadline: float | None, grace: float = 0.0) -> None:
        if not future.done():
            await asyncio.wait([future], timeout=None if deadline is None else max(0.0, deadline + grace - self._loop.time()))


class _Scope:
    """What a nested job gets as its executor: what it submits is its own, and never waits for room."""

    def __init__(self, executor: Executor, record: _Record) -> None:
        self._executor = executor
        self._record = record

    def submit(self, job: Job) -> Coroutine[Any, Any, asyncio.Future[Any]]:
        return self._submit(job, contextvars.copy_context())

    async def _submit(self, job: Job, context: contextvars.Context) -> asyncio.Future[Any]:
        executor, record = self._executor, self._record
        if record.state is not RUNNING:  # kept beyond the end of its job: no more than the executor itself
            return await executor._submit(job, context)
        lane = executor._lane(job.kind)
        if executor._halted:
            raise ExecutorClosed("the executor is shut down")
        return executor._accept(job, lane, context, record)

    def map(
        self, kind: str, function: Callable[..., Any], items: Iterable[Any], timeout_sec: float | None = None
    ) -> AsyncIterator[Any]:
        return _map(self.submit, self._executor._lane(kind).places, kind, function, items, timeout_sec)

    def stats(self) -> dict[str, dict[str, int]]:
        return self._executor.stats()


async def _map(
    submit: Callable[[Job], Coroutine[Any, Any, asyncio.Future[Any]]],
    window: int,
    kind: str,
    function: Callable[..., Any],
    items: Iterable[Any],
    timeout_sec: float | None,
) -> AsyncIterator[Any]:
    """A task of its own takes items, at most `window` beyond what was handed out, so that results don't wait for room."""
    room = asyncio.Semaphore(window)
    fed: asyncio.Queue[Any] = asyncio.Queue()  # futures; then how the items ended: None or an exception
    futures: deque[asyncio.Future[Any]] = deque()

    async def feed() -> None:
        try:
            iterator, taken = iter(items), 0
            while True:
                await room.acquire()
                try:
                    item = next(iterator)
                except StopIteration:
                    fed.put_nowait(None)
                    return
                future = await submit(Job(kind, function, (item,), timeout_sec))
                futures.append(future)
                fed.put_nowait(future)
                taken += 1
                if taken % FEED_AT_ONCE == 0:
                    await asyncio.sleep(0)
        except BaseException as exc:
            fed.put_nowait(exc)
            if isinstance(exc, asyncio.CancelledError):
                raise

    feeder = asyncio.get_running_loop().create_task(feed())
    try:
        while (entry := await fed.get()) is not None:
            if isinstance(entry, BaseException):
                raise entry
            value = await entry
            futures.popleft()
            room.release()
            yield value
            del value
    finally:
        feeder.cancel()
        for future in reversed(futures):
            if not future.cancel() and not future.cancelled():
                future.exception()  # nobody will ask for it
        await asyncio.wait([feeder])
