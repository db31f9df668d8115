"""How a column of a group becomes bytes: ints as distances from the smallest, numbers in planes of bytes, texts by dictionary."""

from typing import Any

import msgpack
import numpy as np
import pyarrow as pa


def viewed(array: pa.Array, kind: pa.DataType) -> pa.Array:
    """The same bits as another type."""
    return array if array.type == kind else array.view(kind)


def stored(kind: pa.DataType) -> pa.DataType:
    """The type whose bits are written."""
    if pa.types.is_timestamp(kind) or kind == pa.float64():
        return pa.int64()
    if pa.types.is_date32(kind) or kind == pa.float32():
        return pa.int32()
    return kind


def _planes(values: np.ndarray, width: int) -> bytes:
    return np.ascontiguousarray(values).view(np.uint8).reshape(len(values), width).T.tobytes()


def _from_planes(data: bytes, width: int) -> np.ndarray:
    found = np.frombuffer(data, np.uint8).reshape(width, len(data) // width).T
    return np.ascontiguousarray(found).view(f"<u{width}").reshape(-1)


def _narrow(values: np.ndarray, most: int) -> tuple[int, bytes]:
    width = next(size for size in (1, 2, 4, 8) if most < 1 << 8 * size)
    return width, _planes(values.astype(f"<u{width}"), width)


def _bits(flags: np.ndarray) -> bytes:
    return np.packbits(flags, bitorder="little").tobytes()


def _parts_of_texts(array: pa.Array) -> tuple[tuple[int, bytes], bytes]:
    buffers, start = array.buffers(), array.offset
    offsets = np.frombuffer(buffers[1], np.int32)[start : start + len(array) + 1]
    first, last = int(offsets[0]), int(offsets[-1])
    data = buffers[2].slice(first, last - first).to_pybytes() if last > first else b""
    lengths = np.diff(offsets)
    return _narrow(lengths, int(lengths.max())), data


def _texts(kind: pa.DataType, lengths: list[Any], data: bytes, valid: bytes | None) -> pa.Array:
    sizes = _from_planes(lengths[1], lengths[0])
    offsets = np.zeros(len(sizes) + 1, np.int32)
    np.cumsum(sizes.astype(np.int32), dtype=np.int32, out=offsets[1:])
    buffers = [valid and pa.py_buffer(valid), pa.py_buffer(offsets), pa.py_buffer(data)]
    return pa.Array.from_buffers(kind, len(sizes), buffers)


def pack(array: pa.Array, bounds: list[Any] | None) -> bytes:
    """All of an array of one row or more as bytes."""
    kind, rows, nulls = array.type, len(array), array.null_count
    if nulls == rows:
        return msgpack.packb((None,))
    valid = _bits(array.is_valid().to_numpy(zero_copy_only=False)) if nulls else None
    if pa.types.is_string(kind) or pa.types.is_binary(kind):
        if nulls:
            array = array.fill_null("" if pa.types.is_string(kind) else b"")
        found = array.dictionary_encode()
        if len(found.dictionary) <= rows // 4:
            codes = _narrow(found.indices.to_numpy(), len(found.dictionary))
            return msgpack.packb(("words", valid, *_parts_of_texts(found.dictionary), codes))
        return msgpack.packb(("texts", valid, *_parts_of_texts(array)))
    if pa.types.is_boolean(kind):
        flags = (array.fill_null(False) if nulls else array).cast(pa.uint8()).to_numpy()
        return msgpack.packb(("bits", valid, _bits(flags)))
    if pa.types.is_decimal(kind):
        values = np.frombuffer(array.buffers()[1], np.uint8)[array.offset * 16 : (array.offset + rows) * 16]
        return msgpack.packb(("decimals", valid, _planes(values.reshape(rows, 16), 16)))
    whole = pa.types.is_integer(stored(kind)) and not pa.types.is_floating(kind)
    array = viewed(array, stored(kind))
    low, high = bounds if whole and bounds else (0, 0)
    if nulls:
        array = array.fill_null(low)
    values = array.to_numpy()
    if not whole:
        return msgpack.packb(("floats", valid, _planes(values, values.itemsize)))
    if low == high:
        return msgpack.packb(("same", valid, low))
    distances = values.astype(np.uint64) - np.uint64(low % 2**64)
    return msgpack.packb(("ints", valid, low, *_narrow(distances, high - low)))


def unpack(kind: pa.DataType, rows: int, data: bytes) -> pa.Array:
    """The array again."""
    how, *rest = msgpack.unpackb(data)
    if how is None:
        return pa.nulls(rows, kind)
    valid = rest[0]
    if how == "texts":
        return _texts(kind, rest[1], rest[2], valid)
    if how == "words":
        words = _texts(kind, rest[1], rest[2], None)
        codes = _from_planes(rest[3][1], rest[3][0]).astype(np.int32)
        bitmap = valid and pa.py_buffer(valid)
        return words.take(pa.Array.from_buffers(pa.int32(), rows, [bitmap, pa.py_buffer(codes)]))
    if how == "bits":
        body = pa.py_buffer(rest[1])
    elif how == "decimals":
        planes = np.frombuffer(rest[1], np.uint8).reshape(16, rows)
        body = pa.py_buffer(np.ascontiguousarray(planes.T))
    elif how == "floats":
        body = pa.py_buffer(_from_planes(rest[1], kind.bit_width // 8))
    else:
        bits = stored(kind)
        target = f"<{'i' if pa.types.is_signed_integer(bits) else 'u'}{bits.bit_width // 8}"
        if how == "same":
            values = np.full(rows, rest[1], target)
        else:
            distances = _from_planes(rest[3], rest[2]).astype(np.uint64)
            values = (distances + np.uint64(rest[1] % 2**64)).astype(target)
        body = pa.py_buffer(values)
    return pa.Array.from_buffers(kind, rows, [valid and pa.py_buffer(valid), body])
