"""Batches on the executors of the standard library; the decision is a table of rules of thumb.

A future's callback submits the item to the next stage, so stages overlap without queues of ours. Processes are
executors of one process each: when it dies, nobody else's executor is broken, and it is known what it was doing.
"""

import multiprocessing
import os
import pickle
import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

WORKERS_MOST = 64
WAITERS_MOST = 48
SPAWN_PAYS_SEC = 0.15
THREADS_PAY_SEC = 0.005
CHUNK_SEC = 0.01
BYTES_A_SEC = 1e9

PLAIN = {int, float, str, bytes}
"""Types of results that surely come back as they are."""


@dataclass(frozen=True)
class Profile:
    """What is known about the items of one stage."""

    tasks: int
    wall_sec: float
    cpu_sec: float
    slowest_sec: float
    gil_free: float | None
    argument_bytes: int
    result_bytes: int
    arguments_pickle: bool
    results_pickle: bool
    may_die: bool
    cores: int


@dataclass(frozen=True)
class Plan:
    """How to run one stage."""

    kind: Literal["inline", "threads", "processes"]
    workers: int = 1
    chunk_size: int = 1


@dataclass(frozen=True)
class Stage:
    """A function that every item goes through."""

    function: Callable[[Any], Any]
    profile: Profile


@dataclass(frozen=True)
class Batch:
    """Items that go through one stage, or through several after each other."""

    stages: tuple[Stage, ...]
    items: Sequence[Any]


@dataclass(frozen=True)
class Failed:
    """The entry of an item that has no result."""

    error: BaseException


class WorkerDied(Exception):
    """The process that an item ran in ended before the item did."""


# ---- the choice


def plan(profile: Profile) -> Plan:
    """Choose how to run a stage."""
    tasks, wall, cpu = profile.tasks, profile.wall_sec, profile.cpu_sec
    work = tasks * wall
    if profile.may_die:
        return Plan("processes", max(1, min(tasks, profile.cores, WORKERS_MOST)))
    if tasks < 2 or work <= THREADS_PAY_SEC or (wall < 0.00005 and cpu > 0.5 * wall and work < 1):
        return Plan("inline")
    if cpu <= 0.5 * wall:
        return Plan("threads", min(tasks, WAITERS_MOST))
    if profile.cores < 2:
        return Plan("inline")
    workers = min(tasks, profile.cores, WORKERS_MOST)
    if (profile.gil_free or 0.0) >= 0.5:
        return Plan("threads", workers)
    moving = tasks * (profile.argument_bytes + profile.result_bytes) / BYTES_A_SEC
    pickles = profile.arguments_pickle and profile.results_pickle
    if pickles and work >= SPAWN_PAYS_SEC and moving < work / 20:
        return Plan("processes", workers, _chunk_size(profile, workers))
    return Plan("inline") if profile.gil_free == 0.0 else Plan("threads", workers)


