"""Submit jobs, one or many, and learn their outcomes."""

import asyncio

from .executors import opened
from .jobs import VAR, change, change_io, change_nested, echo, echo_io, fault, now, sum_nested, wait, wait_io, work
from .meetings import MEETINGS, meet_unheld
from .submission import job, outcome_of, solution

handed_out = {}
"""Futures, by the grader's name for the job; for many at once, a list of them."""

_submitting = {}
"""Tasks that wait to submit."""

FUNCTIONS = {
    "meet": None,  # by kind
    "meet-unheld": meet_unheld,
    "echo-io": echo_io,
    "echo": echo,
    "fault": fault,
    "wait-io": wait_io,
    "wait": wait,
    "work": work,
    "sum": sum_nested,
    "now": now,
    "lambda": lambda: None,  # can't be pickled
}


def function_of(kind, name):
    """Give the function that the grader means."""
    return MEETINGS[kind] if name == "meet" else FUNCTIONS[name]


async def submit(ex, key, kind, name, args, timeout_sec, var):
    """Submit one job; answers when it was accepted."""
    VAR.set(var)  # this call is a task with a context of its own
    _submitting[key] = asyncio.current_task()
    try:
        handed_out[key] = await opened[ex].submit(job(kind, function_of(kind, name), tuple(args), timeout_sec))
    except solution.ExecutorClosed as fault:
        return ["closed", isinstance(fault, RuntimeError)]
    except asyncio.CancelledError:
        return ["cancelled"]
    finally:
        del _submitting[key]
    return ["accepted", VAR.get()]


async def submit_and_forget(ex, kind, name, args):
    """Submit one job and hold nothing of it."""
    await opened[ex].submit(job(kind, function_of(kind, name), tuple(args), None))


async def cancel_submit(key):
    """Cancel whoever waits to submit; False where nobody does any more."""
    return key in _submitting and _submitting[key].cancel()


async def submit_one(ex, key, kind, args):
    """Submit a job that meets the grader, and hold its future."""
    handed_out[key] = await opened[ex].submit(job(kind, MEETINGS[kind], tuple(args), None))
    return handed_out[key]


async def submit_and_cancel(ex, key, kind, args):
    """Submit one job, and cancel it before the loop has come to anything else."""
    (await submit_one(ex, key, kind, args)).cancel()


async def submit_and_shut_down(ex, key, kind, args):
    """Submit one job, and shut its executor down before the loop has come to anything else."""
    await submit_one(ex, key, kind, args)
    await opened[ex].shutdown(drain=False)


async def submit_and_look(ex, kind, own):
    """Have two jobs change the context variable, and look at it; gives what each of them saw, and then this caller."""
    function = {"io": change_io, "blocking": change, "nested": change_nested}[kind]
    VAR.set(own)
    seen = [await (await opened[ex].submit(job(kind, function, (f"changed{n}",), None))) for n in range(2)]
    return [*seen, VAR.get()]


async def result(key):
    """Wait for a job's outcome."""
    return await outcome_of(handed_out[key])


async def cancel(key):
    """Cancel a job."""
    return handed_out[key].cancel()


async def run(ex, kind, name, args):
    """Submit one job and wait for its outcome, as most callers do."""
    return await outcome_of(await opened[ex].submit(job(kind, function_of(kind, name), tuple(args), None)))


# ---- many at once


async def bulk_submit(ex, key, count):
    """Submit many small io jobs, one after another."""
    executor = opened[ex]
    handed_out[key] = [await executor.submit(job("io", echo_io, (number,), None)) for number in range(count)]


async def bulk_cancel(key, numbers):
    """Cancel some of them."""
    for number in numbers:
        handed_out[key][number].cancel()


async def bulk_results(key):
    """Wait for all of them; a cancelled one is None."""
    outcomes = await asyncio.gather(*handed_out[key], return_exceptions=True)
    return [None if isinstance(outcome, asyncio.CancelledError) else outcome for outcome in outcomes]


async def mix(ex, jobs):
    """Submit jobs and give all their results, in order."""
    executor = opened[ex]
    futures = [
        await executor.submit(job(kind, function_of(kind, name), tuple(args), None)) for kind, name, args in jobs
    ]
    return list(await asyncio.gather(*futures))
