"""A store of values by tenant, time and number, on LMDB. SPEC.md says what it must do, NOTES.md why it does it so."""

import contextlib
import errno
import fcntl
import os
import resource
import struct
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice, repeat
from operator import add, itemgetter
from typing import Any, TypeVar

import lmdb

Key = tuple[str, int, int]
Row = tuple[Key, bytes]
Bound = tuple[Any, ...] | None
Part = TypeVar("Part")

TENANT_BYTES = 240
VALUE_BYTES = 65_536
ROOM = 2**40  # address space taken for the map: never a limit, never a size of a file
LOCK_BYTES = 32_768  # the whole lock file, allocated when it is made: about 500 readers
BLOCK = 512  # items that are encoded in one go
RUN = 4_096  # items that are sorted and put together
BREATH = 2_048  # items after which other threads may have the interpreter
CHUNK = 128  # rows that a scan reads ahead, at most
CHUNK_BYTES = 2**18


class StoreError(Exception):
    """The store could not do what was asked, and changed nothing."""


# ---- keys -----------------------------------------------------------------------------------------------------------
#
# tenant in UTF-8, with the bytes 0, 1 and 2 escaped by a 2 | 0 if ts is negative, else 1 | ts and seq, big endian
#
# UTF-8 sorts as code points do. What ends a tenant is below everything that can go on with it, and as it tells the
# sign of ts too, ts can be two's complement. No code of a tenant is the beginning of another one's.

_tail = struct.Struct(">qI")
_pack = _tail.pack
_unpack_from = _tail.unpack_from
_TAIL = _tail.size
_negative: dict[str, bytes] = {}  # tenant -> code, a cache
_positive: dict[str, bytes] = {}
_tenants: dict[bytes, str] = {}  # code -> tenant, a cache
_layouts: dict[int, Callable] = {}  # length of a tenant's code -> iter_unpack over keys that were joined
_CACHED = 1_024


def _tenant_code(tenant: Any) -> bytes:
    if not isinstance(tenant, str):
        raise StoreError(f"the tenant must be a str, not {type(tenant).__name__}")
    try:
        code = tenant.encode()
    except UnicodeEncodeError:
        raise StoreError("the tenant holds a lone surrogate") from None
    if len(code) > TENANT_BYTES:
        raise StoreError(f"the tenant has {len(code)} bytes in UTF-8, more than {TENANT_BYTES}")
    return code.replace(b"\2", b"\2\2").replace(b"\0", b"\2\0").replace(b"\1", b"\2\1")


def _check_number(name: str, number: Any, least: int, most: int) -> None:
    if not isinstance(number, int):
        raise StoreError(f"{name} must be an int, not {type(number).__name__}")
    if not least <= number <= most:
        raise StoreError(f"{name} is out of range: it must be from {least} to {most}")


def _check_ts(ts: Any) -> None:
    _check_number("ts", ts, -(2**63), 2**63 - 1)


def _checked_code(key: Any) -> bytes:
    """Encode a key with every check, and remember its tenant."""
    if not isinstance(key, tuple) or len(key) != 3:
        raise StoreError("a key must be a tuple (tenant, ts, seq)")
    tenant, ts, seq = key
    code = _tenant_code(tenant)
    _check_ts(ts)
    _check_number("seq", seq, 0, 2**32 - 1)
    if len(_negative) >= _CACHED:
        _negative.clear()
        _positive.clear()
    _positive[tenant] = code + b"\1"
    _negative[tenant] = code + b"\0"
    return code + (b"\0" if ts < 0 else b"\1") + _pack(ts, seq)


def _code(key: Any) -> bytes:
    """Encode a key."""
    try:
        tenant, ts, seq = key
        if key.__class__ is tuple and ts.__class__ is int and seq.__class__ is int:
            return (_negative if ts < 0 else _positive)[tenant] + _pack(ts, seq)
    except (TypeError, ValueError, KeyError, struct.error):
        pass
    return _checked_code(key)


def _bound_code(bound: Any) -> bytes:
    """Encode a bound: its code is not above that of any key from it on, and above those of all keys before it."""
    if bound is None:
        return b""
    if not isinstance(bound, tuple) or len(bound) > 3:
        raise StoreError("a bound must be None, or a tuple of the first elements of a key")
    if len(bound) == 3:
        return _code(bound)
    if not bound:
        return b""
    code = _tenant_code(bound[0])
    if len(bound) == 1:
        return code + b"\0"
    _check_ts(bound[1])
    return code + (b"\0" if bound[1] < 0 else b"\1") + bound[1].to_bytes(8, "big", signed=True)


