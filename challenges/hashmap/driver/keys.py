"""Keys made from their descriptions: plain values, and objects that raise, or carry operations out, when compared."""


class Refusal(Exception):
    """What an armed key raises."""


class KeyRefusal(KeyError):
    """What an armed key raises that a map could take for its own "there is no such key"."""


class Key:
    """A key with a chosen hash, equal to every key of its group; while armed, `==`, `hash` and `repr` do as told."""

    def __init__(self, hashed, group):
        self.hashed = hashed
        self.group = group
        self.on_eq = []
        self.on_hash = []
        self.on_repr = []
        self.refusal = Refusal

    def __repr__(self):
        if self.on_repr:
            raise Refusal(self.on_repr.pop())
        return f"Key({self.hashed}, {self.group})"

    def __hash__(self):
        if self.on_hash:
            raise self.refusal(self.on_hash.pop())
        return self.hashed

    def __eq__(self, other):
        if not isinstance(other, Key):
            return self.group is None or NotImplemented
        for key in (self, other):
            if key.on_eq:
                key.on_eq.pop(0)()
        return self.group is None or other.group is None or self.group == other.group


class Contrary(Key):
    """A key whose `!=` says yes to everything, whatever its `==` says; a map asks `==`."""

    def __ne__(self, other):
        return True

    __hash__ = Key.__hash__


class Vague(Key):
    """A key whose `==` answers with something true, or not, that is no bool, as comparisons of NumPy's do."""

    def __eq__(self, other):
        equal = super().__eq__(other)
        return equal if equal is NotImplemented else ["equal"] if equal else ""

    __hash__ = Key.__hash__


def _unhashable(kind):
    return {"list": [], "dict": {}, "set": set(), "bytearray": bytearray(), "tuple": ([],)}[kind]


def key_of(spec):
    """Make the key that a description, a tagged list, tells of."""
    match spec:
        case ["plain", value]:
            return value
        case ["nan"]:
            return float("nan")
        case ["tuple", parts]:
            return tuple(map(key_of, parts))
        case ["object", hashed, group]:
            return Key(hashed, group)
        case ["contrary", hashed, group]:
            return Contrary(hashed, group)
        case ["vague", hashed, group]:
            return Vague(hashed, group)
        case ["unhashable", kind]:
            return _unhashable(kind)
    raise ValueError(f"no such key: {spec!r}")
