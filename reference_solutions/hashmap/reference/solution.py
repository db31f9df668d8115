"""An insertion-ordered hash map in pure Python: chained buckets over compact, parallel columns.

Theory of operation
-------------------
An entry is a *position*, and every fact about it sits in its own column at that position, in insertion order:

    position   0      1      2      3
    keys      HOLE   "a"    HOLE   "c"        list    what the caller gave
    values    HOLE    10    HOLE    30        list
    hashes     0     h(a)    .     h(c)       int64   neither growing nor most misses run foreign code
    next       0      0      .      1         int32   the older entry of the same bucket; 0 ends the chain

    heads[hash % width] -> position of the bucket's newest entry, or 0

Position 0 is never used, so 0 means "nothing" and a zeroed array is an empty table. Inserting appends to the columns;
deleting unlinks the entry from its chain and leaves a hole. Holes are squeezed out when the table is rebuilt, which
every full column and every mass deletion brings about, so each costs its caller O(1) amortised.

The width is a prime: hashes of ints are the ints, and a prime spreads strides and equal low bits without a mixing step.

Foreign code runs at three places only: hash(key), `==` on keys, and finalizers of what we let go. hash() is called
first, before anything is read. After each `==` we look whether the count of changes is what it was, and search anew
when it is not. Whatever is let go is let go last, when the map is whole again.
"""

from __future__ import annotations

from array import array
from collections.abc import ItemsView, Iterable, Iterator, KeysView, Mapping, MutableMapping, ValuesView
from itertools import compress
from typing import Any


class _Hole:
    """Mark a position without an entry, and an argument that was not given."""


_PRIMES = (
    *(7, 13, 29, 53, 97, 193, 389, 769, 1543, 3079, 6151, 12289, 24593, 49157, 98317, 196613, 393241, 786433, 1572869),
    *(3145739, 6291469, 12582917, 25165843, 50331653, 100663319, 201326611, 402653189, 805306457, 1610612741),
)
# The columns are full when there is an entry or hole for each bucket. A rebuild then provides this many buckets for
# each live entry, so that it is paid for by at least as many operations as it moves entries.
_GROWTH = 4
_SLACK = 2
# Holes for each live entry, and in all, before a deletion gives memory back.
_HOLES_PER_ENTRY = 3
_HOLES_LEFT_ALONE = 16
# An __eq__ that changes the map each time it is asked could make a search start over for ever.
_SEARCH_LIMIT = 100


