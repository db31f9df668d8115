"""Archive: Parquet, within a file that has a sum for every 16 KiB of it.

    Parquet | index: schema, rows of each row group, least and greatest values | CRC-32 of each block of the Parquet | trailer

Parquet itself sees what it reads of that only through `_Checked`, so nothing of it is parsed before its sum was right.
Parquet cannot hold every type (decimals of a negative scale, say) and name, so its columns are called c0, c1, ..., and have
a type that it can hold. Conditions are compared in a form of the column in which Arrow's order is that of SPEC.md, see
`_comparable`; the least and the greatest of each row group are kept in that form as well.
"""

import contextlib
import math
import os
import struct
import zlib
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, BinaryIO

import msgpack
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from common import FormatError, replacing

Condition = tuple[str, str, Any]
"""Column, one of == < <= > >=, value."""

GROUP_ROWS = 16_384
GROUP_BYTES = 4 << 20
MANY_PIECES = 64
MERGED_BYTES = 1 << 20  # of columns of a fixed width that are read at once
BLOCK = 16 << 10
TEXT_BOUND = 64  # bytes of a text that are kept as a bound

pa.set_memory_pool(pa.system_memory_pool())  # gives back what was freed; the default keeps 12 MiB more while scanning

_TRAILER = struct.Struct("<QIIII8s")  # length of the Parquet, of the index, of the sums, CRC of both, of this, magic
_MAGIC = b"ARCHIVE\x01"

# ---- writing


