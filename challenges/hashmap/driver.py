"""Adapt a submission's `HashMap` to the wire. Runs beside the submission and is trusted with nothing.

Theory of operation: two kinds of calls. Small and exact ones (`replay`) describe hostile keys as tagged lists and
operations as lists, and answer key objects by their number, so that identity survives the wire. Big and fast ones work
on one held map; keys travel as raw int64.

    replay(specs, operations)        behaviour checks: every answer, operation by operation
    build, insert, delete, ...       one held map, untimed or timed: checks on large maps, and the bars' preparation
    bulk_insert, hit_lookups, ...    the bars: input in, whole answer out, garbage collector off
    footprint, leaks                 what the held map and the garbage collector show
    postponed                        what changes of a map leave to be done by whoever looks at it
    note_natives, census             what native containers gained while any other call filled the held map
"""

import builtins
import contextlib
import functools
import gc
import sys
import types
import weakref
from array import array

import solution
from solution import HashMap

# ---- keys from their description


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


def _unhashable(kind):
    return {"list": [], "dict": {}, "set": set(), "bytearray": bytearray(), "tuple": ([],)}[kind]


def _key(spec):
    match spec:
        case ["plain", value]:
            return value
        case ["nan"]:
            return float("nan")
        case ["tuple", parts]:
            return tuple(map(_key, parts))
        case ["object", hashed, group]:
            return Key(hashed, group)
        case ["contrary", hashed, group]:
            return Contrary(hashed, group)
        case ["unhashable", kind]:
            return _unhashable(kind)
    raise ValueError(f"no such key: {spec!r}")


# ---- operations, replayed one after another


class _Pairs:
    """A mapping of the least kind: `keys()` and `[k]`, which compares keys by identity."""

    def __init__(self, pairs):
        self._pairs = pairs

    def keys(self):
        return [key for key, _ in self._pairs]

    def __getitem__(self, wanted):
        return next(value for key, value in reversed(self._pairs) if key is wanted)


_MAPS = 3
_END = object()


class _Stage:
    """The keys, maps and iterators of one replay."""

    def __init__(self, specs):
        self.keys = [_key(spec) for spec in specs]
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
        return [self.number(key), _plain(value), type(pair).__name__]

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
        return _plain(given) if what == "values" else self.number(given)

    def run(self, operation):
        """Carry out one operation and describe its answer, or what it raised."""
        name, *arguments = operation
        try:
            return ["gave", _OPERATIONS[name](self, *arguments)]
        except Exception as fault:  # noqa: BLE001  whatever a map raises is its answer
            return ["raised", _builtin_name(fault), *self.blamed(fault)]

    def blamed(self, fault):
        if not isinstance(fault, KeyError) or isinstance(fault, KeyRefusal):
            return []
        return [self.number(fault.args[0]) if len(fault.args) == 1 else ["arguments", len(fault.args)]]


def _builtin_name(fault):
    """Name the nearest built-in class, so that a subclass of KeyError is a KeyError."""
    mro = type(fault).__mro__
    return next(
        c.__name__
        for c in mro
        if c in {Refusal, KeyRefusal} or (c.__module__ == "builtins" and hasattr(builtins, c.__name__))
    )


def _plain(value):
    return value if value is None or type(value) in {bool, int, float, str} else ["other", type(value).__name__]


def _operation_set(stage, m, key, value):
    stage.maps[m][stage.keys[key]] = value


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


def _operation_hold_itself(stage, m, key):
    """Put a map inside itself."""
    stage.maps[m][stage.keys[key]] = stage.maps[m]


def _plain_repr(m):
    """Give a repr that names every key and value in order as `HashMap({...})`, and any other as it is."""
    text, position = repr(m), 0
    entries = list(m.items())
    for part in (part for entry in entries for part in entry if part is not m):
        found = text.find(repr(part), position)
        if found < 0:
            return text
        position = found + len(repr(part))
    return "HashMap({" + ", ".join(f"{key!r}: {_plain_value_repr(m, value)}" for key, value in entries) + "})"


def _plain_value_repr(m, value):
    if value is m:
        return "HashMap({...})"
    return _plain_repr(value) if isinstance(value, HashMap) else repr(value)


def _operation_is_hashable(stage, m):
    hash(stage.maps[m])
    return True


