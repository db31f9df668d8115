"""A job executor for asyncio: a few runners for each lane, and a thread that tends each process.

Theory of operation. A lane is a queue of tickets and up to its limit of *runners*: loops that take the oldest ticket,
do it to its end, and take the next. Runners are started when there is work and end when there is none, so the limit is
the number of runners, and nobody counts slots.

What would block the loop is done by *hands*, threads that do one thing after another. A hand calls the function of a
blocking job itself. For a cpu job it tends a process: starts it, sends the call, waits for the answer. To stop such a
job the loop kills the process, and its hand sees the end of the pipe.
"""

# ruff: noqa: BLE001, S301  (what jobs raise is data here, and the pickles are our own)

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import multiprocessing
import multiprocessing.connection
import pickle
import queue
import threading
import traceback
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from typing import Any

KINDS = ("io", "blocking", "cpu", "nested", "crash")
GRACE_SEC = 0.5


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


class Ticket:
    """One accepted job: what its caller holds, and how to stop it."""

    def __init__(self, job: Job, parent: Ticket | None) -> None:
        self.job = job
        self.parent = parent
        self.context = contextvars.copy_context()
        self.future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.children: set[Ticket] = set()
        self.stop: Callable[[], object] = lambda: None
        self.stopped = False

    def settle(self, value: Any, fault: BaseException | None) -> None:
        """Tell the caller, unless something else was first."""
        if self.future.done():
            return
        if fault is None:
            self.future.set_result(value)
        elif isinstance(fault, asyncio.CancelledError):
            self.future.cancel()
        elif isinstance(fault, StopIteration):
            self.future.set_exception(RuntimeError("the job raised StopIteration"))
        else:
            self.future.set_exception(fault)

    def end(self) -> None:
        """Stop the work and all that it submitted, once."""
        if not self.stopped:
            self.stopped = True
            self.stop()
            for child in list(self.children):
                child.future.cancel()