def _tenant(code: bytes) -> str:
    """Decode a tenant, with the byte that ends it."""
    try:
        return _tenants[code]
    except KeyError:
        raw = code[:-1].replace(b"\2\0", b"\0").replace(b"\2\1", b"\1").replace(b"\2\2", b"\2")
        if len(_tenants) >= _CACHED:
            _tenants.clear()
        tenant = _tenants[code] = raw.decode()
        return tenant


def _decoded(pairs: list[tuple[bytes, bytes]]) -> Iterable[Row]:
    """Decode pairs that are in order, forwards or backwards."""
    codes, values = zip(*pairs)
    prefix = codes[0][:-_TAIL]
    if codes[-1][:-_TAIL] == prefix:  # so all between them have it too
        layout = _layouts.get(len(prefix))
        if layout is None:
            layout = _layouts[len(prefix)] = struct.Struct(f">{len(prefix)}xqI").iter_unpack
        times, numbers = zip(*layout(b"".join(codes)))
        return zip(zip(repeat(_tenant(prefix)), times, numbers), values)
    return [((_tenant(code[:-_TAIL]), *_unpack_from(code, len(code) - _TAIL)), value) for code, value in pairs]


# ---- batches --------------------------------------------------------------------------------------------------------


def _checked_item(item: Any) -> tuple[bytes, bytes]:
    if not isinstance(item, tuple) or len(item) != 2:
        raise StoreError("an item must be a tuple of a key and a value")
    key, value = item
    code = _checked_code(key)
    if not isinstance(value, bytes):
        raise StoreError(f"a value must be bytes, not {type(value).__name__}")
    if len(value) > VALUE_BYTES:
        raise StoreError(f"a value of {len(value)} bytes is longer than {VALUE_BYTES}")
    return code, value


def _encoded(block: list[Any]) -> Iterable[tuple[bytes, bytes]]:
    """Encode items: all at once when they look sound, else one by one, which finds out what is wrong."""
    try:
        keys, values = zip(*block)
        if (
            set(map(type, block)) == {tuple}
            and set(map(len, block)) == {2}
            and set(map(type, keys)) == {tuple}
            and set(map(len, keys)) == {3}
            and set(map(type, values)) == {bytes}
            and max(map(len, values)) <= VALUE_BYTES
        ):
            tenants, times, numbers = zip(*keys)
            if set(map(type, times)) == {int} == set(map(type, numbers)):
                prefixes = [
                    (_negative if ts < 0 else _positive)[tenant] for tenant, ts in zip(tenants, times, strict=True)
                ]
                return list(zip(map(add, prefixes, map(_pack, times, numbers)), values))
    except (TypeError, ValueError, KeyError, struct.error):
        pass
    return [_checked_item(item) for item in block]