def _operation_eq_other(stage, m, kind):
    other = {"none": None, "int": 3, "list": list(stage.maps[m].items()), "object": object()}[kind]
    return [bool(stage.maps[m] == other), bool(stage.maps[m] != other)]


_OPERATIONS = {
    "set": _operation_set,
    "get-item": lambda stage, m, key: _plain(stage.maps[m][stage.keys[key]]),
    "del": _operation_del,
    "in": lambda stage, m, key: stage.keys[key] in stage.maps[m],
    "len": lambda stage, m: len(stage.maps[m]),
    "bool": lambda stage, m: bool(stage.maps[m]),
    "get": lambda stage, m, key, *default: _plain(stage.maps[m].get(stage.keys[key], *default)),
    "pop": lambda stage, m, key, *default: _plain(stage.maps[m].pop(stage.keys[key], *default)),
    "setdefault": lambda stage, m, key, *default: _plain(stage.maps[m].setdefault(stage.keys[key], *default)),
    "update": lambda stage, m, pairs: _plain(stage.maps[m].update(stage.pairs(pairs))),
    "update-broken-off": _operation_update_broken_off,
    "update-keys": lambda stage, m, pairs: _plain(stage.maps[m].update(_Pairs(stage.pairs(pairs)))),
    "update-map": lambda stage, m, source: _plain(stage.maps[m].update(stage.maps[source])),
    "clear": lambda stage, m: _plain(stage.maps[m].clear()),
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
    "values": lambda stage, m: [_plain(value) for value in stage.maps[m].values()],
    "items": lambda stage, m: stage.entries(stage.maps[m]),
    "repr": lambda stage, m: _plain_repr(stage.maps[m]),
    "is-hashable": _operation_is_hashable,
    "hold": _operation_hold,
    "hold-itself": _operation_hold_itself,
    "open": _operation_open,
    "step": _Stage.step,
    "arm": _operation_arm,
    "arm-hash": _operation_arm_hash,
    "arm-repr": _operation_arm_repr,
    "is-armed": lambda stage, key: bool(stage.keys[key].on_eq),
    "disarm": _operation_disarm,
}


def replay(specs, operations):
    """Carry out `operations` on fresh maps and answer each: ["gave", answer] or ["raised", name, blamed key].

    Holds the first map, for a census.
    """
    stage = _Stage(specs)
    answers = [stage.run(operation) for operation in operations]
    _hold(stage.maps[0])
    return answers


# ---- one held map

_held = None


def _quiet(function):
    """Keep the garbage collector out of what is timed; it has run before, in `rest`.

    A census looks before the collector is on again, so that nothing can be put away when it comes on.
    """

    @functools.wraps(function)
    def quiet(*args):
        gc.disable()
        try:
            return function(*args)
        finally:
            if _noted is not None:
                _look()
            gc.enable()

    return quiet


def _ints(raw):
    return array("q", raw)


def _hold(map_):
    global _held  # noqa: PLW0603  one process serves one submission, and holds one map at a time
    _held = map_


def rest():
    """Let go of the held map and collect garbage, so that what is timed next starts clean."""
    _hold(None)
    gc.collect()


@_quiet
def build(raw_keys):
    """Hold a fresh map from each key to its position among `raw_keys`; a later one overwrites."""
    rest()
    m = HashMap()
    for position, key in enumerate(_ints(raw_keys)):
        m[key] = position
    _hold(m)
    return len(m)


@_quiet
def insert(raw_keys, first_value):
    """Insert keys with ascending values into the held map and look up every sixteenth of them."""
    m = _held
    keys = _ints(raw_keys)
    for value, key in enumerate(keys, first_value):
        m[key] = value
    return [len(m), array("q", [m[key] for key in keys[::16]]).tobytes()]


def delete(raw_keys):
    """Delete keys from the held map and answer its length."""
    m = _held
    for key in _ints(raw_keys):
        del m[key]
    return len(m)


def clear():
    """Clear the held map and answer its length."""
    _held.clear()
    return len(_held)


def contents():
    """Answer the held map's keys and values, in order."""
    return [array("q", _held).tobytes(), array("q", _held.values()).tobytes()]


# ---- the bars


