"""An insertion-ordered hash map in pure Python.

Layout: the entries live in three parallel columns in insertion order (`_keys`, `_values`, `_hashes`). `_heads` has,
for each of a prime number of buckets, the number of the newest entry in it, and `_chain[e]` the number of the next
older one in the bucket of entry e. Entry 0 is a dummy, so that 0 means "no more". A removed entry stays in its chain
until the next rebuild, with `_GONE` for key and value and `_NO_HASH` for a hash, so that searches walk past it and
removing needs no search for its predecessor.

`_stamp` counts insertions and removals and never decreases. It serves iterators and searches to notice a change, and
with `_offset` it gives the length: of I insertions and R removals it is I + R, and `_keys` holds all insertions but
those dropped by rebuilds.

Foreign code (`__eq__`, finalizers) may use the map in the midst of a method. After each `==` the stamp is compared, and
what was read before is not used when it differs; everything else that may run foreign code comes when the map is whole.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Iterator
from reprlib import recursive_repr
from typing import Any


class _GONE:
    """The key and value of an entry that is no more. A class, because copying and pickling keep a class's identity."""


class _MISSING:
    """The default of `pop`, when none was given."""


_NO_HASH = -1  # hash() never returns it
_CHANGED_SEARCH = "HashMap changed by a key's __eq__ during the operation"
_CHANGED_ITERATION = "HashMap changed size during iteration"


def _prime_from(n: int) -> int:
    """Give the smallest odd prime at or above `n`."""
    n = max(n, 3) | 1
    while not all(n % d for d in range(3, math.isqrt(n) + 1, 2)):
        n += 2
    return n


def _make_chains(hashes: array, live: int) -> tuple[int, array, array]:
    """Give the number of buckets, heads and chains for `hashes`, with room for as many again.

    Runs no foreign code: it needs no key. The number of buckets is prime, so that `h % buckets` depends on every bit
    of h, whatever stride or low bits hashes have in common.
    """
    buckets = _prime_from(3 * live + 8)
    heads = array("i", bytes(4 * buckets))
    chain = array("i", bytes(4 * len(hashes)))
    for e, h in enumerate(hashes):
        bucket = h % buckets
        older = heads[bucket]
        if older:
            chain[e] = older
        heads[bucket] = e  # also for the dummy, which comes first: it writes a zero to an empty bucket
    return buckets, heads, chain