class HashMap(MutableMapping):
    """Map hashable keys to values, in insertion order, with the semantics of dict."""

    __slots__ = (
        *("_keys", "_values", "_hashes", "_next", "_holes", "_first"),  # the columns
        *("_heads", "_width", "_capacity"),  # the table
        "_changes",  # insertions and deletions ever, for those who look on
        "_in_repr",
    )

    def __init__(self, items: Mapping | Iterable = ()) -> None:
        self._in_repr = False
        self._changes = 0
        self._reset()
        self.update(items)

    def _reset(self) -> None:
        self._width = _PRIMES[0]
        self._capacity = self._width + 1
        self._heads = array("i", bytes(4 * self._width))
        self._keys: list[Any] = [_Hole]
        self._values: list[Any] = [_Hole]
        self._hashes = array("q", [0])
        self._next = array("i", [0])
        self._holes = 1  # position 0
        self._first = 1  # no live entry comes before it
        self._changes += 1

    # -- Searching. The five hot methods repeat this search in line: calling _find would cost them a quarter more.

    def _find(self, key: Any, hashed: int) -> int:
        """Return the key's position, or 0; nothing foreign has run since that was true."""
        for _ in range(_SEARCH_LIMIT):
            changes = self._changes
            position = self._heads[hashed % self._width]
            while position:
                if self._hashes[position] == hashed:
                    found = self._keys[position]
                    match = True if found is key or found == key else False  # noqa: SIM210  (a bool: asked just once)
                    if self._changes != changes:
                        break
                    if match:
                        return position
                position = self._next[position]
            else:
                return 0
        raise RuntimeError("HashMap kept changing during a search for a key")

    def __getitem__(self, key: Any) -> Any:
        hashed = hash(key)
        changes = self._changes
        position = self._heads[hashed % self._width]
        while position:
            if self._hashes[position] == hashed:
                found = self._keys[position]
                match = True if found is key or found == key else False  # noqa: SIM210
                if self._changes != changes:
                    position = self._find(key, hashed)
                    break
                if match:
                    return self._values[position]
            position = self._next[position]
        if position:
            return self._values[position]
        raise KeyError(key)

    def get(self, key: Any, default: Any = None) -> Any:
        hashed = hash(key)
        changes = self._changes
        position = self._heads[hashed % self._width]
        while position:
            if self._hashes[position] == hashed:
                found = self._keys[position]
                match = True if found is key or found == key else False  # noqa: SIM210
                if self._changes != changes:
                    position = self._find(key, hashed)
                    break
                if match:
                    return self._values[position]
            position = self._next[position]
        return self._values[position] if position else default

    def __contains__(self, key: object) -> bool:
        hashed = hash(key)
        changes = self._changes
        position = self._heads[hashed % self._width]
        while position:
            if self._hashes[position] == hashed:
                found = self._keys[position]
                match = True if found is key or found == key else False  # noqa: SIM210
                if self._changes != changes:
                    return self._find(key, hashed) != 0
                if match:
                    return True
            position = self._next[position]
        return False

    def __setitem__(self, key: Any, value: Any) -> None:
        hashed = hash(key)
        changes = self._changes
        bucket = hashed % self._width
        head = position = self._heads[bucket]
        while position:
            if self._hashes[position] == hashed:
                found = self._keys[position]
                match = True if found is key or found == key else False  # noqa: SIM210
                if self._changes != changes:
                    position = self._find(key, hashed)
                    if not position:
                        self._add(key, hashed, value)
                        return
                    match = True
                if match:
                    self._values[position] = value
                    return
            position = self._next[position]
        keys = self._keys
        end = len(keys)
        if end >= self._capacity:
            self._add(key, hashed, value)
            return
        keys.append(key)
        self._values.append(value)
        self._hashes.append(hashed)
        self._next.append(head)
        self._heads[bucket] = end
        self._changes = changes + 1

    def __delitem__(self, key: Any) -> None:
        hashed = hash(key)
        changes = self._changes
        position = self._heads[hashed % self._width]
        while position:
            if self._hashes[position] == hashed:
                found = self._keys[position]
                match = True if found is key or found == key else False  # noqa: SIM210
                if self._changes != changes:
                    position = self._find(key, hashed)
                    break
                if match:
                    break
            position = self._next[position]
        if not position:
            raise KeyError(key)
        self._remove(position, hashed)

    def pop(self, key: Any, default: Any = _Hole) -> Any:
        hashed = hash(key)
        position = self._find(key, hashed)
        if position:
            return self._remove(position, hashed)
        if default is _Hole:
            raise KeyError(key)
        return default

    def setdefault(self, key: Any, default: Any = None) -> Any:
        hashed = hash(key)
        position = self._find(key, hashed)
        if position:
            return self._values[position]
        self._add(key, hashed, default)
        return default

    # -- Changing.

    def _add(self, key: Any, hashed: int, value: Any) -> None:
        """Add an entry that is known to be absent, making room first."""
        if len(self._keys) >= self._capacity:
            self._rebuild()
        heads, bucket = self._heads, hashed % self._width
        end = len(self._keys)
        self._keys.append(key)
        self._values.append(value)
        self._hashes.append(hashed)
        self._next.append(heads[bucket])
        heads[bucket] = end
        self._changes += 1

    def _remove(self, position: int, hashed: int) -> Any:
        """Turn the entry into a hole and return its value."""
        heads, after, keys, values = self._heads, self._next, self._keys, self._values
        bucket = hashed % self._width
        newer = heads[bucket]
        if newer == position:
            heads[bucket] = after[position]
        else:
            while after[newer] != position:
                newer = after[newer]
            after[newer] = after[position]
        key, value = keys[position], values[position]  # noqa: F841  (its finalizer may use the map: let go at the end)
        keys[position] = values[position] = _Hole
        self._changes += 1
        self._holes = holes = self._holes + 1
        if holes > _HOLES_LEFT_ALONE and holes > _HOLES_PER_ENTRY * (len(keys) - holes):
            self._rebuild()
        return value

    def clear(self) -> None:
        gone = self._keys, self._values  # noqa: F841  (finalizers run when this frame ends and the map is whole)
        self._reset()

    def _rebuild(self, room: int = 0) -> None:
        """Squeeze out the holes and link every entry anew, with buckets for at least `room` entries."""
        keys, values, hashes, holes = self._keys, self._values, self._hashes, self._holes
        live = len(keys) - holes
        if holes > 1:
            stay = [key is not _Hole for key in keys]
            stay[0] = True
            keys, values = list(compress(keys, stay)), list(compress(values, stay))
            hashes = array("q", compress(hashes, stay))
        # A map that only grows is rebuilt seldom, as all that came before is linked again each time. Where it was holes
        # that filled the columns, about as many entries are to be expected from now on, and holes should stay few.
        buckets = max(room, live * (_GROWTH if holes <= live // 2 else _SLACK))
        width = next((prime for prime in _PRIMES if prime >= buckets), _PRIMES[-1])
        heads, after = array("i", bytes(4 * width)), array("i", [0])
        link = after.append
        entries = enumerate(hashes)
        next(entries)
        for position, hashed in entries:
            bucket = hashed % width
            link(heads[bucket])
            heads[bucket] = position
        self._keys, self._values, self._hashes, self._next = keys, values, hashes, after
        self._heads, self._width, self._holes, self._first = heads, width, 1, 1
        self._capacity = max(width, 2 * live) + 1  # position 0 counts; beyond the last prime, chains grow instead

    def update(self, items: Mapping | Iterable = (), /) -> None:
        if not len(self) and hasattr(items, "__len__") and len(items) > self._capacity:
            self._rebuild(len(items))
        put = self.__setitem__
        if isinstance(items, HashMap):
            items = items.items()
        elif hasattr(items, "keys"):
            for key in items.keys():  # noqa: SIM118  (all that update asks of a mapping is keys() and [])
                put(key, items[key])
            return
        for key, value in items:
            put(key, value)

    def copy(self) -> HashMap:
        twin = object.__new__(type(self))
        twin._keys, twin._values, twin._hashes = self._keys[:], self._values[:], self._hashes[:]
        twin._next, twin._holes, twin._first = self._next[:], self._holes, self._first
        twin._heads, twin._width, twin._capacity = self._heads[:], self._width, self._capacity
        twin._changes, twin._in_repr = 0, False
        return twin

    # -- Looking at all of it.

    def __len__(self) -> int:
        return len(self._keys) - self._holes

    def __iter__(self) -> Iterator:
        return _each(self, _from_first(self, self._keys), self._changes)

    def keys(self) -> KeysView:
        return _Keys(self)

    def values(self) -> ValuesView:
        return _Values(self)

    def items(self) -> ItemsView:
        return _Items(self)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Mapping):
            return NotImplemented
        if len(self) != len(other):
            return False
        for key, value in self.items():
            theirs = other.get(key, _Hole)
            if value is not theirs and (theirs is _Hole or not value == theirs):
                return False
        return True

    __hash__ = None

    def __repr__(self) -> str:
        if self._in_repr:
            return "HashMap({...})"
        self._in_repr = True
        try:
            inside = ", ".join([f"{key!r}: {value!r}" for key, value in self.items()])
            return f"HashMap({{{inside}}})"
        finally:
            self._in_repr = False

    def __reduce__(self) -> tuple:
        return type(self), (), None, None, iter(self.items())  # hashes differ between processes: insert again


# -- Iterators. What changes a map ends every iteration over it, so where there were no holes to begin with there will
# be none, and the columns stay what they were. The count of changes is noted when the iterator is made, not when it
# is first advanced.


def _from_first(map_: HashMap, column: list) -> Iterator:
    """Iterate over the column from the first live entry on, for the sake of queues: their holes are all in front."""
    keys, first, end = map_._keys, map_._first, len(map_._keys)
    while first < end and keys[first] is _Hole:
        first += 1
    map_._first = first
    entries = iter(column)
    entries.__setstate__(first)
    return entries


def _each(map_: HashMap, column: Iterator, changes: int) -> Iterator:
    if map_._changes == changes and map_._holes == 1:
        for entry in column:
            yield entry
            if map_._changes != changes:
                break
    elif map_._changes == changes:
        for entry in column:
            if entry is not _Hole:
                yield entry
                if map_._changes != changes:
                    break
    if map_._changes != changes:
        raise RuntimeError("HashMap changed size during iteration")


def _each_pair(map_: HashMap, pairs: Iterator, changes: int) -> Iterator:
    if map_._changes == changes and map_._holes == 1:
        for pair in pairs:
            yield pair
            if map_._changes != changes:
                break
    elif map_._changes == changes:
        for pair in pairs:
            if pair[0] is not _Hole:
                yield pair
                if map_._changes != changes:
                    break
    if map_._changes != changes:
        raise RuntimeError("HashMap changed size during iteration")


class _Keys(KeysView):
    __slots__ = ()

    def __iter__(self) -> Iterator:
        return iter(self._mapping)


class _Values(ValuesView):
    __slots__ = ()

    def __iter__(self) -> Iterator:
        map_ = self._mapping
        return _each(map_, _from_first(map_, map_._values), map_._changes)


class _Items(ItemsView):
    __slots__ = ()

    def __iter__(self) -> Iterator:
        map_ = self._mapping
        pairs = zip(_from_first(map_, map_._keys), _from_first(map_, map_._values), strict=True)
        return _each_pair(map_, pairs, map_._changes)