def _chunk_size(profile: Profile, workers: int) -> int:
    if profile.slowest_sec >= 10 * profile.wall_sec:
        return 1
    return max(1, min(int(CHUNK_SEC / profile.wall_sec), profile.tasks // (8 * workers)))


# ---- the run


def run(batch: Batch) -> list[Any]:
    """Run a batch and give the result of each item, or a `Failed`, in the order of the items."""
    items = list(batch.items)
    lines = [_line(stage) for stage in batch.stages]
    try:
        return _Course(lines, len(items)).run(items) if items else []
    finally:
        for line in lines:
            line.close()


class _Course:
    """The way of all items through the stages."""

    def __init__(self, lines: Sequence["_Line"], count: int) -> None:
        self._lines = lines
        self._results: list[Any] = [None] * count
        self._left = count
        self._lock = threading.Lock()
        self._done = threading.Event()

    def run(self, items: list[Any]) -> list[Any]:
        """Send all items off and wait for the last to arrive."""
        size = self._lines[0].chunk_size
        for first in range(0, len(items), size):
            self._send(0, first, items[first : first + size])
        self._done.wait()
        return self._results

    def _send(self, number: int, first: int, values: list[Any]) -> None:
        future = self._lines[number].submit(values)
        future.add_done_callback(lambda future: self._arrive(number, first, future.result()))

    def _arrive(self, number: int, first: int, entries: list[Any]) -> None:
        finished = 0
        for place, entry in enumerate(entries, first):
            if number + 1 < len(self._lines) and not isinstance(entry, Failed):
                self._send(number + 1, place, [entry])
            else:
                self._results[place] = entry
                finished += 1
        with self._lock:
            self._left -= finished
            if not self._left:
                self._done.set()


class _Line:
    """One stage: an executor, and what it is to do with some items."""

    def __init__(self, executor: Executor, work: Callable[[list[Any]], list[Any]], chunk_size: int) -> None:
        self.chunk_size = chunk_size
        self._executor = executor
        self._work = work

    def submit(self, values: list[Any]) -> "Future[list[Any]]":
        """Do the stage's work on some items."""
        return self._executor.submit(self._work, values)

    def close(self) -> None:
        """End its workers."""
        self._executor.shutdown()


class _Here(Executor):
    """An executor that has no worker."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> "Future[Any]":
        """Do it now."""
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


class _Lanes(ThreadPoolExecutor):
    """Threads that wait for processes, and the processes."""

    def __init__(self, workers: int, function: Callable[[Any], Any]) -> None:
        super().__init__(workers)
        self._lanes: queue.SimpleQueue[_Lane] = queue.SimpleQueue()
        self._all = [_Lane(function) for _ in range(workers)]
        for lane in self._all:
            self._lanes.put(lane)

    def work(self, values: list[Any]) -> list[Any]:
        """Have a process that is free run some items."""
        lane = self._lanes.get()
        try:
            return lane.run(values)
        finally:
            self._lanes.put(lane)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the processes, all at once, then the threads."""
        list(self.map(_Lane.close, self._all))
        super().shutdown(wait, cancel_futures=cancel_futures)


class _Lane:
    """One process."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self._function = function
        self._open()

    def run(self, values: list[Any]) -> list[Any]:
        """Run items; what goes wrong with several of them is found by running each alone."""
        try:
            request = pickle.dumps(values)  # here, for whatever it raises would end the executor's own thread
        except BaseException as fault:  # noqa: BLE001  pickling runs code of the item
            failure: Exception = RuntimeError(f"could not be sent: {type(fault).__name__}: {fault}")
        else:
            try:
                return self._submit(request).result()
            except BrokenProcessPool as fault:
                self._reopen()
                failure = WorkerDied(str(fault))
        if len(values) == 1:
            return [Failed(failure)]
        return [entry for value in values for entry in self.run([value])]

    def close(self) -> None:
        """End the process, and with it any thread that an item has left there."""
        with suppress(BrokenProcessPool):
            self._executor.submit(os._exit, 0)
        self._executor.shutdown()

    def _submit(self, request: bytes) -> "Future[list[Any]]":
        try:
            return self._executor.submit(_run_safely, self._function, request)
        except BrokenProcessPool:  # it was broken before it had these items
            self._reopen()
            return self._executor.submit(_run_safely, self._function, request)

    def _reopen(self) -> None:
        self._executor.shutdown()
        self._open()

    def _open(self) -> None:
        self._executor = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))


def _line(stage: Stage) -> _Line:
    how = plan(stage.profile)
    if how.kind == "processes":
        lanes = _Lanes(how.workers, stage.function)
        return _Line(lanes, lanes.work, how.chunk_size)
    executor: Executor = ThreadPoolExecutor(how.workers) if how.kind == "threads" else _Here()
    size = how.chunk_size if how.kind == "threads" else max(1, stage.profile.tasks)
    return _Line(executor, lambda values: _run(stage.function, values), size)


def _run(function: Callable[[Any], Any], values: list[Any]) -> list[Any]:
    entries: list[Any] = []
    for value in values:
        try:
            entries.append(function(value))
        except BaseException as fault:  # noqa: BLE001  whatever an item raises is its entry
            entries.append(Failed(fault))
    return entries


def _run_safely(function: Callable[[Any], Any], request: bytes) -> list[Any]:
    """Do the same in a process: an exception that would not survive the way back is replaced, and so is a result."""
    return [_sendable(entry) for entry in _run(function, pickle.loads(request))]  # noqa: S301  from our own parent


def _sendable(entry: Any) -> Any:
    """Give the entry if it arrives as what it is, else a failure that says what was lost."""
    if type(entry) in PLAIN:
        return entry
    lost: BaseException | None = entry.error if isinstance(entry, Failed) else None
    try:
        twin = pickle.loads(pickle.dumps(entry))  # noqa: S301  what was just pickled
        if lost is None or type(twin.error) is type(lost):
            return entry
    except BaseException as reason:  # noqa: BLE001  pickling runs code of the result, which may raise SystemExit
        lost = lost or reason
    return Failed(RuntimeError(f"{type(lost).__name__}: {lost}"))
