"""Races for the room that a submitter waits for: with its own end, and with whoever comes later."""

import asyncio
import threading

from .jobs import VAR, see, see_io
from .submission import job, outcome_of, solution


async def let_in_and_cancelled(kind, room, turns):
    """Cancel the first of two submitters so many turns of the loop after room was made for one.

    Room is made by a job that `ended` or by a queued one that was `cancelled`. Answers [whether the first submit was
    cancelled, whether the second was let in for it though nothing else ended (known after a queued one was cancelled),
    how often the first's job ran, how many of three further jobs are accepted without anything ending, how many are
    queued when all have ended].
    """
    async with solution.Executor(solution.Limits(io=1, blocking=1, cpu=1, nested=1, queue=1)) as executor:
        gate, ran = _gate(kind), []
        hold, note = _holding(kind)
        held = [await executor.submit(job(kind, hold, (gate,), None)) for _ in range(2)]
        waiting = [asyncio.create_task(executor.submit(job(kind, note, (ran, n), None))) for n in range(2)]
        await asyncio.sleep(0.001)
        if room == "ended":
            gate.set()
        else:
            held[1].cancel()
        for _ in range(turns):
            await asyncio.sleep(0)
        waiting[0].cancel()
        outcome = await outcome_of(waiting[0])
        in_its_stead = True
        if outcome[0] == "cancelled" and room == "cancelled":
            await asyncio.wait(waiting[1:], timeout=STEAD_SEC)
            in_its_stead = waiting[1].done()
        gate.set()
        await asyncio.gather(*held, return_exceptions=True)
        await (await waiting[1])
        if outcome[0] == "value":
            await outcome[1]
        places = await _places(executor, kind)
        return [outcome[0] == "cancelled", in_its_stead, ran.count(0), places, executor.stats()[kind]["queued"]]


STEAD_SEC = 2.0


async def come_later(kind, room, places, turns):
    """Submit so many turns of the loop after room was made for a submitter that waits; `None`: once the end is known.

    Room is made by a job that `ended` or by queued ones that were `cancelled`, as many as `places`. Answers in which
    order jobs ran: 0 is one of the queue, 1 that of the submitter who waited, 2 that of the one who came later.
    """
    limits = solution.Limits(io=1, blocking=1, cpu=1, nested=1, queue=places)
    async with solution.Executor(limits) as executor:
        gate, ran = _gate(kind), []
        hold, note = _holding(kind)
        running = await executor.submit(job(kind, hold, (gate,), None))
        queued = [await executor.submit(job(kind, note, (ran, 0), None)) for _ in range(places)]
        waiting = asyncio.create_task(executor.submit(job(kind, note, (ran, 1), None)))
        await asyncio.sleep(0.001)
        if room == "ended":
            gate.set()
        else:
            for future in queued:
                future.cancel()
            asyncio.get_running_loop().call_later(0.005, gate.set)
        if turns is None:
            await running
        for _ in range(turns or 0):
            await asyncio.sleep(0)
        last = await executor.submit(job(kind, note, (ran, 2), None))
        await asyncio.gather(running, *queued, await waiting, last, return_exceptions=True)
        return ran


async def map_at_the_door(kind):
    """Begin a map in a lane with one place left, change the context, and make room; gives what its jobs saw."""
    async with solution.Executor(solution.Limits(io=1, blocking=1, cpu=1, nested=1, queue=2)) as executor:
        gate, (hold, _) = _gate(kind), _holding(kind)
        held = [await executor.submit(job(kind, hold, (gate,), None)) for _ in range(2)]
        VAR.set("own")
        mapping = executor.map(kind, see if kind == "blocking" else see_io, range(5))
        taking = asyncio.create_task(_all_of(mapping))
        await asyncio.sleep(0.01)
        VAR.set("another")
        gate.set()
        await asyncio.gather(*held)
        return await taking


async def _all_of(mapping):
    return [value async for value in mapping]


async def _places(executor, kind):
    """Count how many of three jobs that do not end by themselves are accepted, where two should be."""
    gate, (hold, _) = _gate(kind), _holding(kind)
    submits = [asyncio.create_task(executor.submit(job(kind, hold, (gate,), None))) for _ in range(3)]
    for _ in range(PLACES_TRIES):
        await asyncio.sleep(0.002)
        accepted = sum(submit.done() for submit in submits)
        if accepted >= 2:
            break
    gate.set()
    await asyncio.gather(*await asyncio.gather(*submits))
    return accepted


PLACES_TRIES = 1_000


def _gate(kind):
    return threading.Event() if kind == "blocking" else asyncio.Event()


def _holding(kind):
    """Give two functions for a kind: one that waits at a gate, and one that notes that it ran."""
    return (_hold_thread, _note_thread) if kind == "blocking" else (_hold, _note)


async def _hold(*args):  # a nested job gets the executor before its arguments
    await args[-1].wait()


async def _note(*args):
    args[-2].append(args[-1])


def _hold_thread(gate):
    gate.wait()


def _note_thread(ran, number):
    ran.append(number)
