"""Tables as one Arrow stream for each column, mapped, with a directory of them at the end.

    stream of a column | ... | directory (JSON) | its place, length, CRC-32, and a magic word

What is mapped of a file is what the kernel is asked to read ahead, so each column has its own stretch.
"""

import json
import os
import struct
import zlib

import pyarrow as pa
from faults import FormatError

# ruff: noqa: PTH105

TRAILER = struct.Struct("<QII8s")
MAGIC = b"STREAMS\n"


def write_table(path, table):
    """Write a table beside its path, and put it there when it is whole."""
    beside = f"{path}.{os.getpid()}"
    directory = []
    with pa.OSFile(beside, "wb") as sink:
        for name in table.column_names:
            column, start = table.select([name]), sink.tell()
            with pa.ipc.new_stream(sink, column.schema) as writer:
                writer.write_table(column)
            directory.append([name, start, sink.tell() - start])
            sink.write(bytes(-sink.tell() % 64))
        text, start = json.dumps(directory).encode(), sink.tell()
        sink.write(text)
        sink.write(TRAILER.pack(start, len(text), zlib.crc32(text), MAGIC))
    os.replace(beside, path)


def read_columns(path, names):
    """Map the file and give some of its columns."""
    try:
        with pa.memory_map(path) as source:
            places = _directory(source)
            columns = []
            for name in names:
                start, length = places[name]
                source.seek(start)
                columns.append(pa.ipc.open_stream(source.read_buffer(length)).read_all())
            schema = pa.schema([column.schema.field(0) for column in columns])
            return pa.Table.from_arrays([column.column(0) for column in columns], schema=schema)
    except FileNotFoundError:
        raise
    except (pa.ArrowException, OSError) as error:
        raise FormatError(f"no table: {error}") from error


def _directory(source):
    size = source.size()
    if size < TRAILER.size:
        raise FormatError("no table")
    start, length, checksum, magic = TRAILER.unpack(source.read_at(TRAILER.size, size - TRAILER.size))
    if magic != MAGIC or start + length + TRAILER.size != size:
        raise FormatError("no table, or one that is cut short")
    text = source.read_at(length, start)
    if zlib.crc32(text) != checksum:
        raise FormatError("the directory is damaged")
    return {name: place for name, *place in json.loads(text)}
