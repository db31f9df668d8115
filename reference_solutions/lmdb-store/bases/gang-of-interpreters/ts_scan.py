"""Iterators over the rows of a range of one snapshot."""

from itertools import islice, takewhile

import lmdb
from ts_codec import decode_rows
from ts_errors import StoreError

FIRST = 32
MOST = 256
BYTES = 2**19


def keys_from(txn, lo, hi):
    """Iterate over the keys of a range, as bytes."""
    cursor = txn.cursor()
    if not (cursor.set_range(lo) if lo else cursor.first()):
        return iter(())
    keys = cursor.iternext(keys=True, values=False)
    return takewhile(hi.__gt__, keys) if hi else keys


class Scan:
    """Rows of a range, read some at a time.

    A class and no generator: one that was never begun still gives its snapshot back, and one whose store was closed
    raises each time it is asked, and not once.
    """

    __slots__ = ("_engine", "_txn", "_cursor", "_pairs", "_rows", "_lo", "_hi", "_left", "_size", "_reverse", "_own")

    def __init__(self, engine, txn, lo, hi, limit=None, reverse=False, own=True):
        self._engine = engine
        self._txn = txn
        self._own = own
        self._cursor = None
        self._pairs = None
        self._rows = iter(())
        self._lo = lo
        self._hi = hi
        self._left = limit
        self._reverse = reverse
        self._size = FIRST
        try:
            if (hi and hi <= lo) or (limit is not None and limit <= 0):
                self._let_go()
                return
            cursor = self._cursor = txn.cursor()
            if not reverse:
                found = cursor.set_range(lo) if lo else cursor.first()
                self._pairs = cursor.iternext() if found else None
            else:
                if hi and cursor.set_range(hi):
                    found = cursor.prev()
                else:
                    found = cursor.last()
                self._pairs = cursor.iterprev() if found else None
            if self._pairs is None:
                self._let_go()
        except BaseException as fault:
            self._let_go()
            if isinstance(fault, lmdb.Error):
                raise engine.failure(fault) from fault
            raise

    def __iter__(self):
        return self

    def __next__(self):
        for row in self._rows:
            return row
        return self._refill()

    def _refill(self):
        """Read the next rows, and give the first of them."""
        engine = self._engine
        if engine.why is not None:
            raise StoreError(engine.why)
        pairs = self._pairs
        if pairs is None:
            raise StopIteration
        size = self._size
        left = self._left
        if left is not None and left < size:
            size = left
        try:
            block = list(islice(pairs, size))
        except lmdb.Error as fault:
            raise engine.failure(fault) from fault
        through = len(block) < size
        if block:
            if self._reverse:
                lo = self._lo
                while block and block[-1][0] < lo:
                    block.pop()
                    through = True
            else:
                hi = self._hi
                if hi and block[-1][0] >= hi:
                    block = list(takewhile(lambda pair: pair[0] < hi, block))
                    through = True
        if left is not None:
            self._left = left - len(block)
            if self._left <= 0:
                through = True
        if through:
            self._let_go()
        else:
            bytes_each = sum([len(value) for _, value in block]) // len(block) + 64
            self._size = max(4, min(2 * self._size, MOST, BYTES // bytes_each))
        self._rows = iter(decode_rows(block))
        for row in self._rows:
            return row
        raise StopIteration

    def _let_go(self):
        """Give the snapshot back; rows that were read already may still be given."""
        self._pairs = None
        cursor, self._cursor = self._cursor, None
        txn, self._txn = self._txn, None
        if txn is None:
            return
        engine = self._engine
        if cursor is not None and engine.why is None:
            try:
                cursor.close()
            except lmdb.Error:
                pass
        del cursor
        if self._own:
            engine.release(txn)

    def close(self):
        """Be no longer open."""
        self._rows = iter(())
        self._let_go()

    def __del__(self):
        if getattr(self, "_txn", None) is not None:
            self._let_go()
