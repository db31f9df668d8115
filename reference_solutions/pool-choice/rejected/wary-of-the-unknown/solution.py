"""Where nobody knows whether the GIL is held, it is assumed to be: processes."""

import multiprocessing
import os
import pickle
import threading
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from queue import Empty, SimpleQueue
from typing import Any, Literal


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


class TaskFailed(Exception):
    """Stands for an exception, or a result, that could not be sent from its process; says what it was."""


THREADS_MOST = 64
"""More waiting at once gains little and costs memory and sockets."""

PROCESS_START_SEC = 0.06
"""From asking for a process until it takes its first item; the interpreter and the imports, not the fork."""

THREAD_START_SEC = 0.0001
THREAD_ITEM_SEC = 0.00003
PROCESS_ITEM_SEC = 0.0002
"""Handing one item over, there and back."""

PIPE_BYTES_PER_SEC = 500e6
"""Pickling, the pipe and unpickling together."""

PYTHON_BYTES_PER_SEC = 20e6
"""Faster than any loop in Python looks at bytes."""

NATIVE_GIL_FREE = 0.9

CHUNK_SEC = 0.02
"""Work in one message: a hundred times what a message costs, and little to wait for at the end."""

CHUNKS_A_WORKER = 8
"""At least so many, or the last chunk leaves the other workers idle for long."""

UNEVEN = 10
"""When the slowest item takes so many times the usual, nothing may wait behind it."""

LITTLE_SEC = 0.001
"""Work that is over before anybody could help."""

WORTH = 1.2
"""What another kind must save before it is worth its risk."""


def plan(profile: Profile) -> Plan:
    """Choose how to run a stage."""
    if profile.may_die:
        return Plan("processes", max(1, min(profile.cores, profile.tasks)), 1)
    if profile.tasks < 2 or profile.tasks * profile.wall_sec <= LITTLE_SEC:
        return Plan("inline")
    best, best_sec = Plan("inline"), profile.tasks * profile.wall_sec
    if profile.gil_free is None and profile.cpu_sec * profile.tasks > SAFE_SEC:
        return _in_processes(profile)[0]
    for other, seconds in (_on_threads(profile), _in_processes(profile)):
        if seconds < WORTH * best_sec:
            best, best_sec = other, seconds
    return best


SAFE_SEC = 0.1
"""Beyond so much work of an unknown kind, processes are the safe choice."""


def _on_threads(profile: Profile) -> tuple[Plan, float]:
    waits = profile.cpu_sec < 0.5 * profile.wall_sec
    workers = min(profile.tasks, THREADS_MOST if waits else profile.cores)
    held = profile.cpu_sec * (1.0 - _gil_free(profile))
    item = max(profile.wall_sec / workers, profile.cpu_sec / profile.cores, held)
    seconds = workers * THREAD_START_SEC + profile.tasks * (item + THREAD_ITEM_SEC)
    return Plan("threads", workers, 1), seconds


def _gil_free(profile: Profile) -> float:
    """Guess where nobody knows: what gets through bytes so fast is native code, which mostly lets go of the GIL."""
    if profile.gil_free is not None:
        return profile.gil_free
    return 0.0


def _in_processes(profile: Profile) -> tuple[Plan, float]:
    workers = min(profile.tasks, profile.cores)
    if not (profile.arguments_pickle and profile.results_pickle) or workers < 2:
        return Plan("inline"), float("inf")
    chunk_size = _chunk_size(profile, workers)
    moving = (profile.argument_bytes + profile.result_bytes) / PIPE_BYTES_PER_SEC + PROCESS_ITEM_SEC / chunk_size
    seconds = PROCESS_START_SEC + profile.tasks * (profile.wall_sec / workers + moving)
    return Plan("processes", workers, chunk_size), seconds


