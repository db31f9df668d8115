"""The archive: Parquet in small row groups, compressed with zstd, pages and footer under checksums.

    Parquet file | CRC-32 of its footer | the footer's length | magic

Parquet's own checksums cover the pages and not the footer, in which a flipped bit can rename a column or move a bound;
so the footer gets one of ours, behind the file, which the reader is not shown.
"""

# ruff: noqa: PTH123, SIM115
import os
import struct
import zlib

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from faults import FormatError

ROWS_A_GROUP = 32 * 1024
TRAILER = struct.Struct("<II8s")
MAGIC = b"ARCHIVE1"
PARQUET_TAIL = 8


def write_archive(path, schema, batches):
    """Write batches as they come; no more than a row group is ever held."""
    with pq.ParquetWriter(
        path,
        schema,
        compression="zstd",
        compression_level=3,
        write_page_checksum=True,
        write_statistics=True,
        use_dictionary=True,
        store_decimal_as_integer=False,
    ) as writer:
        waiting, rows = [], 0
        for batch in batches:
            waiting.append(batch)
            rows += batch.num_rows
            if rows >= ROWS_A_GROUP:
                table = pa.Table.from_batches(waiting, schema)
                whole = rows - rows % ROWS_A_GROUP
                writer.write_table(table.slice(0, whole), row_group_size=ROWS_A_GROUP)
                waiting, rows = table.slice(whole).to_batches(), rows - whole
                del table
        if rows or not waiting:
            writer.write_table(pa.Table.from_batches(waiting, schema), row_group_size=ROWS_A_GROUP)
    _seal(path)


def _seal(path):
    with open(path, "r+b") as file:
        file.seek(-PARQUET_TAIL, os.SEEK_END)
        length = int.from_bytes(file.read(4), "little") + PARQUET_TAIL
        file.seek(-length, os.SEEK_END)
        checksum = zlib.crc32(file.read(length))
        file.write(TRAILER.pack(checksum, length, MAGIC))


def _opened(path):
    """Give the Parquet part of a file whose footer is whole."""
    with open(path, "rb") as file:
        size = file.seek(0, os.SEEK_END)
        if size < TRAILER.size + PARQUET_TAIL:
            raise FormatError("the file is cut short")
        file.seek(size - TRAILER.size)
        checksum, length, magic = TRAILER.unpack(file.read(TRAILER.size))
        start = size - TRAILER.size - length
        if magic != MAGIC or start < 0:
            raise FormatError("the file is no archive, or is cut short")
        file.seek(start)
        if zlib.crc32(file.read(length)) != checksum:
            raise FormatError("the footer is damaged")
    return _Part(path, size - TRAILER.size)


class _Part:
    """A file that ends earlier, for pyarrow to read.

    Not mapped: around each page that is touched the kernel would read as much as its read-ahead is long, and a few
    columns lie a little everywhere.
    """

    closed = False

    def __init__(self, path, size):
        self._file = open(path, "rb", buffering=0)
        self._size = size
        self._position = 0

    def tell(self):
        return self._position

    def seek(self, offset, whence=0):
        self._position = offset + (0, self._position, self._size)[whence]
        return self._position

    def read(self, count=-1):
        left = max(0, self._size - self._position)
        data = os.pread(self._file.fileno(), left if count is None or count < 0 else min(count, left), self._position)
        self._position += len(data)
        return data

    def readable(self):
        return True

    def seekable(self):
        return True

    def writable(self):
        return False

    def close(self):
        self.closed = True
        self._file.close()


def scan_archive(path, columns, where):
    """Give the rows that fulfil all conditions, batch by batch; row groups that can't have any are not read."""
    try:
        part = _opened(path)
        try:
            with pq.ParquetFile(part, page_checksum_verification=True) as file:
                yield from _scan(file, columns, where)
        finally:
            part.close()
    except (pa.ArrowException, OSError, OverflowError) as error:
        if isinstance(error, FileNotFoundError):
            raise
        raise FormatError(f"the archive is damaged: {error}") from error


def _scan(file, columns, where):
    schema = file.schema_arrow
    for name in [*columns, *(name for name, _, _ in where)]:
        if schema.get_field_index(name) < 0:
            raise KeyError(name)
    needed = list(dict.fromkeys([*columns, *(name for name, _, _ in where)]))
    conditions = [(name, how, pa.scalar(value, schema.field(name).type)) for name, how, value in where]
    places = {file.metadata.schema.column(place).path: place for place in range(file.metadata.num_columns)}
    for number in range(file.metadata.num_row_groups):
        group = file.metadata.row_group(number)
        if not all(_may_hold(group, places[name], how, value) for name, how, value in conditions):
            continue
        table = file.read_row_group(number, columns=needed, use_threads=False)
        if conditions:
            table = table.filter(_mask(table, conditions))
        if table.num_rows:
            yield from table.select(columns).to_batches()


_COMPARE = {"==": pc.equal, "<": pc.less, "<=": pc.less_equal, ">": pc.greater, ">=": pc.greater_equal}


def _mask(table, conditions):
    mask = None
    for name, how, value in conditions:
        found = _COMPARE[how](table[name], value)
        mask = found if mask is None else pc.and_(mask, found)
    return mask


def _may_hold(group, place, how, value):
    """Tell from the bounds of a row group whether a row of it may fulfil the condition."""
    bounds = group.column(place).statistics
    if bounds is None or not bounds.has_min_max:
        return True
    low, high = pa.scalar(bounds.min, value.type), pa.scalar(bounds.max, value.type)
    if how == "==":
        return pc.less_equal(low, value).as_py() and pc.less_equal(value, high).as_py()
    return _COMPARE[how](low if how in {"<", "<="} else high, value).as_py()
