"""A store of values by tenant, time and number, on LMDB. NOTES.md says why it is as it is."""

import os
import resource
import sys
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator
from ctypes import py_object, pythonapi
from functools import partial
from itertools import islice
from struct import Struct
from struct import error as StructError
from typing import Any, TypeVar

import lmdb

Key = tuple[str, int, int]
Row = tuple[Key, bytes]
Bound = tuple[Any, ...] | None
Part = TypeVar("Part")

TAIL = Struct(">QI")  # time and number at the end of a key
TIME = Struct(">Q")
BIAS = 2**63
LONGEST_TENANT = 240
LONGEST_VALUE = 65536
LOWEST = b"\0"  # not above any key
HIGHEST = b"\xff"  # above every key: no UTF-8 begins with it
PART = 512  # rows of a part of a parallel scan
CLOSED = "the store is closed"
FORKED = "the store was opened before a fork: open it anew in this process"


class StoreError(Exception):
    """The store could not do what was asked, and changed nothing."""


FAULTS = (lmdb.Error, OSError, MemoryError)


# --- Keys: the tenant in UTF-8 with 0 and 1 escaped, a zero byte, the time (biased), the number. ---


class Heads(dict):
    """What a key of a tenant begins with, for tenants that were seen."""

    def __missing__(self, tenant: object) -> bytes:
        if not isinstance(tenant, str):
            raise StoreError(f"the tenant must be a str, not {type(tenant).__name__}")
        try:
            text = tenant.encode()
        except UnicodeEncodeError:
            raise StoreError("the tenant holds a lone surrogate") from None
        if len(text) > LONGEST_TENANT:
            raise StoreError(f"the tenant is longer than {LONGEST_TENANT} bytes")
        head = text.replace(b"\1", b"\1\2").replace(b"\0", b"\1\1") + b"\0"
        if len(self) >= 1000:
            self.clear()
        self[tenant] = head
        return head


heads = Heads()


def head_of(tenant: object) -> bytes:
    """Give what the keys of a tenant begin with."""
    if not isinstance(tenant, str):
        raise StoreError(f"the tenant must be a str, not {type(tenant).__name__}")
    return heads[tenant]


def tenant_of(head: bytes) -> str:
    """Give the tenant of a head, without its zero byte."""
    if b"\1" in head:
        head = head.replace(b"\1\1", b"\0").replace(b"\1\2", b"\1")
    return head.decode()


def encode(key: Key) -> bytes:
    """Turn a key into bytes that sort as it does."""
    if type(key) is tuple and len(key) == 3:
        tenant, ts, seq = key
        if type(ts) is int and type(seq) is int and type(tenant) is str:
            try:
                return heads[tenant] + TAIL.pack(ts + BIAS, seq)
            except StructError:
                pass
    elif not isinstance(key, tuple) or len(key) != 3:
        raise StoreError("a key must be a tuple of three: tenant, ts, seq")
    return encode_bound(key)


def encode_bound(bound: tuple[Any, ...]) -> bytes:
    """Turn the first elements of a key into bytes that are not above those of any key from there on."""
    if not isinstance(bound, tuple) or len(bound) > 3:
        raise StoreError("a bound must be None or the first elements of a key: (tenant, ts, seq)")
    if not bound:
        return LOWEST
    name = head_of(bound[0])
    if len(bound) > 1:
        if not isinstance(bound[1], int) or not -BIAS <= bound[1] < BIAS:
            raise StoreError("ts must be an int of 64 bits with a sign")
        name += TIME.pack(bound[1] + BIAS)
    if len(bound) > 2:
        if not isinstance(bound[2], int) or not 0 <= bound[2] < 2**32:
            raise StoreError("seq must be an int from 0 to 2**32 - 1")
        name += bound[2].to_bytes(4, "big")
    return name


def encode_range(lo: Bound, hi: Bound) -> tuple[bytes, bytes]:
    """Turn two bounds into bytes: from the first on, up to but without the second."""
    low = LOWEST if lo is None else encode_bound(lo)
    high = HIGHEST if hi is None or hi == () else encode_bound(hi)
    return low, high


def after_prefix(name: bytes) -> bytes:
    """Give the lowest bytes above everything that begins with a name."""
    name = name.rstrip(b"\xff")
    return name[:-1] + bytes((name[-1] + 1,))


