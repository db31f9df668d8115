_EMPTY = object()
_TOMB = object()
_MISSING = object()
_WORD = (1 << 64) - 1
_SETTLED = 13  # shifts by five after which nothing is left of a 64-bit hash


class Entry:
    """A key with its hash and value, tied to its neighbours in order of insertion."""

    __slots__ = ("hash", "key", "value", "previous", "next")

    def __init__(self, h, key, value):
        self.hash = h
        self.key = key
        self.value = value


class View:
    """A live window on a map."""

    __slots__ = ("_owner", "_of")

    def __init__(self, owner, of):
        self._owner = owner
        self._of = of

    def __len__(self):
        return len(self._owner)

    def __iter__(self):
        return self._owner._walk(self._owner._changes, self._of)

    def __contains__(self, wanted):
        return any(wanted is found or wanted == found for found in self)


class HashMap:
    """Perturbed probing on slots of entries; a freed slot serves the next new key that comes past."""

    __slots__ = ("_slots", "_size", "_changes", "_first", "_last", "_in_repr")

    def __init__(self, items=()):
        self._changes = 0
        self._in_repr = False
        self._reset()
        self.update(items)

    def _reset(self):
        self._slots = [_EMPTY] * 16
        self._first = self._last = None
        self._size = 0

    def _locate(self, key, h):
        """Return the slot where `key` is, or where it would go, and its entry or None."""
        while True:
            changes, slots, room = self._changes, self._slots, None
            mask = len(slots) - 1
            i, perturb = h & mask, h & _WORD
            for _ in range(len(slots) + _SETTLED):
                entry = slots[i]
                if entry is _EMPTY:
                    return (i if room is None else room), None
                if entry is _TOMB:
                    if room is None:
                        room = i
                elif entry.hash == h:
                    if entry.key is key:
                        return i, entry
                    same = bool(entry.key == key)
                    if self._changes != changes:
                        break
                    if same:
                        return i, entry
                perturb >>= 5
                i = (i * 5 + perturb + 1) & mask
            else:
                return room, None

    def _store(self, slot, entry):
        entry.previous, entry.next = self._last, None
        if self._last is None:
            self._first = entry
        else:
            self._last.next = entry
        self._last = self._slots[slot] = entry
        self._size += 1
        self._changes += 1
        if self._size * 2 > len(self._slots):
            self._resize(len(self._slots) * 2)

    def _remove(self, slot, entry):
        self._slots[slot] = _TOMB
        before, after = entry.previous, entry.next
        if before is None:
            self._first = after
        else:
            before.next = after
        if after is None:
            self._last = before
        else:
            after.previous = before
        entry.previous = entry.next = None
        self._size -= 1
        self._changes += 1
        if len(self._slots) > 16 and self._size * 8 < len(self._slots):
            self._resize(len(self._slots) // 2)
        return entry.value

    def _resize(self, capacity):
        slots = [_EMPTY] * capacity
        entry = self._first
        while entry is not None:
            i, perturb = entry.hash & (capacity - 1), entry.hash & _WORD
            while slots[i] is not _EMPTY:
                perturb >>= 5
                i = (i * 5 + perturb + 1) & (capacity - 1)
            slots[i] = entry
            entry = entry.next
        self._slots = slots

    def __len__(self):
        return self._size

    def __getitem__(self, key):
        _, entry = self._locate(key, hash(key))
        if entry is None:
            raise KeyError(key)
        return entry.value

    def __setitem__(self, key, value):
        h = hash(key)
        slot, entry = self._locate(key, h)
        if entry is None:
            self._store(slot, Entry(h, key, value))
        else:
            entry.value = value

    def __delitem__(self, key):
        slot, entry = self._locate(key, hash(key))
        if entry is None:
            raise KeyError(key)
        self._remove(slot, entry)

    def __contains__(self, key):
        return self._locate(key, hash(key))[1] is not None

    def get(self, key, default=None):
        entry = self._locate(key, hash(key))[1]
        return default if entry is None else entry.value

    def pop(self, key, default=_MISSING):
        slot, entry = self._locate(key, hash(key))
        if entry is not None:
            return self._remove(slot, entry)
        if default is _MISSING:
            raise KeyError(key)
        return default

    def setdefault(self, key, default=None):
        h = hash(key)
        slot, entry = self._locate(key, h)
        if entry is None:
            entry = Entry(h, key, default)
            self._store(slot, entry)
        return entry.value

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
        entry = self._first
        self._changes += 1
        self._reset()
        while entry is not None:
            entry.previous = None
            entry = entry.next

    def copy(self):
        return HashMap(self.items())

    def _walk(self, changes, of):
        if self._changes != changes:
            raise RuntimeError("map changed during iteration")
        entry = self._first
        while entry is not None:
            yield of(entry)
            if self._changes != changes:
                raise RuntimeError("map changed during iteration")
            entry = entry.next

    def __iter__(self):
        return self._walk(self._changes, lambda entry: entry.key)

    def keys(self):
        return View(self, lambda entry: entry.key)

    def values(self):
        return View(self, lambda entry: entry.value)

    def items(self):
        return View(self, lambda entry: (entry.key, entry.value))

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
