"""Tables handed over: Arrow's file format, mapped. What a reader does not look at is never read from the disk."""

import pyarrow as pa
from faults import FormatError


def write_table(path, table):
    """Write a table so that another process can map it."""
    with pa.OSFile(path, "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)


def read_columns(path, names):
    """Map the file and give some of its columns, without copying them."""
    try:
        with pa.memory_map(path) as source:
            reader = pa.ipc.open_file(source)
            for name in names:
                if reader.schema.get_field_index(name) < 0:
                    raise KeyError(name)
            # Not by `included_fields`: with it, Arrow copies what it reads, even from a mapped file.
            return reader.read_all().select(names)
    except (pa.ArrowException, OSError, ValueError) as error:
        if isinstance(error, FileNotFoundError):
            raise
        raise FormatError(f"no table: {error}") from error
