"""Maps, whose items tell the grader when they are taken."""

import asyncio
import itertools

from .executors import opened
from .items import told_of
from .jobs import echo, echo_io
from .meetings import meet, meet_io
from .submission import described

begun = {}
"""Maps, by the grader's name for them."""

_taking = {}
"""Tasks that wait for a map's next result."""


async def meet_item(item):
    """Meet the grader for one item of a map."""
    return await meet_io(*item)


def meet_item_blocking(item):
    """Meet the grader for one item of a map, in a thread or process."""
    return meet(*item)


MAPPED = {"echo-io": echo_io, "echo": echo, "meet-io": meet_item, "meet": meet_item_blocking}


async def map_open(ex, key, kind, name, items, place, source):
    """Begin a map over items that tell the grader when they are taken; without items, over all numbers."""
    items = itertools.count() if items is None else [tuple(i) if isinstance(i, list) else i for i in items]
    begun[key] = opened[ex].map(kind, MAPPED[name], told_of(place, source, items))


async def map_next(key):
    """Take a map's next result."""
    _taking[key] = asyncio.current_task()
    try:
        return ["value", await anext(begun[key])]
    except StopAsyncIteration:
        return ["end"]
    except asyncio.CancelledError:
        return ["cancelled"]
    except BaseException as fault:  # noqa: BLE001
        return ["raised", *described(fault)]
    finally:
        del _taking[key]


async def cancel_next(key):
    """Cancel whoever waits for a map's next result."""
    return _taking[key].cancel()


async def map_all(ex, kind, name, items):
    """Take all of a map's results."""
    return [value async for value in opened[ex].map(kind, MAPPED[name], items)]


async def map_close(key):
    """Give up a map."""
    await begun.pop(key).aclose()
