"""Put operations, keys and answers into words, as Python that the candidate can type."""

from collections.abc import Sequence
from typing import Any

from model import Operation, Spec

LAST_OPERATIONS = 24
"""A story of more operations is cut to its end; nobody reads further back."""

ANSWER_CHARS = 200
"""A reply is hostile text and may be long."""

MAPS = "mnopqrst"

ARMING = frozenset({"arm", "arm-hash", "arm-repr", "is-armed", "disarm"})
"""Operations on a key, not on a map."""


def story(specs: Sequence[Spec], operations: Sequence[Operation]) -> str:
    """Write operations as one line of Python, with a legend for keys that can't be written as literals."""
    shown = list(operations[-LAST_OPERATIONS:])
    skipped = len(operations) - len(shown)
    lines = "; ".join(sentence(specs, operation) for operation in shown)
    before = f"… {skipped} operations before; " if skipped else ""
    return f"{before}{lines}{_legend(specs, shown)}"


def sentence(specs: Sequence[Spec], operation: Operation) -> str:
    """Write one operation as Python."""
    name, first, *rest = operation
    if name in ARMING:
        return _armed(specs, name, first, rest)
    if name == "step":
        return f"next(i{first})"
    m = MAPS[first]
    if name == "fill":
        return f"({rest[1]} other keys go into {m})"
    if name == "thin":
        return f"({'all' if rest[2] == 1 else 'half'} of the first {rest[1]} of them are deleted)"
    if name in _OF_A_KEY:
        values = [repr(value) for value in rest[1:]]
        return _OF_A_KEY[name].format(
            m=m, key=key(specs, rest[0]), value="".join(values), rest="".join(f", {value}" for value in values)
        )
    if name in _OF_PAIRS:
        return _of_pairs(name, m, ", ".join(f"({key(specs, number)}, {value!r})" for number, value in rest[0]))
    if name in _OF_A_MAP:
        return _OF_A_MAP[name].format(m=m, other=MAPS[rest[0]])
    if name == "open":
        what = "m" if rest[1] == "iter" else f"m.{rest[1]}()"
        return f"i{rest[0]} = iter({what.replace('m', m, 1)})"
    return _ALONE[name].format(m=m, what=rest[0] if rest else "")


def key(specs: Sequence[Spec], number: int) -> str:
    """Write a key: a literal, or a name that the legend explains."""
    match specs[number]:
        case ["plain", value]:
            return repr(value)
        case ["nan"]:
            return f"nan{number}"
        case ["tuple", parts]:
            return "(" + "".join(f"{key([part], 0)}, " for part in parts).rstrip() + ")"
        case ["unhashable", kind]:
            return {"list": "[]", "dict": "{}", "set": "set()", "bytearray": "bytearray()"}.get(kind, "([],)")
        case _:
            return f"k{number}"


def reply(specs: Sequence[Spec], operation: Operation, answer: object) -> str:
    """Say what a submission answered; it is hostile text, so capped."""
    match answer:
        case ["gave", value]:
            text = f"gave {_given(specs, operation[0], value)}"
        case ["raised", "KeyError", int(number)] if 0 <= number < len(specs):
            text = f"raised KeyError({key(specs, number)})"
        case ["raised", "KeyError", ["stranger", str(type_name)]]:
            text = f"raised KeyError with another {type_name} object than the key asked for"
        case ["raised", "KeyError", ["arguments", int(count)]]:
            text = f"raised KeyError with {count} arguments"
        case ["raised", str(name), *_]:
            text = f"raised {name}"
        case _:
            text = "gave an answer of no known shape"
    return text if len(text) <= ANSWER_CHARS else text[: ANSWER_CHARS - 1] + "…"


def _given(specs: Sequence[Spec], name: str, value: object) -> str:
    match value:
        case list() if name in {"iter", "keys"}:
            return f"[{', '.join(_key(specs, number) for number in value)}]"
        case list() if name == "items":
            return f"[{', '.join(_pair(specs, pair) for pair in value)}]"
        case ["end"] if name == "step":
            return "nothing, as if it had come to its end"
        case [number, value, "tuple"] if name == "step":
            return _pair(specs, [number, value, "tuple"])
        case [bool(equal), bool(unequal)] if name in {"eq", "eq-other"}:
            return f"{equal} (and != gave {unequal})"
        case _:
            return repr(value)


def _pair(specs: Sequence[Spec], pair: object) -> str:
    match pair:
        case [number, value, "tuple"]:
            return f"({_key(specs, number)}, {value!r})"
        case _:
            return "something that is no tuple of two"


