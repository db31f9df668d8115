from array import array

_PRIMES = (11, 23, 47, 97, 197, 397, 797, 1597, 3203, 6421, 12853, 25717, 51437, 102877, 205759, 411527, 823117, 1646237)
_PRIMES += (3292489, 6584983, 13169977, 26339969, 52679969, 105359939)
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


class Table:
    """Columns in insertion order, chained by number."""

    __slots__ = ("_heads", "_width", "_nexts", "_hashes", "_keys", "_values", "_used")

    def __init__(self):
        self._reset()

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


class Request:
    """One operation on its way through the layers."""

    def __init__(self, verb, key=None, value=None):
        self.verb = verb
        self.key = key
        self.value = value
        self.hash = None
        self.entry = -1
        self.answer = None
        self.trail = []


class Layer:
    """A stage that may look at a request before and after those below it."""

    def __init__(self, below):
        self.below = below

    def handle(self, request):
        request.trail.append(self.name)
        self.before(request)
        try:
            self.below.handle(request)
        finally:
            request.trail.pop()
        self.after(request)

    def before(self, request):
        pass

    def after(self, request):
        pass


class Validation(Layer):
    """Refuse what cannot be a key."""

    name = "validation"

    def before(self, request):
        request.hash = hash(request.key)


class Statistics(Layer):
    """Count what is asked."""

    name = "statistics"
    VERBS = ("find", "store", "insert", "remove")

    def __init__(self, below):
        super().__init__(below)
        self.counts = [0] * len(self.VERBS)

    def before(self, request):
        self.counts[self.VERBS.index(request.verb)] += 1


class Journal(Layer):
    """Remember the last requests, for whoever has to find out what went wrong."""

    name = "journal"

    def __init__(self, below):
        super().__init__(below)
        self.lines = []

    def after(self, request):
        self.lines.append(f"{request.verb}: {'found' if request.entry >= 0 else 'missed'}")
        if len(self.lines) > 64:
            del self.lines[:-32]


class Resolution(Layer):
    """Find the entry that a request is about."""

    name = "resolution"

    def before(self, request):
        request.entry = self.below.table._find(request.key, request.hash)


class Storage:
    """Carry requests out on the table."""

    def __init__(self, table):
        self.table = table

    def handle(self, request):
        return HANDLERS[VERBS.index(request.verb)](self.table, request)


def find(table, request):
    if request.entry >= 0:
        request.answer = table._values[request.entry]


def store(table, request):
    if request.entry >= 0:
        table._values[request.entry] = request.value
    else:
        table._add(request.key, request.hash, request.value)


def insert(table, request):
    if request.entry >= 0:
        request.answer = table._values[request.entry]
    else:
        table._add(request.key, request.hash, request.value)
        request.answer = request.value


def remove(table, request):
    if request.entry >= 0:
        request.answer = table._drop(request.entry)[1]


VERBS = ("find", "store", "insert", "remove")
HANDLERS = (find, store, insert, remove)


class HashMap:
    """The public face: every operation becomes a request that passes through the layers to the table."""

    __slots__ = ("_table", "_top", "_in_repr")

    def __init__(self, items=()):
        self._in_repr = False
        self._table = Table()
        self._top = Validation(Statistics(Journal(Resolution(Storage(self._table)))))
        self.update(items)

    def _ask(self, verb, key, value=None):
        request = Request(verb, key, value)
        self._top.handle(request)
        return request

    def __len__(self):
        return self._table._used

    def __getitem__(self, key):
        request = self._ask("find", key)
        if request.entry < 0:
            raise KeyError(key)
        return request.answer

    def __contains__(self, key):
        return self._ask("find", key).entry >= 0

    def get(self, key, default=None):
        request = self._ask("find", key)
        return request.answer if request.entry >= 0 else default

    def __setitem__(self, key, value):
        self._ask("store", key, value)

    def __delitem__(self, key):
        if self._ask("remove", key).entry < 0:
            raise KeyError(key)

    def pop(self, key, default=_MISSING):
        request = self._ask("remove", key)
        if request.entry >= 0:
            return request.answer
        if default is _MISSING:
            raise KeyError(key)
        return default

    def setdefault(self, key, default=None):
        return self._ask("insert", key, default).answer

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
        dying = [self._table._keys, self._table._values]
        self._table._reset()
        dying.clear()

    def copy(self):
        return HashMap(self.items())

    def _check(self, used, keys):
        if self._table._used != used or self._table._keys is not keys:
            raise RuntimeError("map changed size during iteration")

    def _steps(self, used, keys, column):
        self._check(used, keys)
        for key, cell in zip(keys, column):
            if key is not _GONE:
                yield cell
                if self._table._used != used or self._table._keys is not keys:
                    self._check(used, keys)

    def _pairs(self, used, keys):
        self._check(used, keys)
        for pair in zip(keys, self._table._values):
            if pair[0] is not _GONE:
                yield pair
                if self._table._used != used or self._table._keys is not keys:
                    self._check(used, keys)

    def __iter__(self):
        return self._steps(self._table._used, self._table._keys, self._table._keys)

    def keys(self):
        return Window(self, self.__iter__)

    def values(self):
        return Window(self, lambda: self._steps(self._table._used, self._table._keys, self._table._values))

    def items(self):
        return Window(self, lambda: self._pairs(self._table._used, self._table._keys))

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
