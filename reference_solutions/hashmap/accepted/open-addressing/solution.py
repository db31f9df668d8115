"""A hash map by open addressing: CPython's own dict design, carried over to Python.

A sparse table of int32 holds, at a key's slot, the row of its entry in three dense columns (hashes, keys, values) that
are in insertion order. A key's slots are the ones CPython would probe: first the hash's low bits, then a walk that
feeds in the higher bits step by step, so keys that agree in their low bits part soon.

A deleted entry leaves DELETED in the table, since walks of other keys may lead across it, and a gap in the columns. An
insertion takes the first DELETED on its walk; gaps are swept out when the columns are full or gaps outnumber entries.
"""

from __future__ import annotations

from array import array
from collections.abc import ItemsView, Iterable, Iterator, KeysView, Mapping, MutableMapping, ValuesView
from itertools import compress
from typing import Any

FREE, DELETED = -1, -2
SMALLEST_TABLE = 8
PERTURB_SHIFT = 11  # CPython's is 5, but a step costs far more here, so let the higher bits in sooner
UNSIGNED = 2**64 - 1  # a negative perturbation would never run out
MOST_RESTARTS = 100  # of one walk, when a key's __eq__ changes the map again and again


class _Gap:
    """Mark the row of a deleted entry, and an argument that was not given."""


