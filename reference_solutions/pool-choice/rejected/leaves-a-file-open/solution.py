"""Plan batches of work and run them.

Theory of operation: a stage is a queue of (place, value) and a few threads that take from it. A thread runs the
function itself, or, where the plan says processes, has one process of its own do it and waits. So there is one
mechanism for all kinds: what a thread has done goes to the next stage's queue or to the results, whoever else is busy.

    items ─► queue ─► thread ─────────────┐
                      thread ─────────────┼─► queue ─► thread ⇄ process ─┬─► results
                      thread ─────────────┘            thread ⇄ process ─┘

Nothing outlives `run`: the last result puts an end mark for every thread, and each ends its process.
"""

import os
import threading
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from typing import Any

from contract import Batch, Failed, Plan, Profile, Stage, WorkerDied
from planning import plan
from process_worker import ProcessWorker

__all__ = ["Batch", "Failed", "Plan", "Profile", "Stage", "WorkerDied", "plan", "run"]

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
                entries.append(item if type(item) is Failed else function(item))  # noqa: PERF401  hides StopIteration
        except BaseException as fault:  # noqa: BLE001  whatever an item raises is its entry
            entries.append(Failed(fault))
    return entries


def _attempt(function: Callable[[Any], Any], item: Any) -> Any:
    try:
        return function(item)
    except BaseException as fault:  # noqa: BLE001  whatever an item raises is its entry
        return Failed(fault)


class _Conveyor:
    """The stages of one batch, each with its queue and its threads."""

    def __init__(self, stages: Sequence[Stage], plans: Sequence[Plan], count: int) -> None:
        self._queues: list[SimpleQueue[Any]] = [SimpleQueue() for _ in stages]
        self._results: list[Any] = [None] * count
        self._left = count
        self._heard, self._bell = os.pipe()
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
        os.read(self._heard, 1)
        for thread in threads:
            thread.join()
        os.close(self._heard)
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
        os.write(self._bell, b"!")
        for queue, threads in zip(self._queues, self._threads, strict=True):
            for _ in threads:
                queue.put(END)
