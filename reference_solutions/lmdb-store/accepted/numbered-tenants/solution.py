"""Tenants have numbers, so that keys are short: one table from tenants to numbers, one of rows by number, time and seq.

Numbers are given in order of arrival, so they do not sort as tenants do: whatever crosses tenants goes through the
first table, which does. A number is never given twice nor taken back, so a process may remember those that it has read.
"""

import multiprocessing
import os
import pickle
import struct
import sys
import threading
import weakref
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from operator import itemgetter
from typing import Any

import lmdb

LARGEST_MAP, SMALLEST_MAP = 2**39, 2**26
SIGN = 2**63
CHUNK_ROWS = 200
KNOWN_TENANTS = 10_000

Key = tuple[str, int, int]
Row = tuple[Key, bytes]
Span = tuple[str, bytes, bytes]
"""A tenant, and where its rows begin and end in the table of rows."""

_pack = struct.Struct(">IQI").pack
_numbers = struct.Struct(">4xQI").unpack
_first = itemgetter(0)


class StoreError(Exception):
    """Nothing was done, because something was wrong."""


def check_tenant(tenant: object) -> bytes:
    """Give the tenant's name in the first table."""
    if not isinstance(tenant, str):
        raise StoreError("the tenant is no str")
    try:
        name = b"=" + tenant.encode()
    except UnicodeEncodeError as fault:
        raise StoreError("the tenant holds a surrogate") from fault
    if len(name) > 241:
        raise StoreError("the tenant has more than 240 bytes")
    return name


def check_key(key: Any) -> None:
    """Raise StoreError unless this is a key."""
    if not isinstance(key, tuple) or len(key) != 3:
        raise StoreError(f"no key, which is a tuple of three: {key!r:.60}")
    check_tenant(key[0])
    check_int("ts", key[1], -SIGN, SIGN - 1)
    check_int("seq", key[2], 0, 2**32 - 1)


def check_int(name: str, number: object, least: int, most: int) -> None:
    if not isinstance(number, int) or not least <= number <= most:
        raise StoreError(f"{name} is no int from {least} to {most}")


def check_bound(bound: Any) -> None:
    if bound is not None and not (isinstance(bound, tuple) and len(bound) <= 3):
        raise StoreError("a key bound is None or a tuple of at most three")
    for check, part in zip((check_tenant, _check_ts, _check_seq), bound or (), strict=False):
        check(part)


def _check_ts(ts: object) -> None:
    check_int("ts", ts, -SIGN, SIGN - 1)


def _check_seq(seq: object) -> None:
    check_int("seq", seq, 0, 2**32 - 1)


