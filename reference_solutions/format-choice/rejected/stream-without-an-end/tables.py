"""Tables as Arrow's stream format, mapped."""

import pyarrow as pa
from faults import FormatError


def write_table(path, table):
    """Write a table."""
    with pa.OSFile(path, "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)


def read_columns(path, names):
    """Map the file and give some of its columns."""
    try:
        with pa.memory_map(path) as source:
            reader = pa.ipc.open_stream(source)
            for name in names:
                if reader.schema.get_field_index(name) < 0:
                    raise KeyError(name)
            return reader.read_all().select(names)
    except FileNotFoundError:
        raise
    except (pa.ArrowException, OSError) as error:
        raise FormatError(f"no table: {error}") from error
