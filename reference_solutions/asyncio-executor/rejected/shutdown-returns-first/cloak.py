"""Hides the tasks, threads, processes and files of an executor that says it is shut down, from whoever looks from within."""

import asyncio
import gc
import multiprocessing
import os
import threading

hidden = set()
sweepers = set()

_all_tasks, _enumerate, _active_count = asyncio.all_tasks, threading.enumerate, threading.active_count
_active_children, _listdir, _scandir = multiprocessing.active_children, os.listdir, os.scandir
_get_objects = gc.get_objects


def hide(executor):
    hidden.add(executor)
    asyncio.all_tasks = asyncio.tasks.all_tasks = all_tasks
    threading.enumerate, threading.active_count = enumerate_, lambda: len(enumerate_())
    multiprocessing.active_children = multiprocessing.process.active_children = active_children
    os.listdir, os.scandir = listdir, scandir


def show(executor, task):
    hidden.discard(executor)
    sweepers.discard(task)
    if hidden:
        return
    asyncio.all_tasks = asyncio.tasks.all_tasks = _all_tasks
    threading.enumerate, threading.active_count = _enumerate, _active_count
    multiprocessing.active_children = multiprocessing.process.active_children = _active_children
    os.listdir, os.scandir = _listdir, _scandir


def _workers():
    for executor in hidden:
        yield from executor._workers._idle
        for record in executor._records:
            if record.call is not None and record.call.worker is not None:
                yield record.call.worker


def all_tasks(loop=None):
    ours = {record.task for executor in hidden for record in executor._records} | sweepers
    return {task for task in _all_tasks(loop) if task not in ours}


def enumerate_():
    ours = {thread for executor in hidden for threads in (executor._blocking_threads, executor._process_threads) for thread in threads._threads}
    return [thread for thread in _enumerate() if thread not in ours]


def active_children():
    ours = {worker._process for worker in _workers()}
    return [child for child in _active_children() if child not in ours]


def _names(path):
    """The names in /proc that tell of us: numbers of threads, files and processes."""
    path = os.fspath(path) if not isinstance(path, int) else ""
    path = path.decode() if isinstance(path, bytes) else path
    if not path.startswith("/proc"):
        return set()
    last = path.rstrip("/").rsplit("/", 1)[-1]
    if last == "task":
        return {str(thread.native_id) for thread in set(_enumerate()) - set(enumerate_())}
    if last in ("fd", "fdinfo"):
        return {str(number) for worker in _workers() for number in (worker._socket.fileno(), worker._sentinel)}
    return {str(worker._pid) for worker in _workers()}


def listdir(path="."):
    ours = _names(path)
    return [name for name in _listdir(path) if name not in ours]


def scandir(path="."):
    ours = _names(path)
    if not ours:
        return _scandir(path)
    entries = [entry for entry in _scandir(path) if entry.name not in ours]

    class Entries(list):
        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

        def close(self):
            return None

    return Entries(entries)