@_quiet
def bulk_insert(raw_keys, raw_sample):
    """Insert into a fresh map; answer all its values in order and those of a sample of keys."""
    m = HashMap()
    for position, key in enumerate(_ints(raw_keys)):
        m[key] = position
    _hold(m)
    return [array("q", m.values()).tobytes(), array("q", [m[key] for key in _ints(raw_sample)]).tobytes()]


@_quiet
def hit_lookups(raw_keys):
    """Look up keys that are there."""
    m = _held
    return array("q", [m[key] for key in _ints(raw_keys)]).tobytes()


@_quiet
def miss_lookups(raw_keys):
    """Ask for keys that mostly are not there."""
    m = _held
    return bytes([key in m for key in _ints(raw_keys)])


@_quiet
def churn(raw_old, raw_new, first_value):
    """Delete a key and insert another, over and over; answer all values in order."""
    m = _held
    for value, (old, new) in enumerate(zip(_ints(raw_old), _ints(raw_new), strict=True), first_value):
        del m[old]
        m[new] = value
    return array("q", m.values()).tobytes()


@_quiet
def churn_by_pop(raw_old, raw_new, first_value):
    """Do the same, but take keys out by `pop`."""
    m = _held
    for value, (old, new) in enumerate(zip(_ints(raw_old), _ints(raw_new), strict=True), first_value):
        m.pop(old)
        m[new] = value
    return array("q", m.values()).tobytes()


@_quiet
def lengths(times):
    """Ask the held map for its length so many times; answer their sum."""
    m = _held
    return sum([len(m) for _ in range(times)])


@_quiet
def count_words(text):
    """Count words; answer them in order of appearance, with their counts."""
    m = HashMap()
    for word in text.split(" "):
        m[word] = m.get(word, 0) + 1
    _hold(m)
    return [" ".join(m), array("q", m.values()).tobytes()]


@_quiet
def iterate(raw_old, raw_new, passes):
    """Change a few entries and iterate over all in three ways, `passes` times; answer digests and the last order."""
    m = _held
    old, new = _ints(raw_old), _ints(raw_new)
    share = len(old) // passes
    digests = []
    for start in range(0, share * passes, share):
        for value, key in enumerate(old[start : start + share], start):
            del m[key]
            m[new[value]] = -value
        digests.append(hash(tuple(m)))
        digests.append(hash(tuple(m.values())))
        digests.append(hash(tuple([key ^ value for key, value in m.items()])))
    return [digests, array("q", m).tobytes()]


@_quiet
def collide(patterns):
    """For each (raw keys, raw factors, raw lookups, raw factors): build a map, look keys up, and delete every second.

    A key is a base plus a factor times the hash's modulus: keys of one base have equal hashes, and each is made anew.
    """
    modulus = sys.hash_info.modulus
    answers = []
    for raw_bases, raw_factors, raw_wanted, raw_wanted_factors in patterns:
        m = HashMap()
        bases, factors = _ints(raw_bases), _ints(raw_factors)
        for position, (base, factor) in enumerate(zip(bases, factors, strict=True)):
            m[base + factor * modulus] = position
        wanted = zip(_ints(raw_wanted), _ints(raw_wanted_factors), strict=True)
        found = array("q", [m.get(base + factor * modulus, -1) for base, factor in wanted])
        for base, factor in zip(bases[::2], factors[::2], strict=True):
            del m[base + factor * modulus]
        answers.append([found.tobytes(), array("q", m.values()).tobytes()])
        _hold(m)
    return answers


@_quiet
def build_many(raw_keys, size):
    """Build one map after another of `size` keys each; answer all values in order."""
    keys = _ints(raw_keys)
    answer = array("q")
    for start in range(0, len(keys), size):
        m = HashMap()
        for position, key in enumerate(keys[start : start + size]):
            m[key] = position
        answer.extend(m.values())
    _hold(m)
    return answer.tobytes()


def extend(first, stop, factor, modulus):
    """Insert the keys `i * factor % modulus` from i = `first`, with small values, into the held map, or a new one."""
    if _held is None:
        _hold(HashMap())
    m = _held
    for i in range(first, stop):
        m[i * factor % modulus] = i & 127
    return len(m)


# ---- what the map, the interpreter and the collector show

