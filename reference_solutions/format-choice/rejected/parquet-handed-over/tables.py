"""Tables as Parquet."""

import pyarrow as pa
import pyarrow.parquet as pq
from faults import FormatError


def write_table(path, table):
    """Write a table."""
    pq.write_table(table, path, compression="none", row_group_size=50_000)


def read_columns(path, names):
    """Read some columns."""
    try:
        with pq.ParquetFile(path) as file:
            for name in names:
                if file.schema_arrow.get_field_index(name) < 0:
                    raise KeyError(name)
            return file.read(columns=names, use_threads=False).select(names)
    except FileNotFoundError:
        raise
    except (pa.ArrowException, OSError) as error:
        raise FormatError(f"no table: {error}") from error
