"""A store of values by tenant, time and number, on LMDB. NOTES.md says why it is made so.

Theory of operation: one environment with one table of encoded keys. Whatever reads has a read transaction of its own,
begun at the call: LMDB then shows it one state, and it holds up no writer. Whatever writes is one write transaction,
begun when all that can go wrong with its input has. The map is so large that it never has to grow: it is address space,
not memory or disk.
"""

import os
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from operator import itemgetter
from typing import Any, NoReturn, TypeVar

import lmdb
from crew import Crew, FoldRaised
from errors import StoreError
from keys import Key, check_value, encode, encode_bound, end_of_prefix, negative, pack, positive
from rows import Row, chunks

__all__ = ["Store", "StoreError"]

MOST_MAP_BYTES = 2**40
"""Of address space, of which only what the file holds is ever touched. The limit is the disk."""

LEAST_MAP_BYTES = 2**26
"""Where a process may not have that much, it is halved, but not below this."""

MAX_READERS = 1024
MAX_SCAN_WORKERS = 16
COUNTED_AT_ONCE = 4096

Part = TypeVar("Part")
_first = itemgetter(0)


class Store:
    """An open store; a context manager. Threads may share it; processes open their own."""

    def __init__(self, path: str, environment: Any) -> None:
        self._path = path
        self._environment = environment
        self._begin: Callable[[], Any] = environment.begin
        self._alive = [True]
        self._crew: Crew | None = None
        self._turn = threading.Lock()
        _stores.add(self)

    @classmethod
    def open(cls, path: str | os.PathLike[str], *, map_size: int = 2**24) -> "Store":
        """Open the store in the folder `path`, which is made if missing."""
        path = os.path.abspath(path)  # noqa: PTH100  workers may be somewhere else
        return cls(path, _environment(path, map_size))

    # ---- reading

    def get(self, key: Key) -> bytes | None:
        """Give the value of a key, or None."""
        try:
            tenant, ts, seq = key
            value: bytes | None = self._begin().get((positive if ts >= 0 else negative)[tenant] + pack(ts, seq))
        except StoreError:
            raise
        except lmdb.Error as fault:
            raise StoreError(f"get failed: {fault}") from fault
        except Exception:
            encode(key)  # says what is wrong with it
            raise
        return value

    def get_many(self, keys: Iterable[Key]) -> list[bytes | None]:
        """Give the value of each key, or None, all of one moment."""
        keys = list(keys)
        raw = _encoded(keys)
        try:
            return list(map(self._begin().get, raw))
        except lmdb.Error as fault:
            raise StoreError(f"get_many failed: {fault}") from fault

    def scan(
        self,
        lo: tuple[Any, ...] | None = None,
        hi: tuple[Any, ...] | None = None,
        limit: int | None = None,
        reverse: bool = False,
    ) -> Iterator[Row]:
        """Give the rows from `lo` up to but without `hi`, as they are now, whatever is written meanwhile."""
        low, high = encode_bound(lo), encode_bound(hi)
        if limit is not None and (not isinstance(limit, int) or limit < 0):
            raise StoreError(f"limit must be None or an int from 0 on, not {limit!r:.80}")
        try:
            txn = self._begin()
        except lmdb.Error as fault:
            raise StoreError(f"scan failed: {fault}") from fault
        rows = chain.from_iterable(chunks(self._alive, txn, low, high, reverse))
        return rows if limit is None else islice(rows, limit)

    def count(self, prefix: tuple[Any, ...] = ()) -> int:
        """Count the keys that begin with `prefix`."""
        if prefix == ():
            return self._entries()
        if prefix is None:
            raise StoreError("prefix must be a tuple of at most three, not None")
        low = encode_bound(prefix)
        assert low is not None
        high = end_of_prefix(low, len(prefix))
        try:
            return _count(self._begin().cursor(), low, high)
        except lmdb.Error as fault:
            raise StoreError(f"count failed: {fault}") from fault

    def _entries(self) -> int:
        try:
            entries: int = self._begin().stat(self._environment.open_db())["entries"]
        except lmdb.Error as fault:
            raise StoreError(f"count failed: {fault}") from fault
        return entries

    def parallel_scan(
        self,
        lo: tuple[Any, ...] | None,
        hi: tuple[Any, ...] | None,
        workers: int,
        fold: Callable[[Iterator[Row]], Part],
    ) -> list[Part]:
        """Fold the rows of a range in parts, in so many processes, and give what became of each part, in order."""
        low, high = encode_bound(lo), encode_bound(hi)
        if not isinstance(workers, int) or workers < 1:
            raise StoreError(f"workers must be an int from 1 on, not {workers!r:.80}")
        self._begin()  # complains where the store can't be used
        workers = min(workers, MAX_SCAN_WORKERS)
        if workers == 1:
            return [fold(self.scan(lo, hi))]
        with self._turn:  # the crew serves one thread at a time
            if self._crew is None or len(self._crew) < workers:
                self._dismiss()
                self._crew = Crew(self._path, workers)
            try:
                return self._crew.fold(self._begin, self._hold_writers, low, high, fold)
            except FoldRaised as raised:
                raise raised.fault from None
            except lmdb.Error as fault:
                raise StoreError(f"parallel_scan failed: {fault}") from fault
            finally:
                if self._crew.broken:
                    self._dismiss()

    # ---- writing

    def put_many(self, items: Iterable[tuple[Key, bytes]]) -> int:
        """Store all items, or none; the last of several with one key counts. Gives how many items there were."""
        items = list(items)
        rows = _encoded_rows(items)
        rows.sort(key=_first)
        self._write(lambda txn: txn.cursor().putmulti(rows))
        return len(rows)

    def delete_range(self, lo: tuple[Any, ...] | None, hi: tuple[Any, ...] | None) -> int:
        """Delete the keys from `lo` up to but without `hi`, all or none, and give how many they were."""
        low, high = encode_bound(lo), encode_bound(hi)

        def delete(txn: Any) -> int:
            cursor, deleted = txn.cursor(), 0
            found = cursor.first() if low is None else cursor.set_range(low)
            while found and (high is None or cursor.key() < high):
                cursor.delete()
                deleted += 1
                found = bool(cursor.key())
            return deleted

        return self._write(delete)

    def _write(self, change: Callable[[Any], Part]) -> Part:
        try:
            self._begin()  # complains where the store can't be used
            self._environment.reader_check()  # readers that died would keep their state's pages from being used again
            with self._environment.begin(write=True) as txn:
                return change(txn)
        except lmdb.Error as fault:
            raise StoreError(f"nothing was written: {fault}") from fault

    def _hold_writers(self) -> Any:
        return self._environment.begin(write=True)

    # ---- the end

    def close(self) -> None:
        """Close the store; scans that are under way end with StoreError. Closing twice does nothing."""
        self._alive.clear()
        if self._begin is not _forked and self._begin is not _closed:
            self._begin = _closed
            self._dismiss()
            self._environment.close()

    def _dismiss(self) -> None:
        if self._crew is not None:
            self._crew.dismiss()
            self._crew = None

    def __enter__(self) -> "Store":
        """Begin."""
        return self

    def __exit__(self, *fault: object) -> None:
        """Close."""
        self.close()

    def disown(self) -> None:
        """Be of no use any more, in a process that was forked from the store's own."""
        self._alive.clear()
        self._begin = _forked
        if self._crew is not None:
            self._crew.disown()
            self._crew = None


