"""The worker processes of `parallel_scan`: the side that hands out parts, and the side that folds them."""

import os
import pickle
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import islice
from multiprocessing.connection import Connection
from typing import Any

import lmdb
from solution import Store, StoreError, _rows

ROUNDS = 200  # how often workers try to begin at the same state while others write
FIRST, MOST = 64, 1_024  # rows of the first part, and of the largest ones
AHEAD = 2  # parts that a worker has in hand

Cut = tuple[bytes, bytes | None]


class Worker:
    """A process that folds."""

    def __init__(self, path: str, cpu: int | None) -> None:
        """Start it. It is a fresh interpreter: a fork would share the environment and the locks of other threads."""
        ours, theirs = socket.socketpair()
        fd = theirs.fileno()
        code = (
            f"import sys; sys.path[:] = {ascii(sys.path)}; "
            f"from store_workers import main; main({fd}, {ascii(path)}, {cpu})"
        )
        with theirs:
            self.process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.DEVNULL, pass_fds=[fd])
        self.channel = Connection(ours.detach())

    def close(self, kill: bool) -> None:
        """End it, and wait for that."""
        if kill:
            self.process.kill()
        self.channel.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Pool:
    """The workers of a store, which stay until it is closed."""

    def __init__(self, path: str) -> None:
        """Begin with none."""
        self.path = path
        self.workers: list[Worker] = []

    def close(self, kill: bool = False) -> None:
        """End all."""
        workers, self.workers = self.workers, []
        for worker in workers:
            worker.close(kill)

    def disown(self) -> None:
        """Let go of all, in a child that was forked: they are not its own."""
        for worker in self.workers:
            worker.channel.close()
            worker.process.returncode = 0  # nobody to wait for

    def run(self, txn: Any, lo: bytes, hi: bytes | None, number: int, fold: Callable) -> list[Any]:
        """Fold the parts of a range; `txn` only tells where to cut."""
        try:
            blob = pickle.dumps(fold)
        except Exception as error:
            raise StoreError(f"fold can't be sent to other processes: {error}") from error
        try:
            team = self.muster(number)
            results, faults = self.deal(self.agree(team, blob), cuts(txn, lo, hi))
            for worker in team:
                worker.channel.send(("end",))
            for worker in team:
                worker.channel.recv()
        except BaseException as error:
            self.close(kill=True)
            if isinstance(error, EOFError | OSError):
                raise StoreError("a worker process of parallel_scan died") from error
            raise
        if faults:
            raise pickle.loads(faults[min(faults)])
        return [pickle.loads(results[index]) for index in range(len(results))]

    def muster(self, number: int) -> list[Worker]:
        """Give so many workers."""
        cpus = sorted(os.sched_getaffinity(0))
        while len(self.workers) < number:
            index = len(self.workers)
            self.workers.append(Worker(self.path, cpus[index] if 1 < len(cpus) and index < len(cpus) else None))
        return self.workers[:number]

    def agree(self, team: list[Worker], blob: bytes) -> list[Worker]:
        """Let workers begin to read until all see one state. A batch that is under way is not waited for."""
        for worker in team:
            worker.channel.send(("begin", list(sys.path), blob))
        states = [worker.channel.recv() for worker in team]
        for _ in range(ROUNDS):
            newest = max(states)
            late = [index for index, state in enumerate(states) if state != newest]
            if not late:
                return team
            for index in late:
                team[index].channel.send(("again",))
            for index in late:
                states[index] = team[index].channel.recv()
        return team[:1]  # one alone is always of one mind

    def deal(self, team: list[Worker], parts: Iterator[Cut]) -> tuple[dict[int, bytes], dict[int, bytes]]:
        """Hand out parts as they are cut and as workers get free, and collect what comes back."""
        results: dict[int, bytes] = {}
        faults: dict[int, bytes] = {}
        poll = select.poll()
        channels = {worker.channel.fileno(): worker.channel for worker in team}
        for fd in channels:
            poll.register(fd, select.POLLIN)
        numbered = enumerate(parts)
        out = 0

        def give(channel: Connection) -> int:
            part = None if faults else next(numbered, None)
            if part is None:
                return 0
            channel.send(("part", *part))
            return 1

        for _ in range(AHEAD):
            for channel in channels.values():
                out += give(channel)
        while out:
            for fd, _ in poll.poll():
                index, sound, blob = channels[fd].recv()
                (results if sound else faults)[index] = blob
                out += give(channels[fd]) - 1
        return results, faults


def cuts(txn: Any, lo: bytes, hi: bytes | None) -> Iterator[Cut]:
    """Cut a range by its number of rows, small parts first so that small ranges are shared too."""
    cursor = txn.cursor()
    if cursor.set_range(lo) if lo else cursor.first():
        codes = cursor.iternext(keys=True, values=False)
        size = FIRST
        while (code := next(islice(codes, size, None), None)) is not None and (hi is None or code < hi):
            yield lo, code
            lo = code
            size = min(2 * size, MOST)
    yield lo, hi


# ---- in the worker --------------------------------------------------------------------------------------------------


def rebuilt(kind: type, args: tuple, state: dict) -> BaseException:
    """Make an exception whose constructor wants something else than its `args`."""
    fault = kind.__new__(kind, *args)
    fault.args = args
    fault.__dict__.update(state)
    return fault


class Rebuilt:
    """Is pickled as a call of `rebuilt`."""

    def __init__(self, fault: BaseException) -> None:
        """Remember the exception."""
        self.fault = fault

    def __reduce__(self) -> tuple:
        """Say how to make it."""
        return rebuilt, (type(self.fault), self.fault.args, self.fault.__dict__)


def packed(fault: BaseException) -> bytes:
    """Pickle an exception in a way that is known to come back."""
    for shape in (fault, Rebuilt(fault)):
        try:
            blob = pickle.dumps(shape)
            if type(pickle.loads(blob)) is type(fault):
                return blob
        except Exception:  # noqa: S112
            continue
    return pickle.dumps(StoreError(f"fold raised {fault!r}"))


def answer(store: Store, txn: Any, load: Callable, lo: bytes, hi: bytes | None) -> tuple[bool, bytes]:
    """Fold one part."""
    try:
        result = load()(_rows(store, txn, lo, hi))
    except BaseException as fault:
        return False, packed(fault)
    try:
        return True, pickle.dumps(result)
    except Exception as fault:
        return False, pickle.dumps(StoreError(f"what fold returned can't be pickled: {fault}"))


def main(fd: int, path: str, cpu: int | None) -> None:
    """Serve until the other end is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if cpu is not None:
        try:
            os.sched_setaffinity(0, {cpu})
        except OSError:
            pass
    channel = Connection(fd)
    txn: lmdb.Transaction | None = None
    fold: Callable | None = None
    blob = b""

    def load() -> Callable:
        nonlocal fold
        if fold is None:
            fold = pickle.loads(blob)
        return fold

    with Store.open(path) as store:
        try:
            while True:
                what, *rest = channel.recv()
                if what == "part":
                    index, (lo, hi) = rest
                    channel.send((index, *answer(store, txn, load, lo, hi)))
                    continue
                if txn is not None:
                    txn.abort()
                    txn = None
                if what == "end":
                    channel.send(None)
                    continue
                if what == "begin":
                    sys.path[:], blob = rest
                    fold = None
                txn = store._snapshot()
                channel.send(txn.id())
        except (EOFError, OSError):
            pass