def rows_of(
    cursor: lmdb.Cursor, end: Callable[[], object], alive: list[bool], low: bytes, high: bytes, limit: int, back: bool
) -> Iterator[Any]:
    """Give first None, then the rows; whoever lets go of this generator calls `end` by that."""
    try:
        yield None
        last = tenant = None
        unpack = TAIL.unpack_from
        if not alive:
            raise StoreError(FORKED)
        if low >= high:
            found = False
        elif not back:
            found = cursor.set_range(low)
            names = cursor.iternext()
        else:
            found = cursor.prev() if cursor.set_range(high) else cursor.last()
            names = cursor.iterprev()
        for name, value in islice(names, limit) if found else ():
            if name < low if back else name >= high:
                break
            if not alive:
                raise StoreError("the store was closed, or opened before a fork")
            head = name[:-12]
            if head != last:
                last, tenant = head, tenant_of(head[:-1])
            ts, seq = unpack(name, len(head))
            yield (tenant, ts - BIAS, seq), value
    except lmdb.Error as fault:
        raise StoreError(f"the scan can't go on: {fault}") from fault
    finally:
        end()


stores: "weakref.WeakSet[Store]" = weakref.WeakSet()


def forget_stores() -> None:
    """Make the stores of the parent useless in a forked child, and never let go of what they hold."""
    pace.lock = threading.Lock()
    for store in list(stores):
        store._forget()


os.register_at_fork(after_in_child=forget_stores)


