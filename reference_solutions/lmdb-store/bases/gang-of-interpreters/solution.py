"""A store of values by tenant, time and number, on LMDB.

What a key looks like is in ts_codec, whom the environment belongs to in ts_engine, iteration in ts_scan, helper
processes in ts_gang, ts_helper and ts_wire.
"""

import threading
import weakref
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, TypeVar

import lmdb
from ts_codec import after, encode, encode_bound, encode_items
from ts_engine import Engine, pace
from ts_errors import StoreError
from ts_gang import Gang
from ts_scan import Scan, keys_from

Key = tuple[str, int, int]
Row = tuple[Key, bytes]
Bound = tuple[Any, ...] | None
Part = TypeVar("Part")

BLOCK = 512  # rows of a batch that are encoded, stored and freed at a time
SWEEP = 4096  # rows that are found, and then deleted, at a time
SMALL = 600  # rows that are not worth a process

__all__ = ["Store", "StoreError"]


def _iterator(things, name):
    """Begin to iterate over what a caller gave; what that raises is the caller's."""
    kind = type(things)
    if not hasattr(kind, "__iter__") and not hasattr(kind, "__getitem__"):
        raise StoreError(f"{name}: an iterable is needed, not {kind.__name__}")
    return iter(things)


def _blocks(items):
    """Take all items, and give their bytes in blocks, each key once and in order, and the number of items."""
    source = _iterator(items, "items")
    blocks = []
    number = 0
    last = b""
    ordered = True
    while True:
        taken = list(islice(source, BLOCK))
        if not taken:
            break
        number += len(taken)
        rows = encode_items(taken)
        if ordered:
            for row in rows:
                if row[0] <= last:
                    ordered = False
                    break
                last = row[0]
        blocks.append(rows)
        if len(taken) < BLOCK:
            break
    if not ordered:
        latest = {}
        for rows in blocks:
            latest.update(rows)
        del blocks
        rows = sorted(latest.items())
        del latest
        blocks = [rows[start : start + BLOCK] for start in range(0, len(rows), BLOCK)]
    return blocks, number


class Store:
    """An open store; a context manager."""

    def __init__(self, engine: Engine, map_size: int) -> None:
        """Use an engine; `open` is the way in."""
        self._engine = engine
        self._map_size = map_size
        self._hiring = threading.Lock()
        self._gang = None

    @classmethod
    def open(cls, path: str, *, map_size: int = 2**24) -> "Store":
        """Open the store in the folder `path`, which is made if missing."""
        return cls(Engine(path, map_size), map_size)

    def put_many(self, items: Iterable[Row]) -> int:
        """Store all items or none, and give their number."""
        engine = self._engine
        engine.check()
        with pace:
            # all are taken before the transaction begins: `items` may read, wait, raise, write even
            blocks, number = _blocks(items)
            engine.check()
            if not number:
                return 0
            blocks.reverse()
            with engine.writing() as txn:
                cursor = txn.cursor()
                while blocks:
                    cursor.putmulti(blocks.pop())
                cursor.close()
        return number

    def get(self, key: Key) -> bytes | None:
        """Give the value of a key, or None."""
        engine = self._engine
        if engine.why is not None:
            raise StoreError(engine.why)
        raw = encode(key)
        try:
            txn = engine.begin_read()
        except lmdb.Error:
            txn = engine.snapshot()
        try:
            return txn.get(raw)
        except lmdb.Error as fault:
            raise engine.failure(fault) from fault
        finally:
            txn.abort()

    def get_many(self, keys: Iterable[Key]) -> list[bytes | None]:
        """Give the value of each key, or None, all of one state."""
        engine = self._engine
        engine.check()
        source = _iterator(keys, "keys")
        raws = []
        for key in source:
            raws.append(encode(key))
        engine.check()
        txn = engine.snapshot()
        try:
            get = txn.get
            return [get(raw) for raw in raws]
        except lmdb.Error as fault:
            raise engine.failure(fault) from fault
        finally:
            txn.abort()

    def delete_range(self, lo: Bound, hi: Bound) -> int:
        """Delete the keys from `lo` up to but without `hi`, and give their number."""
        engine = self._engine
        engine.check()
        low, high = encode_bound(lo), encode_bound(hi)
        if high and high <= low:
            return 0
        number = 0
        with pace, engine.writing() as txn:
            while True:
                found = list(islice(keys_from(txn, low, high), SWEEP))
                for raw in found:
                    txn.delete(raw)
                number += len(found)
                if len(found) < SWEEP:
                    break
                low = found[-1]
        return number

    def scan(
        self, lo: Bound = None, hi: Bound = None, limit: int | None = None, reverse: bool = False
    ) -> Iterator[Row]:
        """Give the rows from `lo` up to but without `hi`, as they are when this is called."""
        engine = self._engine
        engine.check()
        low, high = encode_bound(lo), encode_bound(hi)
        if limit is not None and not isinstance(limit, int):
            raise StoreError("limit: None or an int is needed")
        return Scan(engine, engine.lasting_snapshot(), low, high, limit, bool(reverse))

    def count(self, prefix: tuple[Any, ...] = ()) -> int:
        """Count the keys that begin with `prefix`."""
        engine = self._engine
        engine.check()
        if prefix is None:
            raise StoreError("prefix: a tuple of the first elements of a key is needed")
        low = encode_bound(prefix)
        txn = engine.snapshot()
        try:
            if not low:
                return txn.stat(engine.rows)["entries"]
            return sum(1 for _ in keys_from(txn, low, after(low)))
        except lmdb.Error as fault:
            raise engine.failure(fault) from fault
        finally:
            txn.abort()

    def parallel_scan(self, lo: Bound, hi: Bound, workers: int, fold: Callable[[Iterator[Row]], Part]) -> list[Part]:
        """Fold the parts of a range in several processes, and give the results in order."""
        engine = self._engine
        engine.check()
        low, high = encode_bound(lo), encode_bound(hi)
        if not isinstance(workers, int) or workers < 1:
            raise StoreError("workers: a number from 1 on is needed")
        if not callable(fold):
            raise StoreError("fold: a function is needed")
        if high and high <= low:
            return []
        if workers == 1:
            return self._alone(low, high, fold)
        txn = engine.snapshot()
        try:
            rows = sum(1 for _ in islice(keys_from(txn, low, high), SMALL))
        except lmdb.Error as fault:
            raise engine.failure(fault) from fault
        finally:
            txn.abort()
        if rows < SMALL:
            return self._alone(low, high, fold)
        return self._crew().run(low, high, min(workers, 8), fold)

    def _crew(self):
        """Give the helpers."""
        with self._hiring:
            if self._gang is None:
                self._gang = Gang(self._engine, self._map_size)
                self._engine.aside = weakref.ref(self._gang)
            return self._gang

    def _alone(self, low, high, fold):
        """Fold a range as one part, here."""
        engine = self._engine
        rows = Scan(engine, engine.lasting_snapshot(), low, high)
        try:
            return [fold(rows)]
        except (SystemExit, GeneratorExit) as fault:
            raise StoreError(f"a fold failed: {type(fault).__name__}: {fault}") from None
        finally:
            rows.close()

    def close(self) -> None:
        """Close the store."""
        engine = self._engine
        if engine.why is None and self._gang is not None:
            self._gang.dismiss()
        engine.close()

    def __enter__(self) -> "Store":
        """Begin."""
        return self

    def __exit__(self, *fault: object) -> None:
        """Close."""
        self.close()
