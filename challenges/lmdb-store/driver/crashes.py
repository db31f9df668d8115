"""Processes that store batch after batch until they are killed, and what is found afterwards.

Theory of operation: such a process is a forked child of this one, or this one itself. It connects to the grader's own
socket and tells it a number before each batch: how many are stored. What is there afterwards a forked child looks at,
which may die of it.
"""

import itertools
import os
import signal
import socket
import time

from .processes import in_a_fork
from .quiet import now_and_then_quiet
from .rows import columns_of, items_of, key_of
from .stores import path_of
from .submission import Store, run


def _acknowledge(name):
    """Connect to the grader's socket, which hears of each batch that is stored."""
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(os.path.join(os.path.dirname(os.environ["TAKEHOME_SOCKET"]), name))  # noqa: PTH118, PTH120
    return connection


_batches = []


def keep_batches(batches):
    """Remember the batches that crashing processes store."""
    _batches[:] = [items_of(rows) for rows in batches]


def write_for_ever(name, folder):
    """Store one batch after another, each with its running number, and tell the grader of each, until killed."""
    with _acknowledge(name) as connection, Store.open(path_of(folder)) as store:
        for number in itertools.count():
            connection.sendall(number.to_bytes(4, "big"))
            batch = _batches[number % len(_batches)]
            store.put_many([*batch, (("m-number", 0, 0), str(number + 1).encode())])


@now_and_then_quiet
def crash(name, folder, after_sec):
    """Kill a process that does that, so long after it has begun; answer whether it was killed."""
    child = os.fork()
    if child == 0:
        try:
            write_for_ever(name, folder)
        finally:
            os._exit(1)
    time.sleep(after_sec)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL


def found(folder, extra):
    """Open a store in a fresh process; answer all rows, and what a write and closing come to."""

    def look():
        with Store.open(path_of(folder)) as store:
            rows = columns_of(store.scan())
            put = store.put_many(items_of(extra))
            return [rows, put, store.get_many([key_of(row[:3]) for row in extra])]

    return _found_by(look)


def found_only(folder):
    """Open a store in a fresh process and answer all rows."""

    def look():
        with Store.open(path_of(folder)) as store:
            return columns_of(store.scan())

    return _found_by(look)


def _found_by(look):
    """Look in a forked process, which may die of it."""
    answer = run(lambda: in_a_fork(lambda: run(look)))
    return answer[1] if answer[0] == "gave" else answer
