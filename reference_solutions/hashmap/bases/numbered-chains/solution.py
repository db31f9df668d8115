from array import array

_PRIMES = (11, 23, 47, 97, 197, 397, 797, 1597, 3203, 6421, 12853, 25717, 51437, 102877, 205759, 411527, 823117)
_PRIMES += (1646237, 3292489, 6584983, 13169977, 26339969, 52679969, 105359939)
_GONE = object()
_MISSING = object()


class Window:
    """A live view of one map: what keys(), values() and items() return."""

    __slots__ = ("_map", "_walk")

    def __init__(self, map_, walk):
        self._map = map_
        self._walk = walk

    def __len__(self):
        return len(self._map)

    def __iter__(self):
        return self._walk()

    def __contains__(self, wanted):
        return any(wanted is found or wanted == found for found in self)


class HashMap:
    """Columns in insertion order, chained by number.

    Every rebuild replaces the columns, so whoever holds an old one knows that the map moved on.
    """

    __slots__ = ("_hashes", "_heads", "_in_repr", "_keys", "_nexts", "_used", "_values", "_width")

    def __init__(self, items=()):
        self._in_repr = False
        self._reset()
        self.update(items)

    def _reset(self):
        self._width = _PRIMES[0]
        self._heads = array("i", [-1]) * self._width
        self._nexts = array("i")
        self._hashes = array("q")
        self._keys, self._values = [], []
        self._used = 0

    def _find(self, key, h):
        """Return the entry of `key` or -1; begin again when an __eq__ changed what is being searched."""
        while True:
            hashes, keys = self._hashes, self._keys
            count = len(keys)
            j = self._heads[h % self._width]
            while j >= 0:
                if hashes[j] == h:
                    k = keys[j]
                    if k is key:
                        return j
                    same = bool(k == key)
                    if self._keys is not keys or keys[j] is not k or len(keys) != count:
                        break
                    if same:
                        return j
                j = self._nexts[j]
            else:
                return -1

    def _add(self, key, h, value):
        """Append an entry for a key known to be absent."""
        keys = self._keys
        if len(keys) >= self._width:
            self._rebuild()
            keys = self._keys
        i = h % self._width
        self._nexts.append(self._heads[i])
        self._heads[i] = len(keys)
        self._hashes.append(h)
        self._values.append(value)
        keys.append(key)
        self._used += 1

    def _rebuild(self):
        """Chain the living entries anew in a table of fitting size and leave the dead behind."""
        keys = self._keys
        if self._used < len(keys):
            alive = [j for j, key in enumerate(keys) if key is not _GONE]
            self._hashes = array("q", [self._hashes[j] for j in alive])
            self._values = [self._values[j] for j in alive]
            self._keys = [keys[j] for j in alive]
        else:
            self._keys = keys[:]
        width = next(prime for prime in _PRIMES if prime > self._used * 2)
        heads = array("i", [-1]) * width
        nexts = array("i")
        for j, h in enumerate(self._hashes):
            i = h % width
            nexts.append(heads[i])
            heads[i] = j
        self._heads, self._nexts, self._width = heads, nexts, width

    def _drop(self, j):
        heads, nexts = self._heads, self._nexts
        i = self._hashes[j] % self._width
        if heads[i] == j:
            heads[i] = nexts[j]
        else:
            i = heads[i]
            while nexts[i] != j:
                i = nexts[i]
            nexts[i] = nexts[j]
        key, value = self._keys[j], self._values[j]
        self._keys[j] = _GONE
        self._values[j] = None
        self._used -= 1
        if self._used * 8 < self._width and self._width > _PRIMES[0]:
            self._rebuild()
        return key, value

    def __len__(self):
        return self._used

    def __getitem__(self, key):
        h = hash(key)
        j = self._heads[h % self._width]
        while j >= 0:
            if self._hashes[j] == h:
                keys = self._keys
                k = keys[j]
                if (k is key or k == key) and keys is self._keys and keys[j] is k:
                    return self._values[j]
                j = self._find(key, h)
                if j >= 0:
                    return self._values[j]
                break
            j = self._nexts[j]
        raise KeyError(key)

    def __contains__(self, key):
        h = hash(key)
        j = self._heads[h % self._width]
        while j >= 0:
            if self._hashes[j] == h:
                return self._keys[j] is key or self._find(key, h) >= 0
            j = self._nexts[j]
        return False

    def get(self, key, default=None):
        h = hash(key)
        j = self._heads[h % self._width]
        while j >= 0:
            if self._hashes[j] == h:
                if self._keys[j] is not key:
                    j = self._find(key, h)
                return default if j < 0 else self._values[j]
            j = self._nexts[j]
        return default

    def __setitem__(self, key, value):
        h = hash(key)
        i = h % self._width
        j = head = self._heads[i]
        while j >= 0:
            if self._hashes[j] == h:
                j = self._find(key, h)
                if j < 0:
                    self._add(key, h, value)
                else:
                    self._values[j] = value
                return
            j = self._nexts[j]
        keys = self._keys
        j = len(keys)
        if j >= self._width:
            self._add(key, h, value)
            return
        self._nexts.append(head)
        self._heads[i] = j
        self._hashes.append(h)
        self._values.append(value)
        keys.append(key)
        self._used += 1

    def __delitem__(self, key):
        j = self._find(key, hash(key))
        if j < 0:
            raise KeyError(key)
        self._drop(j)

    def pop(self, key, default=_MISSING):
        j = self._find(key, hash(key))
        if j >= 0:
            return self._drop(j)[1]
        if default is _MISSING:
            raise KeyError(key)
        return default

    def setdefault(self, key, default=None):
        h = hash(key)
        j = self._find(key, h)
        if j >= 0:
            return self._values[j]
        self._add(key, h, default)
        return default

    def update(self, items=()):
        try:
            keys = items.keys
        except AttributeError:
            for key, value in items:
                self[key] = value
        else:
            for key in keys():
                self[key] = items[key]

    def clear(self):
        dying = [self._keys, self._values]
        self._reset()
        dying.clear()

    def copy(self):
        return HashMap(self.items())

    def _check(self, used, keys):
        if self._used != used or self._keys is not keys:
            raise RuntimeError("map changed size during iteration")

    def _steps(self, used, keys, column):
        self._check(used, keys)
        for key, cell in zip(keys, column, strict=False):
            if key is not _GONE:
                yield cell
                if self._used != used or self._keys is not keys:
                    self._check(used, keys)

    def _pairs(self, used, keys):
        self._check(used, keys)
        for pair in zip(keys, self._values, strict=False):
            if pair[0] is not _GONE:
                yield pair
                if self._used != used or self._keys is not keys:
                    self._check(used, keys)

    def __iter__(self):
        return self._steps(self._used, self._keys, self._keys)

    def keys(self):
        return Window(self, self.__iter__)

    def values(self):
        return Window(self, lambda: self._steps(self._used, self._keys, self._values))

    def items(self):
        return Window(self, lambda: self._pairs(self._used, self._keys))

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
