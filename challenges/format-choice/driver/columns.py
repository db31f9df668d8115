"""Columns from the wire and back to it: of small tables as lists of plain values, of large ones as raw bytes.

Among plain values, timestamps and dates are ints, and decimals unscaled ints. Raw are the bytes of the values, beside
their validity, a byte a row, or nil; of texts the lengths, -1 for a null, beside the text.
"""

from decimal import Decimal

import numpy as np
import pyarrow as pa


def type_of(text):
    """Give the type that Arrow writes as this text."""
    if text.startswith("timestamp["):
        unit, _, zone = text[len("timestamp[") : -1].partition(", tz=")
        return pa.timestamp(unit, tz=zone or None)
    if text.startswith("decimal128("):
        precision, scale = text[len("decimal128(") : -1].split(",")
        return pa.decimal128(int(precision), int(scale))
    return {
        "string": pa.string(),
        "double": pa.float64(),
        "bool": pa.bool_(),
        "float": pa.float32(),
        "binary": pa.binary(),
    }.get(text) or getattr(pa, text.replace("[day]", ""))()


def decimal_of(unscaled, scale):
    """Make a decimal of exactly this scale."""
    digits = tuple(map(int, str(abs(unscaled))))
    return Decimal((int(unscaled < 0), digits, -scale))


def _array(text, values):
    """Make an array of plain values: timestamps and dates are ints, decimals unscaled ints."""
    kind = type_of(text)
    if pa.types.is_decimal(kind):
        return pa.array([None if v is None else decimal_of(v, kind.scale) for v in values], kind)
    if pa.types.is_timestamp(kind):
        return pa.array(values, pa.int64()).view(kind)
    if pa.types.is_date32(kind):
        return pa.array(values, pa.int32()).view(kind)
    return pa.array(values, kind)


def _plain(column):
    kind = column.type
    if pa.types.is_decimal(kind):
        return [None if v is None else _unscaled(v, kind.scale) for v in column.to_pylist()]
    if pa.types.is_timestamp(kind):
        column = column.cast(pa.int64())
    if pa.types.is_date32(kind):
        column = column.cast(pa.int32())
    return column.to_pylist()


def _unscaled(value, scale):
    sign, digits, exponent = value.as_tuple()
    number = int("".join(map(str, digits))) * 10 ** (exponent + scale)
    return -number if sign else number


def table_of(columns, chunks):
    """Make a table of [name, type, values], in so many chunks."""
    names = [name for name, _, _ in columns]
    arrays = [_array(text, values) for _, text, values in columns]
    schema = pa.schema([pa.field(name, array.type) for name, array in zip(names, arrays, strict=True)])
    table = pa.Table.from_arrays(arrays, schema=schema)
    step = max(1, -(-table.num_rows // chunks))
    batches = [batch for at in range(0, table.num_rows, step) for batch in table.slice(at, step).to_batches()]
    return pa.Table.from_batches(batches, schema)


def told(table):
    """Tell every column as [name, type, values]."""
    return [[name, str(table.schema.field(name).type), _plain(table[name])] for name in table.column_names]


def raw_column(column):
    """Give a column as [type, raw values, validity, a byte a row, or nil]; of texts [type, lengths or -1, the text]."""
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
    kind = str(column.type)
    if pa.types.is_string(column.type):
        return [kind, *_raw_texts(column)]
    valid = (
        None if column.null_count == 0 else column.is_valid().to_numpy(zero_copy_only=False).astype(np.uint8).tobytes()
    )
    if pa.types.is_decimal(column.type):
        words = np.frombuffer(column.buffers()[1], np.int64)[2 * column.offset : 2 * (column.offset + len(column)) : 2]
        values = words.copy()
        if valid is not None:
            values[np.frombuffer(valid, np.uint8) == 0] = 0
        return [kind, values.tobytes(), valid]
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.int64())
    if valid is not None:
        column = column.fill_null(0)
    return [kind, column.to_numpy(zero_copy_only=False).tobytes(), valid]


def _raw_texts(column):
    _, raw_offsets, data = column.buffers()
    offsets = np.frombuffer(raw_offsets, np.int32)[column.offset : column.offset + len(column) + 1]
    lengths = np.diff(offsets)
    if column.null_count:
        valid = column.is_valid().to_numpy(zero_copy_only=False)
        if lengths[~valid].any():
            return _raw_texts(pa.array(column.to_pylist(), pa.string()))
        lengths[~valid] = -1
    return [lengths.tobytes(), b"" if data is None else data[int(offsets[0]) : int(offsets[-1])].to_pybytes()]


def array_of_raw(kind, values, other):
    """Make an array of raw values, with their validity or text beside them."""
    if pa.types.is_string(kind):
        lengths = np.frombuffer(values, np.int32)
        offsets = np.zeros(len(lengths) + 1, np.int32)
        np.cumsum(np.maximum(lengths, 0), out=offsets[1:])
        valid = pa.py_buffer(np.packbits(lengths >= 0, bitorder="little"))
        return pa.Array.from_buffers(kind, len(lengths), [valid, pa.py_buffer(offsets), pa.py_buffer(other)])
    valid = None if other is None else pa.py_buffer(np.packbits(np.frombuffer(other, np.uint8), bitorder="little"))
    width = kind.bit_width // 8
    return pa.Array.from_buffers(kind, len(values) // width, [valid, pa.py_buffer(values)])
