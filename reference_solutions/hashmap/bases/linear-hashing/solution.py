"""An insertion-ordered hash map in pure Python: linear hashing, with chains threaded through dense lists.

An entry is a position in four parallel lists (hash, key, value, next of its chain), in order of insertion. A list of
heads has a chain for each bucket. An insertion past one entry to a bucket adds a single bucket and divides a single
chain, so that no insertion ever moves the whole map. A removed entry leaves a hole, which a rebuild closes.
"""

from __future__ import annotations

import reprlib
from collections.abc import Iterable, Iterator
from typing import Any

MIX = 0x2B7E151628AED2A6ABF7159  # odd, 90 bits: every bit of a hash reaches the bits from 61 on of the product
START = 12  # the least number of buckets
SLACK = 16  # holes that are always tolerated
HOLE = object()  # stands where an entry was, and for "no value"


class HashMap:  # noqa: PLW1641  a map is not hashable
    """Map hashable keys to values, in insertion order, with the semantics of `dict` and without using one."""

    def __init__(self, items: Iterable = ()) -> None:
        self._heads = [-1] * START
        self._narrow = 7  # narrow + 1 <= len(heads) < wide + 1, both powers of two
        self._wide = 15
        self._nexts = []
        self._hashes = []
        self._keys = []
        self._vals = []
        self._count = 0
        self._version = 0  # counts insertions and removals, so that searches and iterators notice them
        self.update(items)

    def _find(self, key: Any, h: int) -> int:
        """Give the position of `key`, or ~bucket when it is absent. RuntimeError if == changes the map."""
        heads = self._heads
        bucket = h * MIX >> 61 & self._wide
        if bucket >= len(heads):
            bucket &= self._narrow
        at = heads[bucket]
        if at >= 0:
            hashes = self._hashes
            nexts = self._nexts
            while at >= 0:
                if hashes[at] == h:
                    stored = self._keys[at]
                    if stored is key:
                        return at
                    version = self._version
                    same = True if stored == key else False
                    if self._version != version:
                        raise RuntimeError("the map changed while a key was compared")
                    if same:
                        return at
                at = nexts[at]
        return ~bucket

    def __getitem__(self, key: Any) -> Any:
        at = self._find(key, hash(key))
        if at >= 0:
            return self._vals[at]
        raise KeyError(key)

    def get(self, key: Any, default: Any = None) -> Any:
        """Give the value of `key`, or `default`."""
        at = self._find(key, hash(key))
        return self._vals[at] if at >= 0 else default

    def __contains__(self, key: object) -> bool:
        return self._find(key, hash(key)) >= 0

    def __setitem__(self, key: Any, value: Any) -> None:
        h = hash(key)
        at = self._find(key, h)
        if at >= 0:
            self._vals[at] = value
        else:
            self._append(key, value, h, ~at)

    def setdefault(self, key: Any, default: Any = None) -> Any:
        """Give the value of `key`, inserting `default` first when it is absent."""
        h = hash(key)
        at = self._find(key, h)
        if at >= 0:
            return self._vals[at]
        self._append(key, default, h, ~at)
        return default

    def _append(self, key: Any, value: Any, h: int, bucket: int) -> None:
        """Add an entry whose key is absent. Nothing here can run foreign code."""
        heads = self._heads
        self._nexts.append(heads[bucket])
        heads[bucket] = len(self._keys)
        self._hashes.append(h)
        self._keys.append(key)
        self._vals.append(value)
        self._count += 1
        self._version += 1
        if self._count > len(heads):
            self._split()

    def _split(self) -> None:
        """Add one bucket, and move to it what belongs there, all of it from one other bucket."""
        heads = self._heads
        nexts = self._nexts
        hashes = self._hashes
        wide = self._wide
        new = len(heads)
        old = new & self._narrow
        stay = go = -1
        at = heads[old]
        while at >= 0:
            after = nexts[at]
            if hashes[at] * MIX >> 61 & wide == new:
                nexts[at] = go
                go = at
            else:
                nexts[at] = stay
                stay = at
            at = after
        heads[old] = stay
        heads.append(go)
        if len(heads) == wide + 1:
            self._narrow = wide
            self._wide = 2 * wide + 1

    def update(self, items: Iterable = ()) -> None:
        """Insert or overwrite every entry of `items`: a mapping, or an iterable of pairs."""
        if hasattr(items, "keys"):
            for key in items.keys():
                self[key] = items[key]
        else:
            for key, value in items:
                self[key] = value

    def __delitem__(self, key: Any) -> None:
        if self._take(key) is HOLE:
            raise KeyError(key)

    def pop(self, key: Any, *default: Any) -> Any:
        """Remove `key` and give its value; without `default`, raise KeyError when it is absent."""
        if len(default) > 1:
            raise TypeError(f"pop expected at most 2 arguments, got {1 + len(default)}")
        value = self._take(key)
        if value is not HOLE:
            return value
        if default:
            return default[0]
        raise KeyError(key)

    def _take(self, key: Any) -> Any:
        """Remove the entry of `key` and give its value, or HOLE when it is absent."""
        h = hash(key)
        at = self._find(key, h)
        if at < 0:
            return HOLE
        heads = self._heads
        nexts = self._nexts
        bucket = h * MIX >> 61 & self._wide
        if bucket >= len(heads):
            bucket &= self._narrow
        if heads[bucket] == at:
            heads[bucket] = nexts[at]
        else:
            before = heads[bucket]
            while nexts[before] != at:
                before = nexts[before]
            nexts[before] = nexts[at]
        stored = self._keys[at]  # lives until everything is in order: its finalizer may use the map
        value = self._vals[at]
        self._keys[at] = HOLE
        self._vals[at] = HOLE
        self._hashes[at] = 0
        nexts[at] = -1
        self._count -= 1
        self._version += 1
        if len(self._keys) > 2 * self._count + SLACK:
            self._rebuild()
        return value

    def _rebuild(self) -> None:
        """Close the holes, and fit the number of buckets to the number of entries."""
        version = self._version
        old_keys = self._keys
        old_vals = self._vals
        old_hashes = self._hashes
        live = [at for at, key in enumerate(old_keys) if key is not HOLE]
        size = max(START, len(live))
        narrow = (1 << size.bit_length() - 1) - 1
        wide = 2 * narrow + 1
        heads = [-1] * size
        nexts = [-1] * len(live)
        hashes = [old_hashes[at] for at in live]
        for at, h in enumerate(hashes):
            bucket = h * MIX >> 61 & wide
            if bucket >= size:
                bucket &= narrow
            nexts[at] = heads[bucket]
            heads[bucket] = at
        keys = [old_keys[at] for at in live]
        vals = [old_vals[at] for at in live]
        if self._version != version:  # a finalizer, run by the collector: the next removal rebuilds
            return
        self._heads, self._narrow, self._wide = heads, narrow, wide
        self._nexts, self._hashes = nexts, hashes
        old_keys[:] = keys
        old_vals[:] = vals

    def clear(self) -> None:
        """Remove every entry."""
        keys, vals = self._keys, self._vals
        old = keys[:], vals[:]  # so that finalizers run at the end, when the map is in order
        if self._count:
            self._version += 1
        self._count = 0
        self._heads, self._narrow, self._wide = [-1] * START, 7, 15
        self._nexts, self._hashes = [], []
        keys.clear()
        vals.clear()

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator:
        version = self._version
        for key in self._keys:
            if key is not HOLE:
                yield key
                if self._version != version:
                    raise RuntimeError("the map changed size during iteration")

    def keys(self) -> Iterable:
        """Give the keys, lazily and in order."""
        return iter(self)

    def values(self) -> Iterable:
        """Give the values, lazily and in order."""
        version = self._version
        for value in self._vals:
            if value is not HOLE:
                yield value
                if self._version != version:
                    raise RuntimeError("the map changed size during iteration")

    def items(self) -> Iterable[tuple[Any, Any]]:
        """Give the entries as (key, value) tuples, lazily and in order."""
        version = self._version
        for key, value in zip(self._keys, self._vals):
            if key is not HOLE:
                yield key, value
                if self._version != version:
                    raise RuntimeError("the map changed size during iteration")

    def copy(self) -> HashMap:
        """Make a map with the same entries in the same order, which shares no state with this one."""
        twin = HashMap()
        twin._heads = self._heads[:]
        twin._narrow = self._narrow
        twin._wide = self._wide
        twin._nexts = self._nexts[:]
        twin._hashes = self._hashes[:]
        twin._keys = self._keys[:]
        twin._vals = self._vals[:]
        twin._count = self._count
        return twin

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, HashMap):
            return NotImplemented
        if self is other:
            return True
        if self._count != other._count:
            return False
        twin = other.copy()  # == of keys and values may change both maps: compare what they were
        for key, value in zip(self._keys[:], self._vals[:]):
            if key is not HOLE:
                theirs = twin.get(key, HOLE)
                if theirs is HOLE or not (theirs is value or value == theirs):
                    return False
        return True

    @reprlib.recursive_repr("HashMap({...})")
    def __repr__(self) -> str:
        return "HashMap({" + ", ".join([f"{key!r}: {value!r}" for key, value in self.items()]) + "})"
