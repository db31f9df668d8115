"""Operations that fork with a store open: the child uses it, comes to its end, or outlives it."""

import contextlib
import gc
import os
import signal

from .folding import fold_total
from .processes import in_a_fork, send_signal
from .rows import key_of
from .stores import begun_scans, open_stores
from .submission import run


def _operation_fork(store, scan, key):
    """Fork, use what was opened before in the child, close it and let go of it there; answer what the child saw."""

    def look():
        answers = _attempts(open_stores[store], begun_scans[scan], key_of(key))
        run(open_stores[store].close)
        open_stores.clear()
        begun_scans.clear()
        gc.collect()
        return answers

    return in_a_fork(look)


def _attempts(store, scan, key):
    """Use a store in every way, and name each answer."""
    attempts = {
        "get": lambda: store.get(key),
        "get_many": lambda: store.get_many([key]),
        "scan": lambda: list(store.scan()),
        "a scan begun before": lambda: len(list(scan)),
        "count": lambda: store.count((key[0],)),
        "put_many": lambda: store.put_many([(key, b"from the child")]),
        "delete_range": lambda: store.delete_range(None, None),
        "parallel_scan": lambda: store.parallel_scan(None, None, 2, fold_total),
    }
    return [[name, *run(attempt)[:2]] for name, attempt in attempts.items()]


STAYS_SEC = 6
"""How long a child lives on that nobody ends; a store that waits for it should not be kept for ever."""


class Ended(BaseException):
    """Leads a forked child of a peer to the end of its program."""


def _operation_fork_ending():
    """Fork a child that comes to the end of its program, as after `sys.exit`; only for peers."""
    child = os.fork()
    if child == 0:
        raise Ended
    _, status = os.waitpid(child, 0)
    return status


def _operation_close_beside_child(store):
    """Close while a forked child lives on; answer whether it was still there then."""
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(STAYS_SEC)
        while True:
            signal.pause()
    try:
        open_stores[store].close()
        return os.waitpid(child, os.WNOHANG)[0] == 0
    finally:
        send_signal(child, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(child, 0)


OPERATIONS = {
    "fork": _operation_fork,
    "fork-ending": _operation_fork_ending,
    "close-beside-child": _operation_close_beside_child,
}
