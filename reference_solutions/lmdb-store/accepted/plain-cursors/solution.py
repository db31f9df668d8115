"""The plain design: a transaction for each call, a cursor stepped row by row, numbers moved up to be unsigned."""

import multiprocessing
import os
import pickle
import struct
import sys
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import lmdb

MOST_MAP_BYTES = 2**38
LEAST_MAP_BYTES = 2**26
MAX_TENANT_BYTES = 240
MAX_VALUE_BYTES = 64 * 1024
SIGN = 2**63
END = b"\0\1"
BEHIND = b"\0\2"

Key = tuple[str, int, int]
Row = tuple[Key, bytes]

_numbers = struct.Struct(">QI")
_unpack = _numbers.unpack_from


class StoreError(Exception):
    """The store could not do what was asked."""


def encode_tenant(tenant: object) -> bytes:
    if not isinstance(tenant, str):
        raise StoreError(f"tenant must be str, not {type(tenant).__name__}")
    try:
        raw = tenant.encode()
    except UnicodeEncodeError:
        raise StoreError("tenant is not valid Unicode") from None
    if len(raw) > MAX_TENANT_BYTES:
        raise StoreError(f"tenant is longer than {MAX_TENANT_BYTES} bytes")
    return raw.replace(b"\0", b"\0\xff") if b"\0" in raw else raw


def encode(key: Any) -> bytes:
    if type(key) is not tuple or len(key) != 3:
        raise StoreError("key must be a tuple of tenant, ts and seq")
    tenant, ts, seq = key
    try:
        return encode_tenant(tenant) + END + _numbers.pack(ts + SIGN, seq)
    except (TypeError, struct.error):
        raise _number_fault(ts, seq) from None


def _number_fault(ts: object, seq: object) -> StoreError:
    if not isinstance(ts, int) or not -SIGN <= ts < SIGN:
        return StoreError("ts must be an int of 64 bits")
    return StoreError("seq must be an int from 0 to 2**32 - 1")


def encode_bound(bound: Any) -> bytes:
    """Encode the first elements of a key."""
    if type(bound) is not tuple or len(bound) > 3:
        raise StoreError("key bound must be a tuple of at most three")
    if not bound:
        return b""
    if len(bound) == 1:
        return encode_tenant(bound[0]) + b"\0"
    return encode((*bound, 0)[:3])[: -4 if len(bound) == 2 else None]


def behind(prefix: tuple[Any, ...]) -> bytes | None:
    """Give what sorts directly behind all keys that begin with `prefix`."""
    if not prefix:
        return None
    if len(prefix) == 1:
        return encode_tenant(prefix[0]) + BEHIND
    raw = encode_bound(prefix)
    return (int.from_bytes(raw, "big") + 1).to_bytes(len(raw), "big")


def decode_tenant(tenant: bytes) -> str:
    if b"\0" in tenant:
        tenant = tenant.replace(b"\0\xff", b"\0")
    return tenant.decode()


def decode(raw: bytes) -> Key:
    ts, seq = _unpack(raw, len(raw) - 12)
    return decode_tenant(raw[:-14]), ts - SIGN, seq


def limits(lo: Any, hi: Any) -> tuple[bytes, bytes | None]:
    return encode_bound(() if lo is None else lo), (encode_bound(hi) or None) if hi is not None else None


