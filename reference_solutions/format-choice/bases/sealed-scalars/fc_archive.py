"""Rows at rest: groups of rows, in each group one block a column, and a directory at the end.

The directory says of each block where it is, its checksum, how many nulls it has, and its bounds; it has a checksum of its own. So a scan
reads the directory and then the blocks it needs, and nothing that it uses goes unchecked.
"""

import os
import struct
import zlib
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO

import msgpack
import pyarrow as pa
import pyarrow.compute as pc

from fc_columns import describe, restore
from fc_conditions import Condition
from fc_errors import FormatError
from fc_packing import pack, unpack

GROUP_ROWS = 16384
GROUP_BYTES = 2 << 20
_HEAD = b"\xf1ARC-1\r\n"
_TAIL = struct.Struct("<QII8s")  # where the directory begins, its size, its checksum, magic
_END = b"1-CRA\xf1\r\n"


# ---- writing


class _Writer:
    """Collects batches until they make a group."""

    def __init__(self, sink: BinaryIO, schema: pa.Schema) -> None:
        self._sink = sink
        self._schema = schema
        self._position = 0
        self._groups: list[Any] = []
        self._waiting: list[pa.RecordBatch] = []
        self._rows = 0
        self._bytes = 0
        self._put(_HEAD)

    def _put(self, data: bytes) -> int:
        self._sink.write(data)
        self._position += len(data)
        return self._position - len(data)

    def add(self, batch: pa.RecordBatch) -> None:
        rows = batch.num_rows
        if not rows:
            return
        each = batch.nbytes // rows + 1
        start = 0
        while start < rows:
            room = min(GROUP_ROWS - self._rows, max(1, (GROUP_BYTES - self._bytes) // each))
            part = batch.slice(start, room)
            self._waiting.append(part)
            start += part.num_rows
            self._rows += part.num_rows
            self._bytes += part.num_rows * each
            if self._rows >= GROUP_ROWS or self._bytes >= GROUP_BYTES:
                self._flush()

    def _flush(self) -> None:
        blocks = []
        for place in range(len(self._schema)):
            parts = [batch.column(place) for batch in self._waiting]
            packed = pack(parts[0] if len(parts) == 1 else pa.concat_arrays(parts))
            data = msgpack.packb(packed.data)
            blocks.append((self._put(data), len(data), zlib.crc32(data), packed.nulls, packed.low, packed.high))
        self._groups.append((self._rows, blocks))
        self._waiting, self._rows, self._bytes = [], 0, 0

    def finish(self) -> None:
        if self._rows:
            self._flush()
        columns = [(field.name, describe(field.type), field.nullable) for field in self._schema]
        directory = msgpack.packb((columns, self._groups))
        position = self._put(directory)
        self._put(_TAIL.pack(position, len(directory), _check(directory, position), _END))


def _check(directory: bytes, position: int) -> int:
    return zlib.crc32(struct.pack("<QQ", position, len(directory)), zlib.crc32(directory))


def write_archive(path: str, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> None:
    """Write batches to a file, as they come: all of them may be more than memory holds."""
    with open(path, "wb") as sink:
        writer = _Writer(sink, schema)
        for batch in batches:
            writer.add(batch)
        writer.finish()


# ---- scanning


def scan_archive(path: str, columns: list[str], where: list[Any]) -> Iterator[pa.RecordBatch]:
    """Give some columns of the rows that fulfil all conditions, batch by batch, in the order they were written."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_RANDOM)
        described, groups = _directory(handle)
        names = {name: place for place, (name, _, _) in enumerate(described)}
        kinds = [restore(spec) for _, spec, _ in described]
        output = [names[name] for name in columns]
        schema = pa.schema([pa.field(described[place][0], kinds[place], described[place][2]) for place in output])
        conditions = [
            Condition(names[name], kinds[names[name]], operator, value) for name, operator, value in where
        ]
        for count, blocks in groups:
            arrays = _select(_Group(handle, kinds, count, blocks), output, conditions)
            if arrays is not None:
                batch = pa.RecordBatch.from_arrays(arrays, schema=schema)
                del arrays
                yield batch
                del batch
    finally:
        os.close(handle)


def _read(handle: int, size: int, position: int) -> bytes:
    data = os.pread(handle, size, position)
    if len(data) == size:
        return data
    parts = [data]
    got = len(data)
    while got < size and data:
        data = os.pread(handle, size - got, position + got)
        parts.append(data)
        got += len(data)
    if got < size:
        raise FormatError("the archive was cut")
    return b"".join(parts)


def _directory(handle: int) -> tuple[list[Any], list[Any]]:
    size = os.fstat(handle).st_size
    if size < len(_HEAD) + _TAIL.size or _read(handle, len(_HEAD), 0) != _HEAD:
        raise FormatError("no archive")
    position, length, check, magic = _TAIL.unpack(_read(handle, _TAIL.size, size - _TAIL.size))
    if magic != _END or position + length + _TAIL.size != size:
        raise FormatError("the archive was cut or changed")
    directory = _read(handle, length, position)
    if _check(directory, position) != check:
        raise FormatError("the archive was changed")
    columns, groups = msgpack.unpackb(directory)
    return columns, groups


class _Group:
    """The columns of a group, each read, checked and unpacked when it is first asked for."""

    def __init__(self, handle: int, kinds: list[pa.DataType], count: int, blocks: list[Any]) -> None:
        self._handle = handle
        self._kinds = kinds
        self._count = count
        self._blocks = blocks
        self._arrays: dict[int, pa.Array] = {}

    def excluded(self, condition: Condition) -> bool:
        _, _, _, nulls, low, high = self._blocks[condition.place]
        return nulls == self._count or condition.excludes(low, high)

    def column(self, place: int) -> pa.Array:
        if place not in self._arrays:
            position, size, check, nulls, _, _ = self._blocks[place]
            data = _read(self._handle, size, position)
            if zlib.crc32(data) != check:
                raise FormatError("the archive was changed")
            try:
                self._arrays[place] = unpack(self._kinds[place], self._count, nulls, msgpack.unpackb(data))
            except Exception as error:  # its checksum was right, so it was no accident
                raise FormatError("a block makes no sense") from error
        return self._arrays[place]


def _select(group: _Group, output: list[int], conditions: list[Condition]) -> list[pa.Array] | None:
    if any(group.excluded(condition) for condition in conditions):
        return None
    rows = None
    for condition in conditions:
        more = condition.rows(group.column(condition.place)).fill_null(False)
        rows = more if rows is None else pc.and_(rows, more)
        if not rows.true_count:
            return None
    arrays = [group.column(place) for place in output]
    if rows is None or rows.true_count == len(rows):
        return arrays
    return [array.filter(rows) for array in arrays]
