"""What may happen to the held map before it shrinks: errors, changes and iterators that must leave nothing behind."""

import operator

from .held import beside, held, ints
from .keys import Refusal

_ATTEMPTS = (
    operator.getitem,
    operator.contains,
    operator.delitem,
    lambda m, key: operator.setitem(m, key, 0),
    lambda m, key: m.get(key),
    lambda m, key: m.pop(key),
    lambda m, key: m.pop(key, 0),
    lambda m, key: m.setdefault(key, 0),
    lambda m, key: m.update([(key, 0)]),
)


class _Asked:
    """A key of a chosen hash, which does something when it is compared, and then is no other key."""

    def __init__(self, hashed, compared):
        self._hashed = hashed
        self._compared = compared

    def __hash__(self):
        return self._hashed

    def __eq__(self, _):
        self._compared()
        return False


def refuse(raw_keys):
    """Ask for keys of these hashes whose `==` raises, in every way: [how often it came out on average, the length]."""

    def compared():
        raise Refusal("==")

    m = held()
    refusals = 0
    for key in ints(raw_keys):
        for attempt in _ATTEMPTS:
            try:
                attempt(m, _Asked(hash(key), compared))
            except Refusal:
                refusals += 1
    return [refusals / len(_ATTEMPTS), len(m)]


def meddle(raw_keys):
    """Ask for keys of these hashes whose first `==` puts an entry in and takes it out again; the length thereafter."""
    m = held()
    changes = [0]

    def compared():
        if changes:
            m["meddled"] = changes.pop()
            del m["meddled"]

    for key in ints(raw_keys):
        changes = [0]
        try:
            m.get(_Asked(hash(key), compared))
        except RuntimeError:  # as the spec allows
            continue
    return len(m)


def leave_iterators():
    """Begin to iterate in every way, and leave it at that, with the iterators alive; the length thereafter."""
    m = held()
    for thing in (m, m.keys(), m.values(), m.items()):
        iterator = iter(thing)
        next(iterator)
        beside(iterator)
    return len(m)
