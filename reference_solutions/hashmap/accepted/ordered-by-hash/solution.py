"""An insertion-ordered map whose index is a two-level B+ tree of hashes, as a database would build it.

There is no bucket array, no probing, no load factor and no rehash.  Three parts:

* a log: `_K` and `_V`, keys and values in insertion order, a deleted entry leaving the tombstone `_Gone`;
* leaves: `_H[j]` is an array of hashes, sorted, and `_S[j]` an array of their places in the log;
* fences: `_F[j]` is the first hash of leaf j + 1, so that `bisect_right(_F, h)` is the leaf of `h`.

Entries with equal hashes always lie side by side in one leaf.  A place in the log is never given out twice while the
list `_K` is the same object; so (`_K`, `len(_K)`, `_dead`) is a version number of the structure that costs nothing to
keep.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import ItemsView, KeysView, Mapping, MutableMapping, ValuesView
from itertools import accumulate, compress

CAP = 80  # most entries of a leaf, but for a longer run of one hash
FILL = 56  # entries of a leaf after a rebuild
SLACK = 24  # tombstones that are always tolerated
RESTARTS = 100  # a search may be disturbed by a key's own __eq__; this often, and no more


class _Gone:
    """The class itself stands for a deleted key and for an argument not given."""


def _changed() -> RuntimeError:
    return RuntimeError("HashMap changed during iteration")


class HashMap(MutableMapping):
    """Map hashable keys to values, in insertion order."""

    __slots__ = ("_F", "_H", "_K", "_S", "_V", "__weakref__", "_busy", "_dead")
    __hash__ = None

    def __init__(self, items=()):
        self._busy = False
        self._reset()
        self.update(items)

    def _reset(self):
        index = [], [array("q")], [array("I")]
        keys, values = [], []
        self._F, self._H, self._S = index
        self._K, self._V = keys, values
        self._dead = 0

    # -- finding

    def _seek(self, key, h):
        """Search the whole run of `h`: (leaf, place of `key` in the leaf or -1, end of the run)."""
        for _ in range(RESTARTS):
            j = bisect_right(self._F, h)
            hashes = self._H[j]
            end = i = bisect_right(hashes, h)
            places = self._S[j]
            keys = self._K
            size = len(keys)
            dead = self._dead
            while i and hashes[i - 1] == h:
                i -= 1
                k = keys[places[i]]
                if k is key:
                    return j, i, end
                same = True if k == key else False  # noqa: SIM210  the truth of it may be foreign code too
                if self._K is not keys or len(keys) != size or self._dead != dead:
                    break
                if same:
                    return j, i, end
            else:
                return j, -1, end
        raise RuntimeError("HashMap kept changing during a search")

    def __getitem__(self, key):
        h = hash(key)
        j = bisect_right(self._F, h)
        hashes = self._H[j]
        i = bisect_right(hashes, h)
        if i and hashes[i - 1] == h:
            s = self._S[j][i - 1]
            keys = self._K
            k = keys[s]
            if k is key or (k == key and keys is self._K and keys[s] is k):
                return self._V[s]
            j, i, _ = self._seek(key, h)
            if i >= 0:
                return self._V[self._S[j][i]]
        raise KeyError(key)

    def get(self, key, default=None):
        """Give the value of `key`, or `default`."""
        h = hash(key)
        j = bisect_right(self._F, h)
        hashes = self._H[j]
        i = bisect_right(hashes, h)
        if i and hashes[i - 1] == h:
            s = self._S[j][i - 1]
            keys = self._K
            k = keys[s]
            if k is key or (k == key and keys is self._K and keys[s] is k):
                return self._V[s]
            j, i, _ = self._seek(key, h)
            if i >= 0:
                return self._V[self._S[j][i]]
        return default

    def __contains__(self, key):
        h = hash(key)
        j = bisect_right(self._F, h)
        hashes = self._H[j]
        i = bisect_right(hashes, h)
        if i and hashes[i - 1] == h:
            s = self._S[j][i - 1]
            keys = self._K
            k = keys[s]
            if k is key or (k == key and keys is self._K and keys[s] is k):
                return True
            return self._seek(key, h)[1] >= 0
        return False

    # -- inserting

    def __setitem__(self, key, value):
        h = hash(key)
        j = bisect_right(self._F, h)
        hashes = self._H[j]
        end = bisect_right(hashes, h)
        keys = self._K
        if end and hashes[end - 1] == h:
            s = self._S[j][end - 1]
            k = keys[s]
            if k is key or (k == key and keys is self._K and keys[s] is k):
                self._V[s] = value
                return
            j, i, end = self._seek(key, h)
            if i >= 0:
                self._V[self._S[j][i]] = value
                return
            hashes = self._H[j]
            keys = self._K
        self._S[j].insert(end, len(keys))
        hashes.insert(end, h)
        self._V.append(value)
        keys.append(key)
        if len(hashes) > CAP:
            self._split(j)

    def setdefault(self, key, default=None):
        """Give the value of `key`, inserting `default` first when it is absent."""
        h = hash(key)
        j, i, end = self._seek(key, h)
        if i >= 0:
            return self._V[self._S[j][i]]
        hashes = self._H[j]
        self._S[j].insert(end, len(self._K))
        hashes.insert(end, h)
        self._V.append(default)
        self._K.append(key)
        if len(hashes) > CAP:
            self._split(j)
        return default

    def _split(self, j):
        hashes, places = self._H[j], self._S[j]
        if hashes[0] == hashes[-1]:
            return  # one hash: it can't be split
        keys, size, dead = self._K, len(self._K), self._dead
        middle = hashes[len(hashes) >> 1]
        at = bisect_left(hashes, middle) or bisect_right(hashes, middle)
        upper, upper_places = hashes[at:], places[at:]
        # An allocation may run the garbage collector, and that a finalizer which uses this map: then leave it to the
        # next insertion.
        if self._K is keys and len(keys) == size and self._dead == dead:
            del hashes[at:], places[at:]
            self._F.insert(j, upper[0])
            self._H.insert(j + 1, upper)
            self._S.insert(j + 1, upper_places)

    def update(self, items):
        """Insert or overwrite every entry of `items`: a mapping, or an iterable of pairs."""
        if hasattr(items, "keys"):
            for key in items.keys():  # noqa: SIM118
                self[key] = items[key]
        else:
            for key, value in items:
                self[key] = value

    # -- removing

    def __delitem__(self, key):
        h = hash(key)
        j = bisect_right(self._F, h)
        hashes = self._H[j]
        i = bisect_right(hashes, h) - 1
        if i < 0 or hashes[i] != h:
            raise KeyError(key)
        if self._K[self._S[j][i]] is not key:
            j, i, _ = self._seek(key, h)
            if i < 0:
                raise KeyError(key)
        self._remove(j, i)

    def pop(self, key, default=_Gone):
        """Remove `key` and give its value; without `default`, raise KeyError when it is absent."""
        j, i, _ = self._seek(key, hash(key))
        if i >= 0:
            return self._remove(j, i)
        if default is _Gone:
            raise KeyError(key)
        return default

    def _remove(self, j, i):
        hashes, places = self._H[j], self._S[j]
        keys, values = self._K, self._V
        s = places[i]
        key, value = keys[s], values[s]  # noqa: F841  keep the key: its finalizer must not run before all is done
        del hashes[i], places[i]
        keys[s] = _Gone
        values[s] = None
        self._dead = dead = self._dead + 1
        if not hashes and len(self._H) > 1:
            del self._H[j], self._S[j], self._F[j - 1 if j else 0]
        if dead > SLACK and dead + dead > len(keys):
            self._compact()
        return value

    def _compact(self):
        """Rewrite the log without tombstones and the leaves at an even filling."""
        old, size, dead = self._K, len(self._K), self._dead
        live = [k is not _Gone for k in old]
        rank = array("I", accumulate(live, initial=0))
        keys = list(compress(old, live))
        values = list(compress(self._V, live))
        every, places = array("q"), array("I")
        for part in self._H:
            every.extend(part)
        for part in self._S:
            places.extend(array("I", [rank[s] for s in part]))
        fences, leaves, leaf_places = [], [], []
        a, n = 0, len(every)
        while a < n or not leaves:
            b = min(a + FILL, n)
            if b < n:
                b = bisect_right(every, every[b - 1], b)
            if a:
                fences.append(every[a])
            leaves.append(every[a:b])
            leaf_places.append(places[a:b])
            a = b
        if self._K is old and len(old) == size and self._dead == dead:  # see _split
            self._F, self._H, self._S = fences, leaves, leaf_places
            self._K, self._V = keys, values
            self._dead = 0

    def clear(self):
        """Remove every entry."""
        kept = self._K, self._V  # noqa: F841  finalizers run when all is done
        self._reset()

    # -- the whole

    def __len__(self):
        return len(self._K) - self._dead

    def __iter__(self):
        return self._each(self._K, len(self))

    def _each(self, keys, size):
        if self._K is not keys or len(keys) - self._dead != size:
            raise _changed()
        for k in keys:
            if k is not _Gone:
                yield k
                if self._K is not keys or len(keys) - self._dead != size:
                    raise _changed()

    def _each_value(self, keys, size):
        for entry in self._each_item(keys, size):
            yield entry[1]

    def _each_item(self, keys, size):
        if self._K is not keys or len(keys) - self._dead != size:
            raise _changed()
        for entry in zip(keys, self._V, strict=False):
            if entry[0] is not _Gone:
                yield entry
                if self._K is not keys or len(keys) - self._dead != size:
                    raise _changed()

    def keys(self):
        """Give the keys, lazily and in order."""
        return _Keys(self)

    def values(self):
        """Give the values, lazily and in order."""
        return _Values(self)

    def items(self):
        """Give the entries as (key, value) tuples, lazily and in order."""
        return _Items(self)

    def copy(self):
        """Make a map with the same entries in the same order, which shares no state with this one."""
        twin = type(self)()
        while True:
            keys, size, dead = self._K, len(self._K), self._dead
            parts = self._F[:], [h[:] for h in self._H], [s[:] for s in self._S], keys[:], self._V[:]
            if self._K is keys and len(keys) == size and self._dead == dead:
                twin._F, twin._H, twin._S, twin._K, twin._V = parts
                twin._dead = dead
                return twin

    __copy__ = copy

    def __eq__(self, other):
        if not isinstance(other, Mapping):
            return NotImplemented
        if len(self) != len(other):
            return False
        for key, value in self.items():
            theirs = other.get(key, _Gone)
            if theirs is _Gone or not (theirs is value or theirs == value):
                return False
        return True

    def __repr__(self):
        if self._busy:
            return "HashMap({...})"
        self._busy = True
        try:
            return "HashMap({" + ", ".join([f"{k!r}: {v!r}" for k, v in self.items()]) + "})"
        finally:
            self._busy = False


class _Keys(KeysView):
    __slots__ = ()

    def __iter__(self):
        return iter(self._mapping)


class _Values(ValuesView):
    __slots__ = ()

    def __iter__(self):
        return self._mapping._each_value(self._mapping._K, len(self._mapping))


class _Items(ItemsView):
    __slots__ = ()

    def __iter__(self):
        return self._mapping._each_item(self._mapping._K, len(self._mapping))
