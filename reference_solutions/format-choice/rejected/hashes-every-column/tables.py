"""Tables as plain buffers, each at a multiple of 64 bytes, behind each other; what is where stands at the end.

buffers | schema and directory (JSON) | its length, CRC-32 and a magic word
"""

import hashlib
import json
import struct
import zlib

import pyarrow as pa
from faults import FormatError

ALIGNED = 64
TRAILER = struct.Struct("<QII8s")
MAGIC = b"BUFFERS1"


def write_table(path, table):
    """Write a table."""
    directory = []
    with pa.OSFile(path, "wb") as sink:
        for column in table.columns:
            chunks = []
            for chunk in column.chunks:
                whole = chunk if chunk.offset == 0 else pa.concat_arrays([chunk.slice(0, 0), chunk])
                chunks.append([len(whole), whole.null_count, [_put(sink, buffer) for buffer in whole.buffers()]])
            directory.append(chunks)
        start = sink.tell()
        schema = table.schema.serialize().to_pybytes()
        text = json.dumps({"schema": schema.hex(), "columns": directory}).encode()
        sink.write(text)
        sink.write(TRAILER.pack(start, len(text), zlib.crc32(text), MAGIC))


def _put(sink, buffer):
    if buffer is None:
        return None
    sink.write(bytes(-sink.tell() % ALIGNED))
    place = [sink.tell(), buffer.size, hashlib.sha3_256(buffer).hexdigest()]
    sink.write(buffer)
    return place


def read_columns(path, names):
    """Map the file and give some of its columns."""
    try:
        with pa.memory_map(path) as source:
            schema, directory = _directory(source)
            columns = []
            for name in names:
                place = schema.get_field_index(name)
                if place < 0:
                    raise KeyError(name)
                kind = schema.field(place).type
                for told in directory[place]:
                    _verify(source, told)
                columns.append(pa.chunked_array([_chunk(source, kind, each) for each in directory[place]], kind))
            return pa.Table.from_arrays(columns, schema=pa.schema([schema.field(name) for name in names]))
    except FileNotFoundError:
        raise
    except (pa.ArrowException, OSError) as error:
        raise FormatError(f"no table: {error}") from error


def _directory(source):
    size = source.size()
    if size < TRAILER.size:
        raise FormatError("no table")
    start, length, checksum, magic = TRAILER.unpack(source.read_at(TRAILER.size, size - TRAILER.size))
    if magic != MAGIC or start + length + TRAILER.size != size:
        raise FormatError("no table, or one that is cut short")
    text = source.read_at(length, start)
    if zlib.crc32(text) != checksum:
        raise FormatError("the directory is damaged")
    found = json.loads(text)
    return pa.ipc.read_schema(pa.py_buffer(bytes.fromhex(found["schema"]))), found["columns"]


def _verify(source, told):
    for place in told[2]:
        if place is not None and place[1]:
            source.seek(place[0])
            if hashlib.sha3_256(source.read_buffer(place[1])).hexdigest() != place[2]:
                raise FormatError("a column is damaged")


def _chunk(source, kind, told):
    length, nulls, places = told
    buffers = []
    for number, place in enumerate(places):
        if place is None and number == 0:
            buffers.append(None)  # nothing is null
        elif place is None or place[1] == 0:
            buffers.append(pa.py_buffer(b""))
        else:
            source.seek(place[0])
            buffers.append(source.read_buffer(place[1]))
    return pa.Array.from_buffers(kind, length, buffers, nulls)
