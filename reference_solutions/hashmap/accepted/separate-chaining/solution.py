"""A hash map with separate chaining: the textbook design, with an entry list beside it for the order."""

from collections.abc import ItemsView, Iterable, Iterator, KeysView, Mapping, MutableMapping, ValuesView
from typing import Any

# Each about twice the one before. Python hashes an int to itself, and a prime number of buckets spreads what has a
# pattern: multiples of a power of two, say.
PRIMES = (
    *(11, 23, 47, 97, 193, 389, 769, 1543, 3079, 6151, 12289, 24593, 49157, 98317, 196613, 393241, 786433, 1572869),
    *(3145739, 6291469, 12582917, 25165843, 50331653, 100663319, 201326611, 402653189, 805306457, 1610612741),
)
MAX_RESTARTS = 100  # a key's __eq__ may change the map at every comparison; give up some time
MISSING = object()


class Entry:
    __slots__ = ("hash", "key", "next", "position", "value")

    def __init__(self, key: Any, hash: int, value: Any, position: int, next: "Entry | None") -> None:
        self.key = key
        self.hash = hash
        self.value = value
        self.position = position  # in HashMap._order
        self.next = next  # in the same bucket


class HashMap(MutableMapping):
    """Each bucket is a linked list of entries. `_order` lists all entries as they came, None where one was deleted."""

    __slots__ = ("_buckets", "_in_repr", "_order", "_size", "_version")

    def __init__(self, items: Mapping | Iterable = ()) -> None:
        self._in_repr = False
        self._version = 0  # counts insertions and deletions
        self._start_empty()
        self.update(items)

    def _start_empty(self) -> None:
        self._buckets: list[Entry | None] = [None] * PRIMES[0]
        self._order: list[Entry | None] = []
        self._size = 0

    def _find(self, key: Any, hash_: int) -> Entry | None:
        for _ in range(MAX_RESTARTS):
            version = self._version
            entry = self._buckets[hash_ % len(self._buckets)]
            while entry is not None:
                if entry.key is key:
                    return entry
                if entry.hash == hash_:
                    equal = bool(entry.key == key)
                    if self._version != version:
                        break
                    if equal:
                        return entry
                entry = entry.next
            else:
                return None
        raise RuntimeError("HashMap changed during every lookup of a key")

    def __getitem__(self, key: Any) -> Any:
        entry = self._find(key, hash(key))
        if entry is None:
            raise KeyError(key)
        return entry.value

    def get(self, key: Any, default: Any = None) -> Any:
        entry = self._find(key, hash(key))
        return default if entry is None else entry.value

    def __contains__(self, key: object) -> bool:
        return self._find(key, hash(key)) is not None

    def __setitem__(self, key: Any, value: Any) -> None:
        hash_ = hash(key)
        entry = self._find(key, hash_)
        if entry is None:
            self._insert(key, hash_, value)
        else:
            entry.value = value

    def setdefault(self, key: Any, default: Any = None) -> Any:
        hash_ = hash(key)
        entry = self._find(key, hash_)
        if entry is None:
            self._insert(key, hash_, default)
            return default
        return entry.value

    def _insert(self, key: Any, hash_: int, value: Any) -> None:
        if self._size >= len(self._buckets):
            self._resize()
        bucket = hash_ % len(self._buckets)
        entry = Entry(key, hash_, value, len(self._order), self._buckets[bucket])
        self._buckets[bucket] = entry
        self._order.append(entry)
        self._size += 1
        self._version += 1

    def __delitem__(self, key: Any) -> None:
        if self._delete(key) is None:
            raise KeyError(key)

    def pop(self, key: Any, default: Any = MISSING) -> Any:
        entry = self._delete(key)
        if entry is not None:
            return entry.value
        if default is MISSING:
            raise KeyError(key)
        return default

    def _delete(self, key: Any) -> Entry | None:
        """Take out the entry of a key, if there is one. A KeyError of comparing keys is not ours to catch."""
        hash_ = hash(key)
        entry = self._find(key, hash_)
        if entry is None:
            return None
        bucket = hash_ % len(self._buckets)
        previous = self._buckets[bucket]
        if previous is entry:
            self._buckets[bucket] = entry.next
        else:
            while previous.next is not entry:
                previous = previous.next
            previous.next = entry.next
        self._order[entry.position] = None
        self._size -= 1
        self._version += 1
        if len(self._order) > 2 * self._size + PRIMES[0]:
            self._resize()
        return entry

    def _resize(self) -> None:
        """Close the gaps in the order and provide half again as many buckets as there are entries."""
        order = [entry for entry in self._order if entry is not None]
        count = next((prime for prime in PRIMES if prime > 1.5 * self._size), PRIMES[-1])
        buckets: list[Entry | None] = [None] * count
        for position, entry in enumerate(order):
            bucket = entry.hash % count
            entry.position = position
            entry.next = buckets[bucket]
            buckets[bucket] = entry
        self._order, self._buckets = order, buckets

    def clear(self) -> None:
        old = self._buckets, self._order  # noqa: F841  (the entries must die after the map is empty, not meanwhile)
        self._start_empty()
        self._version += 1

    def copy(self) -> "HashMap":
        return type(self)(self)

    def update(self, items: Mapping | Iterable = ()) -> None:
        if hasattr(items, "keys"):
            for key in items.keys():  # noqa: SIM118  (all that update may ask of a mapping is keys() and [])
                self[key] = items[key]
        else:
            for key, value in items:
                self[key] = value

    def __len__(self) -> int:
        return self._size

    def _entries(self, version: int) -> Iterator[Entry]:
        if self._version != version:
            raise RuntimeError("HashMap changed size during iteration")
        for entry in self._order:
            if entry is not None:
                yield entry
                if self._version != version:
                    raise RuntimeError("HashMap changed size during iteration")

    def __iter__(self) -> Iterator:
        return (entry.key for entry in self._entries(self._version))

    def keys(self) -> KeysView:
        return Keys(self)

    def items(self) -> ItemsView:
        return Items(self)

    def values(self) -> ValuesView:
        return Values(self)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Mapping):
            return NotImplemented
        if len(self) != len(other):
            return False
        for key, value in self.items():
            theirs = other.get(key, MISSING)
            if theirs is MISSING or not (value is theirs or value == theirs):
                return False
        return True

    __hash__ = None

    def __repr__(self) -> str:
        if self._in_repr:
            return "HashMap({...})"
        self._in_repr = True
        try:
            inner = ", ".join(f"{key!r}: {value!r}" for key, value in self.items())
        finally:
            self._in_repr = False
        return f"HashMap({{{inner}}})"


class Keys(KeysView):
    __slots__ = ()

    def __iter__(self) -> Iterator:
        return iter(self._mapping)


class Items(ItemsView):
    __slots__ = ()

    def __iter__(self) -> Iterator:
        return ((entry.key, entry.value) for entry in self._mapping._entries(self._mapping._version))


class Values(ValuesView):
    __slots__ = ()

    def __iter__(self) -> Iterator:
        return (entry.value for entry in self._mapping._entries(self._mapping._version))
