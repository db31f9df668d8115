"""Worker processes that fold parts of a range, all on one state of the store.

Theory of operation: an environment can't be used across a fork, so workers are spawned: fresh interpreters, each with a
store of its own. That takes a tenth of a second, so they stay until the store is closed, and hold nothing in between.

    begin            each begins a read transaction and tells its number; they must be the same, or all begin again.
                     After some tries writers are held up for that moment.
    fold low, high   a worker folds its range in parts of PART_ROWS rows.
    share            another worker idles: after its present part the worker gives back the rest, which is cut in two
                     at the key half way. So the work evens out wherever the rows are, and nobody is asked in between.
"""

import gc
import multiprocessing
import os
import pickle
import sys
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from multiprocessing.connection import Connection, wait
from operator import itemgetter
from typing import Any, NamedTuple

from errors import StoreError
from rows import Raw, Row, ascending, decoded, descending

PART_ROWS = 2048
CHUNK_ROWS = 256
COLLECT_EVERY = 50_000
"""Containers made between two looks for garbage in a worker: rows are no garbage, and 700 are made in a moment."""

TRIES = 20
WAIT_SEC = 60.0


class Range(NamedTuple):
    """What is left to fold; no `high` means to the end."""

    low: bytes
    high: bytes | None


class FoldRaised(Exception):
    """What a fold raised, apart from what befalls the workers."""

    def __init__(self, fault: BaseException) -> None:
        super().__init__()
        self.fault = fault


class Crew:
    """Some worker processes; `broken` when one of them is not where it should be."""

    def __init__(self, path: str, size: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._processes, self._pipes = [], []
        self.broken = False
        for number in range(size):
            ours, theirs = context.Pipe()
            process = context.Process(target=work, args=(theirs, path, number), daemon=True)
            process.start()
            theirs.close()
            self._processes.append(process)
            self._pipes.append(ours)

    def __len__(self) -> int:
        return len(self._pipes)

    def fold(
        self,
        begin: Callable[[], Any],
        hold_writers: Callable[[], Any],
        low: bytes | None,
        high: bytes | None,
        fold: Callable[[Iterator[Row]], Any],
    ) -> list[Any]:
        """Fold a range and give the parts' results in order."""
        task = pickle.dumps(fold)
        try:
            txn = self._begin(begin, hold_writers)
            cursor = txn.cursor()
            found = cursor.first() if low is None else cursor.set_range(low)
            if not found or (high is not None and cursor.key() >= high):
                self._ask_all("end")
                return []
            parts = self._share(cursor, Range(cursor.key(), high), task)
            self._ask_all("end")
        except (OSError, EOFError) as fault:
            self.broken = True
            raise StoreError(f"a worker of parallel_scan is gone: {fault!r}") from fault
        except BaseException:
            self.broken = True
            raise
        return [parts[key] for key in sorted(parts)]

    def _begin(self, begin: Callable[[], Any], hold_writers: Callable[[], Any]) -> Any:
        for _ in range(TRIES):
            txn = begin()
            if set(self._ask_all("begin", sys.path)) == {txn.id()}:
                return txn
        with hold_writers():
            txn = begin()
            self._ask_all("begin", sys.path)
            return txn

    def _share(self, cursor: Any, whole: Range, task: bytes) -> dict[bytes, Any]:
        parts: dict[bytes, Any] = {}
        left, idle = deque([whole]), deque(self._pipes)
        doing: dict[Connection, Range] = {}
        asked: set[Connection] = set()
        while left or doing:
            while idle and left:
                if len(idle) > len(left):
                    left.extend(_halves(cursor, left.popleft()))
                pipe = idle.popleft()
                doing[pipe] = left.popleft()
                pipe.send(("fold", doing[pipe], task))
            for pipe in doing.keys() - asked if idle else ():
                pipe.send(("share", None, None))
                asked.add(pipe)
            for ready in wait(list(doing)):
                assert isinstance(ready, Connection)
                done = doing.pop(ready)
                asked.discard(ready)
                folded, stopped_at, fault = ready.recv()
                if fault is not None:
                    raise FoldRaised(fault)
                parts.update(folded)
                if stopped_at is not None:
                    left.append(Range(stopped_at, done.high))
                idle.append(ready)
        return parts

    def _ask_all(self, question: str, given: object = None) -> list[Any]:
        for pipe in self._pipes:
            pipe.send((question, None, given))
        return [self._answer(pipe) for pipe in self._pipes]

    def _answer(self, pipe: Connection) -> Any:
        if not pipe.poll(WAIT_SEC):
            raise EOFError("it does not answer")
        result, _, fault = pipe.recv()
        if fault is not None:
            raise fault
        return result

    def disown(self) -> None:
        """Leave the workers to the parent, in a forked child; `multiprocessing` would end them when the child exits."""
        for process in self._processes:
            multiprocessing.process._children.discard(process)

    def dismiss(self) -> None:
        """End the workers, whatever they are doing."""
        for pipe in self._pipes:
            pipe.close()
        for process in self._processes:
            process.kill()
            process.join()


def _halves(cursor: Any, range_: Range) -> list[Range]:
    """Cut a range at the key half way, if that leaves something on both sides."""
    low, high = range_
    last = next(descending(cursor, high))[0]
    width = max(len(low), len(last))
    middle = (int.from_bytes(low.ljust(width, b"\0"), "big") + int.from_bytes(last.ljust(width, b"\0"), "big")) // 2
    if not cursor.set_range(middle.to_bytes(width, "big")):
        return [range_]
    cut = cursor.key()
    return [Range(low, cut), Range(cut, high)] if low < cut <= last else [range_]


def take_core(number: int) -> None:
    """Keep to one core: processes that wake each other may be left on the same one for longer than a scan takes."""
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[number % len(cores)]})


