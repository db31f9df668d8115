"""Small and exact calls: a list of operations, replayed one after another on fresh maps, every answer kept.

Key objects are answered by their number, so that identity survives the wire. An armed key carries operations out in
the middle of another one, on the same maps.
"""

import functools

from solution import HashMap

from .answers import builtin_name, plain, plain_repr
from .held import hold
from .keys import KeyRefusal, Refusal, key_of
from .natives import now_and_then_quiet


class _Pairs:
    """A mapping of the least kind: `keys()` and `[k]`, which compares keys by identity."""

    def __init__(self, pairs):
        self._pairs = pairs

    def keys(self):
        return [key for key, _ in self._pairs]

    def __getitem__(self, wanted):
        return next(value for key, value in reversed(self._pairs) if key is wanted)


class _PairsBrokenOff(_Pairs):
    """Such a mapping that has no value for the last of its keys, and raises."""

    def keys(self):
        return [*super().keys(), self]

    def __getitem__(self, wanted):
        if wanted is self:
            raise Refusal("iteration")
        return super().__getitem__(wanted)


_MAPS = 3
_END = object()


class _Stage:
    """The keys, maps and iterators of one replay."""

    def __init__(self, specs):
        self.keys = [key_of(spec) for spec in specs]
        self.numbers = {id(key): number for number, key in enumerate(self.keys)}
        self.maps = {m: HashMap() for m in range(_MAPS)}
        self.iterators = {}

    def number(self, key):
        """Say which key object this is; one that the map was never given is a stranger."""
        found = self.numbers.get(id(key))
        return ["stranger", type(key).__name__] if found is None else found

    def pairs(self, pairs):
        return [(self.keys[number], value) for number, value in pairs]

    def entries(self, map_):
        return [self.entry(pair) for pair in map_.items()]

    def entry(self, pair):
        key, value = pair
        return [self.number(key), plain(value), type(pair).__name__]

    def make_iterator(self, map_, what):
        return {
            "iter": lambda: iter(map_),
            "keys": lambda: iter(map_.keys()),
            "values": lambda: iter(map_.values()),
        }.get(what, lambda: iter(map_.items()))()

    def step(self, name, what):
        given = next(self.iterators[name], _END)
        if given is _END:
            return ["end"]
        if what == "items":
            return self.entry(given)
        return plain(given) if what == "values" else self.number(given)

    def run(self, operation):
        """Carry out one operation and describe its answer, or what it raised."""
        name, *arguments = operation
        try:
            return ["gave", _OPERATIONS[name](self, *arguments)]
        except Exception as fault:  # noqa: BLE001  whatever a map raises is its answer
            return ["raised", builtin_name(fault), *self.blamed(fault)]

    def blamed(self, fault):
        if not isinstance(fault, KeyError) or isinstance(fault, KeyRefusal):
            return []
        return [self.number(fault.args[0]) if len(fault.args) == 1 else ["arguments", len(fault.args)]]


def _operation_set(stage, m, key, value):
    stage.maps[m][stage.keys[key]] = value


def _operation_fill(stage, m, first, count):
    """Insert so many keys, each with its number as its value."""
    m = stage.maps[m]
    for number in range(first, first + count):
        m[stage.keys[number]] = number


def _operation_thin(stage, m, first, count, step):
    """Delete every `step`-th of so many keys."""
    m = stage.maps[m]
    for number in range(first, first + count, step):
        del m[stage.keys[number]]


def _operation_del(stage, m, key):
    del stage.maps[m][stage.keys[key]]


def _operation_new(stage, m, pairs):
    stage.maps[m] = HashMap(stage.pairs(pairs))


def _operation_copy(stage, m, source):
    stage.maps[m] = stage.maps[source].copy()
    return type(stage.maps[m]) is HashMap


def _operation_update_broken_off(stage, m, pairs):
    """Update from an iterable that raises when it has given all pairs."""

    def broken_off():
        yield from stage.pairs(pairs)
        raise Refusal("iteration")

    stage.maps[m].update(broken_off())


def _operation_open(stage, m, name, what):
    stage.iterators[name] = stage.make_iterator(stage.maps[m], what)


def _operation_arm(stage, key, actions):
    """Make the next comparisons of `key` raise, or carry out operations before they answer."""

    def action(what):
        def refuse():
            raise KeyRefusal("==") if what == "raise KeyError" else Refusal("==")

        return refuse if isinstance(what, str) else functools.partial(_run_all, stage, what)

    stage.keys[key].on_eq = [action(what) for what in actions]


def _run_all(stage, operations):
    for operation in operations:
        stage.run(operation)


