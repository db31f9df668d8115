"""The archive: Parquet in small row groups, compressed with zstd, of which every byte is under a checksum.

    Parquet file | CRC-32 of each column chunk, group by group
                 | CRC-32 of the footer and of those, the lengths of both, and a magic word

Parquet's own checksums cover the pages, and neither their headers nor the footer: there a flipped bit makes nulls of
values, renames a column or moves a bound. So none are used, and ours lie behind the file, which ends earlier for the
reader. It is shown nothing that was not checked.
"""

# ruff: noqa: PTH123
import os
import struct
import zlib

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from faults import FormatError

ROWS_A_GROUP = 20_000
CHECKSUM = struct.Struct("<I")
TRAILER = struct.Struct("<III8s")
MAGIC = b"CHUNKS2\n"
PARQUET_TAIL = 8


def write_archive(path, schema, batches):
    """Write batches as they come; no more than a row group is ever held."""
    with pq.ParquetWriter(
        path,
        schema,
        compression="zstd",
        compression_level=1,
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
        size = file.seek(-PARQUET_TAIL, os.SEEK_END) + PARQUET_TAIL
        length = int.from_bytes(file.read(4), "little") + PARQUET_TAIL
        file.seek(size - length)
        footer = file.read(length)
        metadata = _metadata(footer)
        checksums = bytearray()
        for group in range(metadata.num_row_groups):
            for place in range(metadata.num_columns):
                checksums += CHECKSUM.pack(zlib.crc32(_pread(file, *_extent(metadata.row_group(group).column(place)))))
        file.write(checksums)
        file.write(TRAILER.pack(zlib.crc32(footer + checksums), length, len(checksums), MAGIC))


def _metadata(footer):
    """Parse a footer, which need not have its file before it."""
    return pq.read_metadata(pa.BufferReader(footer))


def _extent(chunk):
    """Give the offset and length of a column chunk, its pages with their headers."""
    start = chunk.data_page_offset
    if chunk.dictionary_page_offset is not None:
        start = min(start, chunk.dictionary_page_offset)
    return start, chunk.total_compressed_size


def _pread(file, offset, length):
    return os.pread(file.fileno(), length, offset)


def _opened(file):
    """Give the metadata of an archive, and its Parquet file with the checksums of the column chunks."""
    size = file.seek(0, os.SEEK_END)
    if size < TRAILER.size + PARQUET_TAIL:
        raise FormatError("the file is cut short")
    checksum, length, more, magic = TRAILER.unpack(_pread(file, size - TRAILER.size, TRAILER.size))
    start = size - TRAILER.size - more - length
    if magic != MAGIC or start < 0:
        raise FormatError("the file is no archive, or is cut short")
    tail = _pread(file, start, length + more)
    if zlib.crc32(tail) != checksum:
        raise FormatError("the footer is damaged")
    checksums = [each for (each,) in CHECKSUM.iter_unpack(tail[length:])]
    return _metadata(tail[:length]), _Checked(file, start + length, checksums)


class _Checked:
    """A Parquet file, for pyarrow to read, of which only those chunks are there that were checked last.

    Read by `pread`, not mapped: around each page that is touched the kernel would read as much as its read-ahead is
    long, and a few columns lie a little everywhere.
    """

    closed = False

    def __init__(self, file, size, checksums):
        self._file = file
        self._size = size
        self._checksums = checksums
        self._chunks = []
        self._position = 0

    def hold(self, metadata, group, places):
        """Read these columns of a row group, in place of what was held."""
        self._chunks = []
        for place in places:
            start, length = _extent(metadata.row_group(group).column(place))
            data = _pread(self._file, start, length)
            if zlib.crc32(data) != self._checksums[group * metadata.num_columns + place]:
                raise FormatError("a column is damaged")
            self._chunks.append((start, data))

    def tell(self):
        return self._position

    def seek(self, offset, whence=0):
        self._position = offset + (0, self._position, self._size)[whence]
        return self._position

    def read(self, count):
        for start, data in self._chunks:
            first = self._position - start
            if 0 <= first <= len(data) - count:
                self._position += count
                return data[first : first + count]
        raise FormatError("a page lies where no column does")

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
        with open(path, "rb", buffering=0) as file:
            metadata, source = _opened(file)
            yield from _scan(metadata, source, columns, where)
    except (pa.ArrowException, OSError, OverflowError) as error:
        if isinstance(error, FileNotFoundError):
            raise
        raise FormatError(f"the archive is damaged: {error}") from error


def _scan(metadata, source, columns, where):
    file = pq.ParquetFile(source, metadata=metadata, pre_buffer=False)
    schema = file.schema_arrow
    for name in [*columns, *(name for name, _, _ in where)]:
        if schema.get_field_index(name) < 0:
            raise KeyError(name)
    needed = list(dict.fromkeys([*columns, *(name for name, _, _ in where)]))
    conditions = [(name, how, pa.scalar(value, schema.field(name).type)) for name, how, value in where]
    places = {metadata.schema.column(place).path: place for place in range(metadata.num_columns)}
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        if not all(_may_hold(group, places[name], how, value) for name, how, value in conditions):
            continue
        source.hold(metadata, number, [places[name] for name in needed])
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
