_MISSING = object()
_PRIMES = (11, 23, 53, 97, 193, 389, 769, 1543, 3079, 6151, 12289, 24593, 49157, 98317, 196613, 393241, 786433)


class Node:
    """One entry; `before` and `after` tie it into the ring of insertion order."""

    __slots__ = ("hash", "key", "value", "before", "after")


class View:
    """A live window on a map, as keys(), values() and items() return it."""

    __slots__ = ("_map", "_pick")

    def __init__(self, map_, pick):
        self._map = map_
        self._pick = pick

    def __len__(self):
        return len(self._map)

    def __iter__(self):
        return self._map._nodes(self._map._version, self._pick)

    def __contains__(self, wanted):
        return any(wanted is found or wanted == found for found in self)


class HashMap:
    """Separate chaining: a list of buckets, each a tuple of nodes that is replaced, never edited."""

    __slots__ = ("_buckets", "_ring", "_size", "_rank", "_version", "_in_repr")

    def __init__(self, items=()):
        self._version = 0
        self._in_repr = False
        self._reset()
        self.update(items)

    def _reset(self):
        self._rank = 0
        self._buckets = [()] * _PRIMES[0]
        self._ring = Node()
        self._ring.before = self._ring.after = self._ring
        self._size = 0

    def _bucket(self, h):
        return h % len(self._buckets)

    def _search(self, key, h):
        """Return the node of `key` or None; an __eq__ that changes this map makes the search start over."""
        while True:
            version = self._version
            for node in self._buckets[self._bucket(h)]:
                if node.key is key:
                    return node
                if node.hash == h:
                    equal = bool(node.key == key)
                    if self._version != version:
                        break
                    if equal:
                        return node
            else:
                return None

    def _append(self, key, h, value):
        node = Node()
        node.hash, node.key, node.value = h, key, value
        node.before, node.after = self._ring.before, self._ring
        node.before.after = node.after.before = node
        bucket = self._bucket(h)
        self._buckets[bucket] += (node,)
        self._size += 1
        self._version += 1
        if self._size > len(self._buckets):
            self._rank += 1
            self._resize(_PRIMES[self._rank])

    def _detach(self, node):
        bucket = self._bucket(node.hash)
        self._buckets[bucket] = tuple([other for other in self._buckets[bucket] if other is not node])
        node.before.after = node.after
        node.after.before = node.before
        self._size -= 1
        self._version += 1
        if self._rank > 1 and self._size * 8 < len(self._buckets):
            self._rank -= 2
            self._resize(_PRIMES[self._rank])
        return node.value

    def _resize(self, count):
        self._buckets = [()] * count
        node = self._ring.after
        while node is not self._ring:
            self._buckets[self._bucket(node.hash)] += (node,)
            node = node.after

    def __len__(self):
        return self._size

    def __getitem__(self, key):
        node = self._search(key, hash(key))
        if node is None:
            raise KeyError(key)
        return node.value

    def __setitem__(self, key, value):
        h = hash(key)
        node = self._search(key, h)
        if node is None:
            self._append(key, h, value)
        else:
            node.value = value

    def __delitem__(self, key):
        node = self._search(key, hash(key))
        if node is None:
            raise KeyError(key)
        self._detach(node)

    def __contains__(self, key):
        return self._search(key, hash(key)) is not None

    def get(self, key, default=None):
        node = self._search(key, hash(key))
        return default if node is None else node.value

    def pop(self, key, default=_MISSING):
        node = self._search(key, hash(key))
        if node is not None:
            return self._detach(node)
        if default is _MISSING:
            raise KeyError(key)
        return default

    def setdefault(self, key, default=None):
        h = hash(key)
        node = self._search(key, h)
        if node is not None:
            return node.value
        self._append(key, h, default)
        return default

    def update(self, items=()):
        try:
            keys = items.keys()
        except AttributeError:
            pairs = items
        else:
            pairs = ((key, items[key]) for key in keys)
        for key, value in pairs:
            self[key] = value

    def clear(self):
        old = self._ring
        self._reset()
        self._version += 1
        while old.after is not old:
            node = old.after
            old.after, node.before, node.after = node.after, None, None

    def copy(self):
        return HashMap(self.items())

    def _nodes(self, version, pick):
        if self._version != version:
            raise RuntimeError("map changed during iteration")
        node = self._ring.after
        while node is not self._ring:
            yield pick(node)
            if self._version != version:
                raise RuntimeError("map changed during iteration")
            node = node.after

    def __iter__(self):
        return self._nodes(self._version, lambda node: node.key)

    def keys(self):
        return View(self, lambda node: node.key)

    def values(self):
        return View(self, lambda node: node.value)

    def items(self):
        return View(self, lambda node: (node.key, node.value))

    def __eq__(self, other):
        if not isinstance(other, HashMap):
            return NotImplemented
        if len(self) != len(other):
            return False
        for key, value in self.items():
            theirs = other.get(key, _MISSING)
            if theirs is _MISSING or not (theirs is value or value == theirs):
                return False
        return True

    def __repr__(self):
        if self._in_repr:
            return "HashMap({...})"
        self._in_repr = True
        try:
            return "HashMap({" + ", ".join([f"{key!r}: {value!r}" for key, value in self.items()]) + "})"
        finally:
            self._in_repr = False
