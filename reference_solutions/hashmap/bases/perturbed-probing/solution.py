_FREE = -1
_DELETED = -2
_WORD = (1 << 64) - 1
_GONE = object()
_MISSING = object()


class View:
    """What keys(), values() and items() hand out: a live window on one map."""

    __slots__ = ("_has", "_owner", "_walk")

    def __init__(self, owner, walk, has):
        self._owner = owner
        self._walk = walk
        self._has = has

    def __len__(self):
        return len(self._owner)

    def __iter__(self):
        return self._walk()

    def __contains__(self, thing):
        return self._has(thing)

    def __repr__(self):
        return f"View({list(self._walk())!r})"


class HashMap:
    """Open addressing with perturbed probing; a deleted entry loses its key at once."""

    __slots__ = ("_changes", "_hashes", "_index", "_keys", "_showing", "_used", "_values")

    def __init__(self, items=()):
        self._showing = False
        self._changes = 0
        self._start()
        self.update(items)

    def _start(self):
        self._index = [_FREE] * 8
        self._hashes = []
        self._keys = []
        self._values = []
        self._used = 0

    def _add(self, key, h, value):
        self._hashes.append(h)
        self._keys.append(key)
        self._values.append(value)
        self._used += 1
        self._changes += 1
        if len(self._keys) * 3 > len(self._index) * 2:
            self._rebuild()
        else:
            self._link(len(self._keys) - 1, h)

    def _drop(self, j):
        self._unlink(j)
        key, value = self._keys[j], self._values[j]
        self._keys[j] = _GONE
        self._values[j] = None
        self._used -= 1
        self._changes += 1
        if len(self._index) > 8 and self._used * 8 < len(self._index):
            self._rebuild()
        return key, value

    def _rebuild(self):
        """Leave the dead entries behind and index the living ones in a table of fitting size."""
        size = 8
        while size < self._used * 3:
            size *= 2
        alive = [j for j, key in enumerate(self._keys) if key is not _GONE]
        self._hashes = [self._hashes[j] for j in alive]
        self._values = [self._values[j] for j in alive]
        self._keys = [self._keys[j] for j in alive]
        self._index = [_FREE] * size
        for j, h in enumerate(self._hashes):
            self._link(j, h)

    def __len__(self):
        return self._used

    def __getitem__(self, key):
        j = self._find(key, hash(key))
        if j < 0:
            raise KeyError(key)
        return self._values[j]

    def __setitem__(self, key, value):
        h = hash(key)
        j = self._find(key, h)
        if j < 0:
            self._add(key, h, value)
        else:
            self._values[j] = value

    def __delitem__(self, key):
        j = self._find(key, hash(key))
        if j < 0:
            raise KeyError(key)
        self._drop(j)

    def __contains__(self, key):
        return self._find(key, hash(key)) >= 0

    def get(self, key, default=None):
        j = self._find(key, hash(key))
        return default if j < 0 else self._values[j]

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
        self._changes += 1
        self._start()
        dying.clear()

    def copy(self):
        return HashMap(self.items())

    def __iter__(self):
        return self._steps(self._changes, False, True)

    def _steps(self, changes, pairs, want_key):
        keys, values = self._keys, self._values
        for j in range(len(keys)):
            if self._changes != changes:
                break
            key = keys[j]
            if key is not _GONE:
                yield (key, values[j]) if pairs else key if want_key else values[j]
        if self._changes != changes:
            raise RuntimeError("map changed size during iteration")

    def keys(self):
        return View(self, lambda: iter(self), lambda key: key in self)

    def values(self):
        return View(self, lambda: self._steps(self._changes, False, False), self._has_value)

    def _has_value(self, value):
        return any(value is v or value == v for v in self.values())

    def items(self):
        return View(self, lambda: self._steps(self._changes, True, True), self._has_item)

    def _has_item(self, item):
        key, value = item
        mine = self.get(key, _MISSING)
        return mine is not _MISSING and (mine is value or mine == value)

    def __eq__(self, other):
        if not isinstance(other, HashMap):
            return NotImplemented
        if len(self) != len(other):
            return False
        return all(other._has_item(item) for item in self.items())

    def __repr__(self):
        if self._showing:
            return "HashMap({...})"
        self._showing = True
        try:
            return "HashMap({" + ", ".join(f"{key!r}: {value!r}" for key, value in self.items()) + "})"
        finally:
            self._showing = False

    def _find(self, key, h):
        """Return the entry of `key`, or a negative number; begin again when an __eq__ changed this map."""
        while True:
            changes, index, mask = self._changes, self._index, len(self._index) - 1
            hashes, keys = self._hashes, self._keys
            i, perturb = h & mask, h & _WORD
            while (j := index[i]) != _FREE:
                if j >= 0 and hashes[j] == h:
                    if keys[j] is key:
                        return j
                    same = bool(keys[j] == key)
                    if self._changes != changes:
                        break
                    if same:
                        return j
                perturb >>= 5
                i = (i * 5 + perturb + 1) & mask
            else:
                return _FREE

    def _link(self, j, h):
        index, mask = self._index, len(self._index) - 1
        i, perturb = h & mask, h & _WORD
        while index[i] >= 0:
            perturb >>= 5
            i = (i * 5 + perturb + 1) & mask
        index[i] = j

    def _unlink(self, j):
        index, mask, h = self._index, len(self._index) - 1, self._hashes[j]
        i, perturb = h & mask, h & _WORD
        while index[i] != j:
            perturb >>= 5
            i = (i * 5 + perturb + 1) & mask
        index[i] = _DELETED
