"""A store of values by tenant, time and number, on LMDB: see SPEC.md and NOTES.md."""

import ctypes
import os
import resource
import sys
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any, TypeVar

import codec
import lmdb
from codec import StoreError

Key = tuple[str, int, int]
Row = tuple[Key, bytes]
Bound = tuple[Any, ...] | None
Part = TypeVar("Part")

READ_AT_ONCE = 256  # rows
BYTES_AT_ONCE = 2**18


class Snapshot:
    """A read transaction that ends when it is let go of: by `end`, or by being dropped."""

    def __init__(self, session: "Session") -> None:
        self.session = session
        self.txn = session.begin()
        self.cursor = self.txn.cursor()
        session.snapshots[id(self)] = weakref.ref(self)

    def end(self) -> None:
        """End, once; never in a process that did not begin it."""
        if self.session.snapshots.pop(id(self), None) is not None:
            self.cursor.close()
            self.txn.abort()

    __del__ = end


class Session:
    """What one process has open: an environment and the snapshots on it. A forked child leaves it alone for ever."""

    def __init__(self, path: str) -> None:
        room = resource.getrlimit(resource.RLIMIT_AS)[0]
        size = 1 << 37 if room < 0 else min(room // 8192 * 4096, 1 << 37)
        with failing_as("the store can't be opened"):
            try:
                os.mkdir(path)
            except FileExistsError:
                pass
            self.env = lmdb.open(path, map_size=size, max_readers=400, sync=False, metasync=False, meminit=False)
        self.path = path
        self.over = ""  # why it can't be used any more
        self.snapshots: dict[int, "weakref.ref[Snapshot]"] = {}
        self.writer = threading.Lock()
        sessions.add(self)
        sys.setswitchinterval(min(sys.getswitchinterval(), 0.0003))  # a lookup soon gets its turn beside a batch

    def begin(self) -> lmdb.Transaction:
        """Begin to read."""
        self.check()
        try:
            return self.env.begin()
        except lmdb.ReadersFullError:
            self.env.reader_check()
            return self.env.begin()

    def check(self) -> None:
        """Raise where this can't be used."""
        if self.over:
            raise StoreError(self.over)

    def abandon(self) -> None:
        """Keep all of LMDB's objects for ever, so that this process, a forked child, closes none."""
        held = [self.env]
        for reference in list(self.snapshots.values()):
            snapshot = reference()
            if snapshot is not None:
                held += [snapshot.txn, snapshot.cursor]
        for thing in held:
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(thing))
        self.snapshots = {}
        self.writer = threading.Lock()
        self.over = self.over or "this store was opened before a fork"

    def close(self) -> None:
        """Close."""
        self.over = "this store is closed"
        for reference in list(self.snapshots.values()):
            snapshot = reference()
            if snapshot is not None:
                snapshot.end()
        self.env.close()


sessions: "weakref.WeakSet[Session]" = weakref.WeakSet()
os.register_at_fork(after_in_child=lambda: [session.abandon() for session in list(sessions)])


@contextmanager
def failing_as(text: str) -> Iterator[None]:
    """Turn what LMDB and the system raise into StoreError."""
    try:
        yield
    except (lmdb.Error, OSError, MemoryError) as fault:
        raise StoreError(f"{text}: {fault}") from fault


