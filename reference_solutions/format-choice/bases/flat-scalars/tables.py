"""Tables handed over: each column is an Arrow stream of its own, at a multiple of 64, and a directory says where.

A reader maps the file and opens the streams of its columns inside the map; Arrow's arrays point into it.
"""

import os
import struct

import msgpack
import pyarrow as pa
from errors import FormatError

_MAGIC = b"Streams1"
_TAIL = struct.Struct("<QI8s")  # where the directory is, how long, magic


def write_table(path: str, table: pa.Table) -> None:
    """Write a table to a file."""
    with pa.OSFile(path, "wb") as sink:
        sink.write(_MAGIC)
        places = []
        for n in range(table.num_columns):
            sink.write(bytes(-sink.tell() % 64))
            start = sink.tell()
            schema = pa.schema([table.schema.field(n)])
            with pa.ipc.new_stream(sink, schema) as writer:
                writer.write_table(pa.Table.from_arrays([table.column(n)], schema=schema))
            places.append((start, sink.tell() - start))
        start = sink.tell()
        directory = msgpack.packb((table.schema.serialize().to_pybytes(), places))
        sink.write(directory)
        sink.write(_TAIL.pack(start, len(directory), _MAGIC))


def read_columns(path: str, names: list[str]) -> pa.Table:
    """Give some columns of the file, in this order, without copying or reading more than them."""
    size = os.stat(path).st_size
    if size < len(_MAGIC) + _TAIL.size:
        raise FormatError("too short for a table")
    with pa.memory_map(path, "r") as source:
        try:
            if source.read(len(_MAGIC)) != _MAGIC:
                raise FormatError("no table")
            source.seek(size - _TAIL.size)
            start, length, magic = _TAIL.unpack(source.read(_TAIL.size))
            if magic != _MAGIC or start + length + _TAIL.size != size:
                raise FormatError("cut short")
            source.seek(start)
            serialized, places = msgpack.unpackb(source.read(length))
            schema = pa.ipc.read_schema(pa.py_buffer(serialized))
        except FormatError:
            raise
        except Exception as error:
            raise FormatError("no table") from error
        where = {name: n for n, name in enumerate(schema.names)}
        chosen = [where[name] for name in names]
        columns = []
        try:
            for n in chosen:
                source.seek(places[n][0])
                with pa.ipc.open_stream(pa.BufferReader(source.read_buffer(places[n][1]))) as stream:
                    columns.append(stream.read_all().column(0))
            return pa.Table.from_arrays(columns, schema=pa.schema([schema.field(n) for n in chosen]))
        except Exception as error:
            raise FormatError("no table") from error
