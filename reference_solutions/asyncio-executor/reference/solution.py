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
"""

# ruff: noqa: BLE001, S301  (what jobs raise is data here, and the pickles are our own)

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import multiprocessing
import pickle
import queue
import signal
import socket
import struct
import threading
import traceback
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

GRACE_SEC = 0.5
"""How long a shutdown whose time is over waits for coroutines to clean up after they were cancelled."""

PRELOADED = ["asyncio", "pickle", "socket", "contextvars", "multiprocessing.connection", "concurrent.futures"]
"""What the fork server imports once, for every worker process."""

STARTS_TRIED = 3
"""Processes that end before they begin on a job, one after another, mean that it can't be run."""

_SIZE = struct.Struct("!Q")


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


LANE_OF = {"io": "io", "blocking": "blocking", "cpu": "cpu", "crash": "cpu", "nested": "nested"}


@dataclass
class Tally:
    """What became of the jobs of one kind."""

    queued: int = 0
    running: int = 0
    succeeded: int = 0
    failed: int = 0
    cancelled: int = 0


@dataclass(eq=False)
class Entry:
    """One accepted job.

    It `inherits` its parent's slot or takes one of its own; it counts against the queue when it came from `outside`.
    `work` is its task if it has one: the loop itself holds tasks weakly. `stop` ends the work where that can be done,
    and is called once. `children` are what a nested job submitted.
    """

    job: Job
    lane: Lane
    future: asyncio.Future[Any]
    context: contextvars.Context
    inherits: bool = False
    outside: bool = True
    work: asyncio.Task[None] | None = None
    stop: Callable[[], object] | None = None
    timer: asyncio.TimerHandle | None = None
    children: set[Entry] = field(default_factory=set)


class Lane:
    """The jobs that share a limit: how many run, which wait, and who waits to submit."""

    def __init__(self, limit: int, room: int) -> None:
        self.limit = limit
        self.room = room
        self.running = 0
        self.outside = 0  # of those that wait: what nested jobs submit is never held back
        self.promised = 0  # places given to submitters that have not taken them yet
        self.waiting: OrderedDict[Entry, None] = OrderedDict()  # unlike a dict, fast at giving its oldest
        self.submitters: deque[asyncio.Future[None]] = deque()

    def has_room(self) -> bool:
        """Tell whether one more job from outside may come in."""
        return self.running + self.outside + self.promised < self.limit + self.room

    async def place(self) -> None:
        """Wait for room, first come, first served."""
        if self.has_room() and not self.submitters:
            return
        turn = asyncio.get_running_loop().create_future()
        self.submitters.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():  # cancelled in the same moment as it was promised a place
                self.promised -= 1
                self.call_submitters()
            raise
        self.promised -= 1

    def call_submitters(self) -> None:
        """Promise every place there is."""
        while self.submitters and self.has_room():
            turn = self.submitters.popleft()
            if not turn.done():
                self.promised += 1
                turn.set_result(None)

    def dismiss_submitters(self) -> None:
        """Send everybody away who waits."""
        for turn in self.submitters:
            if not turn.done():
                turn.set_exception(ExecutorClosed("the executor is shut down"))
        self.submitters.clear()


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
            except BaseException as fault:
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
            self._writer.write(_SIZE.pack(len(request)) + request)
            await self._reader.readexactly(1)
        except (asyncio.IncompleteReadError, ConnectionError) as fault:
            raise NeverBegan from fault
        try:
            (size,) = _SIZE.unpack(await self._reader.readexactly(_SIZE.size))
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
        self._process.close()
        self.gone.set_result(-1 if code is None else code)
        self.kill()


# ---- what runs in a worker process


def serve(connection: socket.socket) -> None:
    """Answer requests until the other end closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the program decides what an interrupt means
    with connection, connection.makefile("rb") as requests:
        while size := requests.read(_SIZE.size):
            request = requests.read(*_SIZE.unpack(size))
            connection.sendall(b"!")
            reply = packed(request)
            connection.sendall(_SIZE.pack(len(reply)) + reply)


def packed(request: bytes) -> bytes:
    """Make a call and pack what became of it so that it can be carried."""
    try:
        function, args = pickle.loads(request)
        value = function(*args)
    except BaseException as fault:
        return _packed_fault(fault)
    try:
        return pickle.dumps((value, None, ""))
    except BaseException as fault:
        text = f"a result of type {type(value).__qualname__} can't be pickled: {fault}"
        return pickle.dumps((None, None, text))


def _packed_fault(fault: BaseException) -> bytes:
    text = "".join(traceback.format_exception(fault))
    try:
        blob = pickle.dumps(fault)
        pickle.loads(blob)  # an exception may pickle and not come back, for want of arguments
    except BaseException:
        return pickle.dumps((None, None, f"{type(fault).__qualname__}: {fault}\n{text}"))
    return pickle.dumps((None, blob, text))


def unpacked(reply: bytes) -> tuple[Any, BaseException | None]:
    """Read what `packed` made; the traceback's text becomes the exception's cause, as the standard library does it."""
    text = ""
    try:
        value, blob, text = pickle.loads(reply)
        fault = None if blob is None else pickle.loads(blob)
    except Exception as broken:  # the text of a traceback says what was raised
        return None, RemoteError(f"what the job gave can't be rebuilt here: {broken!r}\n{text}")
    if fault is not None:
        fault.__cause__ = RemoteTraceback(text)
    elif text:
        fault = RemoteError(text)
    return value, fault


class RemoteTraceback(Exception):
    """The text of a traceback of another process, to be shown as the cause."""

    def __str__(self) -> str:
        return f"\n{self.args[0]}"
