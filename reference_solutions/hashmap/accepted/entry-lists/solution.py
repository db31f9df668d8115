"""A hash map by separate chaining whose entries are small lists, because a list display is Python's cheapest object.

An entry is [key, hash, value, older]; `older` is the next entry in the same bucket. `_order` lists the entries as they
came. A deleted entry is taken out of its bucket and emptied, but keeps its place in the order until the next rebuild,
so entries need not know where in the order they are.
"""

from __future__ import annotations

from collections.abc import ItemsView, Iterable, Iterator, KeysView, Mapping, MutableMapping, ValuesView
from typing import Any

KEY, HASH, VALUE, OLDER = range(4)
PRIMES = (
    *(13, 29, 53, 97, 193, 389, 769, 1543, 3079, 6151, 12289, 24593, 49157, 98317, 196613, 393241, 786433, 1572869),
    *(3145739, 6291469, 12582917, 25165843, 50331653, 100663319, 201326611, 402653189, 805306457, 1610612741),
)
ATTEMPTS = 100  # at one search, while the key's __eq__ changes the map under it
ABSENT = object()  # also the key of an emptied entry


class HashMap(MutableMapping):
    __slots__ = ("_buckets", "_changes", "_emptied", "_order", "_printing")

    def __init__(self, items: Mapping | Iterable = ()) -> None:
        self._printing = False
        self._changes = 0
        self._start()
        self.update(items)

    def _start(self) -> None:
        self._buckets: list[list | None] = [None] * PRIMES[0]
        self._order: list[list] = []
        self._emptied = 0

    def _find(self, key: Any, hashed: int) -> list | None:
        for _ in range(ATTEMPTS):
            changes = self._changes
            entry = self._buckets[hashed % len(self._buckets)]
            while entry is not None:
                found, stored, _, older = entry
                if found is key:
                    return entry
                if stored == hashed:
                    equal = bool(found == key)
                    if self._changes != changes:
                        break
                    if equal:
                        return entry
                entry = older
            else:
                return None
        raise RuntimeError("HashMap was changed by each search for a key")

    def __getitem__(self, key: Any) -> Any:
        entry = self._find(key, hash(key))
        if entry is None:
            raise KeyError(key)
        return entry[VALUE]

    def get(self, key: Any, default: Any = None) -> Any:
        entry = self._find(key, hash(key))
        return default if entry is None else entry[VALUE]

    def __contains__(self, key: object) -> bool:
        return self._find(key, hash(key)) is not None

    def __setitem__(self, key: Any, value: Any) -> None:
        hashed = hash(key)
        entry = self._find(key, hashed)
        if entry is None:
            self._insert(key, hashed, value)
        else:
            entry[VALUE] = value

    def setdefault(self, key: Any, default: Any = None) -> Any:
        hashed = hash(key)
        entry = self._find(key, hashed)
        if entry is None:
            self._insert(key, hashed, default)
            return default
        return entry[VALUE]

    def _insert(self, key: Any, hashed: int, value: Any) -> None:
        buckets = self._buckets
        bucket = hashed % len(buckets)
        buckets[bucket] = entry = [key, hashed, value, buckets[bucket]]
        order = self._order
        order.append(entry)
        self._changes += 1
        if len(order) > len(buckets):
            self._rebuild()

    def __delitem__(self, key: Any) -> None:
        hashed = hash(key)
        entry = self._find(key, hashed)
        if entry is None:
            raise KeyError(key)
        self._delete(entry, hashed)

    def pop(self, key: Any, default: Any = ABSENT) -> Any:
        hashed = hash(key)
        entry = self._find(key, hashed)
        if entry is not None:
            return self._delete(entry, hashed)
        if default is ABSENT:
            raise KeyError(key)
        return default

    def _delete(self, entry: list, hashed: int) -> Any:
        bucket = hashed % len(self._buckets)
        newer = self._buckets[bucket]
        if newer is entry:
            self._buckets[bucket] = entry[OLDER]
        else:
            while newer[OLDER] is not entry:
                newer = newer[OLDER]
            newer[OLDER] = entry[OLDER]
        key, value = entry[KEY], entry[VALUE]  # noqa: F841  (its finalizer must find the map in order)
        entry[:] = ABSENT, 0, ABSENT, None
        self._emptied += 1
        self._changes += 1
        if self._emptied > 2 * len(self) + PRIMES[0]:
            self._rebuild()
        return value

    def _rebuild(self) -> None:
        order = [entry for entry in self._order if entry[KEY] is not ABSENT]
        count = next((prime for prime in PRIMES if prime >= 2 * len(order)), PRIMES[-1])
        buckets: list[list | None] = [None] * count
        for entry in order:
            bucket = entry[HASH] % count
            entry[OLDER] = buckets[bucket]
            buckets[bucket] = entry
        self._order, self._buckets, self._emptied = order, buckets, 0

    def clear(self) -> None:
        gone = self._buckets, self._order  # noqa: F841  (let go of on return)
        self._changes += 1
        self._start()

    def update(self, items: Mapping | Iterable = ()) -> None:
        if hasattr(items, "keys"):
            for key in items.keys():  # noqa: SIM118  (a mapping need not be iterable)
                self[key] = items[key]
        else:
            for key, value in items:
                self[key] = value

    def copy(self) -> HashMap:
        twin = type(self)()
        for key, hashed, value, _ in self._order:
            if key is not ABSENT:
                twin._insert(key, hashed, value)
        return twin

    def __len__(self) -> int:
        return len(self._order) - self._emptied

    def __iter__(self) -> Iterator:
        return self._each_key(self._changes)

    def _each_key(self, changes: int) -> Iterator:
        for key, _, _, _ in self._order:
            if self._changes != changes:
                break
            if key is not ABSENT:
                yield key
        self._check(changes)

    def _each_value(self, changes: int) -> Iterator:
        for key, _, value, _ in self._order:
            if self._changes != changes:
                break
            if key is not ABSENT:
                yield value
        self._check(changes)

    def _each_item(self, changes: int) -> Iterator:
        for key, _, value, _ in self._order:
            if self._changes != changes:
                break
            if key is not ABSENT:
                yield key, value
        self._check(changes)

    def _check(self, changes: int) -> None:
        if self._changes != changes:
            raise RuntimeError("HashMap changed size during iteration")

    def keys(self) -> KeysView:
        return EntryKeys(self)

    def values(self) -> ValuesView:
        return EntryValues(self)

    def items(self) -> ItemsView:
        return EntryItems(self)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Mapping):
            return NotImplemented
        if len(self) != len(other):
            return False
        for key, value in self.items():
            theirs = other.get(key, ABSENT)
            if theirs is not value and (theirs is ABSENT or not value == theirs):
                return False
        return True

    __hash__ = None

    def __repr__(self) -> str:
        if self._printing:
            return "HashMap({...})"
        self._printing = True
        try:
            return "HashMap({" + ", ".join([f"{key!r}: {value!r}" for key, value in self.items()]) + "})"
        finally:
            self._printing = False


class EntryKeys(KeysView):
    __slots__ = ()

    def __iter__(self) -> Iterator:
        return iter(self._mapping)


class EntryValues(ValuesView):
    __slots__ = ()

    def __iter__(self) -> Iterator:
        return self._mapping._each_value(self._mapping._changes)


class EntryItems(ItemsView):
    __slots__ = ()

    def __iter__(self) -> Iterator:
        return self._mapping._each_item(self._mapping._changes)
