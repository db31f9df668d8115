"""Interchange: each column as an uncompressed Arrow stream of its own, one behind the other, so that it can be mapped.

    magic | a stream for each column | index: rows, schema, where each stream begins | trailer

Why not one Arrow file: Arrow reads some columns of a record batch by copying them, and maps all of a batch by telling the
kernel to fetch all of it. A stream for each column is both mapped and alone in what is fetched.
"""

import os
import struct
import zlib
from collections.abc import Iterator

import msgpack
import pyarrow as pa
from common import FormatError, replacing

_MAGIC = b"TABLE\x00\x00\x01"
_TRAILER = struct.Struct("<QII8s")  # length of all, of the index, CRC of the index, magic
_PIECE = 8 << 20  # bytes of small chunks that are put together to one
_MANY_ROWS = 65_536

_WRITE = pa.ipc.IpcWriteOptions(use_threads=False)
_READ = pa.ipc.IpcReadOptions(use_threads=False)


def write_table(path: str, table: pa.Table) -> None:
    """Write a table to a file."""
    begins = []
    with replacing(path) as fresh, pa.OSFile(fresh, "wb") as sink:
        sink.write(_MAGIC.ljust(64, b"\0"))
        for field, column in zip(table.schema, table.itercolumns(), strict=True):
            begins.append(sink.tell())
            schema = pa.schema([pa.field("", field.type)])
            with pa.ipc.new_stream(sink, schema, options=_WRITE) as writer:
                for chunk in _chunks(column):
                    writer.write_batch(pa.record_batch([chunk], schema=schema))
            sink.write(bytes(-sink.tell() % 64))
        index = msgpack.packb([table.num_rows, table.schema.remove_metadata().serialize().to_pybytes(), begins])
        size = sink.tell() + len(index) + _TRAILER.size
        sink.write(index + _TRAILER.pack(size, len(index), zlib.crc32(index), _MAGIC))


def _chunks(column: pa.ChunkedArray) -> Iterator[pa.Array]:
    """The chunks of a column, but put together where they are small."""
    if column.num_chunks <= 1 + len(column) // _MANY_ROWS:
        yield from column.chunks
        return
    rows = max(1, len(column) * _PIECE // max(1, column.nbytes))
    for begin in range(0, len(column), rows):
        yield column.slice(begin, rows).combine_chunks()


def read_columns(path: str, names: list[str]) -> pa.Table:
    """Give some columns of the file, in this order, without copying or reading more than them."""
    try:
        with pa.memory_map(os.fspath(path)) as source:
            rows, schema, begins = _index(source)
            numbers = [schema.get_field_index(name) for name in names]
            if -1 not in numbers:
                columns = []
                for number in numbers:
                    source.seek(begins[number])
                    with pa.ipc.open_stream(source, options=_READ) as reader:
                        columns.append(reader.read_all().column(0))
                found = pa.table(columns, schema=pa.schema([schema.field(number) for number in numbers]))
                if found.num_rows != rows:
                    raise FormatError("a damaged table")
                return found
    except (FileNotFoundError, FormatError):
        raise
    except Exception as error:  # noqa: BLE001  Arrow raises many
        raise FormatError("no table, or a damaged one") from error
    raise KeyError(names[numbers.index(-1)])


def _index(source: pa.MemoryMappedFile) -> tuple[int, pa.Schema, list[int]]:
    size = source.size()
    if size < _TRAILER.size:
        raise FormatError("cut short")
    length, index, crc, magic = _TRAILER.unpack(source.read_at(_TRAILER.size, size - _TRAILER.size))
    if magic != _MAGIC or length != size or index > size - _TRAILER.size:
        raise FormatError("no table, or one that was cut short")
    data = source.read_at(index, size - _TRAILER.size - index)
    if zlib.crc32(data) != crc:
        raise FormatError("a damaged table")
    rows, schema, begins = msgpack.unpackb(data)
    return rows, pa.ipc.read_schema(pa.py_buffer(schema)), begins
