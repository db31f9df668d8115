"""Plan batches of work and run them.

Each stage has a queue and workers. A worker is a thread that takes items from the queue; where the stage runs in processes,
the thread owns one spawned process and hands it a chunk, then waits for the answers. What is through a stage goes straight
into the queue of the next. Inline stages are worked on by the thread that called `run`, which otherwise waits for the end.
"""

import math
import multiprocessing
import pickle
import select
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any, Literal

import pool_worker


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


class RemoteError(Exception):
    """An exception of a worker process that could not come over as it was."""


# ---------------------------------------------------------------- planning

MOST_WORKERS = 64
CHUNK_SEC = 0.005  # work in a chunk: much more than a round trip, little enough to balance the load
CHUNK_BYTES = 256_000
CHUNKS_EACH = 8  # chunks for each worker, at least, where the batch is short
MOST_IN_CHUNK = 1000

# What the kinds cost, in seconds.
POOL_START, PROCESS_START, ROUND_TRIP, PER_BYTE = 0.08, 0.03, 0.00015, 2e-9
THREAD_START, HAND_OVER = 0.00006, 0.00002
WORTH_IT = 0.9  # another kind must promise at most this part of inline's time
UNKNOWN_GIL_FREE = 0.5
COPIES_BYTES = 200_000_000  # more than this in copies of arguments under way is no good
NEARLY = 1 + 1e-9


def plan(profile: Profile) -> Plan:
    """Choose how to run a stage."""
    tasks = min(max(profile.tasks, 0), 10**15)
    cores = min(max(profile.cores, 1), 10**6)
    if profile.may_die:  # chunks of one: then it is known which item a worker died under
        return Plan("processes", max(1, min(cores, tasks, MOST_WORKERS)), 1)
    kind, workers = _kind(profile, tasks, cores)
    if kind == "inline":
        return Plan("inline")
    workers = max(1, min(workers, tasks, MOST_WORKERS, cores if kind == "processes" else MOST_WORKERS))
    return Plan(kind, workers, _chunk_size(profile, tasks, workers) if kind == "processes" else 1)


def _kind(profile: Profile, tasks: int, cores: int) -> tuple[str, int]:
    wall, cpu = _sane(profile.wall_sec), _sane(profile.cpu_sec)
    total = tasks * wall
    gil_free = UNKNOWN_GIL_FREE if profile.gil_free is None else min(1.0, _sane(profile.gil_free))
    moved = max(profile.argument_bytes, 0) + max(profile.result_bytes, 0)
    pickles = profile.arguments_pickle and profile.results_pickle

    # Where nobody who measures would doubt.
    if tasks <= 1 or total <= 1e-3 * NEARLY:
        return "inline", 1
    if cpu * 10 <= wall * NEARLY and tasks >= 64 and wall * NEARLY >= 0.005 and total * NEARLY >= 1:
        return "threads", MOST_WORKERS
    if cpu * NEARLY >= wall:
        known = profile.gil_free
        if known == 0.0 and cores == 1:
            return "inline", 1
        small = profile.argument_bytes <= 10_000 and profile.result_bytes <= 10_000
        if known == 0.0 and tasks >= 32 and wall * NEARLY >= 1e-3 and total * NEARLY >= 3 and pickles and small:
            return "processes", cores
        in_range = 0.002 <= wall * NEARLY and wall <= 0.02 * NEARLY and profile.argument_bytes >= 1_000_000
        if known == 1.0 and cores >= 2 and tasks >= 16 and total * NEARLY >= 0.2 and in_range:
            return "threads", cores

    # Elsewhere: estimate.
    holding = cpu * (1 - gil_free)
    threads = _threads_of_use(wall, cpu, holding, cores, tasks)
    seconds = {
        "inline": total * WORTH_IT,
        "threads": max(tasks * holding * 1.1, tasks * cpu / cores, total / threads)
        + threads * THREAD_START
        + tasks * HAND_OVER,
    }
    processes = min(cores, tasks, MOST_WORKERS)
    if pickles and total > 0.02 * NEARLY and profile.argument_bytes * 4 * processes <= COPIES_BYTES:
        seconds["processes"] = (
            max(tasks * cpu / cores, total / processes)
            + POOL_START
            + processes * PROCESS_START
            + tasks * (moved * PER_BYTE + ROUND_TRIP / _chunk_size(profile, tasks, processes) / processes)
        )
    kind = min(seconds, key=seconds.get)
    return kind, {"inline": 1, "threads": threads, "processes": processes}[kind]


