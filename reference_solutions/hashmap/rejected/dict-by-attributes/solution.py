_GONE = object()
_MISSING = object()


class Shelf:
    """An ordinary object; what it can do is have attributes."""


class HashMap:
    """Every hash has a place of its own, called after it, on a shelf; `_order` lists the entries."""

    __slots__ = ("_shelf", "_order", "_used", "_changes", "_in_repr")

    def __init__(self, items=()):
        self._in_repr = False
        self._changes = 0
        self._start()
        self.update(items)

    def _start(self):
        self._shelf = Shelf()
        self._order = []
        self._used = 0

    def _find(self, key, h):
        """Return the entry of `key` or None; an entry is [key, value, place in the order, hash]."""
        while True:
            changes = self._changes
            for entry in getattr(self._shelf, f"at{h}", ()):
                if entry[0] is key:
                    return entry
                same = bool(entry[0] == key)
                if self._changes != changes:
                    break
                if same:
                    return entry
            else:
                return None

    def _add(self, key, h, value):
        entry = [key, value, len(self._order), h]
        setattr(self._shelf, f"at{h}", (*getattr(self._shelf, f"at{h}", ()), entry))
        self._order.append(entry)
        self._used += 1
        self._changes += 1

    def _remove(self, entry):
        h = entry[3]
        left = tuple([other for other in getattr(self._shelf, f"at{h}") if other is not entry])
        if left:
            setattr(self._shelf, f"at{h}", left)
        else:
            delattr(self._shelf, f"at{h}")
        self._order[entry[2]] = None
        self._used -= 1
        self._changes += 1
        if len(self._order) > 2 * self._used + 8:
            self._refit()
        return entry[1]

    def _refit(self):
        living = [cell for cell in self._order if cell is not None]
        self._start()
        for entry in living:
            self._add(entry[0], entry[3], entry[1])

    def __len__(self):
        return self._used

    def __getitem__(self, key):
        entry = self._find(key, hash(key))
        if entry is None:
            raise KeyError(key)
        return entry[1]

    def __contains__(self, key):
        return self._find(key, hash(key)) is not None

    def get(self, key, default=None):
        entry = self._find(key, hash(key))
        return default if entry is None else entry[1]

    def __setitem__(self, key, value):
        h = hash(key)
        entry = self._find(key, h)
        if entry is None:
            self._add(key, h, value)
        else:
            entry[1] = value

    def setdefault(self, key, default=None):
        h = hash(key)
        entry = self._find(key, h)
        if entry is not None:
            return entry[1]
        self._add(key, h, default)
        return default

    def __delitem__(self, key):
        entry = self._find(key, hash(key))
        if entry is None:
            raise KeyError(key)
        self._remove(entry)

    def pop(self, key, default=_MISSING):
        entry = self._find(key, hash(key))
        if entry is not None:
            return self._remove(entry)
        if default is _MISSING:
            raise KeyError(key)
        return default

    def update(self, items=()):
        if hasattr(items, "keys"):
            for key in items.keys():
                self[key] = items[key]
        else:
            for key, value in items:
                self[key] = value

    def clear(self):
        dying = self._shelf, self._order
        self._changes += 1
        self._start()
        del dying

    def copy(self):
        return HashMap(self)

    def _walk(self, changes, pick):
        for cell in self._order:
            if cell is not None:
                yield pick(cell)
                if self._changes != changes:
                    raise RuntimeError("map changed size during iteration")

    def __iter__(self):
        return self._walk(self._changes, lambda entry: entry[0])

    def keys(self):
        return iter(self)

    def values(self):
        return self._walk(self._changes, lambda entry: entry[1])

    def items(self):
        return self._walk(self._changes, lambda entry: (entry[0], entry[1]))

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
