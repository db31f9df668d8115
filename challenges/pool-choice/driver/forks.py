"""Where an item runs, and what gives a fork away.

A fork of the process that answers the grader finds that one's id written down and has another. A fork of any process
that has this module finds a lock held.
"""

import os
import threading

_serving = None
"""The id of the process that answers the grader: it is set there and nowhere else, so only a fork of it has another."""

_caller = None
"""The thread of that process that calls `run`."""

log_lock = threading.Lock()
"""Like a library's log lock: at any moment some thread may hold it. A forked child inherits it locked, for good."""

os.register_at_fork(before=log_lock.acquire, after_in_parent=log_lock.release)


class Forked(BaseException):
    """An item runs in a process that was copied from the one that called `run`."""


def note_caller():
    """Note that this thread of this process calls `run`."""
    global _serving, _caller
    _serving, _caller = os.getpid(), threading.get_ident()


def demand_unforked():
    if _serving is not None and _serving != os.getpid():
        raise Forked("this item runs in a fork of the process that called run()")


def whereabouts(_item):
    """Answer where an item runs, as the kinds of plans are called."""
    if _serving != os.getpid():
        return "processes"
    return "inline" if threading.get_ident() == _caller else "threads"


_runs = set()


def runs_seen(run):
    """Answer of how many runs this process has had items; each is told by a number of its own."""
    _runs.add(run)
    return len(_runs)