def _threads_of_use(wall: float, cpu: float, holding: float, cores: int, tasks: int) -> int:
    """As many threads as keep the cores busy while others wait; more than the GIL allows are of no use."""
    busy = max(cpu / cores, holding)
    useful = MOST_WORKERS if busy * MOST_WORKERS <= wall else math.ceil(wall / busy * 0.999999)
    return max(1, min(max(useful, 2 if cores > 1 else 1), tasks, MOST_WORKERS))


def _chunk_size(profile: Profile, tasks: int, workers: int) -> int:
    if profile.slowest_sec >= 10 * profile.wall_sec:
        return 1
    wall = _sane(profile.wall_sec)
    size = MOST_IN_CHUNK if wall * MOST_IN_CHUNK <= CHUNK_SEC else int(CHUNK_SEC / wall)
    size = min(size, CHUNK_BYTES // max(profile.argument_bytes, profile.result_bytes, 1), tasks // (workers * CHUNKS_EACH))
    return max(1, size)


def _sane(number: float) -> float:
    """Make a number of anything that is said to be one."""
    return min(number, 1e9) if number > 0 else 0.0


# ---------------------------------------------------------------- running


def run(batch: Batch) -> list[Any]:
    """Run a batch and give the result of each item, or a `Failed`, in the order of the items."""
    items = list(batch.items)
    if not items:
        return []
    plans = [plan(stage.profile) for stage in batch.stages]
    if all(each.kind == "inline" for each in plans):
        if len(plans) == 1:
            return _inline(batch.stages[0].function, items)
        return [_inline_through([stage.function for stage in batch.stages], item) for item in items]
    return _Run(batch.stages, plans, items).results_of_all()


def _inline(function: Callable, items: list) -> list[Any]:
    results: list[Any] = []
    add = results.append
    for item in items:
        try:
            add(function(item))
        except BaseException as error:  # noqa: BLE001, PERF203
            add(Failed(error))
    return results


def _inline_through(functions: list[Callable], value: Any) -> Any:
    try:
        for function in functions:
            value = function(value)
    except BaseException as error:  # noqa: BLE001
        return Failed(error)
    return value


class _Running:
    """A stage while it runs."""

    def __init__(self, stage: Stage, how: Plan, queue: SimpleQueue, followed: bool):
        self.function = stage.function
        self.kind = how.kind
        self.workers = how.workers
        self.chunk_size = how.chunk_size
        self.queue = queue
        self.streams = followed  # the next stage waits for each item; at the end nobody does
        self.next: _Running | None = None

    def put(self, index: int, value: Any) -> None:
        self.queue.put((self, index, value))

    def take(self) -> list | None:
        """Wait for an item; give up to a chunk of what is there, or None at the end."""
        task = self.queue.get()
        if task is None:
            return None
        chunk = [task[1:]]
        while len(chunk) < self.chunk_size:
            try:
                task = self.queue.get_nowait()
            except Empty:
                break
            if task is None:
                self.queue.put(None)
                break
            chunk.append(task[1:])
        return chunk


class _Run:
    """One call of `run` that needs threads or processes."""

    def __init__(self, stages: Sequence[Stage], plans: list[Plan], items: list):
        self.items = items
        self.results: list[Any] = [None] * len(items)
        self.left = len(items)
        self.lock = threading.Lock()
        self.inbox: SimpleQueue = SimpleQueue()  # of the calling thread: items of inline stages, then None
        self.stopping = False
        last = len(stages) - 1
        self.stages = [
            _Running(stage, how, self.inbox if how.kind == "inline" else SimpleQueue(), place < last)
            for place, (stage, how) in enumerate(zip(stages, plans, strict=True))
        ]
        for before, after in zip(self.stages, self.stages[1:], strict=False):
            before.next = after
        self.threads: list[threading.Thread] = []
        self.processes: set[_Process] = set()

    def results_of_all(self) -> list[Any]:
        try:
            self._start_threads()
            for index, item in enumerate(self.items):
                self.stages[0].put(index, item)
            while (task := self.inbox.get()) is not None:
                stage, index, value = task
                self._settle(stage, [_attempt(stage.function, index, value)])
        except BaseException:  # the caller is interrupted: let go of everything
            self.stopping = True
            for process in list(self.processes):
                process.kill()
            raise
        finally:
            for stage in self.stages:
                if stage.kind != "inline":
                    for _ in self.threads:
                        stage.queue.put(None)
            for thread in self.threads:
                thread.join()
        return self.results

    def _start_threads(self) -> None:
        """Start the stages' workers in turn, so that where there are too few threads for all, each stage has some."""
        parallel = [stage for stage in self.stages if stage.kind != "inline"]
        parallel.sort(key=lambda stage: stage.kind)  # processes first: they take longest
        for number in range(min(MOST_WORKERS, len(self.items))):
            for stage in parallel:
                if number >= stage.workers:
                    continue
                target = self._work if stage.kind == "threads" else self._work_by_process
                thread = threading.Thread(target=target, args=(stage,), daemon=True)
                try:
                    thread.start()
                except RuntimeError:  # no more threads to be had
                    if number == 0:
                        raise
                    return
                self.threads.append(thread)

    def _settle(self, stage: _Running, entries: list[tuple[int, bool, Any]]) -> None:
        """Pass on what is through a stage: (index, whether it failed, result or exception)."""
        after = stage.next
        done = 0
        for index, failed, value in entries:
            if after is None or failed:
                self.results[index] = Failed(value) if failed else value
                done += 1
            else:
                after.put(index, value)
        if done:
            with self.lock:
                self.left -= done
                if not self.left:
                    self.inbox.put(None)

    def _work(self, stage: _Running) -> None:
        """Be a worker on a thread."""
        while (chunk := stage.take()) is not None and not self.stopping:
            for index, value in chunk:
                self._settle(stage, [_attempt(stage.function, index, value)])
            del chunk, value  # do not hold the last item while waiting for the next

    def _work_by_process(self, stage: _Running) -> None:
        """Be a worker that owns a process."""
        process = None
        try:
            process = self._started(stage)
        except Exception:  # noqa: BLE001, S110  tried again, and said, when there is an item for it
            pass
        try:
            while (chunk := stage.take()) is not None and not self.stopping:
                process = self._run_chunk(stage, process, chunk)
                del chunk
        finally:
            self._ended(process)

    def _started(self, stage: _Running) -> "_Process":
        for pause in (0.05, 0.2, None):
            try:
                process = _Process(stage.function, stage.streams)
            except OSError:  # no more processes or files to be had
                if pause is None:
                    raise
                time.sleep(pause)
            else:
                self.processes.add(process)
                return process
        raise AssertionError

    def _ended(self, process: "_Process | None") -> str:
        if process is None:
            return ""
        how = process.end()
        self.processes.discard(process)
        return how

    def _run_chunk(self, stage: _Running, process: "_Process | None", chunk: list) -> "_Process | None":
        """Run a chunk in the process, whatever happens to it; return the process to go on with."""
        left = {}  # index: pickled item, of those that are not settled
        for index, value in chunk:
            try:
                left[index] = pickle.dumps(value, -1)
            except BaseException as error:  # noqa: BLE001
                self._settle(stage, [(index, True, error)])
        try:
            groups = deque([list(left)])
            unbegun = 0
            while groups:
                group = groups.popleft()
                if not group:
                    continue
                process = process or self._started(stage)
                begun = False
                waiting = deque(group)
                try:
                    process.hand([left[index] for index in group])
                    while waiting:
                        message = process.answer()
                        if message == pool_worker.BEGUN:
                            begun = True
                            continue
                        entries = [(waiting.popleft(), *_unpacked(packed)) for packed in pickle.loads(message)]
                        for index, *_ in entries:
                            del left[index]
                        self._settle(stage, entries)
                    unbegun = 0
                except (EOFError, OSError):
                    how, process = self._ended(process), None
                    if self.stopping:
                        return None
                    if not begun and unbegun < 2:  # it died before it had them: another may try
                        unbegun += 1
                        groups.appendleft(list(waiting))
                    elif len(group) == 1 or not begun:
                        for index in waiting:
                            del left[index]
                        self._settle(stage, [(index, True, WorkerDied(f"a worker ended, {how}")) for index in waiting])
                    else:  # one of them did it; a second start, alone, tells which
                        groups.extendleft([index] for index in reversed(waiting))
        except BaseException as error:  # noqa: BLE001  no process, no memory: nobody must wait for these for ever
            self._settle(stage, [(index, True, error) for index in left])
        return process


def _attempt(function: Callable, index: int, value: Any) -> tuple[int, bool, Any]:
    try:
        return index, False, function(value)
    except BaseException as error:  # noqa: BLE001
        return index, True, error


def _unpacked(packed: tuple) -> tuple[bool, Any]:
    """Give (whether it failed, result or exception) of what a worker packed."""
    if packed[0] == pool_worker.OK:
        try:
            return False, pickle.loads(packed[1])
        except BaseException as error:  # noqa: BLE001
            return True, error
    _, pickled, text = packed
    if pickled is not None:
        try:
            return True, pickle.loads(pickled)
        except BaseException:  # noqa: BLE001, S110
            pass
    return True, RemoteError(text)


class _Process:
    """A worker process and the connection to it. One thread talks to it, and never sends before all answers are in."""

    context = multiprocessing.get_context("spawn")
    starting = threading.Lock()

    def __init__(self, function: Callable, streams: bool):
        self.connection, theirs = self.context.Pipe()
        try:
            self.process = self.context.Process(
                target=pool_worker.serve, args=(theirs, pickle.dumps(function, -1), streams), daemon=False
            )
            with self.starting:
                self.process.start()
        except BaseException:
            self.connection.close()
            raise
        finally:
            theirs.close()
        self.poller = select.poll()
        self.poller.register(self.connection.fileno(), select.POLLIN)

    def hand(self, chunk: list[bytes]) -> None:
        self.connection.send_bytes(pickle.dumps(chunk, -1))

    def answer(self) -> bytes:
        """Wait for a message. EOFError or OSError: the process has ended."""
        while not self.poller.poll(1000):  # a child of its own may keep the connection open
            if self.process.exitcode is not None and not self.poller.poll(0):
                raise EOFError
        return self.connection.recv_bytes()

    def kill(self) -> None:
        self.process.kill()

    def end(self) -> str:
        """Close the connection, which ends a process that lives, and see that it is gone. Say how it ended."""
        self.connection.close()
        for seconds, harder in ((2, self.process.terminate), (0.5, self.process.kill), (1, None)):
            deadline = time.monotonic() + seconds
            while self.process.exitcode is None and time.monotonic() < deadline:
                self.process.join(0.05)
            if self.process.exitcode is not None or harder is None:
                break
            harder()
        code = self.process.exitcode
        if code is None:
            return "and would not go"
        with self.starting:
            self.process.close()
        return f"by signal {-code}" if code < 0 else f"with exit code {code}"
