"""What surrounds the jobs: the loop's sign of life, processes from outside, and what a program must not leak."""

import asyncio
import contextlib
import gc
import os
import signal
import threading
import time

from .executors import opened, scopes
from .futures import handed_out
from .jobs import echo, now
from .maps import begun
from .meetings import MEETINGS
from .submission import job, outcome_of


async def ping(number):
    """Answer, with a number that is new each time."""
    return [os.getpid(), threading.get_ident(), number]


async def kill(pid):
    """Kill a process from outside of it."""
    os.kill(pid, signal.SIGKILL)


async def submit_and_kill(ex, key, kind, place):
    """Submit a job that meets the grader, and kill the first process that comes to be then; gives its id, or None."""
    before = _descendants()
    handed_out[key] = await opened[ex].submit(job(kind, MEETINGS[kind], (place, key), None))
    pid = await _newcomer(before)
    if pid is not None:
        os.kill(pid, signal.SIGKILL)
    return pid


async def submit_to_stopped(ex, kind, pids):
    """Stop idle processes, submit as many jobs, and kill the processes, which begin on none: what came of each job."""
    for pid in pids:
        _signal(pid, signal.SIGSTOP)
    futures = [await opened[ex].submit(job(kind, echo, (number,), None)) for number in range(len(pids))]
    await asyncio.sleep(HANDED_SEC)
    for pid in pids:
        _signal(pid, signal.SIGKILL)
    return [(await outcome_of(future))[:2] for future in futures]


HANDED_SEC = 0.05
"""Time to hand a job to a process that is there."""


def _signal(pid, number):
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


async def start_lead(ex, kind):
    """Give the seconds from when a job's new process is seen until it runs the job, 0 if there is no new one."""
    before = _descendants()
    future = await opened[ex].submit(job(kind, now, (), None))
    pid, seen_ns = await _newcomer(before), time.perf_counter_ns()
    began_ns = await future
    return 0.0 if pid is None else (began_ns - seen_ns) / 1e9


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