class Lane:
    """Tickets that wait, runners that take them, submitters that wait for room."""

    def __init__(self, limit: int, room: int) -> None:
        self.limit, self.room = limit, room
        self.runners = 0
        self.accepted = 0  # from outside, and not ended
        self.tickets: OrderedDict[Ticket, None] = OrderedDict()
        self.doors: deque[asyncio.Future[None]] = deque()
        self.entering = 0  # let in, and not come round to it

    def full(self) -> bool:
        """Tell whether a submitter has to wait."""
        return self.accepted >= self.limit + self.room

    def let_in(self, everybody: bool = False) -> None:
        """Give free places to those who wait, in order; a place is taken at once."""
        while self.doors and (everybody or not self.full()):
            door = self.doors.popleft()
            if not door.done():
                self.accepted += 1
                self.entering += 1
                door.set_result(None)

    def leave(self) -> None:
        """Give a place back."""
        self.accepted -= 1
        self.let_in()


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
        self._counts = {kind: dict.fromkeys(states, 0) for kind in KINDS}
        self._live: set[Ticket] = set()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._hands: list[Hand] = []
        self._free: dict[bool, list[Hand]] = {True: [], False: []}
        self._refusing = self._stopping = False
        self._changed = asyncio.Event()

    async def __aenter__(self) -> Executor:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        await self.shutdown(drain=kind is None)

    # ---- in

    async def submit(self, job: Job) -> asyncio.Future[Any]:
        """Take a job in, waiting for room."""
        lane = self._lane(job.kind)
        if self._refusing:
            raise ExecutorClosed("the executor is shut down")
        ticket = Ticket(job, None)
        if lane.doors or lane.entering or lane.full():
            await self._enter(lane)
        else:
            lane.accepted += 1
        return self._take(ticket)

    async def _enter(self, lane: Lane) -> None:
        door = asyncio.get_running_loop().create_future()
        lane.doors.append(door)
        try:
            await door
        except asyncio.CancelledError:
            if door.done() and not door.cancelled():
                lane.entering -= 1
                lane.leave()
            raise
        lane.entering -= 1
        lane.let_in()  # who came while this place was not taken yet waits behind
        if self._refusing:
            lane.leave()
            raise ExecutorClosed("the executor is shut down")

    def submit_within(self, job: Job, parent: Ticket) -> asyncio.Future[Any]:
        """Take in what a nested job submits."""
        self._lane(job.kind)
        if self._stopping:
            raise ExecutorClosed("the executor is shut down")
        return self._take(Ticket(job, parent))

    def map(
        self, kind: str, function: Callable[..., Any], items: Iterable[Any], timeout_sec: float | None = None
    ) -> AsyncIterator[Any]:
        """Give `function(item)` for each item, in order and lazily."""

        async def submit(item: Any) -> asyncio.Future[Any]:
            return await self.submit(Job(kind, function, (item,), timeout_sec))

        lane = self._lane(kind)
        return mapped(submit, items, lane.limit + lane.room, lane.full)

    def stats(self) -> dict[str, dict[str, int]]:
        """Count the jobs of each kind by what becomes of them."""
        return {kind: dict(counts) for kind, counts in self._counts.items()}

    def _lane(self, kind: str) -> Lane:
        if kind not in self._lanes:
            raise ValueError(f"no such kind of job: {kind!r}")
        return self._lanes[kind]

    def _take(self, ticket: Ticket) -> asyncio.Future[Any]:
        lane = self._lane(ticket.job.kind)
        self._live.add(ticket)
        self._counts[ticket.job.kind]["queued"] += 1
        ticket.future.add_done_callback(lambda _: self._settled(ticket, lane))
        if ticket.parent is not None:
            ticket.parent.children.add(ticket)
        if ticket.parent is not None and ticket.job.kind == "nested":
            self._spawn(self._do(ticket))  # in its parent's slot
        else:
            lane.tickets[ticket] = None
            if lane.runners < lane.limit:
                lane.runners += 1
                self._spawn(self._run(lane))
        return ticket.future

    # ---- through

    async def _run(self, lane: Lane) -> None:
        while lane.tickets:
            ticket, _ = lane.tickets.popitem(last=False)
            try:
                await self._do(ticket)
            finally:
                if ticket.parent is None:
                    lane.leave()
        lane.runners -= 1

    async def _do(self, ticket: Ticket) -> None:
        job, counts, timer = ticket.job, self._counts[ticket.job.kind], None
        counts["queued"] -= 1
        if ticket.future.done():  # cancelled a moment ago
            self._forget(ticket)
            return
        counts["running"] += 1
        if job.timeout_sec is not None:
            timer = asyncio.get_running_loop().call_later(job.timeout_sec, self._expire, ticket)
        try:
            match job.kind:
                case "io":
                    await self._on_loop(ticket, job.args)
                case "nested":
                    await self._on_loop(ticket, (Within(self, ticket), *job.args))
                case "blocking":
                    await self._by_hand(ticket, lambda hand: hand.call(ticket.context, job))
                case _:
                    await self._by_process(ticket)
        finally:
            if timer is not None:
                timer.cancel()
            counts["running"] -= 1
            self._forget(ticket)

    def _expire(self, ticket: Ticket) -> None:
        ticket.settle(None, TimeoutError(f"the job ran longer than {ticket.job.timeout_sec} s"))
        ticket.end()

    async def _on_loop(self, ticket: Ticket, args: tuple[Any, ...]) -> None:
        async def call() -> None:
            try:
                ticket.settle(await ticket.job.function(*args), None)
            except BaseException as fault:
                ticket.settle(None, fault)

        if ticket.future.cancelled():
            return
        task = asyncio.get_running_loop().create_task(call(), context=ticket.context)
        ticket.stop = task.cancel
        await asyncio.wait([task])
        ticket.settle(None, asyncio.CancelledError())

    async def _by_hand(self, ticket: Ticket, call: Callable[[Hand], Outcome], tends: bool = False) -> None:
        hand = self._free[tends].pop() if self._free[tends] else self._new_hand()
        if tends:
            ticket.stop = hand.kill
        value, fault = await hand.ask(lambda: call(hand))
        self._free[tends].append(hand)
        ticket.stop = lambda: None
        ticket.settle(value, fault)

    async def _by_process(self, ticket: Ticket) -> None:
        try:
            request = pickle.dumps((ticket.job.function, ticket.job.args))
        except Exception as fault:
            ticket.settle(None, fault)
            return
        kept = ticket.job.kind == "cpu"
        await self._by_hand(ticket, lambda hand: hand.tend(request, kept), tends=True)

    def _new_hand(self) -> Hand:
        hand = Hand()
        self._hands.append(hand)
        return hand

    def _spawn(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work, context=contextvars.Context())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # ---- out

    def _settled(self, ticket: Ticket, lane: Lane) -> None:
        counts = self._counts[ticket.job.kind]
        cancelled = ticket.future.cancelled()
        counts["cancelled" if cancelled else "failed" if ticket.future._exception else "succeeded"] += 1
        if ticket in lane.tickets:
            del lane.tickets[ticket]
            counts["queued"] -= 1
            self._forget(ticket)
            if ticket.parent is None:
                lane.leave()
        elif cancelled:
            ticket.end()

    def _forget(self, ticket: Ticket) -> None:
        self._live.discard(ticket)
        if ticket.parent is not None:
            ticket.parent.children.discard(ticket)
        self._changed.set()

    async def shutdown(self, drain: bool = True, timeout_sec: float | None = None) -> None:
        """Refuse new jobs, end the accepted ones, and give back every thread and process."""
        loop = asyncio.get_running_loop()
        deadline = None if timeout_sec is None else loop.time() + timeout_sec
        self._refusing = True
        for lane in self._lanes.values():
            lane.let_in(everybody=True)  # to be refused
        if drain:
            await self._quiet(deadline)
        self._stopping = True
        for ticket in list(self._live):
            ticket.future.cancel()
        await self._quiet(None if deadline is None else max(deadline, loop.time() + GRACE_SEC))
        for hand in self._hands:
            hand.dismiss()
        for hand in [*self._free[True], *self._free[False]]:
            await hand.gone()

    async def _quiet(self, deadline: float | None) -> None:
        loop = asyncio.get_running_loop()
        while self._live and (deadline is None or loop.time() < deadline):
            self._changed.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), None if deadline is None else deadline - loop.time())


