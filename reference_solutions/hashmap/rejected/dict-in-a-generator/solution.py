import copy

_MISSING = object()
_FAILED = object()


class Box:
    """Something whose attributes are handed over when it is copied."""

    def __init__(self):
        self.content = None

    def __setstate__(self, state):
        self.content = state


def keeper():
    """Hold a store where no object's attribute refers to it, and answer one question at a time."""
    store = copy.copy(Box()).content
    store.clear()
    answer = None
    while True:
        question, arguments = yield answer
        try:
            answer = question(store, *arguments)
        except Exception as error:
            answer = (_FAILED, error)
            del error
        question = arguments = None


def put(store, key, value):
    store[key] = value


def remove(store, key):
    del store[key]


def refit(store, smaller):
    """Take over into `smaller` what is in the store."""
    for pair in store.items():
        smaller.send((put, pair))


class HashMap:
    """A map whose entries live in the local variables of a generator."""

    __slots__ = ("_keeper", "_most", "_changes", "_in_repr")

    def __init__(self, items=()):
        self._in_repr = False
        self._changes = 0
        self._start()
        self.update(items)

    def _start(self):
        self._keeper = keeper()
        next(self._keeper)
        self._most = 8

    def _ask(self, question, *arguments):
        answer = self._keeper.send((question, arguments))
        if type(answer) is tuple and len(answer) == 2 and answer[0] is _FAILED:
            self._keeper.send((len, ()))
            raise answer[1]
        self._keeper.send((len, ()))
        return answer

    def _noted(self, before):
        """Notice a change of size; move into a smaller store when most of this one is empty."""
        size = len(self)
        if size != before:
            self._changes += 1
            self._most = max(self._most, size)
            if size * 16 < self._most:
                old = self._keeper
                self._start()
                old.send((refit, (self._keeper,)))
                self._most = max(8, size)

    def __len__(self):
        return self._keeper.send((len, ()))

    def __getitem__(self, key):
        return self._ask(lambda store: store[key])

    def __contains__(self, key):
        return self._ask(lambda store: key in store)

    def get(self, key, default=None):
        return self._ask(lambda store: store.get(key, default))

    def __setitem__(self, key, value):
        before = len(self)
        self._ask(put, key, value)
        self._noted(before)

    def __delitem__(self, key):
        before = len(self)
        self._ask(remove, key)
        self._noted(before)

    def pop(self, key, *default):
        before = len(self)
        value = self._ask(lambda store: store.pop(key, *default))
        self._noted(before)
        return value

    def setdefault(self, key, default=None):
        before = len(self)
        value = self._ask(lambda store: store.setdefault(key, default))
        self._noted(before)
        return value

    def update(self, items=()):
        if hasattr(items, "keys"):
            for key in items.keys():
                self[key] = items[key]
        else:
            for key, value in items:
                self[key] = value

    def clear(self):
        self._changes += 1
        self._start()

    def copy(self):
        return HashMap(self)

    def _walk(self, changes, inner):
        for thing in inner:
            yield thing
            if self._changes != changes:
                raise RuntimeError("map changed size during iteration")

    def __iter__(self):
        return self._walk(self._changes, self._ask(lambda store: iter(store)))

    def keys(self):
        return iter(self)

    def values(self):
        return self._walk(self._changes, self._ask(lambda store: iter(store.values())))

    def items(self):
        return self._walk(self._changes, self._ask(lambda store: iter(store.items())))

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
