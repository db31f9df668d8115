"""What tables and archives share: types as plain data, and the buffers of an array without its offset."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa

_SIMPLE = {
    str(kind): kind
    for kind in (
        pa.int8(),
        pa.int16(),
        pa.int32(),
        pa.int64(),
        pa.uint8(),
        pa.uint16(),
        pa.uint32(),
        pa.uint64(),
        pa.float32(),
        pa.float64(),
        pa.bool_(),
        pa.string(),
        pa.binary(),
        pa.date32(),
    )
}
PIECE = 4 << 20
"""Small chunks are joined until they have as many bytes."""


def describe(kind: pa.DataType) -> list[Any]:
    """Give a type as plain data."""
    if pa.types.is_timestamp(kind):
        return ["timestamp", kind.unit, kind.tz]
    if pa.types.is_decimal128(kind):
        return ["decimal128", kind.precision, kind.scale]
    name = str(kind)
    if name not in _SIMPLE:
        raise TypeError(f"columns of {name} are not supported")
    return [name]


def restore(spec: list[Any]) -> pa.DataType:
    """Give the type that was described."""
    if spec[0] == "timestamp":
        return pa.timestamp(spec[1], tz=spec[2])
    if spec[0] == "decimal128":
        return pa.decimal128(spec[1], spec[2])
    return _SIMPLE[spec[0]]


def is_text(kind: pa.DataType) -> bool:
    """Say whether values have lengths of their own."""
    return pa.types.is_string(kind) or pa.types.is_binary(kind)


def pieces(column: pa.ChunkedArray) -> Iterator[pa.Array]:
    """Give the column's rows as arrays that are neither empty nor, if there are many, small."""
    waiting: list[pa.Array] = []
    size = 0
    for chunk in column.chunks:
        if len(chunk) == 0:
            continue
        waiting.append(chunk)
        size += chunk.nbytes
        if size >= PIECE:
            yield _join(waiting)
            waiting, size = [], 0
    if waiting:
        yield _join(waiting)


def _join(arrays: list[pa.Array]) -> pa.Array:
    return arrays[0] if len(arrays) == 1 else pa.concat_arrays(arrays)


def plain_buffers(array: pa.Array) -> list[pa.Buffer | None]:
    """Give the buffers of an array that is not empty, as if its offset were 0: no more bytes than it needs.

    The first is the bitmap of what is no null, None where nothing is null.
    """
    count, offset, kind = len(array), array.offset, array.type
    buffers = array.buffers()
    validity = _bits(buffers[0], offset, count) if array.null_count else None
    if pa.types.is_boolean(kind):
        return [validity, _bits(buffers[1], offset, count)]
    if not is_text(kind):
        width = kind.bit_width // 8
        if buffers[1] is None:
            return [validity, pa.py_buffer(bytes(count * width))]
        return [validity, buffers[1].slice(offset * width, count * width)]
    if buffers[1] is None:
        return [validity, pa.py_buffer(bytes(4 * (count + 1))), pa.py_buffer(b"")]
    offsets = np.frombuffer(buffers[1], np.int32, count + 1, offset * 4)
    first, last = int(offsets[0]), int(offsets[-1])
    if first:
        offsets = offsets - np.int32(first)
    data = pa.py_buffer(b"") if first == last else buffers[2].slice(first, last - first)
    return [validity, pa.py_buffer(offsets), data]


def _bits(bitmap: pa.Buffer | None, offset: int, count: int) -> pa.Buffer:
    if bitmap is None:
        return pa.py_buffer(bytes((count + 7) // 8))
    start = offset // 8
    shift = offset - start * 8
    if not shift:
        return bitmap.slice(start, (count + 7) // 8)
    raw = np.frombuffer(bitmap, np.uint8, (shift + count + 7) // 8, start)
    single = np.unpackbits(raw, bitorder="little")[shift : shift + count]
    return pa.py_buffer(np.packbits(single, bitorder="little"))