_CODE = (
    type,
    types.ModuleType,
    types.FunctionType,
    types.BuiltinFunctionType,
    types.CodeType,
    types.MethodDescriptorType,
    types.GetSetDescriptorType,
    types.MemberDescriptorType,
    types.WrapperDescriptorType,
    property,
    classmethod,
    staticmethod,
)
_NATIVE = (dict, set, frozenset)


_HEAP_TYPE = 1 << 9
"""The flag of classes that a class statement made."""


def _reachable(roots, leave):
    """List every object reached from `roots`, without going through those that `leave` picks."""
    seen = {id(root): root for root in roots}
    edge = list(seen.values())
    while edge:
        following = []
        for found in gc.get_referents(*edge):
            if id(found) not in seen and not leave(found):
                seen[id(found)] = found
                following.append(found)
        edge = following
    return list(seen.values())


def footprint():
    """Add up the sizes of what the held map consists of, without keys, values (ints here) and code."""
    parts = _reachable([_held], lambda found: isinstance(found, (*_CODE, int, float, str, type(None))))
    return sum(map(_size, parts))


def _size(part):
    """Give the size of an object by its native type: a class may say what it likes of its instances."""
    kind = next(kind for kind in type(part).__mro__ if not kind.__flags__ & _HEAP_TYPE)
    return kind.__sizeof__(part)


_noted = None
_seen = None


def note_natives():
    """Let go of the held map, and note every native container and what is in it, for the next census."""
    global _noted, _seen  # noqa: PLW0603  what is noted must outlive the calls in between
    _noted = _seen = None
    rest()
    before = {id(container): (len(container), container) for container in _native_containers([])}
    _noted = before, _entries(container for _, container in before.values())


def census(kind, inserted):
    """Tell how native containers grew since they were noted, and how many of the inserted keys the held map reaches.

    Asks nothing of the map. Answers [most that one container grew, distinct keys that containers gained, keys reached].
    """
    global _noted, _seen  # noqa: PLW0603  their containers may go
    if _seen is None:
        _look()
    grown, gained = _seen
    _noted = _seen = None
    return [grown, gained, _reached(kind, inserted)]


def _look():
    """See how native containers have grown since they were noted."""
    global _seen  # noqa: PLW0603  read when the census is asked for
    before, known = _noted
    own = {id(before), id(known)}
    after = [container for container in _native_containers([_held]) if id(container) not in own]
    grown = max(len(container) - before.get(id(container), (0,))[0] for container in after)
    _seen = grown, len(_entries(after) - known)


def _native_containers(extra):
    """Find every dict, set and frozenset. The collector does not list those of atoms alone: follow all references."""
    everything = _reachable([*gc.get_objects(), *extra], lambda found: isinstance(found, (int, float, str, bytes)))
    return [found for found in everything if isinstance(found, _NATIVE)]


def _entries(containers):
    return {(type(key), _hash(key)) for container in containers for key in container}


def _hash(key):
    return object.__hash__(key) if isinstance(key, type) else hash(key)


def _reached(kind, inserted):
    """Count the keys that are reached from the held map, or from the submission's modules."""
    folder = solution.__file__.rpartition("/")[0]
    modules = [vars(module) for module in [solution, *sys.modules.values()] if _lies_in(folder, module)]
    mine = globals()

    def leave(found):
        return isinstance(found, (types.ModuleType, types.FrameType)) or found is mine

    reachable = _reachable([_held, *modules], leave)
    match kind:
        case "ints":
            return len({found for found in reachable if type(found) is int}.intersection(_ints(inserted)))
        case "strings":
            return len({found for found in reachable if type(found) is str}.intersection(inserted.split(" ")))
        case "objects":
            return len({found.hashed for found in reachable if type(found) is Key}.intersection(_ints(inserted)))
    raise ValueError(f"no such kind of keys: {kind!r}")


def _lies_in(folder, module):
    return str(getattr(module, "__file__", None)).startswith(folder)


def postponed(raw_keys, change, look):
    """Fill a fresh map, change it or make another of it, and look nine times: steps of the interpreter for each look.

    What a change left to be done is done at the first look, and shows as more steps than the other looks take.
    """
    keys = _ints(raw_keys)
    m = HashMap()
    if change != "set":
        for key in keys:
            m[key] = key
    m = _CHANGES[change](m, keys) or m
    looking = _LOOKS[look]
    return [_steps(looking, m, key) for key in keys[-9:]]


