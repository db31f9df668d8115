"""Tables handed over: Arrow's buffers as they are, each at a multiple of 64, then a directory and a tail.

The reader maps the file and makes arrays of the places that the directory names. The map lives as long as the arrays do.
"""

import os
import struct
from typing import Any

import msgpack
import numpy as np
import pyarrow as pa
from errors import FormatError

_MAGIC = b"TblBufs1"
_TAIL = struct.Struct("<QQ8s")  # where the directory is, how long, magic
_PAD = bytes(64)


def _buffers(chunk: pa.Array) -> tuple[int, list[Any]]:
    """How many nulls, and the buffers of a chunk without an offset, cut to what it uses."""
    kind, rows = chunk.type, len(chunk)
    texts = pa.types.is_string(kind) or pa.types.is_binary(kind)
    if rows == 0:
        return 0, [None, bytes(4), b""] if texts else [None, b""]
    if chunk.offset and (texts or chunk.offset % 8):
        chunk = chunk.take(pa.array(np.arange(rows)))
    start, nulls = chunk.offset, chunk.null_count
    found = chunk.buffers()
    valid = found[0].slice(start // 8, (rows + 7) // 8) if nulls else None
    if texts:
        offsets = found[1].slice(start * 4, rows * 4 + 4)
        end = int.from_bytes(memoryview(offsets)[-4:], "little")
        return nulls, [valid, offsets, found[2].slice(0, end) if end else b""]
    bits = kind.bit_width
    return nulls, [valid, found[1].slice(start * bits // 8, (rows * bits + 7) // 8)]


def write_table(path: str, table: pa.Table) -> None:
    """Write a table to a file."""
    with open(path, "wb") as file:
        at = file.write(_MAGIC)
        columns = []
        for column in table.columns:
            chunks = []
            for chunk in column.chunks:
                nulls, buffers = _buffers(chunk)
                places: list[Any] = []
                for buffer in buffers:
                    if buffer is None:
                        places.append(None)
                        continue
                    if gap := -at % 64:
                        at += file.write(_PAD[:gap])
                    places.append((at, len(buffer)))
                    if len(buffer):
                        at += file.write(buffer)
                chunks.append((len(chunk), nulls, places))
            columns.append(chunks)
        directory = msgpack.packb((table.schema.serialize().to_pybytes(), columns))
        file.write(directory)
        file.write(_TAIL.pack(at, len(directory), _MAGIC))


def _column(source: pa.MemoryMappedFile, kind: pa.DataType, chunks: list[Any]) -> pa.ChunkedArray:
    arrays = []
    for rows, nulls, places in chunks:
        buffers: list[Any] = []
        for place in places:
            if place is None:
                buffers.append(None)
            elif place[1] == 0:
                buffers.append(pa.py_buffer(b""))
            else:
                source.seek(place[0])
                buffers.append(source.read_buffer(place[1]))
        arrays.append(pa.Array.from_buffers(kind, rows, buffers, nulls))
    return pa.chunked_array(arrays, kind)


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
            at, length, magic = _TAIL.unpack(source.read(_TAIL.size))
            if magic != _MAGIC or at + length + _TAIL.size != size:
                raise FormatError("cut short")
            source.seek(at)
            serialized, columns = msgpack.unpackb(source.read(length))
            schema = pa.ipc.read_schema(pa.py_buffer(serialized))
        except FormatError:
            raise
        except Exception as error:
            raise FormatError("no table") from error
        where = {name: n for n, name in enumerate(schema.names)}
        chosen = [where[name] for name in names]
        fields = [schema.field(n) for n in chosen]
        try:
            return pa.Table.from_arrays(
                [_column(source, field.type, columns[n]) for n, field in zip(chosen, fields)], schema=pa.schema(fields)
            )
        except Exception as error:
            raise FormatError("no table") from error
