"""The executor itself: opened, counted, shut down in every way."""

import asyncio

from .submission import outcome_of, solution

opened = {}
"""Executors, by the grader's name for them."""

scopes = {}
"""What `within` waits for before it leaves its block."""


async def open_(ex, limits):
    """Make an executor and enter it."""
    executor = solution.Executor(solution.Limits(**limits))
    opened[ex] = executor
    await executor.__aenter__()


async def stats(ex):
    """Ask for the counts; plain data, whatever the submission makes them of."""
    given = opened[ex].stats()
    return {
        str(kind): {str(name): count for name, count in dict(counts).items() if isinstance(count, int)}
        for kind, counts in given.items()
    }


async def shutdown(ex, drain, timeout_sec):
    """Shut an executor down."""
    await opened[ex].shutdown(drain=drain, timeout_sec=timeout_sec)


async def shutdown_cancelled(ex):
    """Shut an executor down, and give up waiting for it."""
    ending = asyncio.create_task(opened[ex].shutdown())
    await asyncio.sleep(0.05)
    ending.cancel()
    return await outcome_of(ending)


async def shutdown_plainly(ex):
    """Shut an executor down without arguments."""
    await opened[ex].shutdown()


async def within(ex, limits, fault):
    """Use an executor in `async with`, until `leave` is called; then leave its end, or by an exception."""
    leaving = scopes[ex] = asyncio.Event()
    try:
        async with solution.Executor(solution.Limits(**limits)) as executor:
            opened[ex] = executor
            await leaving.wait()
            if fault == "CancelledError":
                asyncio.current_task().cancel()
                await asyncio.Event().wait()
            elif fault is not None:
                raise WITHIN[fault]("from within")  # noqa: TRY301
    except BaseException as seen:  # noqa: BLE001  among them what ends a task
        return ["raised", type(seen).__name__]
    return ["left"]


WITHIN = {"KeyError": KeyError, "SystemExit": SystemExit, "KeyboardInterrupt": KeyboardInterrupt}


async def leave(ex):
    """Let `within` go on to the end of its block."""
    scopes[ex].set()