def write_archive(path: str, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> None:
    """Write batches to a file, as they come: all of them may be more than memory holds."""
    stored = pa.schema([(f"c{number}", _stored_type(field.type)) for number, field in enumerate(schema)])
    with replacing(path) as fresh, open(fresh, "wb") as file:
        sink = _Summing(file)
        writer = None
        rows: list[int] = []
        bounds: list[list[tuple[Any, Any]]] = []
        for group in _groups(schema, batches):
            columns = [column.combine_chunks() for column in group.itercolumns()]
            if writer is None:
                writer = _writer(sink, stored, columns)
            bounds.append([_bounds(column) for column in columns])
            table = pa.table([c.view(f.type) for c, f in zip(columns, stored, strict=True)], schema=stored)
            writer.write_table(table, row_group_size=group.num_rows)
            rows.append(group.num_rows)
        (writer or _writer(sink, stored, [])).close()
        sink.finish()
        index = _index(schema, rows, bounds)
        sums = struct.pack(f"<{len(sink.sums)}I", *sink.sums)
        trailer = _TRAILER.pack(sink.size, len(index), len(sums), zlib.crc32(sums, zlib.crc32(index)), 0, _MAGIC)
        trailer = _TRAILER.pack(*_TRAILER.unpack(trailer)[:4], zlib.crc32(trailer), _MAGIC)
        file.write(index + sums + trailer)


def _groups(schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Put batches of any size together, or take them apart, to row groups."""
    pieces: list[pa.RecordBatch] = []
    rows = size = 0
    for batch in batches:
        begin = 0
        while begin < batch.num_rows:
            piece = batch.slice(begin, min(GROUP_ROWS - rows, batch.num_rows - begin))
            while piece.num_rows > 1 and piece.nbytes > GROUP_BYTES:
                piece = piece.slice(0, piece.num_rows // 2)
            begin += piece.num_rows
            rows += piece.num_rows
            size += piece.nbytes
            pieces.append(piece)
            if rows == GROUP_ROWS or size >= GROUP_BYTES:
                yield pa.Table.from_batches(pieces, schema)
                pieces, rows, size = [], 0, 0
            elif len(pieces) == MANY_PIECES:
                pieces = pa.Table.from_batches(pieces, schema).combine_chunks().to_batches()
    if pieces:
        yield pa.Table.from_batches(pieces, schema)


def _stored_type(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_decimal(kind) and not 0 <= kind.scale <= kind.precision:
        return pa.decimal128(38, 0)
    return kind


def _writer(sink: "_Summing", stored: pa.Schema, columns: list[pa.Array]) -> pq.ParquetWriter:
    """Choose encodings by the first row group: dictionaries only pay where values repeat."""
    dictionaries, encodings = [], {}
    for field, column in zip(stored, columns, strict=False):
        kind = field.type
        if pa.types.is_boolean(kind):
            continue
        if pc.count_distinct(column).as_py() <= len(column) // 2:
            dictionaries.append(field.name)
        elif pa.types.is_integer(kind) or pa.types.is_timestamp(kind) or pa.types.is_date(kind):
            encodings[field.name] = "DELTA_BINARY_PACKED"
        elif pa.types.is_floating(kind):
            encodings[field.name] = "BYTE_STREAM_SPLIT"
    return pq.ParquetWriter(
        sink,
        stored,
        compression="zstd",
        compression_level=3,
        use_dictionary=dictionaries or False,
        column_encoding=encodings or None,
        write_statistics=False,
    )


def _index(schema: pa.Schema, rows: list[int], bounds: list[list[tuple[Any, Any]]]) -> bytes:
    arrays = []
    for number, field in enumerate(schema):
        kind = _comparable(pa.nulls(0, field.type)).type
        arrays += [pa.array([group[number][which] for group in bounds], kind) for which in (0, 1)]
    table = pa.table(arrays, [str(number) for number in range(len(arrays))])
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    plain = [schema.remove_metadata().serialize().to_pybytes(), rows, zlib.compress(sink.getvalue(), 6)]
    return msgpack.packb(plain)


class _Summing:
    """A file to write to that sums each block."""

    def __init__(self, file: BinaryIO) -> None:
        self.file, self.size, self.sums, self.sum, self.filled = file, 0, [], 0, 0
        self.closed = False

    def write(self, data: Any) -> int:
        view = memoryview(data).cast("B")
        self.file.write(view)
        self.size += len(view)
        begin = 0
        while begin < len(view):
            part = view[begin : begin + BLOCK - self.filled]
            self.sum = zlib.crc32(part, self.sum)
            self.filled += len(part)
            begin += len(part)
            if self.filled == BLOCK:
                self.finish()
        return len(view)

    def finish(self) -> None:
        if self.filled:
            self.sums.append(self.sum)
            self.sum = self.filled = 0

    def tell(self) -> int:
        return self.size

    def flush(self) -> None: ...

    def close(self) -> None: ...

    def writable(self) -> bool:
        return True


# ---- comparing


def _comparable(column: pa.Array) -> pa.Array:
    """A column in a type whose order is that of the conditions, and in which the value can be given exactly."""
    kind = column.type
    if pa.types.is_timestamp(kind):
        return column.view(pa.int64())
    if pa.types.is_date32(kind):
        return column.view(pa.int32())
    if pa.types.is_decimal(kind):
        return column.view(pa.decimal128(38, 0))
    if pa.types.is_string(kind):
        return column.view(pa.binary())
    if pa.types.is_boolean(kind):
        return column.cast(pa.uint8())
    if pa.types.is_float32(kind):
        return column.cast(pa.float64())
    return column


def _bounds(column: pa.Array) -> tuple[Any, Any]:
    """Something that is at most the least, and something that is at least the greatest of a column's values."""
    found = pc.min_max(_comparable(column))
    if not pa.types.is_binary(found.type[0].type):
        return found["min"].as_py(), found["max"].as_py()
    least, greatest = found["min"].as_py(), found["max"].as_py()
    if least is not None:
        least = least[:TEXT_BOUND]
        if len(greatest) > TEXT_BOUND and (start := greatest[:TEXT_BOUND].rstrip(b"\xff")):
            greatest = start[:-1] + bytes([start[-1] + 1])
    return least, greatest


_COMPARE = {"==": pc.equal, "<": pc.less, "<=": pc.less_equal, ">": pc.greater, ">=": pc.greater_equal}


def _compiled(kind: pa.DataType, operator: str, value: Any) -> tuple[str, pa.Scalar] | None:
    """A condition on the comparable form of a column, or None if nothing can fulfil it."""
    if operator not in _COMPARE:
        raise ValueError(operator)
    if pa.types.is_string(kind):
        return operator, pa.scalar(value.encode(), pa.binary())
    if pa.types.is_binary(kind):
        return operator, pa.scalar(value, pa.binary())
    if pa.types.is_floating(kind):
        return operator, pa.scalar(float(value), pa.float64())
    if pa.types.is_timestamp(kind):
        if (value.tzinfo is None) != (kind.tz is None):
            raise TypeError("a zone where the column has none, or none where it has one")
        epoch = datetime(1970, 1, 1, tzinfo=None if kind.tz is None else UTC)
        exact = Fraction((value - epoch) // timedelta(microseconds=1), 1000 if kind.unit == "ms" else 1)
        least, greatest = -(1 << 63), (1 << 63) - 1
    elif pa.types.is_date32(kind):
        exact, least, greatest = Fraction((value - date(1970, 1, 1)).days), -(1 << 31), (1 << 31) - 1
    elif pa.types.is_decimal(kind):
        exact, greatest = Fraction(value) * Fraction(10) ** kind.scale, 10**38 - 1
        least = -greatest
    else:
        bits = 1 if pa.types.is_boolean(kind) else kind.bit_width
        signed = pa.types.is_signed_integer(kind)
        least, greatest = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
        exact = Fraction(value)
    bound = math.floor(exact)
    if bound != exact:  # between two values that the column can have
        if operator == "==":
            return None
        operator = "<=" if operator[0] == "<" else ">"
    if bound > greatest or bound < least:
        beyond = bound > greatest
        if operator == "==" or (operator[0] == ">") == beyond:
            return None
        operator, bound = ("<=", greatest) if beyond else (">=", least)
    if pa.types.is_decimal(kind):
        return operator, pa.scalar(Decimal(bound), pa.decimal128(38, 0))
    return operator, pa.scalar(bound, _comparable(pa.nulls(0, kind)).type)


# ---- scanning


def scan_archive(path: str, columns: list[str], where: list[Condition]) -> Iterator[pa.RecordBatch]:
    """Give some columns of the rows that fulfil all conditions, batch by batch, in the order they were written."""
    with contextlib.ExitStack() as stack:
        file = stack.enter_context(open(path, "rb", buffering=0))
        archive = _Archive(file)
        wanted = [archive.number(name) for name in columns]
        conditions = []
        for name, operator, value in where:
            number = archive.number(name)
            conditions.append((number, _compiled(archive.schema.field(number).type, operator, value)))
        if any(condition is None for _, condition in conditions):
            return iter(())
        archive.open()
        stack.pop_all()
        return archive.scan(wanted, [(number, *condition) for number, condition in conditions if condition])


class _Checked:
    """The Parquet within an archive, as a file of which no byte is given whose block has a wrong sum."""

    def __init__(self, file: BinaryIO, size: int, sums: tuple[int, ...]) -> None:
        self.file, self.size, self.sums, self.at, self.closed = file, size, sums, 0, False

    def read(self, count: int = -1) -> bytes:
        begin, end = self.at, self.size if count < 0 else min(self.size, self.at + count)
        if begin >= end:
            return b""
        first = begin // BLOCK
        low, high = first * BLOCK, min(self.size, -(-end // BLOCK) * BLOCK)
        data = os.pread(self.file.fileno(), high - low, low)
        if len(data) != high - low:
            raise FormatError("cut short")
        view = memoryview(data)
        for number, offset in enumerate(range(0, len(data), BLOCK), first):
            if zlib.crc32(view[offset : offset + BLOCK]) != self.sums[number]:
                raise FormatError("damaged")
        self.at = end
        return data[begin - low : end - low]

    def seek(self, offset: int, whence: int = 0) -> int:
        self.at = offset + (0, self.at, self.size)[whence]
        return self.at

    def tell(self) -> int:
        return self.at

    def close(self) -> None: ...

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True


@contextlib.contextmanager
def _damage() -> Iterator[None]:
    try:
        yield
    except FormatError:
        raise
    except Exception as error:  # noqa: BLE001  Arrow raises many
        raise FormatError("no archive, or a damaged one") from error


class _Archive:
    def __init__(self, file: BinaryIO) -> None:
        with _damage():
            self.file = file
            size = os.fstat(file.fileno()).st_size
            if size < _TRAILER.size:
                raise FormatError("cut short")
            trailer = os.pread(file.fileno(), _TRAILER.size, size - _TRAILER.size)
            inner, index, sums, crc, own, magic = _TRAILER.unpack(trailer)
            if magic != _MAGIC or zlib.crc32(_TRAILER.pack(inner, index, sums, crc, 0, magic)) != own:
                raise FormatError("no archive")
            if inner + index + sums + _TRAILER.size != size or sums != -(-inner // BLOCK) * 4:
                raise FormatError("cut short")
            data = os.pread(file.fileno(), index + sums, inner)
            if zlib.crc32(data) != crc:
                raise FormatError("damaged")
            schema, self.rows, self.bounds = msgpack.unpackb(data[:index])
            self.schema = pa.ipc.read_schema(pa.py_buffer(schema))
            self.inner, self.sums = inner, struct.unpack(f"<{sums // 4}I", data[index:])

    def number(self, name: str) -> int:
        number = self.schema.get_field_index(name)
        if number < 0:
            raise KeyError(name)
        return number

    def open(self) -> None:
        with _damage():
            self.parquet = pq.ParquetFile(_Checked(self.file, self.inner, self.sums), buffer_size=0, pre_buffer=False)

    def scan(self, wanted: list[int], conditions: list[tuple[int, str, pa.Scalar]]) -> Iterator[pa.RecordBatch]:
        schema = pa.schema([self.schema.field(number) for number in wanted])
        with self.file:
            if not conditions:
                for groups in self._together(schema):
                    with _damage():
                        found = self._read(groups, wanted)
                    yield pa.record_batch([found[number] for number in wanted], schema=schema)
                return
            asked = list(dict.fromkeys(number for number, _, _ in conditions))
            others = [number for number in wanted if number not in asked]
            with _damage():
                candidates = self._candidates(conditions)
            for group in candidates:
                with _damage():
                    found = self._read([group], asked)
                    mask = None
                    for number, operator, value in conditions:
                        fits = _COMPARE[operator](_comparable(found[number]), value)
                        mask = fits if mask is None else pc.and_(mask, fits)
                    count = pc.sum(mask).as_py() or 0
                    if not count:
                        continue
                    found |= self._read([group], others) if others else {}
                    arrays = [found[number] for number in wanted]
                    if count < self.rows[group]:
                        arrays = [array.filter(mask) for array in arrays]  # drops where the mask is null, too
                yield pa.record_batch(arrays, schema=schema)

    def _together(self, schema: pa.Schema) -> Iterator[list[int]]:
        """Row groups that are read at once: several where their size is known to be small."""
        try:
            width = sum(field.type.bit_width for field in schema) // 8 + 1
        except ValueError:  # texts and bytes have no width
            width = MERGED_BYTES
        groups: list[int] = []
        for group, rows in enumerate(self.rows):
            if groups and (sum(self.rows[each] for each in groups) + rows) * width > MERGED_BYTES:
                yield groups
                groups = []
            groups.append(group)
        if groups:
            yield groups

    def _candidates(self, conditions: list[tuple[int, str, pa.Scalar]]) -> list[int]:
        bounds = pa.ipc.open_stream(pa.py_buffer(zlib.decompress(self.bounds))).read_all()
        mask = None
        for number, operator, value in conditions:
            least, greatest = bounds.column(2 * number), bounds.column(2 * number + 1)
            fits = []
            if operator in ("<", "<=", "=="):
                fits.append(_COMPARE["<" if operator == "<" else "<="](least, value))
            if operator in (">", ">=", "=="):
                fits.append(_COMPARE[">" if operator == ">" else ">="](greatest, value))
            for each in fits:
                mask = each if mask is None else pc.and_(mask, each)
        return [group for group, fits in enumerate(mask.to_pylist()) if fits]

    def _read(self, groups: list[int], numbers: list[int]) -> dict[int, pa.Array]:
        names = [f"c{number}" for number in numbers]
        table = self.parquet.read_row_groups(groups, columns=names, use_threads=False)
        found = {}
        for number, name in zip(numbers, names, strict=True):
            array, kind = table.column(name).combine_chunks(), self.schema.field(number).type
            found[number] = array if array.type == kind else array.view(kind)
        return found
