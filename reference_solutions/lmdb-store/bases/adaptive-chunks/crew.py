"""Worker processes, which talk over their standard input and output, with a thread here for each that works."""

import gc
import importlib
import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
import weakref
from itertools import islice
from typing import Any

import codec
import lmdb
from codec import StoreError
from solution import Session, Snapshot, failing_as, read

ROWS = 700  # of a part
START = "import sys; sys.path.insert(0, sys.argv[1]); import crew; crew.main(sys.argv[2], sys.argv[3])"


class Worker:
    """A worker process."""

    def __init__(self, path: str, core: int) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-c", START, os.path.dirname(os.path.abspath(__file__)), path, str(core)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def tell(self, *order: Any) -> None:
        """Send an order."""
        pickle.dump(order, self.process.stdin)
        self.process.stdin.flush()

    def hear(self) -> Any:
        """Wait for an answer."""
        return pickle.load(self.process.stdout)


class Crew:
    """The workers of a store."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.workers: list[Worker] = []
        self.turn = threading.Lock()
        crews.add(self)

    def scan(self, low: bytes, high: bytes, number: int, fold: Any) -> list[Any]:
        """Fold a range."""
        try:
            blob = pickle.dumps(fold)
        except Exception as fault:
            raise StoreError(f"the fold can't be pickled: {fault}") from fault
        with self.turn:
            self.session.check()
            try:
                answers = self._fold(low, high, number, blob)
            except (EOFError, OSError, lmdb.Error, pickle.UnpicklingError) as fault:
                self.dismiss(True)
                raise StoreError(f"the worker processes failed: {fault!r}") from fault
            except BaseException:
                self.dismiss(True)
                raise
        results = []
        for good, answer in answers:
            try:
                result = pickle.loads(answer)
            except Exception as fault:
                raise StoreError(f"an answer of the fold can't be read back: {fault!r}") from None
            if not good:
                raise result
            results.append(result)
        return results

    def _fold(self, low: bytes, high: bytes, number: int, blob: bytes) -> list[tuple[bool, bytes]]:
        cores = sorted(os.sched_getaffinity(0))
        while len(self.workers) < number:
            self.workers.append(Worker(self.session.path, cores[len(self.workers) % len(cores)]))
        workers = self.workers[:number]
        path = [os.path.abspath(folder) for folder in sys.path]
        for worker in workers:
            worker.tell("fold", path, blob)
        snapshot = self._agree(workers)
        parts: "queue.SimpleQueue[tuple[int, bytes, bytes] | None]" = queue.SimpleQueue()
        answers: dict[int, tuple[bool, bytes]] = {}
        faults: list[BaseException] = []

        def attend(worker: Worker) -> None:
            try:
                while (part := parts.get()) is not None:
                    worker.tell("part", *part[1:])
                    answers[part[0]] = worker.hear()
                worker.tell("rest")
                worker.hear()
            except BaseException as fault:
                faults.append(fault)

        threads = [threading.Thread(target=attend, args=(worker,), daemon=True) for worker in workers]
        for thread in threads:
            thread.start()
        try:
            cursor = snapshot.cursor
            total = 0
            if cursor.set_range(low):
                names = cursor.iternext(values=False)
                while not faults:
                    cut = next(islice(names, ROWS, None), high)
                    parts.put((total, low, min(cut, high)))
                    total += 1
                    if cut >= high:
                        break
                    low = cut
        finally:
            for _ in threads:
                parts.put(None)
            for thread in threads:
                thread.join()
            snapshot.end()
        if faults:
            raise faults[0]
        return [answers[part] for part in range(total)]

    def _agree(self, workers: list[Worker]) -> Snapshot:
        """Begin to read here and in the workers, all in one state."""
        for _ in range(4):
            snapshot = self._begin(workers)
            if snapshot is not None:
                return snapshot
        with self.session.writer:
            held = self.session.env.begin(write=True)
            try:
                snapshot = self._begin(workers)
            finally:
                held.abort()
        if snapshot is None:
            raise OSError("the workers see another state")
        return snapshot

    def _begin(self, workers: list[Worker]) -> Snapshot | None:
        for worker in workers:
            worker.tell("begin")
        snapshot = Snapshot(self.session)
        states = [worker.hear() for worker in workers]
        for state in states:
            if isinstance(state, str):
                raise OSError(state)
        if states == [snapshot.txn.id()] * len(states):
            return snapshot
        snapshot.end()
        return None

    def dismiss(self, kill: bool = False) -> None:
        """End the workers."""
        workers, self.workers = self.workers, []
        for worker in workers:
            try:
                if kill:
                    worker.process.kill()
                else:
                    worker.tell("quit")
                worker.process.stdin.close()
            except OSError:
                pass
        for worker in workers:
            try:
                worker.process.wait(5)
            except subprocess.TimeoutExpired:
                worker.process.kill()
                worker.process.wait()
            worker.process.stdout.close()


crews: "weakref.WeakSet[Crew]" = weakref.WeakSet()


def forget() -> None:
    """Let go, in a forked child, of the parent's ends of the pipes, so that workers see when the parent is gone."""
    null = os.open(os.devnull, os.O_RDWR)
    for crew in list(crews):
        for worker in crew.workers:
            for stream in (worker.process.stdin, worker.process.stdout):
                if not stream.closed:
                    os.dup2(null, stream.fileno(), False)
    os.close(null)


os.register_at_fork(after_in_child=forget)


# --- In a worker ---


def fold_part(snapshot: Snapshot, blob: bytes, low: bytes, high: bytes) -> tuple[bool, bytes]:
    """Fold a part: whether that went well, and the result or the exception."""
    rows = read(snapshot, low, high, sys.maxsize, False, False)
    try:
        try:
            fold = pickle.loads(blob)
        except Exception as fault:
            raise StoreError(f"the fold can't be imported by another process: {fault!r}") from None
        result = fold(rows)
    except Exception as fault:
        try:
            text = pickle.dumps(fault)
            if isinstance(pickle.loads(text), Exception):
                return False, text
        except Exception:
            pass  # it can't be pickled, or not be read back
        return False, pickle.dumps(StoreError(f"the fold raised {fault!r}, which can't be pickled"))
    except BaseException as fault:
        return False, pickle.dumps(StoreError(f"the fold raised {fault!r}"))
    finally:
        rows.close()
    try:
        return True, pickle.dumps(result)
    except Exception as fault:
        return False, pickle.dumps(StoreError(f"what the fold gave can't be pickled: {fault!r}"))


def main(path: str, core: str) -> None:
    """Work until told otherwise, or until nobody is there to tell."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    orders, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)  # what a fold prints
    try:
        os.sched_setaffinity(0, [int(core)])
    except OSError:
        pass
    session = Session(path)
    sys.argv[1:] = []
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    snapshot, blob = None, b""
    while True:
        try:
            order, *rest = pickle.load(orders)
        except (EOFError, OSError):
            order = "quit"
        if order == "quit":
            break
        if order == "fold":
            sys.path[:], blob = rest
            importlib.invalidate_caches()
            continue
        if order == "part":
            answer: Any = fold_part(snapshot, blob, *rest)
        else:
            if snapshot is not None:
                snapshot.end()
                snapshot = None
            answer = None
            if order == "begin":
                try:
                    snapshot = Snapshot(session)
                    answer = snapshot.txn.id()
                except lmdb.Error as fault:
                    answer = str(fault)
        try:
            pickle.dump(answer, answers)
            answers.flush()
        except OSError:
            break
    session.close()
    os._exit(0)