def read(
    snapshot: Snapshot, low: bytes, high: bytes, limit: int, reverse: bool = False, ends: bool = True
) -> Iterator[Row]:
    """Give the rows of a range, some hundred read at a time; the snapshot `ends` with it, or is used again."""
    session, cursor = snapshot.session, snapshot.cursor
    try:
        session.check()
        with failing_as("the scan can't begin"):
            if low >= high or limit == 0:
                return
            if reverse:
                if not (cursor.prev() if cursor.set_range(high) else cursor.last()):
                    return
                names = cursor.iterprev()
            else:
                if not cursor.set_range(low):
                    return
                names = cursor.iternext()
        size = 8
        while limit > 0:
            session.check()
            with failing_as("the scan can't go on"):
                found = list(islice(names, min(size, limit)))
            asked = min(size, limit)
            whole = len(found) == asked
            limit -= asked
            if found and (found[-1][0] < low if reverse else found[-1][0] >= high):
                whole = False
                found = [row for row in found if low <= row[0] < high]
            if found:
                average = sum([len(value) for _, value in found]) // len(found) + 64
                size = max(1, min(4 * size, READ_AT_ONCE, BYTES_AT_ONCE // average))
                rows = codec.rows(found)
                del found
                if ends and not whole:
                    snapshot.end()
                yield from rows
                session.check()
            if not whole:
                return
    finally:
        if ends:
            snapshot.end()


class Store:
    """An open store; a context manager."""

    def __init__(self, session: Session) -> None:
        """Take what is open; use `Store.open`."""
        self._session = session
        self._workers: Any = None
        self._hiring = threading.Lock()

    @classmethod
    def open(cls, path: str, *, map_size: int = 2**24) -> "Store":
        """Open the store in the folder `path`, which is made if missing. The map is always 128 GiB of addresses."""
        return cls(Session(os.path.abspath(path)))

    def _change(self, work: Callable[[lmdb.Cursor], Any]) -> Any:
        """Do something in a write transaction."""
        session = self._session
        with session.writer, failing_as("nothing was changed"):
            session.check()
            session.env.reader_check()
            txn = session.env.begin(write=True)
            try:
                cursor = txn.cursor()
                answer = work(cursor)
                cursor.close()
            except BaseException:
                txn.abort()
                raise
            txn.commit()
            return answer

    def put_many(self, items: Iterable[Row]) -> int:
        """Store all items or none, and give their number."""
        self._session.check()
        if not hasattr(type(items), "__iter__") and not hasattr(type(items), "__getitem__"):
            raise StoreError("items: no iterable of (key, value)")
        batch: dict[bytes, bytes] = {}
        number = 0
        sorted_so_far, last = True, b""
        for item in items:
            if not isinstance(item, (tuple, list)) or len(item) != 2:
                raise StoreError("items: each must be a pair of a key and a value")
            name, value = codec.key(item[0]), item[1]
            if not isinstance(value, bytes) or len(value) > 65536:
                raise StoreError("value: must be bytes, at most 65,536")
            batch[name] = value
            sorted_so_far = sorted_so_far and name >= last
            last = name
            number += 1
        if batch:
            rows = batch.items() if sorted_so_far else sorted(batch.items())
            self._change(lambda cursor: cursor.putmulti(rows))
        return number

    def get(self, key: Key) -> bytes | None:
        """Give the value of a key, or None."""
        name = codec.key(key)
        try:
            txn = self._session.begin()
            value = txn.get(name)
            txn.abort()
        except lmdb.Error as fault:
            raise StoreError(f"the key can't be looked up: {fault}") from fault
        return value

    def get_many(self, keys: Iterable[Key]) -> list[bytes | None]:
        """Give the value of each key, or None, all of one state."""
        self._session.check()
        names = list(map(codec.key, keys))
        with failing_as("the keys can't be looked up"), self._session.begin() as txn:
            return [txn.get(name) for name in names]

    def delete_range(self, lo: Bound, hi: Bound) -> int:
        """Delete the keys from `lo` up to but without `hi`, and give their number."""
        self._session.check()
        low, high = codec.bound(lo, codec.FIRST), codec.bound(hi, codec.AFTER_ALL)
        if low >= high:
            return 0

        def work(cursor: lmdb.Cursor) -> int:
            number = 0
            while cursor.set_range(low) and cursor.key() < high:
                while codec.FIRST <= cursor.key() < high:
                    cursor.delete()
                    number += 1
            return number

        return self._change(work)

    def scan(
        self, lo: Bound = None, hi: Bound = None, limit: int | None = None, reverse: bool = False
    ) -> Iterator[Row]:
        """Give the rows from `lo` up to but without `hi`, as they are when this is called."""
        self._session.check()
        low, high = codec.bound(lo, codec.FIRST), codec.bound(hi, codec.AFTER_ALL)
        if limit is None:
            limit = sys.maxsize
        elif not isinstance(limit, int):
            raise StoreError("limit: must be None or an int")
        with failing_as("the scan can't begin"):
            return read(Snapshot(self._session), low, high, limit, reverse)

    def count(self, prefix: tuple[Any, ...] = ()) -> int:
        """Count the keys that begin with `prefix`."""
        self._session.check()
        if prefix is None:
            raise StoreError("bound: a prefix must be a tuple, the first elements of a key (tenant, ts, seq)")
        low = codec.bound(prefix, codec.FIRST)
        high = codec.after(low) if prefix else codec.AFTER_ALL
        number = 0
        with failing_as("the keys can't be counted"), self._session.begin() as txn, txn.cursor() as cursor:
            if cursor.set_range(low):
                for name in cursor.iternext(values=False):
                    if name >= high:
                        break
                    number += 1
        return number

    def parallel_scan(self, lo: Bound, hi: Bound, workers: int, fold: Callable[[Iterator[Row]], Part]) -> list[Part]:
        """Fold the parts of a range in several processes, and give the results in order."""
        self._session.check()
        low, high = codec.bound(lo, codec.FIRST), codec.bound(hi, codec.AFTER_ALL)
        if not isinstance(workers, int) or workers < 1:
            raise StoreError("workers: must be an int from 1")
        if low >= high:
            return []
        if workers == 1:
            with failing_as("the scan can't begin"):
                snapshot = Snapshot(self._session)
            rows = read(snapshot, low, high, sys.maxsize, False)
            try:
                return [fold(rows)]
            except (Exception, KeyboardInterrupt):
                raise
            except BaseException as fault:
                raise StoreError(f"the fold raised {fault!r}") from None
            finally:
                rows.close()
                snapshot.end()
        with self._hiring:
            if self._workers is None:
                import crew

                self._workers = crew.Crew(self._session)
        return self._workers.scan(low, high, min(workers, 3), fold)

    def close(self) -> None:
        """Close the store; its worker processes end."""
        if self._session.over:
            return
        if self._workers is not None:
            self._workers.dismiss()
        self._session.close()

    def __enter__(self) -> "Store":
        """Begin."""
        return self

    def __exit__(self, *fault: object) -> None:
        """Close."""
        self.close()