class Pace:
    """While big batches are read, threads take turns more often, so that lookups need not wait 5 ms for theirs."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.users = 0
        self.usual = 0.005

    def __enter__(self) -> None:
        with self.lock:
            if not self.users:
                self.usual = sys.getswitchinterval()
                sys.setswitchinterval(min(self.usual, 0.0002))
            self.users += 1

    def __exit__(self, *fault: object) -> None:
        with self.lock:
            self.users -= 1
            if not self.users:
                sys.setswitchinterval(self.usual)


pace = Pace()


class Store:
    """An open store; a context manager."""

    def __init__(self, path: str) -> None:
        """Open the store; use `Store.open`."""
        self._path = os.path.abspath(path)
        limit = resource.getrlimit(resource.RLIMIT_AS)[0]
        size = 2**36 if limit == resource.RLIM_INFINITY else min(2**36, limit // 8192 * 4096)
        try:
            try:
                os.mkdir(self._path)
            except FileExistsError:
                pass
            self._env: lmdb.Environment | None = lmdb.open(
                self._path, map_size=size, sync=False, metasync=False, meminit=False, max_readers=512
            )
        except FAULTS as fault:
            raise StoreError(f"the store at {path} can't be opened: {fault}") from fault
        self._gone = CLOSED
        self._alive = [True]  # empty as soon as the store is closed or forked
        self._live: dict[int, tuple[lmdb.Transaction, lmdb.Cursor]] = {}  # transactions that outlive a call
        self._writing = threading.Lock()
        self._parallel = threading.Lock()
        self._team: list[Any] = []  # (process, connection) of each worker
        stores.add(self)

    @classmethod
    def open(cls, path: str, *, map_size: int = 2**24) -> "Store":
        """Open the store in the folder `path`, which is made if missing; the map is larger than any disk."""
        return cls(path)

    def _environment(self) -> lmdb.Environment:
        if self._env is None:
            raise StoreError(self._gone)
        return self._env

    def _begin(self) -> lmdb.Transaction:
        """Begin to read."""
        env = self._environment()
        try:
            return env.begin()
        except lmdb.ReadersFullError:
            env.reader_check()
            return env.begin()

    def _keep(self, txn: lmdb.Transaction) -> lmdb.Cursor:
        """Note a transaction that goes on after this call, and give a cursor on it."""
        cursor = txn.cursor()
        self._live[id(txn)] = (txn, cursor)
        return cursor

    def _end(self, txn: lmdb.Transaction) -> None:
        """End such a transaction, but not in a forked child."""
        if self._live.pop(id(txn), None) is not None:
            txn.abort()

    def _write(self, change: Callable[[lmdb.Cursor], int]) -> int:
        """Make a change as a whole or not at all."""
        with self._writing:
            env = self._environment()
            try:
                env.reader_check()
                txn = env.begin(write=True)
                try:
                    with txn.cursor() as cursor:
                        number = change(cursor)
                    txn.commit()
                except BaseException:
                    try:
                        txn.abort()
                    except lmdb.Error:
                        pass  # the commit that failed has ended it
                    raise
            except FAULTS as fault:
                raise StoreError(f"nothing was changed: {fault}") from fault
        return number

    def put_many(self, items: Iterable[Row]) -> int:
        """Store all items or none, and give their number."""
        self._environment()
        if not hasattr(items, "__iter__") and not hasattr(items, "__getitem__"):
            raise StoreError("the items must be an iterable of (key, value)")
        rows: list[tuple[bytes, bytes]] = []
        ordered = True
        last = b""
        with pace:
            for item in items:
                if not isinstance(item, (tuple, list)) or len(item) != 2:
                    raise StoreError("an item must be a tuple of a key and a value")
                key, value = item
                name = encode(key)
                if not isinstance(value, bytes) or len(value) > LONGEST_VALUE:
                    raise StoreError(f"the value must be bytes, at most {LONGEST_VALUE}")
                if name <= last:
                    ordered = False
                last = name
                rows.append((name, value))
            count = len(rows)
            if not ordered:
                rows = sorted(dict(rows).items())
            if rows:
                self._write(lambda cursor: cursor.putmulti(rows)[0])
        return count

    def get(self, key: Key) -> bytes | None:
        """Give the value of a key, or None."""
        name = encode(key)
        try:
            with self._begin() as txn:
                return txn.get(name)
        except lmdb.Error as fault:
            raise StoreError(f"the key can't be looked up: {fault}") from fault

    def get_many(self, keys: Iterable[Key]) -> list[bytes | None]:
        """Give the value of each key, or None, all of one state."""
        self._environment()
        names = [encode(key) for key in keys]
        try:
            with self._begin() as txn:
                return list(map(txn.get, names))
        except lmdb.Error as fault:
            raise StoreError(f"the keys can't be looked up: {fault}") from fault

    def delete_range(self, lo: Bound, hi: Bound) -> int:
        """Delete the keys from `lo` up to but without `hi`, and give their number."""
        self._environment()
        low, high = encode_range(lo, hi)
        if low >= high:
            return 0

        def change(cursor: lmdb.Cursor) -> int:
            number = 0
            while cursor.set_range(low):
                name = cursor.key()
                while name and name < high:
                    cursor.delete()
                    number += 1
                    name = cursor.key()
                if name:
                    break
            return number

        return self._write(change)

    def scan(
        self, lo: Bound = None, hi: Bound = None, limit: int | None = None, reverse: bool = False
    ) -> Iterator[Row]:
        """Give the rows from `lo` up to but without `hi`, as they are when this is called."""
        self._environment()
        low, high = encode_range(lo, hi)
        if limit is not None:
            if not isinstance(limit, int):
                raise StoreError("the limit must be None or an int")
            limit = max(0, min(limit, sys.maxsize))
        try:
            txn = self._begin()
            rows = rows_of(self._keep(txn), partial(self._end, txn), self._alive, low, high, limit, reverse)
        except lmdb.Error as fault:
            raise StoreError(f"the scan can't begin: {fault}") from fault
        next(rows)
        return rows

    def count(self, prefix: tuple[Any, ...] = ()) -> int:
        """Count the keys that begin with `prefix`."""
        self._environment()
        if not isinstance(prefix, tuple):
            raise StoreError("a prefix must be a tuple, the first elements of a key: (tenant, ts, seq)")
        low = encode_bound(prefix)
        high = after_prefix(low) if prefix else HIGHEST
        number = 0
        try:
            with self._begin() as txn, txn.cursor() as cursor:
                if cursor.set_range(low):
                    for name in cursor.iternext(keys=True, values=False):
                        if name >= high:
                            break
                        number += 1
        except lmdb.Error as fault:
            raise StoreError(f"the keys can't be counted: {fault}") from fault
        return number

    def parallel_scan(self, lo: Bound, hi: Bound, workers: int, fold: Callable[[Iterator[Row]], Part]) -> list[Part]:
        """Fold the parts of a range in several processes, and give the results in order."""
        self._environment()
        low, high = encode_range(lo, hi)
        if not isinstance(workers, int) or workers < 1:
            raise StoreError("workers must be an int from 1")
        if low >= high:
            return []
        import store_team

        if workers == 1:
            return store_team.fold_here(self, low, high, fold)
        return store_team.fold_there(self, low, high, workers, fold)

    def close(self) -> None:
        """Close the store, with the scans that are open; its worker processes end."""
        env, self._env = self._env, None
        if env is None:
            return
        self._alive.clear()
        if self._team:
            import store_team

            store_team.dismiss(self)
        while self._live:
            try:
                self._live.popitem()[1][0].abort()
            except (KeyError, lmdb.Error):
                pass
        env.close()

    def _forget(self) -> None:
        """Be of no use in a forked child: nothing of LMDB's is ever closed there, not at its end either."""
        for held in (self._env, *(part for pair in self._live.values() for part in pair)):
            if held is not None:
                pythonapi.Py_IncRef(py_object(held))
        for process, link in self._team:
            pythonapi.Py_IncRef(py_object(process))
            link.close()  # so that the workers see their end when the parent goes
        if self._env is not None:
            self._env, self._gone = None, FORKED
        self._alive.clear()
        self._live, self._team = {}, []
        self._writing, self._parallel = threading.Lock(), threading.Lock()

    def __enter__(self) -> "Store":
        """Begin."""
        return self

    def __exit__(self, *fault: object) -> None:
        """Close."""
        self.close()