class Store:
    """The store; only the process that opened it may use it."""

    def __init__(self, path: str, env: Any) -> None:
        self.path, self.env = path, env
        self.tenants, self.rows = env.open_db(b"tenants"), env.open_db(b"rows")
        self.known: dict[str, int] = {}
        self.fault = ""
        self.crew: list[Any] = []
        self.turn = threading.Lock()
        _all.add(self)

    @classmethod
    def open(cls, path: str, *, map_size: int = 2**24) -> "Store":
        path = os.path.abspath(path)  # noqa: PTH100  workers may be somewhere else
        size = max(LARGEST_MAP, map_size)
        while True:
            try:
                env = lmdb.open(path, map_size=size, max_dbs=2, sync=False, metasync=False, max_readers=512)
                return cls(path, env)
            except lmdb.MemoryError as fault:
                size //= 2
                if size < SMALLEST_MAP:
                    raise StoreError(str(fault)) from fault
            except (lmdb.Error, OSError) as fault:
                raise StoreError(str(fault)) from fault

    def begin(self, write: bool = False) -> Any:
        """Begin a transaction on the table of rows."""
        if self.fault:
            raise StoreError(self.fault)
        try:
            return self.env.begin(write=write, db=self.rows)
        except lmdb.Error as fault:
            raise StoreError(str(fault)) from fault

    def number(self, txn: Any, tenant: str) -> int | None:
        """Give a tenant's number, if it has one."""
        try:
            return self.known[tenant]
        except (KeyError, TypeError):
            raw = txn.get(check_tenant(tenant), db=self.tenants)
            if raw is None:
                return None
            if len(self.known) >= KNOWN_TENANTS:
                self.known.clear()
            self.known[tenant] = number = int.from_bytes(raw, "big")
            return number

    # ---- reading

    def get(self, key: Key) -> bytes | None:
        with self.begin() as txn:
            return self._value(txn, key)

    def _value(self, txn: Any, key: Key) -> bytes | None:
        try:
            tenant, ts, seq = key
            number = self.number(txn, tenant)
            raw = _pack(number or 0, ts + SIGN, seq)
        except (TypeError, ValueError, struct.error):
            check_key(key)
            raise
        value: bytes | None = None if number is None else txn.get(raw)
        return value

    def get_many(self, keys: Iterable[Key]) -> list[bytes | None]:
        with self.begin() as txn:
            return [self._value(txn, key) for key in keys]

    def scan(self, lo: Any = None, hi: Any = None, limit: int | None = None, reverse: bool = False) -> Iterator[Row]:
        check_bound(lo)
        check_bound(hi)
        rows = chain.from_iterable(self._chunks(self.begin(), lo, hi, reverse))
        return rows if limit is None else islice(rows, limit)

    def _chunks(self, txn: Any, lo: Any, hi: Any, reverse: bool) -> Iterator[list[Row]]:
        try:
            for span in self.spans(txn, lo, hi, reverse):
                yield from self.span_chunks(txn, span, reverse)
        except lmdb.Error as fault:
            raise StoreError(str(fault)) from fault

    def span_chunks(self, txn: Any, span: Span, reverse: bool = False) -> Iterator[list[Row]]:
        """Give the rows of a span in chunks."""
        tenant, low, high = span
        cursor = txn.cursor()
        if not reverse:
            found = cursor.set_range(low)
        elif cursor.set_range(high):
            found = cursor.prev()
        else:
            found = cursor.last()
        rows = (cursor.iterprev() if reverse else cursor.iternext()) if found else iter(())
        while chunk := list(islice(rows, CHUNK_ROWS)):
            whole = len(chunk)
            if reverse and chunk[-1][0] < low:
                chunk = [row for row in chunk if row[0] >= low]
            elif not reverse and chunk[-1][0] >= high:
                chunk = chunk[: bisect_left(chunk, high, key=_first)]
            unpacked = [(*_numbers(raw), value) for raw, value in chunk]
            yield [((tenant, ts - SIGN, seq), value) for ts, seq, value in unpacked]
            if len(chunk) < whole:
                return
            if self.fault:
                raise StoreError(self.fault)

    def spans(self, txn: Any, lo: Any, hi: Any, reverse: bool = False) -> Iterator[Span]:
        """Give the tenants of a range in order, and which of their rows are in it."""
        low, high = lo or (), hi or ()
        with txn.cursor(db=self.tenants) as cursor:
            found = cursor.set_range(check_tenant(low[0]) if low else b"=")
            names = list(cursor.iternext()) if found else []
        if high:
            last = check_tenant(high[0])
            names = [(name, raw) for name, raw in names if name < last or (name == last and len(high) > 1)]
        for name, raw in reversed(names) if reverse else names:
            tenant, number = name[1:].decode(), int.from_bytes(raw, "big")
            start = _edge(number, low[1:]) if low and low[0] == tenant else _pack(number, 0, 0)
            stop = _edge(number, high[1:]) if high and high[0] == tenant else _pack(number + 1, 0, 0)
            yield tenant, start, stop

    def count(self, prefix: tuple[Any, ...] = ()) -> int:
        check_bound(prefix)
        with self.begin() as txn:
            if not prefix:
                entries: int = txn.stat(self.rows)["entries"]
                return entries
            number = self.number(txn, prefix[0])
            if number is None:
                return 0
            low = _edge(number, prefix[1:])
            width = 4 if len(prefix) == 1 else 12 if len(prefix) == 2 else 16
            high = (int.from_bytes(low[:width], "big") + 1).to_bytes(width, "big")
            cursor = txn.cursor()
            keys = cursor.iternext(values=False) if cursor.set_range(low) else iter(())
            return sum(1 for _ in _until(keys, high))

    # ---- writing

    def put_many(self, items: Iterable[tuple[Key, bytes]]) -> int:
        items = list(items)
        for key, value in items:
            check_key(key)
            if type(value) is not bytes:
                raise StoreError("the value is no bytes")
            if len(value) > 64 * 1024:
                raise StoreError("the value has more than 64 KiB")
        return self._write(lambda txn: self._put(txn, items))

    def _put(self, txn: Any, items: list[tuple[Key, bytes]]) -> int:
        numbers = {}
        for tenant in dict.fromkeys(key[0] for key, _ in items):
            number = self.number(txn, tenant)
            if number is None:
                number = txn.stat(self.tenants)["entries"] + 1
                txn.put(check_tenant(tenant), number.to_bytes(4, "big"), db=self.tenants)
            numbers[tenant] = number
        rows = [(_pack(numbers[tenant], ts + SIGN, seq), value) for (tenant, ts, seq), value in items]
        rows.sort(key=_first)
        txn.cursor().putmulti(rows)
        return len(rows)

    def delete_range(self, lo: Any, hi: Any) -> int:
        check_bound(lo)
        check_bound(hi)
        return self._write(lambda txn: sum(_delete(txn, low, high) for _, low, high in self.spans(txn, lo, hi)))

    def _write(self, change: Callable[[Any], int]) -> int:
        known = dict(self.known)
        try:
            with self.begin(write=True) as txn:
                self.env.reader_check()
                return change(txn)
        except lmdb.Error as fault:
            self.known = known  # a number that was given and is not stored may be given to another
            raise StoreError(f"nothing was written: {fault}") from fault

    # ---- in parallel

    def parallel_scan(self, lo: Any, hi: Any, workers: int, fold: Callable[[Iterator[Row]], Any]) -> list[Any]:
        check_bound(lo)
        check_bound(hi)
        self.begin().abort()
        with self.turn:  # the workers' pipes are for one call at a time
            return self._fold(lo, hi, workers, fold)

    def _fold(self, lo: Any, hi: Any, workers: int, fold: Callable[[Iterator[Row]], Any]) -> list[Any]:
        self._hire(workers)
        crew = self.crew[: max(workers, 1)]
        txn = self._in_one_state([pipe for _, pipe in crew])
        shares = _shares(txn, list(self.spans(txn, lo, hi)), len(crew))
        for (_, pipe), share in zip(crew, shares, strict=True):
            pipe.send(("fold", share, fold))
        answers = [pipe.recv() for _, pipe in crew]
        for _, fault in answers:
            if fault is not None:
                raise fault
        return [part for part, _ in answers]

    def _in_one_state(self, pipes: list[Any]) -> Any:
        """Let every worker begin a transaction, until no write came in between."""
        tries = 0
        while True:
            tries += 1
            held = self.begin(write=True) if tries > 10 else None
            txn = self.begin()
            for pipe in pipes:
                pipe.send(("begin", sys.path))
            states = {pipe.recv() for pipe in pipes} | {txn.id()}
            if held is not None:
                held.abort()
            if len(states) == 1:
                return txn

    def _hire(self, workers: int) -> None:
        context = multiprocessing.get_context("spawn")
        while len(self.crew) < min(workers, 12):
            ours, theirs = context.Pipe()
            process = context.Process(target=_work, args=(self.path, theirs, len(self.crew)), daemon=True)
            process.start()
            theirs.close()
            self.crew.append((process, ours))

    def close(self) -> None:
        if not self.fault:
            self.fault = "the store is closed"
            for process, pipe in self.crew:
                pipe.close()
                process.join()
            self.env.close()

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _edge(number: int, rest: tuple[int, ...]) -> bytes:
    ts, seq = (*rest, *(-SIGN, 0)[len(rest) :])
    return _pack(number, ts + SIGN, seq)


