"""A table handed over: the buffers of its columns one after the other, each at a multiple of 64, and a directory behind them.

A reader looks at the directory alone, and maps the buffers of the columns that it is asked for. (Arrow's own file format would do, but its
reader either asks the kernel for whole record batches or, told which fields to read, copies them.)
"""

import os
import struct
import zlib
from typing import Any

import msgpack
import pyarrow as pa

from fc_columns import describe, pieces, plain_buffers, restore
from fc_errors import FormatError

_ALIGN = 64
_HEAD = b"\xf1TBL-1\r\n".ljust(_ALIGN, b"\0")
_TAIL = struct.Struct("<QII8s")  # where the directory begins, its size, its checksum, magic
_END = b"1-LBT\xf1\r\n"
_LAST = 8192
"""As much is read of a file's end at first."""


def write_table(path: str, table: pa.Table) -> None:
    """Write a table to a file."""
    columns = []
    with open(path, "wb") as sink:
        sink.write(_HEAD)
        position = len(_HEAD)
        for field, column in zip(table.schema, table.columns, strict=True):
            chunks = []
            for piece in pieces(column):
                places: list[Any] = []
                for buffer in plain_buffers(piece):
                    if buffer is None:
                        places.append(None)
                        continue
                    size = buffer.size
                    places.append((position, size))
                    if size:
                        sink.write(buffer)
                        gap = -size % _ALIGN
                        sink.write(bytes(gap))
                        position += size + gap
                chunks.append((len(piece), piece.null_count, places))
            columns.append((field.name, describe(field.type), field.nullable, chunks))
        directory = msgpack.packb(columns)
        sink.write(directory)
        sink.write(_TAIL.pack(position, len(directory), _check(directory, position), _END))


def _check(directory: bytes, position: int) -> int:
    return zlib.crc32(struct.pack("<QQ", position, len(directory)), zlib.crc32(directory))


def read_columns(path: str, names: list[str]) -> pa.Table:
    """Give some columns of the file, in this order, without copying or reading more than them."""
    directory = {column[0]: column for column in _directory(path)}
    wanted = [directory[name] for name in names]
    fields, columns = [], []
    source = pa.memory_map(os.fspath(path), "r")
    try:
        for name, spec, nullable, chunks in wanted:
            kind = restore(spec)
            arrays = [
                pa.Array.from_buffers(kind, count, [_mapped(source, place) for place in places], nulls)
                for count, nulls, places in chunks
            ]
            fields.append(pa.field(name, kind, nullable))
            columns.append(pa.chunked_array(arrays, type=kind))
    finally:
        source.close()  # the mapping stays for as long as a buffer of it is held
    return pa.Table.from_arrays(columns, schema=pa.schema(fields))


def _mapped(source: pa.MemoryMappedFile, place: list[int] | None) -> pa.Buffer | None:
    if place is None:
        return None
    position, size = place
    if not size:
        return pa.py_buffer(b"")
    source.seek(position)
    return source.read_buffer(size)


def _directory(path: str) -> list[Any]:
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        size = os.fstat(handle).st_size
        if size < len(_HEAD) + _TAIL.size or os.pread(handle, len(_HEAD), 0) != _HEAD:
            raise FormatError("no table")
        start = max(0, size - _LAST)
        end = os.pread(handle, size - start, start)
        if len(end) != size - start:
            raise FormatError("the table was cut")
        position, length, check, magic = _TAIL.unpack_from(end, len(end) - _TAIL.size)
        if magic != _END or position + length + _TAIL.size != size:
            raise FormatError("the table was cut")
        if position >= start:
            directory = end[position - start : position - start + length]
        else:
            directory = os.pread(handle, length, position)
        if len(directory) != length or _check(directory, position) != check:
            raise FormatError("the table was changed")
    finally:
        os.close(handle)
    return msgpack.unpackb(directory)
