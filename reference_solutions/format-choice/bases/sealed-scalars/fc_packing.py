"""How one column of one group of rows is packed: as plain data (lists, numbers, bytes) for MessagePack, and bounds.

Everything becomes integers from 0, as narrow as they may be, whose bytes stand plane by plane, each plane compressed by itself:
dictionary indices, lengths of texts, floats that are decimal fractions, times, decimals. What does not fit that is compressed as it is.
"""

from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fc_columns import is_text, plain_buffers

_MASK = 2**64 - 1
_UNSIGNED = {1: np.uint8, 2: np.uint16, 4: np.uint32, 8: np.uint64}
_SIGNED = {1: np.int8, 2: np.int16, 4: np.int32, 8: np.int64}
_BOUND = 64
"""Bounds of texts have at most as many bytes."""
_codec = pa.Codec("zstd", compression_level=3)


class Packed(NamedTuple):
    """A column of a group; low and high are None where nothing is known."""

    data: list[Any]
    nulls: int
    low: Any
    high: Any


# ---- bytes


def _squeeze(raw: Any) -> list[Any]:
    size = len(raw)
    small = _codec.compress(raw, asbytes=True) if size else b""
    return [size, small] if len(small) < size else [-1, bytes(raw)]


def _expand(packed: list[Any]) -> bytes:
    size, data = packed
    return data if size < 0 else _codec.decompress(data, decompressed_size=size, asbytes=True)


def _planes(values: np.ndarray) -> list[Any]:
    width = values.dtype.itemsize
    if width == 1:
        return [_squeeze(values.tobytes())]
    table = np.ascontiguousarray(values.view(np.uint8).reshape(len(values), width).T)
    return [_squeeze(plane.tobytes()) for plane in table]


def _from_planes(planes: list[Any], count: int) -> np.ndarray:
    width = len(planes)
    if width == 1:
        return np.frombuffer(_expand(planes[0]), np.uint8, count)
    table = np.empty((count, width), np.uint8)
    for place, plane in enumerate(planes):
        table[:, place] = np.frombuffer(_expand(plane), np.uint8, count)
    return table.reshape(-1).view(_UNSIGNED[width])


# ---- integers


def _width(span: int) -> int:
    if span < 1:
        return 0
    return 1 if span < 2**8 else 2 if span < 2**16 else 4 if span < 2**32 else 8


def _pack_ints(values: np.ndarray, low: int, high: int) -> list[Any]:
    """Pack integers of any type between low and high."""
    wide = values.astype(np.int64).view(np.uint64) if values.dtype.kind == "i" else values.astype(np.uint64)
    rest = wide - np.uint64(low & _MASK)
    span = high - low
    width = _width(span)
    if not width:
        return [low, []]
    if width > 1 and len(rest) > 1 and span < 2**62:
        steps = np.diff(rest.view(np.int64))
        step_low, step_high = int(steps.min()), int(steps.max())
        step_width = _width(step_high - step_low)
        if step_width < width:
            planes = _planes((steps - step_low).astype(_UNSIGNED[step_width])) if step_width else []
            return [low, planes, int(rest[0]), step_low]
    return [low, _planes(rest.astype(_UNSIGNED[width]))]


def _unpack_ints(packed: list[Any], count: int) -> np.ndarray:
    """Give them as 64 bits without a sign, modulo 2**64."""
    low, planes = packed[:2]
    if len(packed) == 2:
        if not planes:
            return np.full(count, low & _MASK, np.uint64)
        return _from_planes(planes, count).astype(np.uint64) + np.uint64(low & _MASK)
    first, step_low = packed[2:]
    sums = np.empty(count, np.uint64)
    sums[0] = (first + low) & _MASK
    if planes:
        sums[1:] = _from_planes(planes, count - 1)
        sums[1:] += np.uint64(step_low & _MASK)
    else:
        sums[1:] = step_low & _MASK
    return np.cumsum(sums, dtype=np.uint64)


# ---- floats


def _pack_floats(values: np.ndarray) -> list[Any]:
    bits = values.view(_UNSIGNED[values.dtype.itemsize])
    with np.errstate(all="ignore"):
        for scale in (1, 10, 100):
            near = np.rint(values.astype(np.float64) * scale)
            if not bool((np.abs(near) < 2.0**53).all()):
                break
            whole = near.astype(np.int64)
            again = (whole / scale).astype(values.dtype)
            if bool((again.view(bits.dtype) == bits).all()):  # to the bit, so zeros keep their sign
                return [scale, _pack_ints(whole, int(whole.min()), int(whole.max()))]
    return [0, _planes(bits)]


def _unpack_floats(packed: list[Any], count: int, dtype: Any) -> np.ndarray:
    scale, data = packed
    if not scale:
        return _from_planes(data, count).view(dtype)
    return (_unpack_ints(data, count).view(np.int64) / scale).astype(dtype)


# ---- texts


def _pack_plain_texts(offsets: np.ndarray, data: Any) -> list[Any]:
    lengths = np.diff(offsets)
    return [_pack_ints(lengths, int(lengths.min()), int(lengths.max())), _squeeze(memoryview(data))]


def _unpack_plain_texts(packed: list[Any], count: int) -> list[pa.Buffer]:
    offsets = np.zeros(count + 1, np.int32)
    offsets[1:] = np.cumsum(_unpack_ints(packed[0], count).view(np.int64))
    return [pa.py_buffer(offsets), pa.py_buffer(_expand(packed[1]))]


