"""What surrounds the jobs: the loop's sign of life, processes from outside, and what a program must not leak."""

import asyncio
import gc
import os
import signal
import threading

from .executors import opened, scopes
from .futures import handed_out
from .maps import begun


async def ping(number):
    """Answer, with a number that is new each time."""
    return [os.getpid(), threading.get_ident(), number]


async def kill(pid):
    """Kill a process from outside of it."""
    os.kill(pid, signal.SIGKILL)


async def forget():
    """Let go of every future that has been handed out."""
    handed_out.clear()
    collect()


def collect():
    """Collect garbage."""
    for _ in range(3):
        gc.collect()


async def census():
    """Count what a program must not leak."""
    handed_out.clear()
    opened.clear()
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
