"""Tables as Arrow's stream format, mapped, with a trailer that says that all of it is there."""

# ruff: noqa: PTH105
import os
import struct

import pyarrow as pa
from faults import FormatError

TRAILER = struct.Struct("<Q8s")
MAGIC = b"STREAM1\n"


def write_table(path, table):
    """Write a table beside its path, and put it there when it is whole."""
    beside = f"{path}.{os.getpid()}"
    with pa.OSFile(beside, "wb") as sink:
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
        sink.write(TRAILER.pack(sink.tell(), MAGIC))
    os.replace(beside, path)


def read_columns(path, names):
    """Map the file and give some of its columns."""
    try:
        with pa.memory_map(path) as source:
            size = source.size()
            if size < TRAILER.size:
                raise FormatError("no table")
            length, magic = TRAILER.unpack(source.read_at(TRAILER.size, size - TRAILER.size))
            if magic != MAGIC or length != size - TRAILER.size:
                raise FormatError("no table, or one that is cut short")
            source.seek(0)
            reader = pa.ipc.open_stream(source)
            for name in names:
                if reader.schema.get_field_index(name) < 0:
                    raise KeyError(name)
            return reader.read_all().select(names)
    except FileNotFoundError:
        raise
    except (pa.ArrowException, OSError) as error:
        raise FormatError(f"no table: {error}") from error
