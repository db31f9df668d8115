"""The oracle: what a store holds and answers, as a plain dict and sorted tuples. Pure.

Operations and answers are plain lists, as they travel: a key is [tenant, ts, seq], a row is a key and its value.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Key = tuple[str, int, int]
Row = list[Any]
Operation = list[Any]
Answer = list[Any]


@dataclass
class ModelStore:
    """One store's rows."""

    values: dict[Key, bytes] = field(default_factory=dict)

    def put(self, rows: list[Row]) -> int:
        """Store rows; the last of equal keys counts."""
        for tenant, ts, seq, value in rows:
            self.values[tenant, ts, seq] = value
        return len(rows)

    def keys(self, lo: list[Any] | None, hi: list[Any] | None) -> list[Key]:
        """Give the keys of a range in order, compared as Python compares tuples."""
        low, high = lo and tuple(lo), hi and tuple(hi)
        return [key for key in sorted(self.values) if (not low or key >= low) and (not high or key < high)]

    def scan(self, lo: list[Any] | None, hi: list[Any] | None, limit: int | None, reverse: bool) -> list[Row]:
        """Give the rows of a range."""
        keys = self.keys(lo, hi)
        if reverse:
            keys.reverse()
        return [[*key, self.values[key]] for key in keys[:limit]]

    def delete(self, lo: list[Any] | None, hi: list[Any] | None) -> int:
        """Remove a range."""
        keys = self.keys(lo, hi)
        for key in keys:
            del self.values[key]
        return len(keys)

    def count(self, prefix: list[Any]) -> int:
        """Count the keys that begin with `prefix`."""
        return sum(key[: len(prefix)] == tuple(prefix) for key in self.values)


class Model:
    """Every store and scan of one replay."""

    def __init__(self) -> None:
        self.folders: dict[str, ModelStore] = {}
        self.stores: dict[str, ModelStore] = {}
        self.scans: dict[str, list[Row]] = {}

    def replay(self, operations: list[Operation]) -> list[Answer]:
        """Give the right answer to each operation; a word that a message must hold stands for the message."""
        return [self._answer(name, given) for name, *given in operations]

    def _answer(self, name: str, given: list[Any]) -> Answer:
        if name in FAULTS:
            return ["raised", *FAULTS[name](given)]
        return ["gave", ANSWERS[name](self, *given)]

    def open(self, name: str, folder: str, *_: object) -> None:
        """Open a store; a folder that was open before has kept what it held."""
        self.stores[name] = self.folders.setdefault(folder, ModelStore())

    def begin(self, scan: str, name: str, *given: Any) -> None:
        """Begin a scan: it gives what the store holds now."""
        self.scans[scan] = self.stores[name].scan(*given)

    def next(self, scan: str, count: int) -> list[Row]:
        """Go on with a scan."""
        rows, self.scans[scan] = self.scans[scan][:count], self.scans[scan][count:]
        return rows

    def put_reading(self, name: str, rows: list[Row], key: list[Any]) -> list[Any]:
        """Store rows while they, or a thread that they wait for, read the store, which holds none of them yet."""
        store = self.stores[name]
        value = store.values.get(_key(key))
        seen = [
            ["get", value],
            ["get_many", [value]],
            ["count", store.count(key[:1])],
            ["scan", store.scan(None, None, 3, True)],
            ["parallel_scan", len(store.values)],
        ]
        return [store.put(rows), *seen]


def _key(key: list[Any]) -> Key:
    tenant, ts, seq = key
    return tenant, ts, seq


def _word(kind: str) -> str:
    field_ = kind.partition("-")[0]
    return field_ if field_ in {"tenant", "ts", "seq", "value"} else "key"


ANSWERS: dict[str, Callable[..., Any]] = {
    "open": Model.open,
    "close": lambda _model, _name: None,
    "forget": lambda _model, _name: None,
    "put": lambda model, name, rows: model.stores[name].put(rows),
    "put-each": lambda model, name, rows: [model.stores[name].put([row]) for row in rows],
    "put-generator": lambda model, name, rows: model.stores[name].put(rows),
    "put-reading": Model.put_reading,
    "put-while-threads-read": Model.put_reading,
    "get": lambda model, name, key: model.stores[name].values.get(_key(key)),
    "get-many": lambda model, name, keys: [model.stores[name].values.get(_key(key)) for key in keys],
    "delete": lambda model, name, lo, hi: model.stores[name].delete(lo, hi),
    "count": lambda model, name, prefix: model.stores[name].count(prefix),
    "scan": lambda model, name, *given: model.stores[name].scan(*given),
    "begin": Model.begin,
    "next": Model.next,
    "drop": lambda model, scan: model.scans.pop(scan) and None,
}

FAULTS: dict[str, Callable[[list[Any]], list[str]]] = {
    "put-odd-key": lambda given: ["StoreError", _word(given[2])],
    "put-odd-value": lambda _given: ["StoreError", "value"],
    "put-raising": lambda given: [given[2], "it stopped"],
    "get-odd": lambda given: ["StoreError", _word(given[1])],
    "get-many-odd": lambda given: ["StoreError", _word(given[2])],
    "delete-odd": lambda given: ["StoreError", _word(given[1]).replace("key", "")],
    "scan-odd": lambda given: ["StoreError", _word(given[1]).replace("key", "")],
}
"""What an operation must raise: the class, and a word that its message must hold."""


def same(answer: object, right: Answer) -> bool:
    """Compare an answer with the right one."""
    if right[0] == "gave":
        return answer == right
    match answer:
        case ["raised", str(name), str(message)]:
            return name == right[1] and right[2] in message.lower()
    return False
