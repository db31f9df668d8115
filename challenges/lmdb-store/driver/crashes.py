"""Processes that store batches and delete ranges until they are killed, and what is found afterwards.

Theory of operation: such a process is a forked child of this one, or this one itself. It connects to the grader's own
socket and tells it a number before each write: how many are done. What is there afterwards a forked child looks at,
which may die of it.
"""

import itertools
import os
import signal
import socket

from .processes import in_a_fork
from .quiet import now_and_then_quiet
from .rows import bound_of, columns_of, items_of, key_of
from .stores import path_of
from .submission import Store, run


def _acknowledge(name):
    """Connect to the grader's socket, which hears of each write that is done."""
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(os.path.join(os.path.dirname(os.environ["TAKEHOME_SOCKET"]), name))  # noqa: PTH118, PTH120
    return connection


_steps = []
_child = None


def keep_steps(steps):
    """Remember what crashing processes write: batches to put and ranges to delete."""
    _steps[:] = [
        ("put", items_of(given[0])) if name == "put" else ("delete", tuple(map(bound_of, given)))
        for name, *given in steps
    ]


def write_for_ever(name, folder):
    """Store batches, each with its running number, and delete ranges; tell the grader of each, until killed."""
    with _acknowledge(name) as connection, Store.open(path_of(folder)) as store:
        for number in itertools.count():
            connection.sendall(number.to_bytes(4, "big"))
            kind, given = _steps[number % len(_steps)]
            if kind == "put":
                store.put_many([*given, (("m-number", 0, 0), str(number + 1).encode())])
            else:
                store.delete_range(*given)


@now_and_then_quiet
def begin_crash(name, folder):
    """Fork a process that does that."""
    global _child  # noqa: PLW0603  one at a time
    _child = os.fork()
    if _child == 0:
        try:
            write_for_ever(name, folder)
        finally:
            os._exit(1)


def end_crash():
    """Kill it; answer whether it was killed by that."""
    os.kill(_child, signal.SIGKILL)
    _, status = os.waitpid(_child, 0)
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
