"""The one held map: calls that fill it leave it here, and others, later, find it. Keys come to it as raw int64."""

import gc
from array import array

_held = None
_beside = []


def held():
    """Give the held map; None where there is none."""
    return _held


def hold(map_):
    """Hold a map until another one takes its place."""
    global _held  # noqa: PLW0603  one process serves one submission, and holds one map at a time
    _held = map_
    _beside.clear()


def beside(thing):
    """Keep something alive for as long as the held map."""
    _beside.append(thing)


def rest():
    """Let go of the held map and collect garbage, so that what is timed next starts clean."""
    hold(None)
    gc.collect()


def ints(raw):
    """Unpack raw int64."""
    return array("q", raw)
