"""The archive: Parquet in small row groups, compressed with zstd, of which every byte is under a checksum.

    Parquet file | CRC-32 of each block of it | CRC-32 of those, the Parquet file's length, and a magic word

Parquet's own checksums cover the pages, and neither their headers nor the footer: there a flipped bit makes nulls of
values, renames a column or moves a bound. So none are used. Ours know nothing of Parquet, whose reader is shown a file
that ends earlier, and no block that was not checked.
"""

# ruff: noqa: PTH123
import os
import struct
import zlib

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from faults import FormatError

ROWS_A_GROUP = 32 * 1024
BLOCK = 16 * 1024
CHECKSUM = struct.Struct("<I")
TRAILER = struct.Struct("<IQ8s")
MAGIC = b"ARCHIVE2"


def write_archive(path, schema, batches):
    """Write batches as they come; no more than a row group is ever held."""
    with pq.ParquetWriter(
        path,
        schema,
        compression="zstd",
        compression_level=3,
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
        length, checksums = 0, bytearray()
        while block := file.read(BLOCK):
            length += len(block)
            checksums += CHECKSUM.pack(zlib.crc32(block))
        file.write(checksums + TRAILER.pack(zlib.crc32(checksums), length, MAGIC))


def _opened(file):
    """Give the Parquet part of an archive."""
    size = file.seek(0, os.SEEK_END)
    if size < TRAILER.size:
        raise FormatError("the file is cut short")
    checksum, length, magic = TRAILER.unpack(_pread(file, size - TRAILER.size, TRAILER.size))
    many = -(-length // BLOCK) * CHECKSUM.size
    if magic != MAGIC or length + many + TRAILER.size != size:
        raise FormatError("the file is no archive, or is cut short")
    checksums = _pread(file, length, many)
    if zlib.crc32(checksums) != checksum:
        raise FormatError("the checksums are damaged")
    return _Blocks(file, length, [each for (each,) in CHECKSUM.iter_unpack(checksums)])


def _pread(file, offset, length):
    return os.pread(file.fileno(), length, offset)


class _Blocks:
    """A file in checked blocks, for pyarrow to read.

    Not mapped: around each page that is touched the kernel would read as much as its read-ahead is long, and a few
    columns lie a little everywhere.
    """

    closed = False

    def __init__(self, file, size, checksums):
        self._file = file
        self._size = size
        self._checksums = checksums
        self._position = 0

    def tell(self):
        return self._position

    def seek(self, offset, whence=0):
        self._position = offset + (0, self._position, self._size)[whence]
        return self._position

    def read(self, count=-1):
        end = self._size if count is None or count < 0 else min(self._position + count, self._size)
        first = self._position // BLOCK
        start = first * BLOCK
        data = memoryview(_pread(self._file, start, min(-(-end // BLOCK) * BLOCK, self._size) - start))
        for number, offset in enumerate(range(0, len(data), BLOCK), first):
            if zlib.crc32(data[offset : offset + BLOCK]) != self._checksums[number]:
                raise FormatError("the file is damaged")
        part = data[self._position - start : end - start]
        self._position = end
        return part

    def readable(self):
        return True

    def seekable(self):
        return True

    def writable(self):
        return False

    def close(self):
        self.closed = True


def scan_archive(path, columns, where):
    """Give the rows that fulfil all conditions, batch by batch; row groups that can't have any are not read."""
    try:
        with open(path, "rb", buffering=0) as file, pq.ParquetFile(_opened(file)) as archive:
            yield from _scan(archive, columns, where)
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