class HashMap:  # noqa: PLW1641  a map is not hashable
    """Map hashable keys to values, in insertion order, with the semantics of `dict` and without using one."""

    __slots__ = (
        "__weakref__",
        "_buckets",
        "_chain",
        "_hashes",
        "_head",
        "_heads",
        "_keys",
        "_limit",
        "_low",
        "_offset",
        "_stamp",
        "_values",
    )

    def __init__(self, items: Iterable = ()) -> None:
        self._stamp = 0
        self._install_empty()
        self.update(items)

    # --- the hot operations have the loop of _find in line ---

    def __getitem__(self, key: Any) -> Any:
        h = hash(key)
        e = self._heads[h % self._buckets]
        hashes = self._hashes
        while e:
            if hashes[e] == h:
                k = self._keys[e]
                if k is key:
                    return self._values[e]
                stamp = self._stamp
                differs = not (k == key)  # noqa: SIM201  __ne__ is another method
                if self._stamp != stamp:
                    raise RuntimeError(_CHANGED_SEARCH)
                if not differs:
                    return self._values[e]
            e = self._chain[e]
        raise KeyError(key)

    def get(self, key: Any, default: Any = None) -> Any:
        """Give the value of `key`, or `default`."""
        h = hash(key)
        e = self._heads[h % self._buckets]
        if not e:
            return default
        hashes = self._hashes
        while e:
            if hashes[e] == h:
                k = self._keys[e]
                if k is key:
                    return self._values[e]
                stamp = self._stamp
                differs = not (k == key)  # noqa: SIM201
                if self._stamp != stamp:
                    raise RuntimeError(_CHANGED_SEARCH)
                if not differs:
                    return self._values[e]
            e = self._chain[e]
        return default

    def __contains__(self, key: object) -> bool:
        h = hash(key)
        e = self._heads[h % self._buckets]
        if not e:
            return False
        hashes = self._hashes
        while e:
            if hashes[e] == h:
                k = self._keys[e]
                if k is key:
                    return True
                stamp = self._stamp
                differs = not (k == key)  # noqa: SIM201
                if self._stamp != stamp:
                    raise RuntimeError(_CHANGED_SEARCH)
                if not differs:
                    return True
            e = self._chain[e]
        return False

    def __setitem__(self, key: Any, value: Any) -> None:
        h = hash(key)
        bucket = h % self._buckets
        e = newest = self._heads[bucket]
        if e:
            hashes = self._hashes
            while e:
                if hashes[e] == h:
                    k = self._keys[e]
                    if k is key:
                        self._values[e] = value
                        return
                    stamp = self._stamp
                    differs = not (k == key)  # noqa: SIM201
                    if self._stamp != stamp:
                        raise RuntimeError(_CHANGED_SEARCH)
                    if not differs:
                        self._values[e] = value
                        return
                e = self._chain[e]
        # the same as _append, without a call
        keys = self._keys
        e = len(keys)
        keys.append(key)
        self._values.append(value)
        self._hashes.append(h)
        self._chain.append(newest)
        self._heads[bucket] = e
        self._stamp += 1
        if e >= self._limit:
            self._rebuild()

    def __delitem__(self, key: Any) -> None:
        e = self._find(key, hash(key))
        if not e:
            raise KeyError(key)
        self._remove(e)

    # --- the other operations ---

    def __len__(self) -> int:
        return 2 * len(self._keys) + self._offset - self._stamp

    def pop(self, key: Any, default: Any = _MISSING) -> Any:
        """Remove `key` and give its value; without `default`, raise KeyError when it is absent."""
        e = self._find(key, hash(key))
        if e:
            return self._remove(e)
        if default is _MISSING:
            raise KeyError(key)
        return default

    def setdefault(self, key: Any, default: Any = None) -> Any:
        """Give the value of `key`, inserting `default` first when it is absent."""
        h = hash(key)
        e = self._find(key, h)
        if e:
            return self._values[e]
        self._append(h, key, default)
        return default

    def update(self, items: Iterable) -> None:
        """Insert or overwrite every entry of `items`: a mapping, or an iterable of pairs."""
        if type(items) is HashMap:
            items = items.items()
        elif hasattr(items, "keys"):
            for key in items.keys():  # noqa: SIM118  a mapping by protocol may iterate over anything
                self[key] = items[key]
            return
        for key, value in items:
            self[key] = value

    def clear(self) -> None:
        """Remove every entry."""
        keys, values = self._keys, self._values
        self._install_empty()
        # Iterators under way may hold the old lists; let go of the objects even so. Finalizers find an empty map.
        keys.clear()
        values.clear()

    def copy(self) -> HashMap:
        """Make a map with the same entries in the same order, which shares no state with this one."""
        twin = HashMap()
        while True:
            stamp = self._stamp
            twin._keys, twin._values, twin._hashes = self._keys[:], self._values[:], self._hashes[:]
            twin._heads, twin._chain = self._heads[:], self._chain[:]
            if self._stamp == stamp:  # else a finalizer, run by the garbage collector, changed this map meanwhile
                break
        twin._buckets, twin._limit, twin._low = self._buckets, self._limit, self._low
        twin._head, twin._offset, twin._stamp = self._head, self._offset, self._stamp
        return twin

    def __reduce__(self) -> tuple:
        # for copy.copy, copy.deepcopy and pickle, which would share or misplace the internals
        return HashMap, (), None, None, self.items()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, HashMap):
            return False
        if other is self:
            return True
        if len(self) != len(other):
            return False
        # Comparing runs foreign code, which may change either map. Both are compared as they are now: entry numbers
        # stay valid as long as the stamp of `other` does, and values come from copies.
        stamp, own_stamp = other._stamp, self._stamp
        theirs = other._values[:]
        keys, hashes, values = self._keys[:], self._hashes[:], self._values[:]
        if self._stamp != own_stamp or other._stamp != stamp:  # a finalizer, run by the garbage collector
            raise RuntimeError(_CHANGED_SEARCH)
        for key, h, value in zip(keys, hashes, values, strict=True):
            if key is _GONE:
                continue
            e = other._find(key, h)
            if not e:
                return False
            differs = not (value is theirs[e] or value == theirs[e])
            if other._stamp != stamp:
                raise RuntimeError(_CHANGED_SEARCH)
            if differs:
                return False
        return True

    @recursive_repr("HashMap({...})")
    def __repr__(self) -> str:
        return "HashMap({" + ", ".join([f"{key!r}: {value!r}" for key, value in self.items()]) + "})"

    # --- iteration ---

    def __iter__(self) -> Iterator:
        stamp = self._stamp
        for key in self._live_part(self._keys, stamp):
            if key is not _GONE:
                yield key
                if self._stamp != stamp:
                    raise RuntimeError(_CHANGED_ITERATION)

    def keys(self) -> Iterator:
        """Give the keys, lazily and in order."""
        return iter(self)

    def values(self) -> Iterator:
        """Give the values, lazily and in order."""
        stamp = self._stamp
        for value in self._live_part(self._values, stamp):
            if value is not _GONE:
                yield value
                if self._stamp != stamp:
                    raise RuntimeError(_CHANGED_ITERATION)

    def items(self) -> Iterator[tuple[Any, Any]]:
        """Give the entries as (key, value) tuples, lazily and in order."""
        stamp = self._stamp
        keys, values = self._keys, self._values
        for item in zip(self._live_part(keys, stamp), self._live_part(values, stamp)):  # noqa: B905  equally long
            if item[0] is not _GONE:
                yield item
                if self._stamp != stamp:
                    raise RuntimeError(_CHANGED_ITERATION)

    def _live_part(self, column: list, stamp: int) -> Iterator:
        """Iterate over `column` from the first live entry, found in amortised constant time for queues."""
        keys = self._keys
        head, end = self._head, len(keys)
        while head < end and keys[head] is _GONE:
            head += 1
        self._head = head
        part = iter(column) if head <= 8 else map(column.__getitem__, range(head, end))
        if self._stamp != stamp:  # a finalizer, run by the garbage collector
            raise RuntimeError(_CHANGED_ITERATION)
        return part

    # --- the table ---

    def _find(self, key: Any, h: int) -> int:
        """Give the number of the entry of `key`, or 0."""
        e = self._heads[h % self._buckets]
        hashes = self._hashes
        while e:
            if hashes[e] == h:
                k = self._keys[e]
                if k is key:
                    return e
                stamp = self._stamp
                differs = not (k == key)  # noqa: SIM201
                if self._stamp != stamp:  # the foreign __eq__ changed the map: what was read above is stale
                    raise RuntimeError(_CHANGED_SEARCH)
                if not differs:
                    return e
            e = self._chain[e]
        return 0

    def _append(self, h: int, key: Any, value: Any) -> None:
        """Add an entry for a key that is absent."""
        keys = self._keys
        e = len(keys)
        bucket = h % self._buckets
        keys.append(key)
        self._values.append(value)
        self._hashes.append(h)
        self._chain.append(self._heads[bucket])
        self._heads[bucket] = e
        self._stamp += 1
        if e >= self._limit:
            self._rebuild()

    def _remove(self, e: int) -> Any:
        """Remove entry `e` and give its value."""
        keys, values = self._keys, self._values
        _key, value = keys[e], values[e]  # kept until the map is whole again: letting go may run a finalizer
        keys[e] = values[e] = _GONE
        self._hashes[e] = _NO_HASH
        self._stamp += 1
        if 2 * len(keys) + self._offset - self._stamp < self._low:
            self._rebuild()
        return value

    def _install_empty(self) -> None:
        keys, values, hashes = [_GONE], [_GONE], array("q", [_NO_HASH])
        buckets, heads, chain = _make_chains(hashes, 0)
        self._stamp += 1
        self._install(keys, values, hashes, buckets, heads, chain)

    def _install(self, keys: list, values: list, hashes: array, buckets: int, heads: array, chain: array) -> None:
        """Take a new table, with none of the entries gone. Runs no foreign code."""
        self._keys, self._values, self._hashes = keys, values, hashes
        self._buckets, self._heads, self._chain = buckets, heads, chain
        self._limit = 2 * buckets // 3
        self._low = buckets // 12
        self._head = 1
        self._offset = self._stamp - len(keys) - 1

    def _rebuild(self) -> None:
        """Drop the entries that are gone, and fit the number of buckets to the rest."""
        while True:
            stamp = self._stamp
            live = len(self)
            old_keys, old_values = keys, values = self._keys, self._values
            hashes = self._hashes
            if live < len(keys) - 1:
                keys = [key for key in keys if key is not _GONE]
                values = [value for value in values if value is not _GONE]
                hashes = array("q", [h for h in hashes if h != _NO_HASH])
                keys.insert(0, _GONE)
                values.insert(0, _GONE)
                hashes.insert(0, _NO_HASH)
            buckets, heads, chain = _make_chains(hashes, live)
            if self._stamp == stamp:
                break
            # The garbage collector ran a finalizer meanwhile, and that used this map. Once more.
        self._install(keys, values, hashes, buckets, heads, chain)
        if keys is not old_keys:  # iterators under way, which will raise, need not keep the objects
            old_keys.clear()
            old_values.clear()