def work(pipe: Connection, path: str, number: int) -> None:
    """Answer until nobody asks any more."""
    from solution import Store  # noqa: PLC0415  which imports this module

    take_core(number)
    gc.freeze()
    gc.set_threshold(COLLECT_EVERY)
    txn = None
    try:
        with Store.open(path) as store:
            while True:
                question, range_, given = pipe.recv()
                if question == "share":
                    continue  # it was meant for what is done already
                try:
                    if question == "fold":
                        fold = pickle.loads(given)  # noqa: S301  from our own parent
                        pipe.send((*_folded(pipe, txn, range_, fold), None))
                        continue
                    txn = None
                    if question == "begin":
                        sys.path[:] = given  # where a fold's module is may have been added since
                        txn = store._begin()
                    pipe.send((txn and txn.id(), None, None))
                except BaseException as fault:  # noqa: BLE001  whatever a fold raises is for the caller
                    pipe.send((None, None, _portable(fault)))
    except (EOFError, OSError):
        pass


def _folded(
    pipe: Connection, txn: Any, range_: Range, fold: Callable[[Iterator[Row]], Any]
) -> tuple[dict[bytes, Any], bytes | None]:
    """Fold a range part by part, until it ends or the rest is to be shared."""
    parts: dict[bytes, Any] = {}
    low: bytes | None = range_.low
    while low is not None:
        part = PartRows(ascending(txn.cursor(), low), range_.high)
        chunks = part.chunks()
        parts[low] = fold(chain.from_iterable(chunks))
        deque(chunks, maxlen=0)  # a fold may stop early; its part ends where it would have
        low = part.stopped_at
        if pipe.poll():
            break
    return parts, low


class PartRows:
    """The rows of a part, and where the next part begins, once they have been given."""

    def __init__(self, raw: Iterator[Raw], high: bytes | None) -> None:
        self._raw = raw
        self._high = high
        self.stopped_at: bytes | None = None

    def chunks(self) -> Iterator[Iterable[Row]]:
        """Give the rows, in chunks."""
        high = self._high
        for _ in range(PART_ROWS // CHUNK_ROWS):
            chunk = list(islice(self._raw, CHUNK_ROWS))
            if not chunk:
                return
            if high is not None and chunk[-1][0] >= high:
                chunk = chunk[: bisect_left(chunk, high, key=itemgetter(0))]
                if chunk:
                    yield decoded(chunk)
                return
            yield decoded(chunk)
        after = next(self._raw, None)
        if after is not None and (high is None or after[0] < high):
            self.stopped_at = after[0]


def _portable(fault: BaseException) -> BaseException:
    try:
        pickle.loads(pickle.dumps(fault))  # noqa: S301  our own
    except Exception:  # noqa: BLE001  an exception may do anything while it is pickled
        return StoreError(f"fold raised {type(fault).__name__}: {fault}")
    return fault