class Store:
    """A store in one folder."""

    def __init__(self, path: str, env: Any) -> None:
        self._path = path
        self._env = env
        self._why_not = ""
        self._turn = threading.Lock()
        self._workers: list[Any] = []
        _stores.add(self)

    @classmethod
    def open(cls, path: str, *, map_size: int = 2**24) -> "Store":
        path = os.path.abspath(path)  # noqa: PTH100  workers may be somewhere else
        size = max(map_size, MOST_MAP_BYTES)
        while True:
            try:
                env = lmdb.open(path, map_size=size, sync=False, metasync=False, max_readers=510)
            except lmdb.MemoryError as fault:
                size //= 2
                if size < LEAST_MAP_BYTES:
                    raise StoreError(f"open failed: {fault}") from fault
            except (lmdb.Error, OSError) as fault:
                raise StoreError(f"open failed: {fault}") from fault
            else:
                return cls(path, env)

    def _begin(self, write: bool = False) -> Any:
        self._check()
        try:
            return self._env.begin(write=write)
        except lmdb.Error as fault:
            raise StoreError(f"no transaction: {fault}") from fault

    def _check(self) -> None:
        if self._why_not:
            raise StoreError(self._why_not)

    def get(self, key: Key) -> bytes | None:
        raw = encode(key)
        with self._begin() as txn:
            value: bytes | None = txn.get(raw)
        return value

    def get_many(self, keys: Iterable[Key]) -> list[bytes | None]:
        raws = [encode(key) for key in keys]
        with self._begin() as txn:
            return [txn.get(raw) for raw in raws]

    def put_many(self, items: Iterable[tuple[Key, bytes]]) -> int:
        rows = []
        for key, value in items:
            if type(value) is not bytes:
                raise StoreError("value must be bytes")
            if len(value) > MAX_VALUE_BYTES:
                raise StoreError(f"value is longer than {MAX_VALUE_BYTES} bytes")
            rows.append((encode(key), value))
        order = sorted(range(len(rows)), key=lambda place: rows[place][0])

        def store(txn: Any) -> int:
            for place in order:
                txn.put(*rows[place])
            return len(rows)

        return self._write(store)

    def delete_range(self, lo: Any, hi: Any) -> int:
        low, high = limits(lo, hi)

        def delete(txn: Any) -> int:
            count = 0
            with txn.cursor() as cursor:
                while cursor.set_range(low) and (high is None or cursor.key() < high):
                    cursor.delete()
                    count += 1
            return count

        return self._write(delete)

    def _write(self, change: Callable[[Any], int]) -> int:
        self._check()
        try:
            self._env.reader_check()
            with self._begin(write=True) as txn:
                return change(txn)
        except lmdb.Error as fault:
            raise StoreError(f"nothing was changed: {fault}") from fault

    def scan(self, lo: Any = None, hi: Any = None, limit: int | None = None, reverse: bool = False) -> Iterator[Row]:
        low, high = limits(lo, hi)
        txn = self._begin()
        return self._rows(txn, low, high, -1 if limit is None else limit, reverse)

    def _rows(self, txn: Any, low: bytes, high: bytes | None, limit: int, reverse: bool) -> Iterator[Row]:
        try:
            with txn.cursor() as cursor:
                prefix, tenant = b"", ""
                for raw, value in _backwards(cursor, high) if reverse else _forwards(cursor, low):
                    if limit == 0 or (raw < low if reverse else high is not None and raw >= high):
                        return
                    limit -= 1
                    if raw[:-12] != prefix:
                        prefix = raw[:-12]
                        tenant = decode_tenant(prefix[:-2])
                    ts, seq = _unpack(raw, len(raw) - 12)
                    yield (tenant, ts - SIGN, seq), value
                    if self._why_not:
                        raise StoreError(self._why_not)
        except lmdb.Error as fault:
            raise StoreError(f"the scan broke: {fault}") from fault
        finally:
            if not self._why_not:  # closing has ended it, and in a forked child the place as a reader is the parent's
                txn.abort()

    def count(self, prefix: tuple[Any, ...] = ()) -> int:
        low, high = encode_bound(prefix), behind(prefix)
        with self._begin() as txn:
            return count(txn, low, high)

    def parallel_scan(self, lo: Any, hi: Any, workers: int, fold: Callable[[Iterator[Row]], Any]) -> list[Any]:
        """Fold in worker processes; writers wait for the moment in which these begin their transactions."""
        low, high = limits(lo, hi)
        self._check()
        with self._turn:  # one thread at a time speaks to the workers
            return self._fold(low, high, workers, fold)

    def _fold(self, low: bytes, high: bytes | None, workers: int, fold: Callable[[Iterator[Row]], Any]) -> list[Any]:
        self._staff(workers)
        workers = min(workers, len(self._workers))
        pipes = [pipe for _, pipe in self._workers[:workers]]
        with self._begin(write=True):
            txn = self._begin()
            for pipe in pipes:
                pipe.send(sys.path)
            for pipe in pipes:
                pipe.recv()
        with txn:
            cuts = _cuts(txn, low, high, workers)
        for pipe, cut in zip(pipes, cuts, strict=True):
            pipe.send((*cut, fold))
        answers = [pipe.recv() for pipe in pipes]
        for _, fault in answers:
            if fault is not None:
                raise fault
        return [result for result, _ in answers]

    def _staff(self, workers: int) -> None:
        context = multiprocessing.get_context("spawn")
        while len(self._workers) < min(workers, 8):
            ours, theirs = context.Pipe()
            process = context.Process(target=_work, args=(self._path, theirs, len(self._workers)), daemon=True)
            process.start()
            theirs.close()
            self._workers.append((process, ours))

    def close(self) -> None:
        if not self._why_not:
            self._why_not = "the store is closed"
            for process, pipe in self._workers:
                pipe.close()
                process.join()
            self._env.close()

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, *fault: object) -> None:
        self.close()


