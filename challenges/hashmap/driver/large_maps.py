"""Calls that fill, change and show the held map: for the checks on large maps, and to prepare the bars."""

import gc
from array import array

from solution import HashMap

from .held import held, hold, ints, rest
from .kinds import OF_KINDS
from .natives import quiet


@quiet
def build(raw_keys):
    """Hold a fresh map from each key to its position among `raw_keys`; a later one overwrites."""
    rest()
    m = HashMap()
    for position, key in enumerate(ints(raw_keys)):
        m[key] = position
    hold(m)
    return len(m)


@quiet
def assort(kind, raw_keys, raw_wanted):
    """Hold a fresh map of keys of a kind, and look keys up; answer its values in order and those of the keys wanted."""
    rest()
    m = HashMap()
    for position, key in enumerate(OF_KINDS[kind](ints(raw_keys))):
        m[key] = position
    found = array("q", [m.get(key, -1) for key in OF_KINDS[kind](ints(raw_wanted))])
    hold(m)
    return [array("q", m.values()).tobytes(), found.tobytes()]


@quiet
def insert(raw_keys, first_value):
    """Insert keys with ascending values into the held map and look up every sixteenth of them."""
    m = held()
    keys = ints(raw_keys)
    for value, key in enumerate(keys, first_value):
        m[key] = value
    return [len(m), array("q", [m[key] for key in keys[::16]]).tobytes()]


def delete(raw_keys):
    """Delete keys from the held map and answer its length."""
    m = held()
    for key in ints(raw_keys):
        del m[key]
    return len(m)


@quiet
def become_copy():
    """Hold a copy of the held map in its place, and answer its length."""
    hold(held().copy())
    gc.collect()
    return len(held())


def clear():
    """Clear the held map and answer its length."""
    held().clear()
    return len(held())


def contents():
    """Answer the held map's keys and values, in order."""
    return [array("q", held()).tobytes(), array("q", held().values()).tobytes()]


def extend(raw_keys, values):
    """Insert keys with small values, one a byte, into the held map, or a new one."""
    if held() is None:
        hold(HashMap())
    m = held()
    for key, value in zip(ints(raw_keys), values, strict=True):
        m[key] = value
    return len(m)