class HashMap(MutableMapping):
    __slots__ = ("_gaps", "_hashes", "_in_repr", "_keys", "_mask", "_rows", "_table", "_values")

    def __init__(self, items: Mapping | Iterable = ()) -> None:
        self._in_repr = False
        self._start(array("q"), [], [])
        self.update(items)

    def _start(self, hashes: array[int], keys: list, values: list) -> None:
        """Take the columns, which have no gaps, and build a table that is at most a quarter full."""
        size = SMALLEST_TABLE
        while size < 4 * len(hashes):
            size *= 2
        mask = size - 1
        table = array("i", [FREE]) * size
        for row, hashed in enumerate(hashes):
            slot = hashed & mask
            if table[slot] != FREE:
                perturb = hashed & UNSIGNED
                while table[slot] != FREE:
                    perturb >>= PERTURB_SHIFT
                    slot = (slot * 5 + perturb + 1) & mask
            table[slot] = row
        self._hashes, self._keys, self._values = hashes, keys, values
        self._table, self._mask, self._gaps = table, mask, 0
        self._rows = size * 3 // 8  # the columns may have; most of the table stays free, so walks end, and soon

    def _without_gaps(self) -> tuple[array[int], list, list]:
        if not self._gaps:
            return self._hashes[:], self._keys[:], self._values[:]
        live = [key is not _Gap for key in self._keys]
        hashes, keys, values = (compress(column, live) for column in (self._hashes, self._keys, self._values))
        return array("q", hashes), list(keys), list(values)

    def _find(self, key: Any, hashed: int) -> tuple[int, int]:
        """Return the key's row and its slot, or FREE and the slot where its walk ended."""
        for _ in range(MOST_RESTARTS):
            table, mask, keys, hashes = self._table, self._mask, self._keys, self._hashes
            length = len(keys)
            slot = hashed & mask
            perturb = hashed & UNSIGNED
            while (row := table[slot]) != FREE:
                if row >= 0 and hashes[row] == hashed:
                    found = keys[row]
                    if found is key:
                        return row, slot
                    equal = bool(found == key)  # may run anything, also what changes this map
                    if self._table is not table or len(keys) != length or keys[row] is not found:
                        break
                    if equal:
                        return row, slot
                perturb >>= PERTURB_SHIFT
                slot = (slot * 5 + perturb + 1) & mask
            else:
                return FREE, slot
        raise RuntimeError("HashMap kept changing while a key was looked up")

    # Most walks end at their first slot, so the commonest methods look there before they call _find.

    def __getitem__(self, key: Any) -> Any:
        hashed = hash(key)
        row = self._table[hashed & self._mask]
        if row >= 0 and self._hashes[row] == hashed:
            keys = self._keys
            found = keys[row]
            if found is key or (found == key and self._keys is keys and keys[row] is found):
                return self._values[row]
        if row != FREE:
            row, _ = self._find(key, hashed)
            if row != FREE:
                return self._values[row]
        raise KeyError(key)

    def get(self, key: Any, default: Any = None) -> Any:
        hashed = hash(key)
        row = self._table[hashed & self._mask]
        if row >= 0 and self._hashes[row] == hashed:
            keys = self._keys
            found = keys[row]
            if found is key or (found == key and self._keys is keys and keys[row] is found):
                return self._values[row]
        if row != FREE:
            row, _ = self._find(key, hashed)
        return default if row == FREE else self._values[row]

    def __contains__(self, key: object) -> bool:
        hashed = hash(key)
        if self._table[hashed & self._mask] == FREE:
            return False
        row, _ = self._find(key, hashed)
        return row != FREE

    def __setitem__(self, key: Any, value: Any) -> None:
        hashed = hash(key)
        slot = hashed & self._mask
        if self._table[slot] != FREE:
            row, slot = self._find(key, hashed)
            if row != FREE:
                self._values[row] = value
                return
        self._insert(key, hashed, value, slot)

    def setdefault(self, key: Any, default: Any = None) -> Any:
        hashed = hash(key)
        row, slot = self._find(key, hashed)
        if row != FREE:
            return self._values[row]
        self._insert(key, hashed, default, slot)
        return default

    def _insert(self, key: Any, hashed: int, value: Any, slot: int) -> None:
        """Add an entry whose key is known to be absent; its walk ended at the slot."""
        if len(self._keys) == self._rows:
            self._start(*self._without_gaps())
            slot = self._first_unused(hashed)
        elif self._gaps:
            slot = self._first_unused(hashed)  # which may be a DELETED that the walk led across
        self._table[slot] = len(self._keys)
        self._hashes.append(hashed)
        self._keys.append(key)
        self._values.append(value)

    def _first_unused(self, hashed: int) -> int:
        table, mask = self._table, self._mask
        slot = hashed & mask
        perturb = hashed & UNSIGNED
        while table[slot] >= 0:
            perturb >>= PERTURB_SHIFT
            slot = (slot * 5 + perturb + 1) & mask
        return slot

    def __delitem__(self, key: Any) -> None:
        hashed = hash(key)
        row, slot = self._find(key, hashed)
        if row == FREE:
            raise KeyError(key)
        self._delete(row, slot)

    def pop(self, key: Any, default: Any = _Gap) -> Any:
        row, slot = self._find(key, hash(key))
        if row != FREE:
            return self._delete(row, slot)
        if default is _Gap:
            raise KeyError(key)
        return default

    def _delete(self, row: int, slot: int) -> Any:
        key, value = self._keys[row], self._values[row]  # noqa: F841  (its finalizer waits until the map is in order)
        self._table[slot] = DELETED
        self._keys[row] = self._values[row] = _Gap
        self._gaps += 1
        if self._gaps > len(self._keys) // 2 + SMALLEST_TABLE:
            self._start(*self._without_gaps())
        return value

    def clear(self) -> None:
        old = self._keys, self._values  # noqa: F841  (finalizers wait here until the map is empty)
        self._start(array("q"), [], [])

    def update(self, items: Mapping | Iterable = ()) -> None:
        if isinstance(items, HashMap):
            items = items.items()
        elif hasattr(items, "keys"):
            for key in items.keys():  # noqa: SIM118  (a mapping, to update, is what has keys() and [])
                self[key] = items[key]
            return
        for key, value in items:
            self[key] = value

    def copy(self) -> HashMap:
        twin = type(self)()
        twin._start(*self._without_gaps())
        return twin

    def __len__(self) -> int:
        return len(self._keys) - self._gaps

    def __iter__(self) -> Iterator:
        return self._walk(self._keys, self._mark())

    def keys(self) -> KeysView:
        return _Keys(self)

    def values(self) -> ValuesView:
        return _Values(self)

    def items(self) -> ItemsView:
        return _Items(self)

    def _mark(self) -> tuple[list, int, int]:
        """Return what differs after any insertion or deletion."""
        return self._keys, len(self._keys), self._gaps

    def _walk(self, column: Iterable, mark: tuple[list, int, int]) -> Iterator:
        keys, length, gaps = mark
        if gaps:
            column = compress(column, [key is not _Gap for key in keys])
        for entry in column:
            if self._keys is not keys or len(keys) != length or self._gaps != gaps:
                break
            yield entry
        if self._keys is not keys or len(keys) != length or self._gaps != gaps:
            raise RuntimeError("HashMap changed size during iteration")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Mapping):
            return NotImplemented
        if len(self) != len(other):
            return False
        for key, value in self.items():
            theirs = other.get(key, _Gap)
            if theirs is not value and (theirs is _Gap or not value == theirs):
                return False
        return True

    __hash__ = None

    def __repr__(self) -> str:
        if self._in_repr:
            return "HashMap({...})"
        self._in_repr = True
        try:
            return "HashMap({" + ", ".join(f"{key!r}: {value!r}" for key, value in self.items()) + "})"
        finally:
            self._in_repr = False


class _Keys(KeysView):
    __slots__ = ()

    def __iter__(self) -> Iterator:
        return iter(self._mapping)


class _Values(ValuesView):
    __slots__ = ()

    def __iter__(self) -> Iterator:
        return self._mapping._walk(self._mapping._values, self._mapping._mark())


class _Items(ItemsView):
    __slots__ = ()

    def __iter__(self) -> Iterator:
        map_ = self._mapping
        return map_._walk(zip(map_._keys, map_._values, strict=True), map_._mark())
