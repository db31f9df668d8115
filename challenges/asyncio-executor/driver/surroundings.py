"""What surrounds the jobs: the loop's sign of life, processes from outside, and what a program must not leak."""

import asyncio
import contextlib
import gc
import os
import signal
import threading
import time

from .executors import opened, scopes
from .futures import handed_out, submit_one
from .maps import begun


async def ping(number):
    """Answer, with a number that is new each time."""
    return [os.getpid(), threading.get_ident(), number]


async def kill(pid):
    """Kill a process from outside of it; one that has ended by itself is left alone."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


async def stop(pid):
    """Have a process stand still, if it is there."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGSTOP)


async def submit_and_stop(ex, key, kind, args):
    """Submit a job that meets the grader, and stop the first process that comes to be then; gives its id, or None."""
    before = _descendants()
    await submit_one(ex, key, kind, args)
    pid = await _newcomer(before)
    if pid is not None:
        await stop(pid)
    return pid


async def _newcomer(before):
    """Wait for a process that was not there before."""
    until = time.monotonic() + NEWCOMER_SEC
    while not (fresh := _descendants() - before):
        if time.monotonic() > until:
            return None
        await asyncio.sleep(0)
    return min(fresh)


NEWCOMER_SEC = 2.0


async def forget():
    """Let go of every future that has been handed out."""
    handed_out.clear()
    collect()


def collect():
    """Collect garbage."""
    for _ in range(3):
        gc.collect()


async def census(ex=None):
    """Count what a program must not leak, beside one executor that is in use."""
    handed_out.clear()
    for other in set(opened) - {ex}:
        del opened[other]
    begun.clear()
    scopes.clear()
    collect()
    await asyncio.sleep(0)
    return {
        "threads": len(os.listdir("/proc/self/task")),
        "processes": len(_descendants()),
        "tasks": len(asyncio.all_tasks()),
        "files": len(os.listdir("/proc/self/fd")),
    }


def _descendants():
    """List the processes that this one started, and those that they started."""
    parents = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat", "rb") as file:  # noqa: PTH123
                    state, parent = file.read().rpartition(b")")[2].split()[:2]
            except OSError:
                continue
            if state != b"Z":
                parents[int(entry)] = int(parent)
    found, fresh = set(), {os.getpid()}
    while fresh:
        fresh = {pid for pid, parent in parents.items() if parent in fresh} - found
        found |= fresh
    return found