def _key(specs: Sequence[Spec], number: object) -> str:
    match number:
        case int() if 0 <= number < len(specs):
            return key(specs, number)
        case ["stranger", str(type_name)]:
            return f"another {type_name} object"
        case _:
            return "?"


_OF_A_KEY = {
    "set": "{m}[{key}] = {value}",
    "get-item": "{m}[{key}]",
    "del": "del {m}[{key}]",
    "in": "{key} in {m}",
    "get": "{m}.get({key}{rest})",
    "pop": "{m}.pop({key}{rest})",
    "setdefault": "{m}.setdefault({key}{rest})",
    "hold-itself": "{m}[{key}] = {m}",
    "hold": "{m}[{key}] = (another map)",
    "hold-key": "{m}[{key}] = (the key of number {value})",
}
_OF_PAIRS = {
    "update": "{m}.update([{pairs}])",
    "update-keys": "{m}.update(a mapping of [{pairs}])",
    "update-broken-off": "{m}.update(an iterable that gives {pairs} and raises)",
    "update-keys-broken-off": "{m}.update(a mapping that gives {pairs} and raises at a further key)",
    "new": "{m} = HashMap([{pairs}])",
}
_OF_A_MAP = {
    "update-map": "{m}.update({other})",
    "new-from-map": "{m} = HashMap({other})",
    "copy": "{m} = {other}.copy()",
    "eq": "{m} == {other}",
}
_ALONE = {
    "len": "len({m})",
    "bool": "bool({m})",
    "clear": "{m}.clear()",
    "new-empty": "{m} = HashMap()",
    "iter": "list({m})",
    "keys": "list({m}.keys())",
    "values": "list({m}.values())",
    "items": "list({m}.items())",
    "repr": "repr({m})",
    "repr-ends": "repr({m})",
    "is-hashable": "hash({m})",
    "eq-other": "{m} == (a value of kind {what!r})",
}


def _of_pairs(name: str, m: str, pairs: str) -> str:
    return _OF_PAIRS[name].format(m=m, pairs=pairs)


def _armed(specs: Sequence[Spec], name: str, number: int, rest: list[Any]) -> str:
    if name == "is-armed":
        return f"(is {key(specs, number)} to do so still?)"
    if name == "disarm":
        return f"({key(specs, number)} behaves again)"
    if name == "arm-hash":
        return f"(hash({key(specs, number)}) now {told(rest[0])})"
    if name == "arm-repr":
        return f"(the next repr({key(specs, number)}) raises)"
    *before, action = rest[0]
    which = "the one after the next" if before else "the next"
    if isinstance(action, str):
        return f"({which} == of {key(specs, number)} {told(action)})"
    inside = "; ".join(sentence(specs, operation) for operation in action)
    return f"({which} == of {key(specs, number)} does: {inside})"


def told(what: str) -> str:
    """Say what an armed key does."""
    return "raises a KeyError of its own" if what == "raise KeyError" else "raises"


def _legend(specs: Sequence[Spec], operations: Sequence[Operation]) -> str:
    """Explain the keys that the operations name and that are no literals."""
    numbers = sorted(_numbers(operations))
    said = [_explained(specs, number) for number in numbers if number < len(specs)]
    told = [text for text in said if text]
    return f"  [{'; '.join(told)}]" if told else ""


def _numbers(operations: Sequence[Operation]) -> set[int]:
    found: set[int] = set()
    for name, first, *rest in operations:
        if name in ARMING:
            found.add(first)
            for action in rest[0] if rest else []:
                found |= _numbers(action) if isinstance(action, list) else set()
        elif name in _OF_A_KEY:
            found.add(rest[0])
        elif name in _OF_PAIRS:
            found |= {number for number, _ in rest[0]}
    return found


def _explained(specs: Sequence[Spec], number: int) -> str:
    match specs[number]:
        case ["object", hashed, None]:
            return f"k{number} has hash {hashed} and equals everything"
        case ["contrary", hashed, group]:
            return f"k{number} has hash {hashed}, equals objects of group {group} only, and its != always says True"
        case ["vague", hashed, group]:
            equals = f"equals objects of group {group} only; its == answers ['equal'] or '', not True or False"
            return f"k{number} has hash {hashed} and {equals}"
        case ["object", hashed, group]:
            return f"k{number} has hash {hashed} and equals objects of group {group} only"
        case ["nan"]:
            return f"nan{number} is a NaN of its own"
        case _:
            return ""
