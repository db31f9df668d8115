"""What lives on of keys and values that a map has lost, in one way or another.

Theory of operation: objects of a class of the driver's are watched by weak references. Ints and texts allow none; of
these the list of the watched holds one reference each, and one that has more is held by something else as well.
"""

import contextlib
import gc
import sys
import weakref

from solution import HashMap

from .natives import now_and_then_quiet


class Tracked:
    """A key or value whose end can be seen; equal to others of its number."""

    def __init__(self, number):
        self.number = number

    def __hash__(self):
        return self.number

    def __eq__(self, other):
        return isinstance(other, Tracked) and self.number == other.number


class _Weakly:
    """Watches things by weak references."""

    make = Tracked

    def __init__(self):
        self._watched = []

    def fresh(self, number):
        thing = self.make(number)
        self._watched.append(weakref.ref(thing))
        return thing

    def alive(self):
        return sum(ref() is not None for ref in self._watched)


class _ByCount(_Weakly):
    """Watches things by the number of references to them; `make` gives a fresh object at each call."""

    _ALONE = 3
    """References while they are counted: of the list, of the loop and of the call."""

    def __init__(self, make):
        super().__init__()
        self.make = make

    def fresh(self, number):
        thing = self.make(number)
        self._watched.append(thing)
        return thing

    def alive(self):
        return sum(sys.getrefcount(thing) > self._ALONE for thing in self._watched)


_KINDS = {
    "objects": _Weakly,
    "ints": lambda: _ByCount(lambda number: number + (1 << 40)),
    "texts": lambda: _ByCount(lambda number: f"number {number}"),
}


@now_and_then_quiet
def leaks(way, count, kind):
    """Let a map of `count` entries lose things in one way, and count what lives on: [keys, values, entries left]."""
    m = HashMap()
    keys, values = _KINDS[kind](), _KINDS[kind]()
    for number in range(count):
        m[keys.fresh(number)] = values.fresh(number)
    m = _WAYS[way](m, count, keys, values)
    gc.collect()
    return [keys.alive(), values.alive(), len(m)]


def _lose_by_del(m, count, keys, _):
    for number in range(count):
        del m[keys.make(number)]
    return m


def _lose_by_pop(m, count, keys, _):
    for number in range(count):
        m.pop(keys.make(number))
    return m


def _lose_by_clear(m, *_):
    m.clear()
    return m


def _lose_half(m, count, keys, _):
    for number in range(0, count, 2):
        del m[keys.make(number)]
    return m


def _overwrite(m, count, keys, _):
    for number in range(count):
        m[keys.fresh(number)] = number
    return m


def _update(m, count, keys, _):
    m.update((keys.fresh(number), number) for number in range(count))
    return m


def _only_ask(m, count, keys, values):
    for number in range(2 * count):
        key = keys.fresh(number)
        m.get(key, values.fresh(number))
        key in m  # noqa: B015  asking is the point
        if number < count:
            m.setdefault(key, values.fresh(number))
        else:
            m.pop(key, values.fresh(number))
    return m


def _fail(m, count, keys, _):
    for number in range(count, 2 * count):
        for attempt in (m.__getitem__, m.__delitem__, m.pop):
            with contextlib.suppress(KeyError):
                attempt(keys.fresh(number))
    return m


def _iterate_and_clear(m, *_):
    for view in (m.keys(), m.values(), m.items()):
        for thing in view:  # noqa: B007
            pass
    del thing
    m.clear()
    return m


def _drop_the_map(*_):
    return HashMap()


_WAYS = {
    "del": _lose_by_del,
    "pop": _lose_by_pop,
    "clear": _lose_by_clear,
    "del-half": _lose_half,
    "overwrite": _overwrite,
    "update": _update,
    "ask": _only_ask,
    "fail": _fail,
    "iterate-and-clear": _iterate_and_clear,
    "drop": _drop_the_map,
}