class Within:
    """The executor as a nested job sees it."""

    def __init__(self, executor: Executor, ticket: Ticket) -> None:
        self._executor = executor
        self._ticket = ticket

    async def submit(self, job: Job) -> asyncio.Future[Any]:
        """Take a job in at once."""
        return self._executor.submit_within(job, self._ticket)

    def map(
        self, kind: str, function: Callable[..., Any], items: Iterable[Any], timeout_sec: float | None = None
    ) -> AsyncIterator[Any]:
        """Do as the executor's `map` does."""

        async def submit(item: Any) -> asyncio.Future[Any]:
            return await self.submit(Job(kind, function, (item,), timeout_sec))

        lane = self._executor._lane(kind)
        return mapped(submit, items, lane.limit + lane.room, lambda: False)


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


Outcome = tuple[Any, BaseException | None]


class Hand:
    """A thread that does one thing after another, and the process it may tend."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._work: queue.SimpleQueue[tuple[Callable[[], Outcome], asyncio.Future[Outcome]] | None] = (
            queue.SimpleQueue()
        )
        self._lock = threading.Lock()  # between the loop that kills and the thread that starts
        self._process: Any = None
        self._pipe: Any = None
        self._killed = False
        self._over: asyncio.Future[None] = self._loop.create_future()
        self._thread = threading.Thread(target=self._serve, name="executor", daemon=True)
        self._thread.start()

    def ask(self, call: Callable[[], Outcome]) -> asyncio.Future[Outcome]:
        """Have something done; on the loop."""
        answer: asyncio.Future[Outcome] = self._loop.create_future()
        self._killed = False
        self._work.put((call, answer))
        return answer

    def dismiss(self) -> None:
        """End when idle."""
        self._work.put(None)

    async def gone(self) -> None:
        """Wait for the end of an idle hand."""
        await self._over
        self._thread.join()

    def kill(self) -> None:
        """End the process; on the loop."""
        with self._lock:
            self._killed = True
            if self._process is not None:
                self._process.kill()

    def call(self, context: contextvars.Context, job: Job) -> Outcome:
        """Call a function; in the thread."""
        try:
            return context.run(job.function, *job.args), None
        except BaseException as fault:
            return None, fault

    def tend(self, request: bytes, kept: bool) -> Outcome:
        """Have a call made by a process; in the thread."""
        if not kept:
            self._end()
        while True:
            began = False
            try:
                self._begin()
                if self._killed:
                    self._end()
                    return None, asyncio.CancelledError()
                self._pipe.send_bytes(request)
                self._receive()
                began = True
                reply = self._receive()
            except (EOFError, OSError):
                self._end()
                if began or self._killed:
                    return None, WorkerCrashed("the job's process ended before the job did")
                continue
            if not kept:
                self._end()
            try:
                return unpacked(reply), None
            except BaseException as fault:
                return None, fault

    def _receive(self) -> bytes:
        """Wait for an answer or for the process's end: what a job started may hold the pipe, and live on."""
        multiprocessing.connection.wait([self._pipe, self._process.sentinel])
        if not self._pipe.poll():
            raise EOFError
        answer: bytes = self._pipe.recv_bytes()
        return answer

    def _begin(self) -> None:
        if self._process is not None:
            return
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["asyncio", "multiprocessing.connection", "traceback"])
        ours, theirs = context.Pipe()
        with theirs:
            process = context.Process(target=serve, args=(theirs,), name="executor", daemon=True)
            process.start()
        with self._lock:
            self._process, self._pipe = process, ours
            if self._killed:
                process.kill()

    def _end(self) -> None:
        with self._lock:
            process, self._process = self._process, None
        if process is not None:
            process.kill()
            self._pipe.close()
            process.join()  # not closed: before Python 3.11.4 that breaks a start in another thread (gh-104536)

    def _serve(self) -> None:
        with contextlib.suppress(RuntimeError):  # a function may outlive the loop
            while (work := self._work.get()) is not None:
                call, answer = work
                outcome = call()
                self._loop.call_soon_threadsafe(answer.set_result, outcome)
                del work, call, answer, outcome
            self._end()
            self._loop.call_soon_threadsafe(self._over.set_result, None)


def serve(pipe: Any) -> None:
    """Answer requests until the other end closes; runs in the process."""
    with contextlib.suppress(EOFError):
        while True:
            request = pipe.recv_bytes()
            pipe.send_bytes(b"begun")
            pipe.send_bytes(carried(request))


# ---- what crosses between processes


def carried(payload: bytes) -> bytes:
    """Make a call in a worker process and pack what became of it, so that the pool never sees an odd object."""
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