def _sorted_run(run: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Sort a run by key; of several with one key the last stays."""
    return sorted(dict(run).items(), key=itemgetter(0))


def _runs(items: Iterable[Any]) -> tuple[list[list[tuple[bytes, bytes]]], int]:
    """Use up the items before anything is locked, so that they may read, wait, raise or take their time."""
    runs: list[list[tuple[bytes, bytes]]] = []
    run: list[tuple[bytes, bytes]] = []
    number = 0
    source = iter(items)
    while block := list(islice(source, BLOCK)):
        run.extend(_encoded(block))
        number += len(block)
        if len(run) >= RUN:
            runs.append(_sorted_run(run))
            run = []
        if number % BREATH == 0 and threading.active_count() > 1:
            time.sleep(1e-6)  # a lookup of another thread need not wait for the interpreter's own turn, of 5 ms
    if run:
        runs.append(_sorted_run(run))
    return runs, number


# ---- scans ----------------------------------------------------------------------------------------------------------


class _Chunks:
    """Reads the rows of a range a piece at a time. Its cursor alone holds the transaction, and dies with it."""

    __slots__ = ("_left", "_pairs", "_reverse", "_size", "_stop", "_store")

    def __init__(self, store: "Store", pairs: Iterator, stop: bytes | None, reverse: bool, limit: int | None) -> None:
        self._store = store
        self._pairs: Iterator | None = pairs
        self._stop = stop
        self._reverse = reverse
        self._left = limit
        self._size = 16

    def __iter__(self) -> "_Chunks":
        return self

    def __next__(self) -> Iterable[Row]:
        pairs = self._pairs
        if pairs is None:
            raise StopIteration
        store = self._store
        if store._gone:
            raise StoreError(store._gone)
        size = self._size if self._left is None else min(self._size, self._left)
        try:
            chunk = list(islice(pairs, size))
        except lmdb.Error as error:
            raise store._fault(error) from error
        last = len(chunk) < size
        stop = self._stop
        if stop is not None and chunk:
            end = len(chunk)
            if self._reverse:
                while end and chunk[end - 1][0] < stop:
                    end -= 1
            else:
                while end and chunk[end - 1][0] >= stop:
                    end -= 1
            if end < len(chunk):
                del chunk[end:]
                last = True
        if self._left is not None:
            self._left -= len(chunk)
            last = last or not self._left
        if last:
            self._pairs = None  # everything is read, so the scan is open no longer
        if not chunk:
            raise StopIteration
        weight = 64 + max(len(chunk[0][1]), len(chunk[len(chunk) // 2][1]), len(chunk[-1][1]))
        self._size = max(4, min(2 * self._size, CHUNK, CHUNK_BYTES // weight))
        return _decoded(chunk)


def _rows(
    store: "Store", txn: lmdb.Transaction, lo: bytes, hi: bytes | None, limit: int | None = None, reverse: bool = False
) -> Iterator[Row]:
    """Give the rows of a range of codes as a transaction sees them."""
    cursor = txn.cursor()
    if reverse:
        found = cursor.prev() if hi is not None and cursor.set_range(hi) else cursor.last()
        pairs, stop = cursor.iterprev, lo or None
    else:
        found = cursor.set_range(lo) if lo else cursor.first()
        pairs, stop = cursor.iternext, hi
    if not found:
        return iter(())
    return chain.from_iterable(_Chunks(store, pairs(), stop, reverse, limit))


# ---- the store ------------------------------------------------------------------------------------------------------


class _Gone:
    """Stands where LMDB's environment was."""

    def __init__(self, reason: str) -> None:
        self.__dict__["reason"] = reason

    def __getattr__(self, name: str) -> Any:
        raise StoreError(self.reason)


_stores: "weakref.WeakSet[Store]" = weakref.WeakSet()
_kept: list[Any] = []


def _after_fork() -> None:
    """Let a child touch nothing that it shares with its parent: the table of readers is shared memory."""
    for store in list(_stores):
        store._disown()


os.register_at_fork(after_in_child=_after_fork)


def _open_environment(path: str, map_size: int) -> lmdb.Environment:
    """Open LMDB's environment with a map that is larger than any disk, or as large as this process may have one."""
    size = max(map_size, ROOM)
    space = resource.getrlimit(resource.RLIMIT_AS)[0]
    if space != resource.RLIM_INFINITY:
        size = min(size, max(map_size, space // 8 * 5))
    size -= size % 2**16
    while True:
        try:
            # sync=False: what was given to the operating system outlives this process, and that is what is asked for
            return lmdb.open(path, map_size=size, sync=False, metasync=False, max_readers=126, max_spare_txns=1)
        except lmdb.MemoryError:
            size //= 2
            if size < max(map_size, 2**24):
                raise


def _prepare(path: str) -> None:
    """Make the files so that nothing is missing later, when the disk may be full."""
    lock = os.open(os.path.join(path, "lock.mdb"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        if os.fstat(lock).st_size == 0:
            # It is written to through a map: a hole in it would be a SIGBUS on a full disk.
            try:
                os.posix_fallocate(lock, 0, LOCK_BYTES)
            except OSError as error:
                os.ftruncate(lock, 0)
                if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL):
                    raise
    finally:
        os.close(lock)
    data = os.path.join(path, "data.mdb")
    if os.path.exists(data) and os.path.getsize(data) < 2 * os.sysconf("SC_PAGE_SIZE"):
        os.truncate(data, 0)  # whoever made it was killed before its first two pages were there


class Store:
    """An open store; a context manager."""

    def __init__(self, path: str, map_size: int) -> None:
        """Be called by `open`."""
        self._gone: str | None = "the store is not open"
        self._path = path
        self._pool: Any = None
        self._pool_lock = threading.Lock()
        self._env: Any = _open_environment(path, map_size)
        self._begin: Any = self._env.begin
        self._gone = None
        _stores.add(self)

    @classmethod
    def open(cls, path: str, *, map_size: int = 2**24) -> "Store":
        """Open the store in the folder `path`, which is made if missing."""
        if not isinstance(map_size, int) or map_size < 1:
            raise StoreError("map_size must be a positive int")
        try:
            path = os.path.abspath(os.fspath(path))
            with contextlib.suppress(FileExistsError):
                os.mkdir(path)
            folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                fcntl.flock(folder, fcntl.LOCK_EX)  # one process at a time opens it
                _prepare(path)
                return cls(path, map_size)
            finally:
                fcntl.flock(folder, fcntl.LOCK_UN)
                os.close(folder)
        except (lmdb.Error, OSError, TypeError, ValueError, OverflowError) as error:
            raise StoreError(f"the store can't be opened: {error}") from error

    def _fault(self, error: Exception) -> StoreError:
        if self._gone:
            return StoreError(self._gone)
        if isinstance(error, lmdb.DiskError) or getattr(error, "code", 0) in (errno.ENOSPC, errno.EIO, errno.EDQUOT):
            return StoreError(f"the disk is full, nothing was stored: {error}")
        if isinstance(error, lmdb.MapFullError | lmdb.MapResizedError):
            return StoreError(f"the address space that this process may have is too small for the store: {error}")
        return StoreError(f"LMDB failed: {error}")

    def _snapshot(self) -> lmdb.Transaction:
        try:
            try:
                return self._begin()
            except lmdb.ReadersFullError:
                self._env.reader_check()
                return self._begin()
        except lmdb.Error as error:
            raise self._fault(error) from error

    def _write(self, work: Callable[[lmdb.Transaction], int]) -> int:
        """Do some work in a transaction, and commit it."""
        try:
            self._env.reader_check()  # what killed readers held is free again
            with self._env.begin(write=True) as txn:
                return work(txn)
        except lmdb.Error as error:
            raise self._fault(error) from error

    def put_many(self, items: Iterable[Row]) -> int:
        """Store all items or none, and give their number."""
        if self._gone:
            raise StoreError(self._gone)
        try:
            source = iter(items)
        except TypeError:
            raise StoreError("items must be an iterable of pairs of a key and a value") from None
        runs, number = _runs(source)
        if not number:
            return 0

        def put(txn: lmdb.Transaction) -> int:
            cursor = txn.cursor()
            runs.reverse()
            while runs:
                run = runs.pop()
                append = not cursor.last() or cursor.key() < run[0][0]
                cursor.putmulti(run, append=append)
            return number

        return self._write(put)

    def get(self, key: Key) -> bytes | None:
        """Give the value of a key, or None."""
        code = _code(key)
        try:
            return self._begin().get(code)
        except lmdb.ReadersFullError:
            return self._snapshot().get(code)
        except lmdb.Error as error:
            raise self._fault(error) from error

    def get_many(self, keys: Iterable[Key]) -> list[bytes | None]:
        """Give the value of each key, or None, all of one state."""
        if self._gone:
            raise StoreError(self._gone)
        try:
            source = iter(keys)
        except TypeError:
            raise StoreError("the keys must be an iterable of keys") from None
        codes = list(map(_code, source))
        txn = self._snapshot()
        try:
            return list(map(txn.get, codes))
        except lmdb.Error as error:
            raise self._fault(error) from error

    def delete_range(self, lo: Bound, hi: Bound) -> int:
        """Delete the keys from `lo` up to but without `hi`, and give their number."""
        begin, stop = _bound_code(lo), _bound_code(hi) or None
        if stop is not None and stop <= begin:
            self._snapshot()  # which finds out if the store is closed
            return 0

        def delete(txn: lmdb.Transaction) -> int:
            cursor = txn.cursor()
            found = cursor.set_range(begin) if begin else cursor.first()
            code = cursor.key() if found else b""
            number = 0
            while code and (stop is None or code < stop):
                cursor.delete()
                number += 1
                code = cursor.key()
            return number

        return self._write(delete)

    def scan(
        self, lo: Bound = None, hi: Bound = None, limit: int | None = None, reverse: bool = False
    ) -> Iterator[Row]:
        """Give the rows from `lo` up to but without `hi`, as they are when this is called."""
        begin, stop = _bound_code(lo), _bound_code(hi) or None
        if limit is not None and (not isinstance(limit, int) or limit < 0):
            raise StoreError("limit must be None or an int that is not negative")
        txn = self._snapshot()
        if limit == 0 or (stop is not None and stop <= begin):
            return iter(())
        try:
            return _rows(self, txn, begin, stop, limit, reverse)
        except lmdb.Error as error:
            raise self._fault(error) from error

    def count(self, prefix: tuple[Any, ...] = ()) -> int:
        """Count the keys that begin with `prefix`."""
        if prefix is None:
            raise StoreError("the prefix of a key must be a tuple, not None")
        begin = _bound_code(prefix)
        txn = self._snapshot()
        try:
            if not begin:
                return txn.stat()["entries"]
            # above all that go on with the prefix, and below all others that are above it
            stop = (begin[:-1] + b"\2") if len(prefix) == 1 else begin + b"\xff" * 5 * (3 - len(prefix)) + b"\0"
            cursor = txn.cursor()
            if not cursor.set_range(begin):
                return 0
            codes = cursor.iternext(keys=True, values=False)
            number = 0
            while chunk := list(islice(codes, 512)):
                if chunk[-1] < stop:
                    number += len(chunk)
                else:
                    return number + sum(code < stop for code in chunk)
            return number
        except lmdb.Error as error:
            raise self._fault(error) from error

    def parallel_scan(self, lo: Bound, hi: Bound, workers: int, fold: Callable[[Iterator[Row]], Part]) -> list[Part]:
        """Fold the parts of a range in several processes, and give the results in order."""
        begin, stop = _bound_code(lo), _bound_code(hi) or None
        if not isinstance(workers, int) or workers < 1:
            raise StoreError("workers must be a positive int")
        if not callable(fold):
            raise StoreError("fold must be a function")
        txn = self._snapshot()
        if stop is not None and stop <= begin:
            return []
        try:
            if workers == 1 or getattr(fold, "__module__", None) == "__main__":
                return [fold(_rows(self, txn, begin, stop))]
            with self._pool_lock:
                if self._gone:
                    raise StoreError(self._gone)
                if self._pool is None:
                    from store_workers import Pool

                    self._pool = Pool(self._path)
                return self._pool.run(txn, begin, stop, workers, fold)
        except lmdb.Error as error:
            raise self._fault(error) from error
        finally:
            if not self._gone:
                txn.abort()  # the traceback of what fold raised may keep it alive

    def close(self) -> None:
        """Close the store."""
        if self._gone:
            return
        self._gone = "the store is closed"
        with self._pool_lock:
            if self._pool is not None:
                self._pool.close()
                self._pool = None
        env, self._env = self._env, _Gone(self._gone)
        self._begin = _refusal(self._gone)
        env.close()

    def _disown(self) -> None:
        """Be of no use any more, in a child that was forked, and leave all to the parent."""
        if self._gone:
            return
        self._gone = "the store was opened before a fork, and is of no use in the child"
        env, self._env = self._env, _Gone(self._gone)
        self._begin = _refusal(self._gone)
        # LMDB would clear a slot in the table of readers, which is the parent's, if this were ever freed, and that
        # happens to globals too when the interpreter ends: so one reference too many.
        _kept.append(env)
        with contextlib.suppress(ImportError):
            import ctypes

            ctypes.pythonapi.Py_IncRef(ctypes.py_object(env))
        if self._pool is not None:
            self._pool.disown()
            self._pool = None

    def __enter__(self) -> "Store":
        """Begin."""
        return self

    def __exit__(self, *fault: object) -> None:
        """Close."""
        self.close()

    def __del__(self) -> None:
        """Close what nobody closed."""
        with contextlib.suppress(Exception):
            self.close()


def _refusal(reason: str) -> Callable:
    def refuse(*_: Any, **__: Any) -> Any:
        raise StoreError(reason)

    return refuse
