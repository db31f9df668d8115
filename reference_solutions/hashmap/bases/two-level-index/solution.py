"""An insertion-ordered hash map in pure Python: a sorted index of hashes, searched by bisection, over two dense lists.

The entries are in two parallel lists, in order of insertion; a removed entry leaves a hole there until the lists are
compacted. The index is a B+ tree of two levels: leaves of at most `LEAF` distinct hashes, sorted, and beside each hash
its slot: the position of its entry, or a list of positions where several keys have that hash.
"""

from __future__ import annotations

import reprlib
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from typing import Any

LEAF = 512  # the most hashes in a leaf
PACKED = 384  # hashes in a leaf after compaction
SLACK = 16  # holes that are always tolerated
HOLE = object()  # stands where an entry was, and for "no value"


class HashMap:  # noqa: PLW1641  a map is not hashable
    """Map hashable keys to values, in insertion order, with the semantics of `dict` and without using one."""

    def __init__(self, items: Iterable = ()) -> None:
        self._keys = []
        self._vals = []
        self._seps = []  # the least hash that belongs to leaf 1, 2, ...
        self._leaves = [[]]
        self._slots = [[]]
        self._count = 0
        self._version = 0  # counts insertions and removals, so that searches and iterators notice them
        self.update(items)

    # -- searching: no foreign code but hash() at the beginning and == in _match

    def _match(self, key: Any, slot: Any) -> int:
        """Give the position of `key` among the entries of one hash, or -1. RuntimeError if == changes the map."""
        keys = self._keys
        version = self._version
        if type(slot) is int:
            stored = keys[slot]
            if stored is key:
                return slot
            same = True if stored == key else False
            if self._version != version:
                raise RuntimeError("the map changed while a key was compared")
            return slot if same else -1
        for at in slot:
            stored = keys[at]
            if stored is key:
                return at
            same = True if stored == key else False
            if self._version != version:
                raise RuntimeError("the map changed while a key was compared")
            if same:
                return at
        return -1

    def __getitem__(self, key: Any) -> Any:
        h = hash(key)
        b = bisect_right(self._seps, h)
        leaf = self._leaves[b]
        i = bisect_left(leaf, h)
        if i < len(leaf) and leaf[i] == h:
            at = self._match(key, self._slots[b][i])
            if at >= 0:
                return self._vals[at]
        raise KeyError(key)

    def get(self, key: Any, default: Any = None) -> Any:
        """Give the value of `key`, or `default`."""
        h = hash(key)
        b = bisect_right(self._seps, h)
        leaf = self._leaves[b]
        i = bisect_left(leaf, h)
        if i < len(leaf) and leaf[i] == h:
            at = self._match(key, self._slots[b][i])
            if at >= 0:
                return self._vals[at]
        return default

    def __contains__(self, key: object) -> bool:
        h = hash(key)
        b = bisect_right(self._seps, h)
        leaf = self._leaves[b]
        i = bisect_left(leaf, h)
        if i < len(leaf) and leaf[i] == h:
            return self._match(key, self._slots[b][i]) >= 0
        return False

    # -- inserting

    def __setitem__(self, key: Any, value: Any) -> None:
        h = hash(key)
        b = bisect_right(self._seps, h)
        leaf = self._leaves[b]
        i = bisect_left(leaf, h)
        if i < len(leaf) and leaf[i] == h:
            at = self._match(key, self._slots[b][i])
            if at >= 0:
                self._vals[at] = value
            else:
                self._collide(key, value, b, i)
        else:
            self._insert(key, value, h, b, i)

    def setdefault(self, key: Any, default: Any = None) -> Any:
        """Give the value of `key`, inserting `default` first when it is absent."""
        h = hash(key)
        b = bisect_right(self._seps, h)
        leaf = self._leaves[b]
        i = bisect_left(leaf, h)
        if i < len(leaf) and leaf[i] == h:
            at = self._match(key, self._slots[b][i])
            if at >= 0:
                return self._vals[at]
            self._collide(key, default, b, i)
        else:
            self._insert(key, default, h, b, i)
        return default

    def _insert(self, key: Any, value: Any, h: int, b: int, i: int) -> None:
        """Add an entry whose hash is new, at place `i` of leaf `b`."""
        leaf = self._leaves[b]
        leaf.insert(i, h)
        self._slots[b].insert(i, len(self._keys))
        self._keys.append(key)
        self._vals.append(value)
        self._count += 1
        self._version += 1
        if len(leaf) > LEAF:
            self._split(b)

    def _collide(self, key: Any, value: Any, b: int, i: int) -> None:
        """Add an entry whose hash another key has already."""
        slots = self._slots[b]
        slot = slots[i]
        if type(slot) is int:
            version = self._version
            slots_of_hash = [slot, len(self._keys)]
            if self._version != version:  # a finalizer, run by the collector
                raise RuntimeError("the map changed during an insertion")
            slots[i] = slots_of_hash
        else:
            slot.append(len(self._keys))
        self._keys.append(key)
        self._vals.append(value)
        self._count += 1
        self._version += 1

    def _split(self, b: int) -> None:
        """Cut leaf `b` into halves."""
        version = self._version
        leaf = self._leaves[b]
        slots = self._slots[b]
        middle = len(leaf) // 2
        right = leaf[middle:]
        right_slots = slots[middle:]
        if self._version != version:  # a finalizer, run by the collector: the next insertion here splits
            return
        del leaf[middle:]
        del slots[middle:]
        self._seps.insert(b, right[0])
        self._leaves.insert(b + 1, right)
        self._slots.insert(b + 1, right_slots)

    def update(self, items: Iterable = ()) -> None:
        """Insert or overwrite every entry of `items`: a mapping, or an iterable of pairs."""
        if hasattr(items, "keys"):
            for key in items.keys():
                self[key] = items[key]
        else:
            for key, value in items:
                self[key] = value

    # -- removing

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
        b = bisect_right(self._seps, h)
        leaf = self._leaves[b]
        i = bisect_left(leaf, h)
        if i == len(leaf) or leaf[i] != h:
            return HOLE
        slots = self._slots[b]
        slot = slots[i]
        at = self._match(key, slot)
        if at < 0:
            return HOLE
        if type(slot) is int:
            del leaf[i]
            del slots[i]
            if not leaf and self._seps:
                self._drop_leaf(b)
        else:
            slot.remove(at)
            if len(slot) == 1:
                slots[i] = slot[0]
        value = self._blank(at)
        if len(self._keys) > 2 * self._count + SLACK:
            self._compact()
        return value

    def _drop_leaf(self, b: int) -> None:
        """Remove the empty leaf `b`; a neighbour takes over its range."""
        del self._leaves[b]
        del self._slots[b]
        del self._seps[b - 1 if b else 0]

    def _blank(self, at: int) -> Any:
        """Make a hole of the entry at `at`, which is out of the index already; give its value."""
        stored = self._keys[at]  # lives until everything is in order: its finalizer may use the map
        value = self._vals[at]
        self._keys[at] = HOLE
        self._vals[at] = HOLE
        self._count -= 1
        self._version += 1
        return value

    def _compact(self) -> None:
        """Close the holes, and pack the leaves."""
        version = self._version
        keys = self._keys
        vals = self._vals
        live = [at for at, key in enumerate(keys) if key is not HOLE]
        where = [0] * len(keys)
        for new, at in enumerate(live):
            where[at] = new
        hashes = []
        slots = []
        for leaf in self._leaves:
            hashes += leaf
        for part in self._slots:
            slots += [where[slot] if type(slot) is int else [where[at] for at in slot] for slot in part]
        starts = range(0, len(hashes), PACKED)
        leaves = [hashes[i : i + PACKED] for i in starts] or [[]]
        parts = [slots[i : i + PACKED] for i in starts] or [[]]
        seps = [leaf[0] for leaf in leaves[1:]]
        live_keys = [keys[at] for at in live]
        live_vals = [vals[at] for at in live]
        if self._version != version:  # a finalizer, run by the collector: the next removal compacts
            return
        self._seps, self._leaves, self._slots = seps, leaves, parts
        keys[:] = live_keys
        vals[:] = live_vals

    def clear(self) -> None:
        """Remove every entry."""
        keys, vals = self._keys, self._vals
        old = keys[:], vals[:]  # so that finalizers run at the end, when the map is in order
        if self._count:
            self._version += 1
        self._count = 0
        self._seps, self._leaves, self._slots = [], [[]], [[]]
        keys.clear()
        vals.clear()

    # -- the whole map

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
        twin._seps = self._seps[:]
        twin._leaves = [leaf[:] for leaf in self._leaves]
        twin._slots = [[slot if type(slot) is int else slot[:] for slot in part] for part in self._slots]
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