def _operation_arm_hash(stage, key, what):
    stage.keys[key].on_hash = ["hash"]
    stage.keys[key].refusal = KeyRefusal if what == "raise KeyError" else Refusal


def _operation_arm_repr(stage, key):
    stage.keys[key].on_repr = ["repr"]


def _operation_disarm(stage, key):
    stage.keys[key].on_eq, stage.keys[key].on_hash = [], []


def _operation_hold(stage, m, key, other):
    """Put another map into a map."""
    stage.maps[m][stage.keys[key]] = stage.maps[other]


def _operation_hold_key(stage, m, key, other):
    """Put a key into a map as a value."""
    stage.maps[m][stage.keys[key]] = stage.keys[other]


def _operation_hold_itself(stage, m, key):
    """Put a map inside itself."""
    stage.maps[m][stage.keys[key]] = stage.maps[m]


def _operation_is_hashable(stage, m):
    hash(stage.maps[m])
    return True


class _HasKeys:
    """No mapping: `keys` is what it has, and no method."""

    keys = ()


def _operation_eq_other(stage, m, kind):
    other = {
        "none": None,
        "int": 3,
        "list": list(stage.maps[m].items()),
        "object": object(),
        "its class": type(stage.maps[m]),
        "object with an attribute keys": _HasKeys(),
    }[kind]
    return [bool(stage.maps[m] == other), bool(stage.maps[m] != other)]


_OPERATIONS = {
    "set": _operation_set,
    "fill": _operation_fill,
    "thin": _operation_thin,
    "get-item": lambda stage, m, key: plain(stage.maps[m][stage.keys[key]]),
    "del": _operation_del,
    "in": lambda stage, m, key: stage.keys[key] in stage.maps[m],
    "len": lambda stage, m: len(stage.maps[m]),
    "bool": lambda stage, m: bool(stage.maps[m]),
    "get": lambda stage, m, key, *default: plain(stage.maps[m].get(stage.keys[key], *default)),
    "pop": lambda stage, m, key, *default: plain(stage.maps[m].pop(stage.keys[key], *default)),
    "setdefault": lambda stage, m, key, *default: plain(stage.maps[m].setdefault(stage.keys[key], *default)),
    "update": lambda stage, m, pairs: plain(stage.maps[m].update(stage.pairs(pairs))),
    "update-broken-off": _operation_update_broken_off,
    "update-keys": lambda stage, m, pairs: plain(stage.maps[m].update(_Pairs(stage.pairs(pairs)))),
    "update-keys-broken-off": lambda stage, m, pairs: stage.maps[m].update(_PairsBrokenOff(stage.pairs(pairs))),
    "update-map": lambda stage, m, source: plain(stage.maps[m].update(stage.maps[source])),
    "clear": lambda stage, m: plain(stage.maps[m].clear()),
    "new": _operation_new,
    "new-empty": lambda stage, m: stage.maps.update({m: HashMap()}),
    "new-from-map": lambda stage, m, source: stage.maps.update({m: HashMap(stage.maps[source])}),
    "copy": _operation_copy,
    "eq": lambda stage, m, other: [
        bool(stage.maps[m] == stage.maps[other]),
        bool(stage.maps[m] != stage.maps[other]),
    ],
    "eq-other": _operation_eq_other,
    "iter": lambda stage, m: [stage.number(key) for key in stage.maps[m]],
    "keys": lambda stage, m: [stage.number(key) for key in stage.maps[m].keys()],  # noqa: SIM118
    "values": lambda stage, m: [plain(value) for value in stage.maps[m].values()],
    "items": lambda stage, m: stage.entries(stage.maps[m]),
    "repr": lambda stage, m: plain_repr(stage.maps[m]),
    "is-hashable": _operation_is_hashable,
    "hold": _operation_hold,
    "hold-key": _operation_hold_key,
    "hold-itself": _operation_hold_itself,
    "repr-ends": lambda stage, m: isinstance(repr(stage.maps[m]), str),
    "open": _operation_open,
    "step": _Stage.step,
    "arm": _operation_arm,
    "arm-hash": _operation_arm_hash,
    "arm-repr": _operation_arm_repr,
    "is-armed": lambda stage, key: bool(stage.keys[key].on_eq),
    "disarm": _operation_disarm,
}


@now_and_then_quiet
def replay(specs, operations):
    """Carry out `operations` on fresh maps and answer each: ["gave", answer] or ["raised", name, blamed key].

    Holds the first map, for a census.
    """
    stage = _Stage(specs)
    answers = [stage.run(operation) for operation in operations]
    hold(stage.maps[0])
    return answers
