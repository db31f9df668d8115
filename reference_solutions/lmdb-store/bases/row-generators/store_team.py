"""The worker processes of a store, and how they come to see one state."""

import gc
import importlib
import os
import pickle
import signal
import socket
import subprocess
import sys
from functools import partial
from itertools import islice
from multiprocessing.connection import Connection, wait
from typing import Any

import lmdb
from solution import FAULTS, PART, Store, StoreError, rows_of

ROUNDS = 3  # attempts to see one state without holding writers up
AHEAD = 2  # parts that a worker has been given


# --- In the store's own process ---


def fold_here(store: Store, low: bytes, high: bytes, fold: Any) -> list[Any]:
    """Fold a range as one part, in this process."""
    try:
        txn = store._begin()
        rows = rows_of(store._keep(txn), partial(store._end, txn), store._alive, low, high, None, False)
    except lmdb.Error as fault:
        raise StoreError(f"the scan can't begin: {fault}") from fault
    next(rows)
    try:
        return [fold(rows)]
    except (Exception, KeyboardInterrupt):
        raise
    except BaseException as fault:
        raise StoreError(f"the fold raised {fault!r}") from None
    finally:
        rows.close()


def fold_there(store: Store, low: bytes, high: bytes, workers: int, fold: Any) -> list[Any]:
    """Fold a range in parts, in worker processes."""
    try:
        blob = pickle.dumps(fold)
    except Exception as fault:
        raise StoreError(f"the fold can't be pickled: {fault}") from fault
    with store._parallel:
        store._environment()
        try:
            answers = hand_out(store, low, high, workers, blob)
        except BaseException as fault:
            dismiss(store, kill=True)
            if isinstance(fault, (*FAULTS, EOFError, pickle.PickleError)):
                raise StoreError(f"the worker processes failed: {fault!r}") from fault
            raise
    results = []
    for good, answer in answers:
        try:
            result = pickle.loads(answer)
        except Exception as fault:
            raise StoreError(f"what the fold gave can't be read back: {fault!r}") from None
        if not good:
            raise result
        results.append(result)
    return results


def hand_out(store: Store, low: bytes, high: bytes, workers: int, blob: bytes) -> list[tuple[bool, bytes]]:
    """Give the parts of a range to workers as they get through, and collect what they answer."""
    links = hire(store, min(workers, 3))
    path = [os.path.abspath(folder) if isinstance(folder, str) else folder for folder in sys.path]
    cores = sorted(os.sched_getaffinity(0))
    for number, link in enumerate(links):
        link.send(("load", path, cores[number % len(cores)], blob))
    txn = agree(store, links)
    answers: list[Any] = []
    try:
        parts = cut(store._keep(txn), low, high)
        busy = dict.fromkeys(links, 0)

        def feed(link: Connection) -> None:
            part = next(parts, None)
            if part is not None:
                link.send(("fold", len(answers), *part))
                answers.append(None)
                busy[link] += 1

        for _ in range(AHEAD):
            for link in links:
                feed(link)
        while any(busy.values()):
            for link in wait([link for link in links if busy[link]]):
                number, good, answer = link.recv()
                answers[number] = (good, answer)
                busy[link] -= 1
                feed(link)
    finally:
        store._end(txn)
    for link in links:
        link.send(("end",))
    for link in links:
        link.recv()
    return answers


def agree(store: Store, links: list[Connection]) -> lmdb.Transaction:
    """Begin to read, here and in all workers, and see to it that all see one state."""
    for attempt in range(ROUNDS + 1):
        if attempt < ROUNDS:
            txn, states = begin_all(store, links)
        else:
            with store._writing:
                writer = store._environment().begin(write=True)
                try:
                    txn, states = begin_all(store, links)
                finally:
                    writer.abort()
        if states == {txn.id()}:
            return txn
        txn.abort()
        faults = [state for state in states if isinstance(state, str)]
        if faults:
            raise OSError(faults[0])
    raise OSError("the worker processes see different states")


def begin_all(store: Store, links: list[Connection]) -> tuple[lmdb.Transaction, set[Any]]:
    """Begin to read everywhere, and give the states that workers see."""
    for link in links:
        link.send(("begin",))
    txn = store._begin()
    return txn, {link.recv() for link in links}


def cut(cursor: lmdb.Cursor, low: bytes, high: bytes) -> Any:
    """Cut a range into parts of equal numbers of rows, as far as they are asked for."""
    if not cursor.set_range(low):
        return
    names = cursor.iternext(keys=True, values=False)
    while True:
        name = next(islice(names, PART, None), None)
        if name is None or name >= high:
            yield low, high
            return
        yield low, name
        low = name


def hire(store: Store, number: int) -> list[Connection]:
    """Give connections to as many worker processes, which are started where they are missing."""
    folder = os.path.dirname(os.path.abspath(__file__))
    while len(store._team) < number:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            code = f"import sys; sys.path.insert(0, {folder!r}); import store_team; store_team.serve()"
            process = subprocess.Popen(
                [sys.executable, "-P", "-c", code, str(theirs.fileno()), store._path],
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )
            store._team.append((process, Connection(ours.detach())))
    return [link for _, link in store._team[:number]]


def dismiss(store: Store, kill: bool = False) -> None:
    """End the worker processes."""
    team, store._team = store._team, []
    for process, link in team:
        if kill:
            process.kill()
        else:
            try:
                link.send(("quit",))
            except OSError:
                pass
    for process, link in team:
        link.close()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


# --- In a worker process ---


def serve() -> None:
    """Work for a store until it is closed or its process has ended."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    link = Connection(int(sys.argv[1]))
    os.set_inheritable(int(sys.argv[1]), False)
    store = Store.open(sys.argv[2])
    del sys.argv[1:]
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    try:
        attend(link, store)
    except (EOFError, BrokenPipeError, ConnectionResetError):
        pass  # the store's process is no more
    link.close()
    store.close()


def attend(link: Connection, store: Store) -> None:
    """Do what the store's process says."""
    txn = None
    while True:
        order, *rest = link.recv()
        if order == "quit":
            return
        if order == "load":
            path, core, blob = rest
            sys.path[:] = path
            importlib.invalidate_caches()
            try:
                os.sched_setaffinity(0, [core])
            except OSError:
                pass
        elif order == "fold":
            number, low, high = rest
            link.send((number, *answer(store, txn, blob, low, high)))
        else:
            if txn is not None:
                txn.abort()
                txn = None
            if order == "begin":
                try:
                    txn = store._begin()
                    link.send(txn.id())
                except lmdb.Error as fault:
                    link.send(str(fault))
            else:
                link.send("ended")


def answer(store: Store, txn: lmdb.Transaction, blob: bytes, low: bytes, high: bytes) -> tuple[bool, bytes]:
    """Fold a part: whether it went well, and the result or the exception."""
    cursor = txn.cursor()
    rows = rows_of(cursor, cursor.close, store._alive, low, high, None, False)
    next(rows)
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
            pass
        return False, pickle.dumps(StoreError(f"the fold raised what can't be pickled: {fault!r}"))
    except BaseException as fault:
        return False, pickle.dumps(StoreError(f"the fold raised {fault!r}"))
    finally:
        rows.close()
    try:
        return True, pickle.dumps(result)
    except Exception as fault:
        return False, pickle.dumps(StoreError(f"what the fold gave can't be pickled: {fault!r}"))
