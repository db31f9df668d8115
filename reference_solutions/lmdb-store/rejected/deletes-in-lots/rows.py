"""Rows of a range, decoded by the chunk: one pass in C over a chunk is half the price of one step in Python a row."""

import struct
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from itertools import islice, repeat
from operator import itemgetter
from typing import Any

import lmdb
from errors import StoreError
from keys import NUMBERS_BYTES, Key, tenants, unpack

Row = tuple[Key, bytes]
Raw = tuple[bytes, bytes]

FIRST_ROWS, MOST_ROWS = 16, 256
"""A chunk grows, so that who wants three rows does not pay for hundreds."""

_key = itemgetter(0)


def chunks(
    alive: list[bool], txn: Any, low: bytes | None, high: bytes | None, reverse: bool
) -> Iterator[Iterable[Row]]:
    """Give the rows from `low` up to `high`, or the other way, in chunks; `txn` is let go at the end.

    `alive` empties when the environment may not be touched any more.
    """
    size = FIRST_ROWS
    try:
        rows = ascending(txn.cursor(), low) if not reverse else descending(txn.cursor(), high)
        while True:
            if not alive:
                raise StoreError("the store of this scan is closed, or was opened before a fork")
            chunk = list(islice(rows, size))
            if not chunk:
                return
            size = min(2 * size, MOST_ROWS)
            last = chunk[-1][0]
            if not reverse and high is not None and last >= high:
                chunk = chunk[: bisect_left(chunk, high, key=_key)]
                rows = iter(())
            elif reverse and low is not None and last < low:
                chunk = chunk[: bisect_left(chunk, True, key=lambda row: row[0] < low)]
                rows = iter(())
            if chunk:
                yield decoded(chunk)
    except lmdb.Error as fault:
        raise StoreError(f"the scan broke: {fault}") from fault


def ascending(cursor: Any, low: bytes | None) -> Iterator[Raw]:
    """Give raw rows from `low` on."""
    if low is not None and not cursor.set_range(low):
        return iter(())
    rows: Iterator[Raw] = cursor.iternext()
    return rows


def descending(cursor: Any, high: bytes | None) -> Iterator[Raw]:
    """Give raw rows before `high`, backwards."""
    found = cursor.prev() if high is not None and cursor.set_range(high) else cursor.last()
    if not found:
        return iter(())
    rows: Iterator[Raw] = cursor.iterprev()
    return rows


def decoded(chunk: list[Raw]) -> Iterable[Row]:
    """Decode a chunk of which nothing is empty."""
    first, last = chunk[0][0], chunk[-1][0]
    width = len(first) - NUMBERS_BYTES
    prefix = first[:width]
    if len(last) == len(first) and last[:width] == prefix:  # then so is whatever sorts between them
        keys, values = zip(*chunk, strict=True)
        numbers = struct.unpack(">" + f"{width}xqI" * len(keys), b"".join(keys))
        return zip(zip(repeat(tenants[prefix]), numbers[::2], numbers[1::2]), values)  # noqa: B905  strict costs time
    return [((tenants[key[:-NUMBERS_BYTES]], *unpack(key[-NUMBERS_BYTES:])), value) for key, value in chunk]
