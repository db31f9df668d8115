"""What lives on of keys and values that a map has lost, in one way or another."""

import contextlib
import gc
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


@now_and_then_quiet
def leaks(way, count):
    """Let a map of `count` entries lose things in one way, and count what lives on: [keys, values, entries left]."""
    m = HashMap()
    watched_keys, watched_values = [], []

    def fresh(number, watched):
        thing = Tracked(number)
        watched.append(weakref.ref(thing))
        return thing

    for number in range(count):
        m[fresh(number, watched_keys)] = fresh(number, watched_values)
    m = _WAYS[way](m, count, fresh, watched_keys, watched_values)
    gc.collect()
    return [*(sum(ref() is not None for ref in watched) for watched in (watched_keys, watched_values)), len(m)]


def _lose_by_del(m, count, *_):
    for number in range(count):
        del m[Tracked(number)]
    return m


def _lose_by_pop(m, count, *_):
    for number in range(count):
        m.pop(Tracked(number))
    return m


def _lose_by_clear(m, *_):
    m.clear()
    return m


def _lose_half(m, count, *_):
    for number in range(0, count, 2):
        del m[Tracked(number)]
    return m


def _overwrite(m, count, fresh, watched_keys, _):
    for number in range(count):
        m[fresh(number, watched_keys)] = number
    return m


def _update(m, count, fresh, watched_keys, _):
    m.update((fresh(number, watched_keys), number) for number in range(count))
    return m


def _only_ask(m, count, fresh, watched_keys, watched_values):
    for number in range(2 * count):
        key = fresh(number, watched_keys)
        m.get(key, fresh(number, watched_values))
        key in m  # noqa: B015  asking is the point
        if number < count:
            m.setdefault(key, fresh(number, watched_values))
        else:
            m.pop(key, fresh(number, watched_values))
    return m


def _fail(m, count, fresh, watched_keys, _):
    for number in range(count, 2 * count):
        for attempt in (m.__getitem__, m.__delitem__, m.pop):
            with contextlib.suppress(KeyError):
                attempt(fresh(number, watched_keys))
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
