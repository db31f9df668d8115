"""The oracle of a replay: what every operation must answer, by the semantics of the specification.

Keys are the descriptions that the driver builds objects from, named by their number. What decides whether two of them
are one key is computed from the descriptions alone (`identities`), so no hostile `__eq__` runs here and a plain `dict`
can be the model.
Answers have the driver's form: `["gave", answer]` or `["raised", name, blamed key]`.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import Any

Spec = list[Any]
Operation = list[Any]
Answer = list[Any]

MAPS = 3
"""Maps that a replay begins with; the driver has as many."""

OBJECTS = frozenset({"object", "contrary", "vague"})
"""Kinds of keys that compare by their group."""

REFUSALS = {"raise": "Refusal", "raise KeyError": "KeyRefusal"}
"""What an armed key raises, by what it is armed with."""

MINUS_ONE = -1
"""No object has this hash: Python turns it into -2."""


class Unhashable(Exception):
    """The key can't be hashed; a map answers TypeError."""


class Refused(Exception):
    """The key raised when it was compared, hashed or shown, and `name` is the name of what it raised."""

    def __init__(self, name: str = "Refusal") -> None:
        super().__init__(name)
        self.name = name


class Resized(Exception):
    """The map's size changed under an iterator."""


def identities(specs: Iterable[Spec]) -> list[Hashable | None]:
    """Give each key what it shares with exactly the keys that are the same to a map; `None` for an unhashable one."""
    return [_identity(spec, (number,)) for number, spec in enumerate(specs)]


def _identity(spec: Spec, place: tuple[int, ...]) -> Hashable | None:
    match spec:
        case ["plain", value]:
            return ("plain", value)
        case ["nan"]:
            return ("nan", place)
        case ["tuple", parts]:
            return ("tuple", tuple(_identity(part, (*place, i)) for i, part in enumerate(parts)))
        case ["object", hashed, None]:
            return ("equals anything of its hash", -2 if hashed == MINUS_ONE else hashed)
        case ["object" | "contrary" | "vague", hashed, group]:
            return ("object", -2 if hashed == MINUS_ONE else hashed, group)
        case ["unhashable", _]:
            return None
    raise ValueError(f"no such key: {spec!r}")


