"""An archive of column chunks: each a small Arrow file of one column, texts as a dictionary, compressed with zstd.

chunks | directory: schema, and of each group its rows, and of each column place, length, CRC-32, bounds
       | the directory's place, length, CRC-32, and a magic word
"""

# ruff: noqa: PTH123
import os
import struct
import zlib

import msgpack
import pyarrow as pa
import pyarrow.compute as pc
from faults import FormatError

ROWS_A_GROUP = 32 * 1024
TRAILER = struct.Struct("<QII8s")
MAGIC = b"CHUNKS1\n"
OPTIONS = pa.ipc.IpcWriteOptions(compression=pa.Codec("zstd", compression_level=6), use_threads=False)


def write_archive(path, schema, batches):
    """Write batches as they come."""
    groups = []
    with open(path, "wb") as file:
        waiting, rows = [], 0
        for batch in batches:
            waiting.append(batch)
            rows += batch.num_rows
            if rows >= ROWS_A_GROUP:
                table = pa.Table.from_batches(waiting, schema)
                while table.num_rows >= ROWS_A_GROUP:
                    groups.append(_put(file, table.slice(0, ROWS_A_GROUP)))
                    table = table.slice(ROWS_A_GROUP)
                waiting, rows = table.to_batches(), table.num_rows
        if rows:
            groups.append(_put(file, pa.Table.from_batches(waiting, schema)))
        start = file.tell()
        directory = msgpack.packb([schema.serialize().to_pybytes(), groups])
        file.write(directory)
        file.write(TRAILER.pack(start, len(directory), zlib.crc32(directory), MAGIC))


def _put(file, table):
    chunks = []
    for column in table.columns:
        array = column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
        data = _packed(array)
        chunks.append([file.tell(), len(data), zlib.crc32(data), _bounds(array)])
        file.write(data)
    return [table.num_rows, chunks]


def _packed(array):
    array = _narrowed(array)
    sink = pa.BufferOutputStream()
    batch = pa.RecordBatch.from_arrays([array], ["c"])
    with pa.ipc.new_stream(sink, batch.schema, options=OPTIONS) as writer:
        writer.write_batch(batch)
    return sink.getvalue().to_pybytes()


def _narrowed(array):
    """Choose a smaller type that holds the same: a dictionary of texts, an int of fewer bytes."""
    if pa.types.is_string(array.type):
        coded = array.dictionary_encode()
        if len(coded.dictionary) < 128:
            return pa.DictionaryArray.from_arrays(coded.indices.cast(pa.int8()), coded.dictionary)
        return coded if len(coded.dictionary) * 2 < len(array) else array
    if pa.types.is_timestamp(array.type):
        array = array.cast(pa.int64())
    if array.type == pa.int64():
        low, high = pc.min_max(array).values()
        for kind, most in ((pa.int8(), 2**7), (pa.int16(), 2**15), (pa.int32(), 2**31)):
            if low.is_valid and -most <= low.as_py() and high.as_py() < most:
                return array.cast(kind)
    return array


def _bounds(array):
    """Give the least and the greatest, as a packed scalar each; None where there is none, or that are not kept."""
    if pa.types.is_floating(array.type) or pa.types.is_boolean(array.type) or array.null_count == len(array):
        return None
    ends = pc.min_max(array).values()
    return _packed_plain(pa.array([end.as_py() for end in ends], array.type))


def _packed_plain(array):
    sink = pa.BufferOutputStream()
    batch = pa.RecordBatch.from_arrays([array], ["c"])
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return sink.getvalue().to_pybytes()


def scan_archive(path, columns, where):
    """Give the rows that fulfil all conditions, batch by batch."""
    try:
        with open(path, "rb", buffering=0) as file:
            schema, groups = _directory(file)
            yield from _scan(file, schema, groups, columns, where)
    except FileNotFoundError:
        raise
    except (pa.ArrowException, OSError) as error:
        raise FormatError(f"the archive is damaged: {error}") from error


def _directory(file):
    size = file.seek(0, os.SEEK_END)
    if size < TRAILER.size:
        raise FormatError("no archive")
    start, length, checksum, magic = TRAILER.unpack(os.pread(file.fileno(), TRAILER.size, size - TRAILER.size))
    if magic != MAGIC or start + length + TRAILER.size != size:
        raise FormatError("no archive, or one that is cut short")
    directory = os.pread(file.fileno(), length, start)
    if zlib.crc32(directory) != checksum:
        raise FormatError("the directory is damaged")
    schema, groups = msgpack.unpackb(directory)
    return pa.ipc.read_schema(pa.py_buffer(schema)), groups


_COMPARE = {"==": pc.equal, "<": pc.less, "<=": pc.less_equal, ">": pc.greater, ">=": pc.greater_equal}


def _scan(file, schema, groups, columns, where):
    for name in [*columns, *(name for name, _, _ in where)]:
        if schema.get_field_index(name) < 0:
            raise KeyError(name)
    places = {name: schema.get_field_index(name) for name in schema.names}
    wanted = pa.schema([schema.field(name) for name in columns])
    conditions = [(name, how, pa.scalar(value, schema.field(name).type)) for name, how, value in where]
    for _, chunks in groups:
        if not all(_may_hold(chunks[places[name]][3], how, value) for name, how, value in conditions):
            continue
        loaded = {}
        mask = None
        for name, how, value in conditions:
            if name not in loaded:
                loaded[name] = _load(file, chunks[places[name]], schema.field(name).type)
            found = _COMPARE[how](loaded[name], value)
            mask = found if mask is None else pc.and_(mask, found)
            if not pc.any(mask).as_py():
                break
        if mask is not None and not pc.any(mask).as_py():
            continue
        for name in columns:
            if name not in loaded:
                loaded[name] = _load(file, chunks[places[name]], schema.field(name).type)
        batch = pa.RecordBatch.from_arrays([loaded[name] for name in columns], schema=wanted)
        yield batch if mask is None else batch.filter(mask)


def _load(file, chunk, kind):
    start, length, checksum, _ = chunk
    data = os.pread(file.fileno(), length, start)
    if zlib.crc32(data) != checksum:
        raise FormatError("a column is damaged")
    (batch,) = pa.ipc.open_stream(data)
    array = batch.column(0)
    if array.type == kind:
        return array
    if pa.types.is_timestamp(kind):
        return array.cast(pa.int64()).view(kind)
    return array.cast(kind)


def _may_hold(bounds, how, value):
    if bounds is None:
        return True
    (batch,) = pa.ipc.open_stream(bounds)
    low, high = batch.column(0)
    if how == "==":
        return pc.less_equal(low, value).as_py() and pc.less_equal(value, high).as_py()
    return _COMPARE[how](low if how in {"<", "<="} else high, value).as_py()