def _dictionary(array: pa.Array) -> pa.DictionaryArray | None:
    sample = array.slice(0, 4096)
    if len(sample.unique()) * 4 > len(sample) * 3:
        return None
    encoded = array.dictionary_encode()
    return encoded if len(encoded.dictionary) * 2 <= len(array) else None


def _text_bounds(values: pa.Array) -> tuple[bytes | None, bytes | None]:
    found = pc.min_max(values.cast(pa.binary()) if pa.types.is_string(values.type) else values).as_py()
    low, high = found["min"], found["max"]
    if low is None or high is None:
        return None, None
    return low[:_BOUND], high if len(high) <= _BOUND else None  # what is cut off makes it lower: right for low alone


# ---- columns


def pack(array: pa.Array) -> Packed:
    """Pack a column of at least one row."""
    count, nulls, kind = len(array), array.null_count, array.type
    if nulls == count:
        return Packed([], nulls, None, None)
    buffers = plain_buffers(array)
    validity = None if buffers[0] is None else _squeeze(memoryview(buffers[0]))
    valid = None
    if buffers[0] is not None:
        valid = np.unpackbits(np.frombuffer(buffers[0], np.uint8), count=count, bitorder="little").astype(bool)

    if is_text(kind):
        encoded = _dictionary(array)
        if encoded is None:
            low, high = _text_bounds(array)
            data = [0, *_pack_plain_texts(np.frombuffer(buffers[1], np.int32, count + 1), buffers[2])]
            return Packed([validity, data], nulls, low, high)
        texts = encoded.dictionary
        low, high = _text_bounds(texts)
        indices = np.frombuffer(plain_buffers(encoded.indices)[1], np.int32, count)
        if valid is not None:
            indices = np.where(valid, indices, np.int32(0))
        _, offsets, content = plain_buffers(texts)
        plain = _pack_plain_texts(np.frombuffer(offsets, np.int32, len(texts) + 1), content)
        return Packed([validity, [len(texts), *plain, _pack_ints(indices, 0, len(texts) - 1)]], nulls, low, high)

    if pa.types.is_boolean(kind):
        return Packed([validity, _squeeze(memoryview(buffers[1]))], nulls, None, None)

    if pa.types.is_decimal(kind):
        words = np.frombuffer(buffers[1], np.int64, 2 * count).reshape(count, 2)
        if valid is not None:
            words = np.where(valid[:, None], words, words[int(valid.argmax())])
        small = np.ascontiguousarray(words[:, 0])
        if bool((words[:, 1] == small >> 63).all()):
            low, high = int(small.min()), int(small.max())
            return Packed([validity, [1, _pack_ints(small, low, high)]], nulls, low, high)
        return Packed([validity, [0, _squeeze(words.tobytes())]], nulls, None, None)

    dtype = _dtype(kind)
    values = np.frombuffer(buffers[1], dtype, count)
    if valid is not None:
        values = np.where(valid, values, values[int(valid.argmax())])
    if pa.types.is_floating(kind):
        low, high = float(np.fmin.reduce(values)), float(np.fmax.reduce(values))
        bounds = (None, None) if low != low else (low, high)
        return Packed([validity, _pack_floats(values)], nulls, *bounds)
    low, high = int(values.min()), int(values.max())
    return Packed([validity, _pack_ints(values, low, high)], nulls, low, high)


def _dtype(kind: pa.DataType) -> Any:
    width = kind.bit_width // 8
    if pa.types.is_floating(kind):
        return np.float32 if width == 4 else np.float64
    return _UNSIGNED[width] if pa.types.is_unsigned_integer(kind) else _SIGNED[width]


def unpack(kind: pa.DataType, count: int, nulls: int, packed: list[Any]) -> pa.Array:
    """Give the column again."""
    if nulls == count:
        return pa.nulls(count, kind)
    validity = None if packed[0] is None else pa.py_buffer(_expand(packed[0]))
    data = packed[1]
    if is_text(kind):
        if not data[0]:
            return pa.Array.from_buffers(kind, count, [validity, *_unpack_plain_texts(data[1:], count)], nulls)
        texts = pa.Array.from_buffers(kind, data[0], [None, *_unpack_plain_texts(data[1:3], data[0])], 0)
        indices = _unpack_ints(data[3], count).astype(np.int32)
        return texts.take(pa.Array.from_buffers(pa.int32(), count, [validity, pa.py_buffer(indices)], nulls))
    if pa.types.is_boolean(kind):
        content = pa.py_buffer(_expand(data))
    elif pa.types.is_decimal(kind):
        if data[0]:
            words = np.empty((count, 2), np.int64)
            words[:, 0] = _unpack_ints(data[1], count).view(np.int64)
            words[:, 1] = words[:, 0] >> 63
            content = pa.py_buffer(words)
        else:
            content = pa.py_buffer(_expand(data[1]))
    elif pa.types.is_floating(kind):
        content = pa.py_buffer(_unpack_floats(data, count, _dtype(kind)))
    else:
        content = pa.py_buffer(_unpack_ints(data, count).astype(_dtype(kind)))
    return pa.Array.from_buffers(kind, count, [validity, content], nulls)