class Model:
    """The maps of one replay. An entry is (number of the key object, value), found by the key's identity."""

    def __init__(self, specs: list[Spec]) -> None:
        self.specs = specs
        self._identities = identities(specs)
        self._armed: dict[int, list[Any]] = {}
        self._hash_armed: dict[int, str] = {}
        self._repr_armed: set[int] = set()
        self._maps: dict[int, dict[Hashable, tuple[int, Any]]] = {m: {} for m in range(MAPS)}
        self._iterators: dict[Any, Iterator[Any]] = {}

    def replay(self, operations: Iterable[Operation]) -> list[Answer]:
        """Answer each operation in turn."""
        return [self.run(operation) for operation in operations]

    def run(self, operation: Operation) -> Answer:
        """Answer one operation."""
        name, *arguments = operation
        do: Callable[..., Any] = getattr(self, "_do_" + name.replace("-", "_"))
        try:
            return ["gave", do(*arguments)]
        except KeyError as missing:
            return ["raised", "KeyError", missing.args[0]]
        except Unhashable:
            return ["raised", "TypeError"]
        except Refused as refused:
            return ["raised", refused.name]
        except Resized:
            return ["raised", "RuntimeError"]

    def entries(self, m: int) -> list[list[Any]]:
        """List a map's entries as `items` answers them."""
        return self._do_items(m)

    def _find(self, m: int, key: int) -> Hashable:
        """Give the key's identity, as a map does that hashes it first and then compares it with keys of its hash."""
        if key in self._hash_armed:
            raise Refused(REFUSALS[self._hash_armed.pop(key)])
        identity = self._identities[key]
        if identity is None:
            raise Unhashable
        if not self._armed:  # nearly always; listing what is compared would take longer than all the rest
            return identity
        compared = self._compared(m, key)
        for which in (key, *compared):
            if self._armed.get(which) and compared:
                raise Refused(REFUSALS[self._armed[which].pop(0)])
        return identity

    def _compared(self, m: int, key: int) -> list[int]:
        """List the stored keys of the key's hash: where there is one, no map gets around comparing.

        The scripts arm one key of a hash at most, and never the one that is asked for when it is in the map itself.
        """
        kind, hashed, *_ = [*self.specs[key], None]
        stored = [number for number, _ in self._maps[m].values()] if kind in OBJECTS else []
        return [number for number in stored if self.specs[number][0] in OBJECTS and self.specs[number][1] == hashed]

    def _present(self, m: int, key: int) -> Hashable:
        identity = self._find(m, key)
        if identity not in self._maps[m]:
            raise KeyError(key)
        return identity

    def _do_set(self, m: int, key: int, value: Any) -> None:
        identity = self._find(m, key)
        stored = self._maps[m].get(identity, (key, None))[0]
        self._maps[m][identity] = (stored, value)

    def _do_fill(self, m: int, first: int, count: int) -> None:
        for number in range(first, first + count):
            self._do_set(m, number, number)

    def _do_thin(self, m: int, first: int, count: int, step: int) -> None:
        for number in range(first, first + count, step):
            self._do_del(m, number)

    def _do_get_item(self, m: int, key: int) -> Any:
        return self._maps[m][self._present(m, key)][1]

    def _do_del(self, m: int, key: int) -> None:
        del self._maps[m][self._present(m, key)]

    def _do_in(self, m: int, key: int) -> bool:
        return self._find(m, key) in self._maps[m]

    def _do_len(self, m: int) -> int:
        return len(self._maps[m])

    def _do_bool(self, m: int) -> bool:
        return bool(self._maps[m])

    def _do_get(self, m: int, key: int, default: Any = None) -> Any:
        return self._maps[m].get(self._find(m, key), (key, default))[1]

    def _do_pop(self, m: int, key: int, *default: Any) -> Any:
        if default:
            return self._maps[m].pop(self._find(m, key), (key, default[0]))[1]
        return self._maps[m].pop(self._present(m, key))[1]

    def _do_setdefault(self, m: int, key: int, default: Any = None) -> Any:
        return self._maps[m].setdefault(self._find(m, key), (key, default))[1]

    def _do_update(self, m: int, pairs: list[Any]) -> None:
        for key, value in pairs:
            self._do_set(m, key, value)

    def _do_update_keys(self, m: int, pairs: list[Any]) -> None:
        """Read the pairs as a mapping: a key that comes twice has its last value from the first time on."""
        last = {key: value for key, value in pairs}  # noqa: C416  the last pair of a key counts
        self._do_update(m, [[key, last[key]] for key, _ in pairs])

    def _do_update_map(self, m: int, source: int) -> None:
        self._do_update(m, list(self._maps[source].values()))

    def _do_clear(self, m: int) -> None:
        self._maps[m].clear()

    def _do_new(self, m: int, pairs: list[Any]) -> None:
        before, self._maps[m] = self._maps[m], {}
        try:
            self._do_update(m, pairs)
        except (Unhashable, Refused):
            self._maps[m] = before
            raise

    def _do_new_empty(self, m: int) -> None:
        self._maps[m] = {}

    def _do_new_from_map(self, m: int, source: int) -> None:
        self._maps[m] = dict(self._maps[source])

    def _do_copy(self, m: int, source: int) -> bool:
        self._maps[m] = dict(self._maps[source])
        return True

    def _do_eq(self, m: int, other: int) -> list[bool]:
        mine, theirs = ({key: value for key, (_, value) in self._maps[which].items()} for which in (m, other))
        return [mine == theirs, mine != theirs]

    def _do_eq_other(self, _m: int, _kind: str) -> list[bool]:
        return [False, True]

    def _do_iter(self, m: int) -> list[int]:
        return [key for key, _ in self._maps[m].values()]

    _do_keys = _do_iter

    def _do_values(self, m: int) -> list[Any]:
        return [value for _, value in self._maps[m].values()]

    def _do_items(self, m: int) -> list[list[Any]]:
        return [[key, value, "tuple"] for key, value in self._maps[m].values()]

    def _do_repr(self, m: int) -> str:
        for key, _ in self._maps[m].values():
            if key in self._repr_armed:
                self._repr_armed.discard(key)
                raise Refused
        inside = (f"{self.specs[key][1]!r}: {value!r}" for key, value in self._maps[m].values())
        return f"HashMap({{{', '.join(inside)}}})"

    def _do_is_hashable(self, _m: int) -> bool:
        raise Unhashable

    def _do_update_broken_off(self, m: int, pairs: list[Any]) -> None:
        self._do_update(m, pairs)
        raise Refused

    def _do_update_keys_broken_off(self, m: int, pairs: list[Any]) -> None:
        self._do_update_keys(m, pairs)
        raise Refused

    def _do_hold(self, m: int, key: int, other: int) -> None:
        self._do_set(m, key, Held(self._do_repr(other)))

    def _do_hold_key(self, m: int, key: int, other: int) -> None:
        self._do_set(m, key, self._identities[other])

    def _do_repr_ends(self, _m: int) -> bool:
        return True

    def _do_hold_itself(self, m: int, key: int) -> None:
        self._do_set(m, key, Itself())

    def _do_arm(self, key: int, actions: list[Any]) -> None:
        self._armed[key] = list(actions)

    def _do_arm_hash(self, key: int, what: str) -> None:
        self._hash_armed[key] = what

    def _do_arm_repr(self, key: int) -> None:
        self._repr_armed.add(key)

    def _do_disarm(self, key: int) -> None:
        self._armed.pop(key, None)
        self._hash_armed.pop(key, None)

    def _do_open(self, m: int, name: Any, what: str) -> None:
        self._iterators[name] = self._steps(self._maps[m], what)

    def _steps(self, map_: dict[Hashable, tuple[int, Any]], what: str) -> Iterator[Any]:
        """Walk a map as it was at the first step, with the values of today."""
        size = len(map_)
        for identity in list(map_):
            key, value = map_[identity]
            yield {"values": value, "items": [key, value, "tuple"]}.get(what, key)
            if len(map_) != size:
                raise Resized

    def _do_step(self, name: Any, _what: str) -> Any:
        return next(self._iterators[name], ["end"])


class Itself:
    """The value that is the map itself."""

    def __repr__(self) -> str:
        return "HashMap({...})"


class Held:
    """The value that is another map, which shows as `text`."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text