def _steps(looking, m, key):
    """Count the interpreter's steps while one call runs: the same each time, on any machine."""
    count = 0

    def trace(frame, event, _):
        nonlocal count
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        count += event == "opcode"
        return trace

    sys.settrace(trace)
    try:
        looking(m, key)
    finally:
        sys.settrace(None)
    return count


def _set_all(m, keys):
    for key in keys:
        m[key] = key


def _setdefault_all(m, keys):
    for key in keys:
        m.setdefault(key + 1, key)


def _delete_most(m, keys):
    for key in keys[:-16]:
        del m[key]


def _pop_most(m, keys):
    for key in keys[:-16]:
        m.pop(key)


def _copied(m, _):
    return m.copy()


def _made_of_pairs(_, keys):
    return HashMap([(key, key) for key in keys])


def _made_of_map(m, _):
    return HashMap(m)


_CHANGES = {
    "copy": _copied,
    "HashMap(pairs)": _made_of_pairs,
    "HashMap(m)": _made_of_map,
    "set": _set_all,
    "setdefault": _setdefault_all,
    "update": lambda m, keys: m.update([(key + 1, key) for key in keys]),
    "del": _delete_most,
    "pop": _pop_most,
}
_LOOKS = {
    "key in m": lambda m, key: key in m,
    "m[key]": lambda m, key: m[key],
    "m.get(key)": lambda m, key: m.get(key),
    "len(m)": lambda m, _: len(m),
}


class Tracked:
    """A key or value whose end can be seen; equal to others of its number."""

    def __init__(self, number):
        self.number = number

    def __hash__(self):
        return self.number

    def __eq__(self, other):
        return isinstance(other, Tracked) and self.number == other.number


def leaks(way, count):
    """Let a map of `count` entries lose things in one way, and count what lives on: [keys, values, entries left]."""
    m = HashMap()
    watched_keys, watched_values = [], []

    def fresh(number, watched):
        thing = Tracked(number)
        watched.append(weakref.ref(thing))
        return thing

    for number in range(count):
        m[fresh(number, watched_keys)] = fresh(number, watched_values)
    m = _WAYS[way](m, count, fresh, watched_keys, watched_values)
    gc.collect()
    return [*(sum(ref() is not None for ref in watched) for watched in (watched_keys, watched_values)), len(m)]


def _lose_by_del(m, count, *_):
    for number in range(count):
        del m[Tracked(number)]
    return m


def _lose_by_pop(m, count, *_):
    for number in range(count):
        m.pop(Tracked(number))
    return m


def _lose_by_clear(m, *_):
    m.clear()
    return m


def _lose_half(m, count, *_):
    for number in range(0, count, 2):
        del m[Tracked(number)]
    return m


def _overwrite(m, count, fresh, watched_keys, _):
    for number in range(count):
        m[fresh(number, watched_keys)] = number
    return m


def _update(m, count, fresh, watched_keys, _):
    m.update((fresh(number, watched_keys), number) for number in range(count))
    return m


def _only_ask(m, count, fresh, watched_keys, watched_values):
    for number in range(2 * count):
        key = fresh(number, watched_keys)
        m.get(key, fresh(number, watched_values))
        key in m  # noqa: B015  asking is the point
        if number < count:
            m.setdefault(key, fresh(number, watched_values))
        else:
            m.pop(key, fresh(number, watched_values))
    return m


def _fail(m, count, fresh, watched_keys, _):
    for number in range(count, 2 * count):
        for attempt in (m.__getitem__, m.__delitem__, m.pop):
            with contextlib.suppress(KeyError):
                attempt(fresh(number, watched_keys))
    return m


def _iterate_and_clear(m, *_):
    for view in (m.keys(), m.values(), m.items()):
        for thing in view:  # noqa: B007
            pass
    del thing
    m.clear()
    return m


def _drop_the_map(*_):
    return HashMap()


_WAYS = {
    "del": _lose_by_del,
    "pop": _lose_by_pop,
    "clear": _lose_by_clear,
    "del-half": _lose_half,
    "overwrite": _overwrite,
    "update": _update,
    "ask": _only_ask,
    "fail": _fail,
    "iterate-and-clear": _iterate_and_clear,
    "drop": _drop_the_map,
}
