"""The archive: groups of rows; each column of a group is a small Parquet file of its own, and all of them have checksums here.

The directory at the end has, for each group and column, place, length, CRC-32, and the smallest and the largest value. It
has a checksum itself, and so has the tail that says where it is.
"""

import os
import struct
import zlib
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Context, Decimal
from typing import Any

import msgpack
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from errors import FormatError

Condition = tuple[str, str, Any]
_MAGIC = b"Vault\x00\x01\n"
_TAIL = struct.Struct("<QQII")  # where the directory is, how long, its CRC-32, and the CRC-32 of these three
ROWS, BYTES, PIECES = 20_000, 2 << 20, 128
_LONG = 64
_COMPARE = {"==": pc.equal, "<": pc.less, "<=": pc.less_equal, ">": pc.greater, ">=": pc.greater_equal}


def _stored(kind: pa.DataType) -> pa.DataType:
    """The type as which the values lie in Parquet: bits, where Parquet might have an opinion of its own."""
    if pa.types.is_timestamp(kind) or kind == pa.float64():
        return pa.int64()
    if pa.types.is_date32(kind) or kind == pa.float32():
        return pa.int32()
    return kind


def _viewed(array: pa.Array, kind: pa.DataType) -> pa.Array:
    return array if array.type == kind else array.view(kind)


def _ordered(array: pa.Array) -> pa.Array:
    """The same values as a type that compares as the spec says."""
    kind = array.type
    if pa.types.is_timestamp(kind):
        return array.view(pa.int64())
    if pa.types.is_date32(kind):
        return array.view(pa.int32())
    if pa.types.is_boolean(kind):
        return array.cast(pa.uint8())
    return array


def _plain(kind: pa.DataType, value: Any) -> Any:
    """A condition's value as `_ordered` has it."""
    if pa.types.is_timestamp(kind):
        epoch = datetime(1970, 1, 1, tzinfo=UTC if kind.tz else None)
        return (value - epoch) // timedelta(**{"microseconds" if kind.unit == "us" else "milliseconds": 1})
    if pa.types.is_date32(kind):
        return (value - date(1970, 1, 1)).days
    if pa.types.is_boolean(kind):
        return int(value)
    if pa.types.is_decimal(kind):
        return value.quantize(Decimal(1).scaleb(-kind.scale), context=Context(prec=80))
    return value


def _bounds(array: pa.Array) -> list[Any] | None:
    """Smallest and largest value, as the directory has them; None where no value can fulfil a condition."""
    array = _ordered(array)
    kind = array.type
    if pa.types.is_floating(kind):
        values = array.drop_null().to_numpy()
        values = values[~np.isnan(values)]
        return [float(values.min()), float(values.max())] if len(values) else None
    found = pc.min_max(array)
    low, high = found["min"].as_py(), found["max"].as_py()
    if low is None:
        return None
    if isinstance(low, Decimal):
        return [str(low), str(high)]
    if isinstance(low, str):
        low, high = low.encode(), high.encode()
    if isinstance(low, bytes):
        return [low[:_LONG], high if len(high) <= _LONG else None]
    return [low, high]


def _may_hold(bounds: list[Any] | None, kind: pa.DataType, operator: str, value: Any) -> bool:
    if bounds is None:
        return False
    low, high = bounds
    if pa.types.is_decimal(kind):
        low, high = Decimal(low), Decimal(high)
    elif isinstance(value, str):
        value = value.encode()
    if operator == "<":
        return low < value
    if operator == "<=":
        return low <= value
    if operator == ">":
        return high is None or high > value
    if operator == ">=":
        return high is None or high >= value
    return low <= value and (high is None or high >= value)


