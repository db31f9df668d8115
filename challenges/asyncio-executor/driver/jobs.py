"""Small jobs, of which the grader sees nothing but their results. Worker processes import them from here, by name."""

import asyncio
import contextvars
import time

from .submission import job

VAR = contextvars.ContextVar("VAR", default="unset")
"""What jobs see, or do not see, of their submitter's context."""


async def echo_io(value):
    """Give it back, after a turn of the loop."""
    await asyncio.sleep(0)
    return value


async def echo_nested(_executor, value):
    """Give it back."""
    return value


def echo(value):
    """Give it back."""
    return value


def fault(*args):
    """Give an exception, and raise none."""
    return ValueError(*args)


async def wait_io(value, seconds):
    """Give it back, later."""
    await asyncio.sleep(seconds)
    return value


def wait(value, seconds):
    """Give it back, later, and hold the thread meanwhile."""
    time.sleep(seconds)
    return value


def work(value, modulus, rounds):
    """Square a value so many times: who does not know the factors of the modulus gets there by these steps alone."""
    for _ in range(rounds):
        value = value * value % modulus
    return value


async def sum_nested(executor, kind, calls):
    """Submit a job for each list of arguments and add up what they return; a cpu job computes, others give it back."""
    function = {"io": echo_io, "blocking": echo, "cpu": work}[kind]
    futures = [await executor.submit(job(kind, function, tuple(args), None)) for args in calls]
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