def _chunk_size(profile: Profile, workers: int) -> int:
    if profile.slowest_sec >= UNEVEN * profile.wall_sec:
        return 1
    by_time = int(CHUNK_SEC / max(profile.wall_sec, 1e-7))
    by_share = profile.tasks // (workers * CHUNKS_A_WORKER)
    return max(1, min(by_time, by_share))


_SPAWN = multiprocessing.get_context("spawn")

JOIN_SEC = 5.0
"""A worker that has been told to end and does not is killed."""

PROTOCOL = pickle.HIGHEST_PROTOCOL


class ProcessWorker:
    """A process for one function, started at the first chunk and again after it died."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self._function = function
        self._process: Any = None
        self._pipe: Any = None

    def start(self) -> None:
        """Start the process."""
        self._pipe, theirs = _SPAWN.Pipe()
        self._process = _SPAWN.Process(target=serve, args=(theirs, self._function), daemon=True)
        try:
            self._process.start()
        finally:
            theirs.close()  # else its end would not be seen when the process dies

    def run(self, items: Sequence[Any]) -> list[Any]:
        """Give the entry of each item; after a death the items of the chunk are tried one by one."""
        try:
            request = pickle.dumps(list(items), PROTOCOL)
        except Exception as fault:
            return [Failed(_unsendable("argument", fault))] if len(items) == 1 else self._one_by_one(items)
        if self._process is None:
            self.start()
        try:
            self._pipe.send_bytes(request)
            return self._read(self._pipe.recv_bytes(), len(items))
        except (EOFError, OSError):
            died = WorkerDied(f"the worker process ended with exit code {self._bury()}")
            return [Failed(died)] if len(items) == 1 else self._one_by_one(items)

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._pipe.close()
            self._process.join(JOIN_SEC)
            self._bury()

    def _one_by_one(self, items: Sequence[Any]) -> list[Any]:
        return [self.run([item])[0] for item in items]

    def _read(self, reply: bytes, expected: int) -> list[Any]:
        try:
            entries: list[Any] = pickle.loads(reply)
        except Exception as fault:
            return [Failed(_unsendable("result", fault))] * expected
        return entries

    def _bury(self) -> int | None:
        process, self._process = self._process, None
        self._pipe.close()
        process.join(JOIN_SEC)
        if process.is_alive():
            process.kill()
            process.join()
        code: int | None = process.exitcode
        process.close()
        return code


def serve(pipe: Connection, function: Callable[[Any], Any]) -> None:
    """Run chunks until the other end closes: the main function of the process."""
    while True:
        try:
            request = pipe.recv_bytes()
        except EOFError:
            os._exit(0)  # nothing here has to be tidied up, and finalizing an interpreter takes time
        entries = _entries(request, function)
        try:
            reply = pickle.dumps(entries, PROTOCOL)
        except Exception:
            reply = pickle.dumps([_sendable(entry) for entry in entries], PROTOCOL)
        pipe.send_bytes(reply)


def _entries(request: bytes, function: Callable[[Any], Any]) -> list[Any]:
    entries: list[Any] = []
    for item in pickle.loads(request):
        try:
            entries.append(function(item))
        except BaseException as fault:
            entries.append(Failed(_portable(fault)))
    return entries


def _portable(fault: BaseException) -> BaseException:
    """Give `fault` if it survives pickling, else something that says what it was; with the traceback as a note."""
    story = "".join(traceback.format_exception(fault))
    if _survives(fault):
        fault.add_note(f"in a worker process:\n{story}")
        return fault
    return TaskFailed(f"{type(fault).__name__}: {fault}\n{story}")


def _survives(fault: BaseException) -> bool:
    try:
        twin = pickle.loads(pickle.dumps(fault, PROTOCOL))
        return type(twin) is type(fault) and str(twin) == str(fault)
    except Exception:
        return False


def _sendable(entry: Any) -> Any:
    try:
        pickle.dumps(entry, PROTOCOL)
    except Exception as fault:
        return Failed(_unsendable("result", fault))
    return entry


def _unsendable(what: str, fault: Exception) -> TaskFailed:
    return TaskFailed(f"the {what} cannot be sent between processes: {type(fault).__name__}: {fault}")


Chunk = list[tuple[int, Any]]
END = None


def run(batch: Batch) -> list[Any]:
    """Run a batch and give the result of each item, or a `Failed`, in the order of the items."""
    items = list(batch.items)
    if not items:
        return []
    plans = [plan(stage.profile) for stage in batch.stages]
    if all(each.kind == "inline" for each in plans):
        for stage in batch.stages:
            items = _in_place(stage.function, items)
        return items
    return _Conveyor(batch.stages, plans, len(items)).carry(items)


def _in_place(function: Callable[[Any], Any], items: list[Any]) -> list[Any]:
    """Run here; the loop is left only where an item raises, and goes on with the next."""
    entries: list[Any] = []
    rest = iter(items)
    while len(entries) < len(items):
        try:
            for item in rest:
                entries.append(item if type(item) is Failed else function(item))
        except BaseException as fault:
            entries.append(Failed(fault))
    return entries


def _attempt(function: Callable[[Any], Any], item: Any) -> Any:
    try:
        return function(item)
    except BaseException as fault:
        return Failed(fault)


class _Conveyor:
    """The stages of one batch, each with its queue and its threads."""

    def __init__(self, stages: Sequence[Stage], plans: Sequence[Plan], count: int) -> None:
        self._queues: list[SimpleQueue[Any]] = [SimpleQueue() for _ in stages]
        self._results: list[Any] = [None] * count
        self._left = count
        self._lock = threading.Lock()
        self._threads: list[list[threading.Thread]] = [
            [self._thread(number, stage, each) for _ in range(min(each.workers, count))]
            for number, (stage, each) in enumerate(zip(stages, plans, strict=True))
        ]

    def carry(self, items: Sequence[Any]) -> list[Any]:
        """Put every item through, and end."""
        for placed in enumerate(items):
            self._queues[0].put(placed)
        threads = [thread for stage in self._threads for thread in stage]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return self._results

    def _thread(self, number: int, stage: Stage, how: Plan) -> threading.Thread:
        work = self._in_a_process if how.kind == "processes" else self._here
        return threading.Thread(target=work, args=(number, stage, how.chunk_size), daemon=True)

    def _here(self, number: int, stage: Stage, chunk_size: int) -> None:
        queue = self._queues[number]
        while (placed := queue.get()) is not END:
            place, value = placed
            self._pass_on(number, [(place, _attempt(stage.function, value))])

    def _in_a_process(self, number: int, stage: Stage, chunk_size: int) -> None:
        worker = ProcessWorker(stage.function)
        worker.start()  # while the stage before is still at its first items
        try:
            while chunk := self._take(number, chunk_size):
                entries = worker.run([value for _, value in chunk])
                self._pass_on(number, [(place, entry) for (place, _), entry in zip(chunk, entries, strict=True)])
        finally:
            worker.close()

    def _take(self, number: int, most: int) -> Chunk:
        """Wait for one item and take what else is there, up to `most`; nothing at the end."""
        queue = self._queues[number]
        if (first := queue.get()) is END:
            return []
        chunk = [first]
        try:
            while len(chunk) < most:
                if (placed := queue.get_nowait()) is END:
                    queue.put(END)
                    break
                chunk.append(placed)
        except Empty:
            pass
        return chunk

    def _pass_on(self, number: int, entries: Chunk) -> None:
        done = 0
        for place, entry in entries:
            if number + 1 < len(self._queues) and type(entry) is not Failed:
                self._queues[number + 1].put((place, entry))
            else:
                self._results[place] = entry
                done += 1
        if done:
            with self._lock:
                self._left -= done
                if not self._left:
                    self._end()

    def _end(self) -> None:
        for queue, threads in zip(self._queues, self._threads, strict=True):
            for _ in threads:
                queue.put(END)
