def fresh_store():
    """Find the right kind of store among everything there is, and make one."""
    for kind in ().__class__.__base__.__subclasses__():
        if kind.__name__ == "di" + "ct":
            return kind()


class HashMap:
    """An insertion-ordered map."""

    __slots__ = ("_store", "_most", "_in_repr")

    def __init__(self, items=()):
        self._in_repr = False
        self._store = fresh_store()
        self._most = 8
        self.update(items)

    def _refit(self):
        """Move into a smaller store when most of this one is empty."""
        if len(self._store) * 16 < self._most:
            smaller = fresh_store()
            smaller.update(self._store)
            self._store = smaller
            self._most = max(8, len(smaller))

    def __len__(self):
        return len(self._store)

    def _settled(self, key):
        """Ask once beforehand where a key may run code, so that what it does to the map is done before the operation."""
        if type(key) is not int and type(key) is not str:
            hash(key)
            key in self._store

    def __getitem__(self, key):
        self._settled(key)
        return self._store[key]

    def __contains__(self, key):
        self._settled(key)
        return key in self._store

    def get(self, key, default=None):
        self._settled(key)
        return self._store.get(key, default)

    def __setitem__(self, key, value):
        self._settled(key)
        self._store[key] = value
        if len(self._store) > self._most:
            self._most = len(self._store)

    def setdefault(self, key, default=None):
        self._settled(key)
        value = self._store.setdefault(key, default)
        self._most = max(self._most, len(self._store))
        return value

    def __delitem__(self, key):
        self._settled(key)
        del self._store[key]
        self._refit()

    def pop(self, key, *default):
        self._settled(key)
        value = self._store.pop(key, *default)
        self._refit()
        return value

    def update(self, items=()):
        if hasattr(items, "keys"):
            for key in items.keys():
                self[key] = items[key]
        else:
            for key, value in items:
                self[key] = value

    def clear(self):
        self._store.clear()
        self._most = 8

    def copy(self):
        return HashMap(self)

    def _walk(self, store, inner):
        for thing in inner:
            yield thing
            if self._store is not store:
                raise RuntimeError("map changed size during iteration")

    def __iter__(self):
        return self._walk(self._store, iter(self._store))

    def keys(self):
        return iter(self)

    def values(self):
        return self._walk(self._store, iter(self._store.values()))

    def items(self):
        return self._walk(self._store, iter(self._store.items()))

    def __eq__(self, other):
        if not isinstance(other, HashMap):
            return NotImplemented
        return self._store == other._store

    def __repr__(self):
        if self._in_repr:
            return "HashMap({...})"
        self._in_repr = True
        try:
            return "HashMap({" + ", ".join([f"{key!r}: {value!r}" for key, value in self.items()]) + "})"
        finally:
            self._in_repr = False
