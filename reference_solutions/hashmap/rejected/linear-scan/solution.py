_MISSING = object()


class HashMap:
    """An association list: hashes, keys and values side by side, in order of insertion."""

    def __init__(self, items=()):
        self._hashes, self._keys, self._values = [], [], []
        self._changes = 0
        self._in_repr = False
        self.update(items)

    def _position(self, key, h):
        """Return where `key` is, or -1; look again when an __eq__ changed the lists."""
        while True:
            changes = self._changes
            for position, other in enumerate(self._hashes):
                if other == h:
                    if self._keys[position] is key:
                        return position
                    same = bool(self._keys[position] == key)
                    if self._changes != changes:
                        break
                    if same:
                        return position
            else:
                return -1

    def _append(self, key, h, value):
        self._changes += 1
        self._hashes.append(h)
        self._keys.append(key)
        self._values.append(value)

    def _remove(self, position):
        self._changes += 1
        del self._hashes[position]
        gone = self._keys.pop(position), self._values.pop(position)
        return gone[1]

    def __len__(self):
        return len(self._keys)

    def __contains__(self, key):
        return self._position(key, hash(key)) >= 0

    def __getitem__(self, key):
        position = self._position(key, hash(key))
        if position < 0:
            raise KeyError(key)
        return self._values[position]

    def get(self, key, default=None):
        position = self._position(key, hash(key))
        return default if position < 0 else self._values[position]

    def __setitem__(self, key, value):
        h = hash(key)
        position = self._position(key, h)
        if position < 0:
            self._append(key, h, value)
        else:
            self._values[position] = value

    def setdefault(self, key, default=None):
        h = hash(key)
        position = self._position(key, h)
        if position < 0:
            self._append(key, h, default)
            return default
        return self._values[position]

    def __delitem__(self, key):
        position = self._position(key, hash(key))
        if position < 0:
            raise KeyError(key)
        self._remove(position)

    def pop(self, key, *default):
        position = self._position(key, hash(key))
        if position >= 0:
            return self._remove(position)
        if not default:
            raise KeyError(key)
        return default[0]

    def update(self, items=()):
        pairs = ((key, items[key]) for key in items.keys()) if hasattr(items, "keys") else items
        for key, value in pairs:
            self[key] = value

    def clear(self):
        gone = self._keys, self._values
        self._changes += 1
        self._hashes, self._keys, self._values = [], [], []
        del gone

    def copy(self):
        return HashMap(self.items())

    def _guarded(self, cells):
        changes = self._changes
        return self._walk(cells, changes)

    def _walk(self, cells, changes):
        if self._changes != changes:
            raise RuntimeError("map changed size during iteration")
        for cell in cells:
            yield cell
            if self._changes != changes:
                raise RuntimeError("map changed size during iteration")

    def __iter__(self):
        return self._guarded(self._keys)

    def keys(self):
        return self._guarded(self._keys)

    def values(self):
        return self._guarded(self._values)

    def items(self):
        return self._guarded(zip(self._keys, self._values))

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
