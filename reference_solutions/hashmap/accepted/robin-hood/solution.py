"""A hash map with Robin Hood hashing: linear probing that keeps every run sorted by how far its entries are from home.

The table holds rows; the entries are columns in insertion order. A key that is inserted takes the slot of the first
resident that is nearer to its home than the newcomer is, and the rest of the run moves up by one. So a search for an
absent key ends as soon as it meets a resident nearer to home than itself, and a deletion moves the rest of the run back
by one and leaves no tombstone.

Linear probing needs hashes without patterns, and Python's are full of them (hash(n) is n). hash((key,)) calls the key's
own hash once, raises what it raises, and stirs the bits well.
"""

from __future__ import annotations

from array import array
from collections.abc import ItemsView, Iterable, Iterator, KeysView, Mapping, MutableMapping, ValuesView
from typing import Any

FREE = -1
SMALLEST = 8
RESTARTS = 100  # a search may be disturbed by the key's own __eq__; this often, and no more


class Gone:
    """Stand where an entry was deleted, and for an argument that was not given."""


class HashMap(MutableMapping):
    __slots__ = ("_at", "_changes", "_end", "_hashes", "_in_repr", "_keys", "_mask", "_size", "_table", "_values")

    def __init__(self, items: Mapping | Iterable = ()) -> None:
        self._in_repr = False
        self._changes = 0  # of which keys there are
        self._at = 0  # where a key that is to be deleted has been found
        self._end = 0, 0  # where the search for what is inserted next has ended: a slot, and how far from its home
        self._hashes, self._keys, self._values = array("q"), [], []
        self._build()
        self.update(items)

    def _build(self) -> None:
        """Drop the rows of deleted entries and fill a table of six to twelve slots an entry."""
        live = [row for row, key in enumerate(self._keys) if key is not Gone]
        if len(live) < len(self._keys):
            self._hashes = array("q", [self._hashes[row] for row in live])
            self._keys = [self._keys[row] for row in live]
            self._values = [self._values[row] for row in live]
        size = SMALLEST
        while size < 6 * len(live):
            size *= 2
        self._size = len(live)
        self._mask = size - 1
        self._table = array("i", [FREE]) * size
        for row, hashed in enumerate(self._hashes):
            self._place(row, hashed & self._mask, 0)

    def _place(self, row: int, slot: int, distance: int) -> None:
        """Put a row into the table, at its rank in its run, from a slot on that is so far from its home."""
        table, hashes, mask = self._table, self._hashes, self._mask
        while (resident := table[slot]) != FREE:
            nearer = (slot - hashes[resident]) & mask
            if nearer < distance:
                table[slot] = row
                row, distance = resident, nearer
            slot = (slot + 1) & mask
            distance += 1
        table[slot] = row

    def _find(self, key: Any, hashed: int) -> int:
        """Return the key's row, or FREE, and note the slot where the search has ended."""
        for _ in range(RESTARTS):
            table, hashes, mask, changes = self._table, self._hashes, self._mask, self._changes
            slot = hashed & mask
            while (row := table[slot]) != FREE:
                resident_hash = hashes[row]
                if resident_hash == hashed:
                    resident = self._keys[row]
                    if resident is key:
                        self._at = slot
                        return row
                    if resident == key:
                        if self._changes != changes:
                            break
                        self._at = slot
                        return row
                    if self._changes != changes:
                        break
                elif (slot - resident_hash) & mask < (slot - hashed) & mask:
                    self._end = slot, (slot - hashed) & mask
                    return FREE
                slot = (slot + 1) & mask
            else:
                self._end = slot, (slot - hashed) & mask
                return FREE
        raise RuntimeError("HashMap kept changing during a search")

    def __getitem__(self, key: Any) -> Any:
        row = self._find(key, hash((key,)))
        if row == FREE:
            raise KeyError(key)
        return self._values[row]

    def get(self, key: Any, default: Any = None) -> Any:
        row = self._find(key, hash((key,)))
        return default if row == FREE else self._values[row]

    def __contains__(self, key: object) -> bool:
        hashed = hash((key,))
        return self._table[hashed & self._mask] != FREE and self._find(key, hashed) != FREE

    def __setitem__(self, key: Any, value: Any) -> None:
        hashed = hash((key,))
        slot = hashed & self._mask
        if self._table[slot] == FREE:
            self._end = slot, 0
        else:
            row = self._find(key, hashed)
            if row != FREE:
                self._values[row] = value
                return
        self._insert(key, hashed, value)

    def setdefault(self, key: Any, default: Any = None) -> Any:
        hashed = hash((key,))
        row = self._find(key, hashed)
        if row == FREE:
            self._insert(key, hashed, default)
            return default
        return self._values[row]

    def _insert(self, key: Any, hashed: int, value: Any) -> None:
        if 8 * len(self._keys) >= 3 * len(self._table):
            self._build()
            self._end = hashed & self._mask, 0
        row = len(self._keys)
        self._hashes.append(hashed)
        self._keys.append(key)
        self._values.append(value)
        self._size += 1
        self._changes += 1
        slot, distance = self._end
        if self._table[slot] == FREE:
            self._table[slot] = row
        else:
            self._place(row, slot, distance)

    def __delitem__(self, key: Any) -> None:
        row = self._find(key, hash((key,)))
        if row == FREE:
            raise KeyError(key)
        self._delete(row)

    def pop(self, key: Any, default: Any = Gone) -> Any:
        row = self._find(key, hash((key,)))
        if row != FREE:
            return self._delete(row)
        if default is Gone:
            raise KeyError(key)
        return default

    def _delete(self, row: int) -> Any:
        table, hashes, mask = self._table, self._hashes, self._mask
        slot = self._at  # where `_find` has just found it
        following = (slot + 1) & mask
        while (resident := table[following]) != FREE and (hashes[resident] ^ following) & mask:  # not at home
            table[slot] = resident
            slot, following = following, (following + 1) & mask
        table[slot] = FREE
        key, value = self._keys[row], self._values[row]  # noqa: F841  (may have a finalizer: let go of it at the end)
        self._keys[row] = self._values[row] = Gone
        self._size -= 1
        self._changes += 1
        if len(self._keys) > 3 * self._size + SMALLEST:
            self._build()
        return value

    def clear(self) -> None:
        old = self._keys, self._values  # noqa: F841  (finalizers run when this returns, and find an empty map)
        self._hashes, self._keys, self._values = array("q"), [], []
        self._changes += 1
        self._build()

    def update(self, items: Mapping | Iterable = ()) -> None:
        if hasattr(items, "keys"):
            for key in items.keys():  # noqa: SIM118  (keys() and [] are what makes a mapping here)
                self[key] = items[key]
        else:
            for key, value in items:
                self[key] = value

    def copy(self) -> HashMap:
        twin = type(self)()
        twin._hashes, twin._keys, twin._values = self._hashes[:], self._keys[:], self._values[:]
        twin._build()
        return twin

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator:
        return self._each(self._keys, self._changes)

    def _each(self, column: list, changes: int) -> Iterator:
        for entry in column:
            if self._changes != changes:
                break
            if entry is not Gone:
                yield entry
        if self._changes != changes:
            raise RuntimeError("HashMap changed size during iteration")

    def _each_item(self, changes: int) -> Iterator:
        for item in zip(self._keys, self._values, strict=True):
            if self._changes != changes:
                break
            if item[0] is not Gone:
                yield item
        if self._changes != changes:
            raise RuntimeError("HashMap changed size during iteration")

    def keys(self) -> KeysView:
        return Keys(self)

    def values(self) -> ValuesView:
        return Values(self)

    def items(self) -> ItemsView:
        return Items(self)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Mapping):
            return NotImplemented
        if len(self) != len(other):
            return False
        for key, value in self.items():
            theirs = other.get(key, Gone)
            if theirs is not value and (theirs is Gone or not value == theirs):
                return False
        return True

    __hash__ = None

    def __repr__(self) -> str:
        if self._in_repr:
            return "HashMap({...})"
        self._in_repr = True
        try:
            return f"HashMap({{{', '.join(f'{key!r}: {value!r}' for key, value in self.items())}}})"
        finally:
            self._in_repr = False


class Keys(KeysView):
    __slots__ = ()

    def __iter__(self) -> Iterator:
        return iter(self._mapping)


class Values(ValuesView):
    __slots__ = ()

    def __iter__(self) -> Iterator:
        return self._mapping._each(self._mapping._values, self._mapping._changes)


class Items(ItemsView):
    __slots__ = ()

    def __iter__(self) -> Iterator:
        return self._mapping._each_item(self._mapping._changes)
