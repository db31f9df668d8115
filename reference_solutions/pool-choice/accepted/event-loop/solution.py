"""Batches conducted by one asyncio loop: coroutines take items from queues, and whatever blocks is elsewhere.

Every worker of a stage is a coroutine. One on threads awaits the loop's executor; one in a process awaits its pipe to
become readable. The decision compares three estimates of the time that a batch will take.
"""

import asyncio
import multiprocessing
import pickle
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from child import Failed, WorkerDied, attempt, serve


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


# ---- the choice

SPAWN_SEC = 0.1
HAND_OVER_SEC = 0.00015
BYTES_A_SEC = 4e8
WORKERS_MOST = 64
WAITERS_MOST = 56
LITTLE_SEC = 0.002


def plan(profile: Profile) -> Plan:
    """Choose how to run a stage."""
    if profile.may_die:
        return Plan("processes", max(1, min(profile.tasks, profile.cores, WORKERS_MOST)))
    candidates = [(profile.tasks * profile.wall_sec, Plan("inline"))]
    if profile.tasks >= 2 and profile.tasks * profile.wall_sec > LITTLE_SEC:
        candidates.append(_threads(profile))
        computes = profile.cpu_sec > 0.1 * profile.wall_sec
        if computes and profile.arguments_pickle and profile.results_pickle and profile.cores >= 2:
            candidates.append(_processes(profile))
    return min(candidates, key=lambda candidate: candidate[0])[1]


def _threads(profile: Profile) -> tuple[float, Plan]:
    waits = profile.cpu_sec <= 0.7 * profile.wall_sec
    workers = min(profile.tasks, WAITERS_MOST if waits else min(profile.cores, WORKERS_MOST))
    free = 0.5 if profile.gil_free is None else profile.gil_free
    cpu = profile.cpu_sec * max(1 - free, 1 / profile.cores)
    each = max(cpu, profile.wall_sec / workers)
    return 0.002 + profile.tasks * (each + HAND_OVER_SEC), Plan("threads", workers)


def _processes(profile: Profile) -> tuple[float, Plan]:
    workers = min(profile.tasks, profile.cores, WORKERS_MOST)
    size = 1
    if profile.slowest_sec < 10 * profile.wall_sec:
        size = max(1, min(round(0.015 / max(profile.wall_sec, 1e-9)), profile.tasks // (6 * workers)))
    moving = (profile.argument_bytes + profile.result_bytes) / BYTES_A_SEC + 2 * HAND_OVER_SEC / size
    return SPAWN_SEC + profile.tasks * (profile.wall_sec / workers + moving), Plan("processes", workers, size)


# ---- the run


def run(batch: Batch) -> list[Any]:
    """Run a batch and give the result of each item, or a `Failed`, in the order of the items."""
    items = list(batch.items)
    plans = [plan(stage.profile) for stage in batch.stages]
    if len(plans) == 1 and plans[0].kind == "inline":
        return [attempt(batch.stages[0].function, item) for item in items]
    return asyncio.run(_conduct(batch.stages, plans, items)) if items else []


async def _conduct(stages: Sequence[Stage], plans: Sequence[Plan], items: list[Any]) -> list[Any]:
    queues: list[asyncio.Queue[tuple[int, Any]]] = [asyncio.Queue() for _ in stages]
    results: list[Any] = [None] * len(items)
    left = asyncio.Semaphore(0)
    for placed in enumerate(items):
        queues[0].put_nowait(placed)

    def pass_on(number: int, place: int, entry: Any) -> None:
        if number + 1 < len(queues) and not isinstance(entry, Failed):
            queues[number + 1].put_nowait((place, entry))
        else:
            results[place] = entry
            left.release()

    threads = [ThreadPoolExecutor(each.workers) if each.kind == "threads" else None for each in plans]
    workers = [
        asyncio.create_task(
            _in_a_process(stage.function, queues[number], how.chunk_size, partial(pass_on, number))
            if how.kind == "processes"
            else _on_a_thread(stage.function, queues[number], threads[number], partial(pass_on, number))
        )
        for number, (stage, how) in enumerate(zip(stages, plans, strict=True))
        for _ in range(min(how.workers, len(items)))
    ]
    for _ in items:
        await left.acquire()
    for worker in workers:
        worker.cancel()
    await asyncio.gather(*workers, return_exceptions=True)
    for pool in threads:
        if pool is not None:
            pool.shutdown()
    return results


PassOn = Callable[[int, Any], None]
Items = asyncio.Queue[tuple[int, Any]]


async def _on_a_thread(
    function: Callable[[Any], Any], queue: Items, pool: ThreadPoolExecutor | None, pass_on: PassOn
) -> None:
    loop = asyncio.get_running_loop()
    while True:
        place, item = await queue.get()
        call = partial(attempt, function, item)
        pass_on(place, call() if pool is None else await loop.run_in_executor(pool, call))


async def _in_a_process(function: Callable[[Any], Any], queue: Items, size: int, pass_on: PassOn) -> None:
    child = _Child(function)
    try:
        while True:
            chunk = [await queue.get()]
            while len(chunk) < size and not queue.empty():
                chunk.append(queue.get_nowait())
            entries = await child.run([item for _, item in chunk])
            for (place, _), entry in zip(chunk, entries, strict=True):
                pass_on(place, entry)
    finally:
        child.end()


class _Child:
    """A spawned process at the other end of a pipe."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self._function = function
        self._start()

    async def run(self, items: list[Any]) -> list[Any]:
        """Run items; a chunk that does not come through is run item by item."""
        if not self._process.is_alive():  # it ended when it had no item, so none of these has ended it
            self.end()
            self._start()
        try:
            request = pickle.dumps(items)
        except BaseException as fault:  # noqa: BLE001  pickling runs code of the item, which may raise SystemExit
            failure: Exception = TypeError(f"the item cannot be pickled: {fault}")
        else:
            try:
                self._pipe.send_bytes(request)
                await self._readable()
                return list(pickle.loads(self._pipe.recv_bytes()))  # noqa: S301  from our own process
            except (EOFError, OSError):
                failure = WorkerDied(f"a worker ended with exit code {self.end()}")
                self._start()
        if len(items) == 1:
            return [Failed(failure)]
        return [(await self.run([item]))[0] for item in items]

    def end(self) -> int | None:
        """End the process and give its exit code."""
        self._pipe.close()
        self._process.join(2)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        return self._process.exitcode

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=serve, args=(theirs, self._function), daemon=True)
        self._process.start()
        theirs.close()

    async def _readable(self) -> None:
        loop = asyncio.get_running_loop()
        ready = asyncio.Event()
        loop.add_reader(self._pipe.fileno(), ready.set)
        try:
            await ready.wait()
        finally:
            loop.remove_reader(self._pipe.fileno())
