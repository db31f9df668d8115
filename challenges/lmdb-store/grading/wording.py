"""Put operations and answers into words, as Python that the candidate can type."""

from collections.abc import Callable, Sequence
from typing import Any

from model import Answer, Operation

OPERATIONS_SHOWN = 12
"""A story of more operations is cut to its end; nobody reads further back."""

ANSWER_CHARS = 160
"""An answer is hostile text and may be long."""

LISTED = 6
"""Of more things the first are shown."""


def story(operations: Sequence[Operation]) -> str:
    """Write operations as one line of Python."""
    shown = operations[-OPERATIONS_SHOWN:]
    before = f"({len(operations) - len(shown)} more); " if len(shown) < len(operations) else ""
    return before + "; ".join(map(sentence, shown))


def sentence(operation: Operation) -> str:
    """Write one operation; what has no short form in Python is told in angle brackets."""
    name, *given = operation
    return SENTENCES[name](*given)


def compared(answer: object, right: Answer | None) -> str:
    """Say what an operation came to, and what it should have come to."""
    match answer, right:
        case ["gave", list(given)], ["gave", list(due)] if max(len(given), len(due)) > LISTED:
            return f"gave {len(given)} things where {len(due)} are right; {_first_difference(given, due)}"
    return f"{_told(answer)}, but {_wanted(right)}"


def _first_difference(given: Sequence[Any], due: Sequence[Any]) -> str:
    place = next((at for at, pair in enumerate(zip(given, due, strict=False)) if pair[0] != pair[1]), None)
    if place is None:
        place = min(len(given), len(due))
    shown = [_short(things[place])[:ANSWER_CHARS] if place < len(things) else "missing" for things in (given, due)]
    return f"number {place}, counted from 0, is {shown[0]}, and must be {shown[1]}"


def _told(answer: object) -> str:
    match answer:
        case ["gave", value]:
            return f"gave {_short(value)[:ANSWER_CHARS]}"
        case ["raised", name, message]:
            return f"raised {name}: {str(message)[:ANSWER_CHARS]}"
    return f"answered {_short(answer)[:ANSWER_CHARS]}"


def _wanted(right: Answer | None) -> str:
    match right:
        case ["gave", value]:
            return f"{_short(value)[:ANSWER_CHARS]} is right"
        case ["raised", name, word]:
            return f"it must raise {name}" + (f" with {word!r} in its message" if word else "")
    return "that is wrong"


def _short(thing: object) -> str:
    if isinstance(thing, bytes) and len(thing) > 12:
        return f"<{len(thing)} bytes>"
    if isinstance(thing, str) and len(thing) > 24:
        return f"{thing[:12]!r}... ({len(thing)} characters)"
    return f"[{_listed(thing, _short)}]" if isinstance(thing, list) else repr(thing)


def _listed(things: Sequence[Any], word: Callable[[Any], str]) -> str:
    more = f", ... {len(things)} in all" if len(things) > LISTED else ""
    return ", ".join(map(word, things[:LISTED])) + more


def _bound(bound: Sequence[Any] | None) -> str:
    """Write a key, or part of one."""
    if bound is None:
        return "None"
    return f"({', '.join(map(_short, bound))}{',' if len(bound) == 1 else ''})"


def _item(row: Sequence[Any]) -> str:
    return f"({_bound(row[:3])}, {_short(row[3])})"


def _items(rows: Sequence[Any]) -> str:
    return f"[{_listed(rows, _item)}]"


def _scan(store: str, lo: Any, hi: Any, limit: int | None, reverse: bool) -> str:
    return f"{store}.scan({_bound(lo)}, {_bound(hi)}, {limit}, {reverse})"


def _put_odd(store: str, before: Any, kind: str, after: Any) -> str:
    return f"{store}.put_many(<{len(before)} items, one with {kind!r}, {len(after)} items>)"


def _named(scan: str) -> str:
    return "scan_" + scan.replace("-", "_")


SENTENCES: dict[str, Callable[..., str]] = {
    "open": lambda store, folder, *map_size: f"{store} = Store.open({', '.join(map(repr, (folder, *map_size)))})",
    "close": lambda store: f"{store}.close()",
    "forget": lambda store: f"{store}.close()",
    "put": lambda store, rows: f"{store}.put_many({_items(rows)})",
    "put-each": lambda store, rows: f"<each of {_items(rows)} by a {store}.put_many of its own>",
    "put-generator": lambda store, rows: f"{store}.put_many(each for each in {_items(rows)})",
    "put-reading": lambda store, rows, key: f"{store}.put_many(<{len(rows)} items, which read {_bound(key)}>)",
    "put-while-threads-read": lambda store, rows, key: (
        f"{store}.put_many(<{len(rows)} items, which wait for a thread that reads {_bound(key)}>)"
    ),
    "put-odd-key": _put_odd,
    "put-odd-value": _put_odd,
    "put-raising": lambda store, rows, name: f"{store}.put_many(<{len(rows)} items, then {name}>)",
    "get": lambda store, key: f"{store}.get({_bound(key)})",
    "get-odd": lambda store, kind: f"{store}.get(<{kind}>)",
    "get-many": lambda store, keys: f"{store}.get_many([{_listed(keys, _bound)}])",
    "get-many-odd": lambda store, keys, kind: f"{store}.get_many([<{len(keys)} keys>, <{kind}>])",
    "delete": lambda store, lo, hi: f"{store}.delete_range({_bound(lo)}, {_bound(hi)})",
    "delete-odd": lambda store, kind: f"{store}.delete_range(<{kind}>, None)",
    "count": lambda store, prefix: f"{store}.count({_bound(prefix)})",
    "scan": lambda *given: f"list({_scan(*given)})",
    "scan-odd": lambda store, kind: f"list({store}.scan(<{kind}>, None))",
    "begin": lambda scan, *given: f"{_named(scan)} = {_scan(*given)}",
    "next": lambda scan, count: f"list(islice({_named(scan)}, {count}))",
    "drop": lambda scan: f"del {_named(scan)}",
}