def _environment(path: str, map_size: int) -> Any:
    """Open an environment with as large a map as this process may have."""
    size = max(map_size, MOST_MAP_BYTES)
    while True:
        try:
            environment = lmdb.open(
                path, map_size=size, max_readers=MAX_READERS, max_spare_txns=1, sync=False, metasync=False
            )
            environment.reader_check()
        except lmdb.MemoryError as fault:
            size //= 2
            if size < max(map_size, LEAST_MAP_BYTES):
                raise StoreError(f"{path} can't be opened: {fault}") from fault
        except (lmdb.Error, OSError) as fault:
            raise StoreError(f"{path} can't be opened: {fault}") from fault
        else:
            return environment


def _encoded(keys: list[Key]) -> list[bytes]:
    try:
        return [(positive if ts >= 0 else negative)[tenant] + pack(ts, seq) for tenant, ts, seq in keys]
    except StoreError:
        raise
    except Exception:
        for key in keys:
            encode(key)
        raise


def _encoded_rows(items: list[tuple[Key, bytes]]) -> list[tuple[bytes, bytes]]:
    try:
        rows = [
            ((positive if ts >= 0 else negative)[tenant] + pack(ts, seq), value) for (tenant, ts, seq), value in items
        ]
    except StoreError:
        raise
    except Exception as fault:
        for item in items:
            if not isinstance(item, tuple) or len(item) != 2:
                raise StoreError(f"an item must be a tuple of key and value, not {item!r:.80}") from fault
            encode(item[0])
        raise
    for _, value in rows:
        check_value(value)
    return rows


def _count(cursor: Any, low: bytes, high: bytes | None) -> int:
    if not cursor.set_range(low):
        return 0
    counted, keys = 0, cursor.iternext(keys=True, values=False)
    while chunk := list(islice(keys, COUNTED_AT_ONCE)):
        if high is not None and chunk[-1] >= high:
            return counted + sum(key < high for key in chunk)
        counted += len(chunk)
    return counted


def _closed() -> NoReturn:
    raise StoreError("the store is closed")


def _forked() -> NoReturn:
    raise StoreError("the store was opened before a fork; open one in this process")


_stores: weakref.WeakSet[Store] = weakref.WeakSet()


def _after_fork() -> None:
    """Disown the parent's stores. Closing or freeing an environment here would free the parent's place as a reader."""
    if not _stores:
        return
    import ctypes  # noqa: PLC0415  for this only, and it takes a while to import

    for store in _stores:
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(store._environment))
        store.disown()


os.register_at_fork(after_in_child=_after_fork)
