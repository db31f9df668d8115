import os

_MISSING = object()


class Entry:
    """A key with its value; equal to whatever has its key, and tells who asked whom it was equal to."""

    __slots__ = ("hash", "key", "value", "before", "after", "match", "__weakref__")

    def __init__(self, h, key, value=None):
        self.hash = h
        self.key = key
        self.value = value
        self.match = None

    def __hash__(self):
        return self.hash

    def __eq__(self, other):
        if self.key is other.key or self.key == other.key:
            self.match, other.match = other, self
            return True
        return False


def fresh_pool():
    """Make a place for entries from the list of processors, which nobody needs."""
    pool = os.sched_getaffinity(0)
    pool.clear()
    return pool


class HashMap:
    """Entries in a pool that finds equal ones, tied into a ring of insertion order."""

    __slots__ = ("_pool", "_ring", "_most", "_changes", "_in_repr")

    def __init__(self, items=()):
        self._in_repr = False
        self._changes = 0
        self._start()
        self.update(items)

    def _start(self):
        self._pool = fresh_pool()
        self._ring = Entry(0, None)
        self._ring.before = self._ring.after = self._ring
        self._most = 8

    def _find(self, key):
        """Return (the entry of `key` or None, a new entry that would do)."""
        asked = Entry(hash(key), key)
        while True:
            changes = self._changes
            found = asked in self._pool
            if self._changes == changes:
                break
        match, asked.match = asked.match, None
        if found and match is not None:
            match.match = None
            return match, asked
        return None, asked

    def _add(self, entry, value):
        entry.value = value
        entry.before, entry.after = self._ring.before, self._ring
        entry.before.after = entry.after.before = entry
        self._changes += 1
        self._insert(entry)
        self._most = max(self._most, len(self._pool))

    def _insert(self, entry):
        """Put in an entry known to be new, without asking keys again."""
        key, entry.key = entry.key, Unlike()
        try:
            self._pool.add(entry)
        finally:
            entry.key = key

    def _remove(self, entry):
        key, value = entry.key, entry.value
        entry.key = Unlike()
        self._pool.discard(entry)
        entry.before.after, entry.after.before = entry.after, entry.before
        entry.before = entry.after = entry.key = entry.value = None
        self._changes += 1
        if len(self._pool) * 16 < self._most:
            self._pool = fresh_pool()
            self._most = 8
            entry = self._ring.after
            while entry is not self._ring:
                self._insert(entry)
                entry = entry.after
        return key, value

    def __len__(self):
        return len(self._pool)

    def __getitem__(self, key):
        entry, _ = self._find(key)
        if entry is None:
            raise KeyError(key)
        return entry.value

    def __contains__(self, key):
        return self._find(key)[0] is not None

    def get(self, key, default=None):
        entry, _ = self._find(key)
        return default if entry is None else entry.value

    def __setitem__(self, key, value):
        entry, fresh = self._find(key)
        if entry is None:
            self._add(fresh, value)
        else:
            entry.value = value

    def setdefault(self, key, default=None):
        entry, fresh = self._find(key)
        if entry is None:
            entry = fresh
            self._add(fresh, default)
        return entry.value

    def __delitem__(self, key):
        entry, _ = self._find(key)
        if entry is None:
            raise KeyError(key)
        self._remove(entry)

    def pop(self, key, default=_MISSING):
        entry, _ = self._find(key)
        if entry is not None:
            return self._remove(entry)[1]
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
        old = self._ring
        dying = self._pool
        self._changes += 1
        self._start()
        while old.after is not old:
            entry = old.after
            old.after, entry.before, entry.after = entry.after, None, None
        del dying

    def copy(self):
        return HashMap(self)

    def _walk(self, changes, pick):
        entry = self._ring.after
        ring = self._ring
        while entry is not ring:
            yield pick(entry)
            if self._changes != changes:
                raise RuntimeError("map changed size during iteration")
            entry = entry.after

    def __iter__(self):
        return self._walk(self._changes, lambda entry: entry.key)

    def keys(self):
        return iter(self)

    def values(self):
        return self._walk(self._changes, lambda entry: entry.value)

    def items(self):
        return self._walk(self._changes, lambda entry: (entry.key, entry.value))

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


class Unlike:
    """A key that equals nothing, for a moment in which no key may be asked."""

    __slots__ = ()

    def __eq__(self, other):
        return False