class _Writer:
    def __init__(self, file: Any, schema: pa.Schema) -> None:
        self.file, self.schema = file, schema
        self.at = file.write(_MAGIC)
        self.groups: list[Any] = []
        self.pending: list[pa.RecordBatch] = []
        self.rows = self.bytes = 0

    def _gathered(self) -> list[pa.Array]:
        if len(self.pending) == 1:
            return self.pending[0].columns
        return [pa.concat_arrays([each.column(n) for each in self.pending]) for n in range(len(self.schema))]

    def add(self, batch: pa.RecordBatch) -> None:
        step = max(1, min(ROWS, batch.num_rows * BYTES // max(1, batch.nbytes)))
        for start in range(0, batch.num_rows, step):
            piece = batch.slice(start, step)
            size = piece.nbytes
            if self.rows and (self.rows + len(piece) > ROWS or self.bytes + size > BYTES):
                self.flush()
            self.pending.append(piece)
            self.rows += len(piece)
            self.bytes += size
            if len(self.pending) >= PIECES:
                self.pending = [pa.RecordBatch.from_arrays(self._gathered(), schema=self.schema)]

    def flush(self) -> None:
        if not self.rows:
            return
        places = []
        for array in self._gathered():
            sink = pa.BufferOutputStream()
            table = pa.Table.from_arrays([_viewed(array, _stored(array.type))], names=["c"])
            pq.write_table(
                table,
                sink,
                row_group_size=max(1, self.rows),
                version="2.6",
                compression="zstd",
                write_statistics=False,
                store_schema=False,
            )
            blob = sink.getvalue()
            places.append((self.at, len(blob), zlib.crc32(blob), _bounds(array)))
            self.at += self.file.write(blob)
        self.groups.append((self.rows, places))
        self.pending = []
        self.rows = self.bytes = 0

    def finish(self) -> None:
        self.flush()
        directory = msgpack.packb((self.schema.serialize().to_pybytes(), self.groups))
        self.file.write(directory)
        tail = struct.pack("<QQI", self.at, len(directory), zlib.crc32(directory))
        self.file.write(tail + struct.pack("<I", zlib.crc32(tail)))


def write_archive(path: str, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> None:
    """Write batches to a file, as they come: all of them may be more than memory holds."""
    with open(path, "wb") as file:
        writer = _Writer(file, schema)
        for batch in batches:
            writer.add(batch)
        writer.finish()


def _read(file: Any, at: int, length: int) -> bytes:
    file.seek(at)
    found = file.read(length)
    if len(found) != length:
        raise FormatError("cut short")
    return found


def _directory(file: Any) -> tuple[pa.Schema, list[Any]]:
    size = os.fstat(file.fileno()).st_size
    if size < len(_MAGIC) + _TAIL.size:
        raise FormatError("too short for an archive")
    if _read(file, 0, len(_MAGIC)) != _MAGIC:
        raise FormatError("no archive")
    tail = _read(file, size - _TAIL.size, _TAIL.size)
    at, length, crc, own = _TAIL.unpack(tail)
    if zlib.crc32(tail[:-4]) != own or at + length + _TAIL.size != size:
        raise FormatError("cut short, or damaged at its end")
    directory = _read(file, at, length)
    if zlib.crc32(directory) != crc:
        raise FormatError("the directory is damaged")
    try:
        serialized, groups = msgpack.unpackb(directory)
        return pa.ipc.read_schema(pa.py_buffer(serialized)), groups
    except Exception as error:
        raise FormatError("the directory is damaged") from error


def _load(file: Any, kind: pa.DataType, rows: int, place: list[Any]) -> pa.Array:
    blob = _read(file, place[0], place[1])
    if zlib.crc32(blob) != place[2]:
        raise FormatError("a column is damaged")
    try:
        column = pq.ParquetFile(pa.BufferReader(blob)).read(use_threads=False).column(0)
        array = column.chunk(0) if column.num_chunks == 1 else pa.concat_arrays(column.chunks)
        if array.type != _stored(kind):
            array = array.cast(_stored(kind))
        array = _viewed(array, kind)
    except Exception as error:
        raise FormatError("a column is damaged") from error
    if len(array) != rows:
        raise FormatError("a column is damaged")
    return array


def scan_archive(path: str, columns: list[str], where: list[Condition]) -> Iterator[pa.RecordBatch]:
    """Give some columns of the rows that fulfil all conditions, batch by batch, in the order they were written."""
    with open(path, "rb", buffering=0) as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_RANDOM)
        schema, groups = _directory(file)
        number = {name: n for n, name in enumerate(schema.names)}
        chosen = [number[name] for name in columns]
        tests = [(number[name], operator, value) for name, operator, value in where]
        out = pa.schema([schema.field(n) for n in chosen])
        kinds = schema.types
        tests = [(n, operator, _plain(kinds[n], value)) for n, operator, value in tests]
        for rows, places in groups:
            if not all(_may_hold(places[n][3], kinds[n], operator, value) for n, operator, value in tests):
                continue
            loaded: dict[int, pa.Array] = {}
            mask = None
            for n, operator, value in tests:
                if n not in loaded:
                    loaded[n] = _load(file, kinds[n], rows, places[n])
                array = _ordered(loaded[n])
                found = _COMPARE[operator](array, pa.scalar(value, array.type))
                mask = found if mask is None else pc.and_(mask, found)
            if mask is not None:
                kept = pc.sum(mask).as_py()
                if not kept:
                    continue
                if kept == rows:
                    mask = None
            arrays = []
            for n in chosen:
                array = loaded.pop(n) if n in loaded else _load(file, kinds[n], rows, places[n])
                arrays.append(array if mask is None else array.filter(mask))
            loaded.clear()
            batch = pa.RecordBatch.from_arrays(arrays, schema=out)
            array = arrays = None
            yield batch
            batch = None
