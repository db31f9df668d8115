"""Small jobs, of which the grader sees nothing but their results. Worker processes import them from here, by name."""

import asyncio
import contextvars
import hashlib
import time

from .submission import job

VAR = contextvars.ContextVar("VAR", default="unset")
"""What jobs see, or do not see, of their submitter's context."""


async def echo_io(value):
    """Give it back, after a turn of the loop."""
    await asyncio.sleep(0)
    return value


def echo(value):
    """Give it back."""
    return value


async def wait_io(value, seconds):
    """Give it back, later."""
    await asyncio.sleep(seconds)
    return value


def wait(value, seconds):
    """Give it back, later, and hold the thread meanwhile."""
    time.sleep(seconds)
    return value


def work(seed, rounds):
    """Compute something that takes the interpreter `rounds` steps."""
    value = int.from_bytes(hashlib.sha256(seed.encode()).digest()[:8], "big")
    for _ in range(rounds):
        value = (value * 6364136223846793005 + 1442695040888963407) & 0xFFFFFFFFFFFFFFFF
    return value


async def sum_nested(executor, values, kind):
    """Submit a job for each value and add up what they return."""
    function = {"io": echo_io, "blocking": echo, "cpu": echo}[kind]
    futures = [await executor.submit(job(kind, function, (value,), None)) for value in values]
    return sum([await future for future in futures])


async def change_io(value):
    """Set the context variable and give what it was."""
    return change(value)


async def change_nested(_executor, value):
    """Set the context variable and give what it was."""
    return change(value)


def change(value):
    """Set the context variable and give what it was."""
    seen = VAR.get()
    VAR.set(value)
    return seen


def see(_):
    """Give the context variable."""
    return VAR.get()


async def see_io(_):
    """Give the context variable."""
    return VAR.get()


def now():
    """Give the time, which is another each time."""
    return time.perf_counter_ns()


def spin(seed):
    """Compute until the process is killed."""
    while True:
        seed = work(str(seed), 10_000)
