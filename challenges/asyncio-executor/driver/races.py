"""Races for the room that a submitter waits for: calls that are made in the very moment when there is some."""

import asyncio
import threading

from .futures import cancel, cancel_submit, handed_out, submit
from .jobs import VAR, see, see_io
from .shots import shot
from .submission import job, outcome_of, solution


async def upon(name, turns, function, *args):
    """Make one of the calls below so many turns of the loop after a shot."""
    await shot(name).wait()
    return await _turns_later(turns, function, args)


async def after(key, turns, function, *args):
    """Make one of the calls below so many turns of the loop after a job's outcome is known."""
    await outcome_of(handed_out[key])
    return await _turns_later(turns, function, args)


async def _turns_later(turns, function, args):
    for _ in range(turns):
        await asyncio.sleep(0)
    return await CALLS[function](*args)


CALLS = {"submit": submit, "cancel": cancel, "cancel_submit": cancel_submit}


async def map_at_the_door(kind, own, count):
    """Begin a map in a lane with one place left, change the context, and make room; gives what its jobs saw."""
    async with solution.Executor(solution.Limits(io=1, blocking=1, cpu=1, nested=1, queue=2)) as executor:
        gate = threading.Event() if kind == "blocking" else asyncio.Event()
        hold = _hold_thread if kind == "blocking" else _hold
        held = [await executor.submit(job(kind, hold, (gate,), None)) for _ in range(2)]
        VAR.set(own)
        mapping = executor.map(kind, see if kind == "blocking" else see_io, range(count))
        taking = asyncio.create_task(_all_of(mapping))
        await asyncio.sleep(0.01)
        VAR.set("another")
        gate.set()
        await asyncio.gather(*held)
        return await taking


async def _all_of(mapping):
    return [value async for value in mapping]


async def _hold(gate):
    await gate.wait()


def _hold_thread(gate):
    gate.wait()