def _forwards(cursor: Any, low: bytes) -> Iterator[tuple[bytes, bytes]]:
    found: Iterator[tuple[bytes, bytes]] = cursor.iternext() if cursor.set_range(low) else iter(())
    return found


def _backwards(cursor: Any, high: bytes | None) -> Iterator[tuple[bytes, bytes]]:
    if high is not None and cursor.set_range(high) and not cursor.prev():
        return iter(())
    found: Iterator[tuple[bytes, bytes]] = cursor.iterprev()
    return found


def count(txn: Any, low: bytes, high: bytes | None) -> int:
    counted = 0
    with txn.cursor() as cursor:
        if cursor.set_range(low):
            for raw in cursor.iternext(values=False):
                if high is not None and raw >= high:
                    break
                counted += 1
    return counted


def _cuts(txn: Any, low: bytes, high: bytes | None, parts: int) -> list[tuple[bytes, bytes | None]]:
    """Cut a range into parts of equally many rows."""
    size = -(-count(txn, low, high) // parts) or 1
    starts = [low]
    with txn.cursor() as cursor:
        if cursor.set_range(low):
            for place, raw in enumerate(cursor.iternext(values=False)):
                if high is not None and raw >= high:
                    break
                if place and place % size == 0:
                    starts.append(raw)
                    if len(starts) == parts:
                        break
    while len(starts) < parts:
        starts.append(high if high is not None else b"\xff" * 500)
    return list(zip(starts, [*starts[1:], high], strict=True))


def portable(fault: BaseException) -> BaseException:
    """Give what a fold raised, or what says so where that can't travel."""
    try:
        pickle.loads(pickle.dumps(fault))  # noqa: S301  our own
    except Exception:  # noqa: BLE001  an exception may do anything while it is pickled
        return StoreError(f"the fold raised {type(fault).__name__}, which can't be pickled")
    return fault


def _work(path: str, pipe: Any, number: int) -> None:
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[number % len(cores)]})  # or both may be left on one
    with Store.open(path) as store:
        while True:
            try:
                sys.path[:] = pipe.recv()  # where a fold's module is may have been added since
                with store._begin() as txn:
                    pipe.send(None)
                    low, high, fold = pipe.recv()
                    try:
                        answer = fold(store._rows(txn, low, high, -1, False)), None
                    except BaseException as fault:  # noqa: BLE001  it is the caller's
                        answer = None, portable(fault)
                    pipe.send(answer)
            except (EOFError, OSError):
                return


_stores: weakref.WeakSet[Store] = weakref.WeakSet()


def _disown() -> None:
    for store in _stores:
        store._why_not = "the store was opened by another process, before a fork"
        for process, pipe in store._workers:
            pipe.close()  # or the worker would not notice that the parent has closed its own
            multiprocessing.process._children.discard(process)  # or it would be ended when this process exits


os.register_at_fork(after_in_child=_disown)