def _until(keys: Iterable[bytes], high: bytes) -> Iterator[bytes]:
    for key in keys:
        if key >= high:
            return
        yield key


def _delete(txn: Any, low: bytes, high: bytes) -> int:
    deleted, cursor = 0, txn.cursor()
    if cursor.set_range(low):
        while low <= cursor.key() < high:
            cursor.delete()
            deleted += 1
    return deleted


def _shares(txn: Any, spans: list[Span], parts: int) -> list[list[Span]]:
    """Share spans out, so that each part has about equally many rows."""
    keys = txn.cursor
    counted = []
    for _, low, high in spans:
        cursor = keys()
        counted.append(
            list(islice(_until(cursor.iternext(values=False), high), 0, None, 64)) if cursor.set_range(low) else []
        )
    size = -(-sum(map(len, counted)) // parts) or 1
    shares: list[list[Span]] = [[] for _ in range(parts)]
    place = 0
    for (tenant, low, high), marks in zip(spans, counted, strict=True):
        begin = low
        for start in range(0, len(marks), 1):
            if place and place % size == 0:
                shares[place // size - 1].append((tenant, begin, marks[start]))
                begin = marks[start]
            place += 1
        if marks:
            shares[(place - 1) // size].append((tenant, begin, high))
    return shares


def _sendable(fault: BaseException) -> BaseException:
    try:
        pickle.loads(pickle.dumps(fault))  # noqa: S301  our own
    except Exception as why:  # noqa: BLE001  whatever pickling it comes to
        return StoreError(f"the fold raised {fault!r:.200}, which can't be sent: {why}")
    return fault


def _work(path: str, pipe: Any, number: int) -> None:
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[number % len(cores)]})  # or both may be left on one
    with Store.open(path) as store:
        txn = None
        while True:
            try:
                what, *given = pipe.recv()
                if what == "begin":
                    [sys.path[:]] = given  # where a fold's module is may have been added since
                    txn = store.begin()
                    pipe.send(txn.id())
                    continue
                spans, fold = given
                try:
                    rows = chain.from_iterable(chain.from_iterable(store.span_chunks(txn, span) for span in spans))
                    answer = fold(rows), None
                except BaseException as fault:  # noqa: BLE001  it belongs to the caller
                    answer = None, _sendable(fault)
                txn.abort()  # a traceback may still hold on to what read from it
                pipe.send(answer)
            except (EOFError, OSError):
                return


_all: weakref.WeakSet[Store] = weakref.WeakSet()


def _forked() -> None:
    for store in _all:
        store.fault = "the store was opened before a fork"
        for process, pipe in store.crew:  # the parent's: not to be ended when this process exits, nor kept by its pipes
            multiprocessing.process._children.discard(process)
            pipe.close()


os.register_at_fork(after_in_child=_forked)
