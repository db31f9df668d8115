"""The submission itself, its jobs, and what their futures come to.

It is imported here, and the other modules take it from here: first this package has to be on the path, for the worker
processes that a submission starts as soon as it likes.
"""

import asyncio
import os
import sys
import traceback

FOLDER = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120  pathlib: each worker pays
if FOLDER not in sys.path:
    sys.path.append(FOLDER)

import solution  # noqa: E402

TRACEBACK_CHARS = 16_000


def job(kind, function, args, timeout_sec):
    """Make a job of the submission's."""
    return solution.Job(kind=kind, function=function, args=args, timeout_sec=timeout_sec)


async def outcome_of(future):
    """Wait for a future, and give as plain data what it came to."""
    try:
        value = await future
        return ["value", ["exception", type(value).__name__, *value.args] if isinstance(value, Exception) else value]
    except asyncio.CancelledError:
        return ["cancelled"]
    except BaseException as fault:  # noqa: BLE001  a job's SystemExit too
        return ["raised", *described(fault)]


def described(fault):
    """Describe an exception: its name, arguments, traceback and module, and which of the submission's own it is."""
    text = "".join(traceback.format_exception(fault))[-TRACEBACK_CHARS:]
    own = [name for name in ("WorkerCrashed", "RemoteError", "ExecutorClosed") if _is_own(fault, name)]
    args = [arg if isinstance(arg, int | str | float | None) else repr(arg) for arg in fault.args]
    return type(fault).__name__, args, text, type(fault).__module__, own


def _is_own(fault, name):
    return isinstance(fault, getattr(solution, name))
