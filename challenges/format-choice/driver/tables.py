"""Tables handed over: written, and mapped, where sums of parts of columns are told instead of their values.

A sum touches no more pages than the part has, and the grader knows what it must be, since it knows the seed.
"""

import numpy as np
import pyarrow as pa
import solution

from .answers import answered, nothing_of
from .columns import table_of, told
from .files import path_of, sync
from .generated import mixed
from .held import held


def write_small_table(name, columns, chunks):
    """Write a table of plain values."""
    return answered(nothing_of(solution.write_table), path_of(name), table_of(columns, chunks))


def write_slice_of_table(name, columns, first, rows):
    """Write some rows of a table, as a slice of it, whose buffers begin before."""
    return answered(nothing_of(solution.write_table), path_of(name), table_of(columns, 1).slice(first, rows))


def write_table_in_pieces(name, columns, pieces):
    """Write a table of which each column comes in a number of chunks of its own."""
    table = table_of(columns, 1)
    parts = [
        pa.chunked_array(_divided(column.chunk(0), count)) for column, count in zip(table.columns, pieces, strict=True)
    ]
    return answered(nothing_of(solution.write_table), path_of(name), pa.Table.from_arrays(parts, schema=table.schema))


def _divided(rows, count):
    """Divide an array or a table into so many slices."""
    size = -(-len(rows) // count)
    return [rows.slice(first, size) for first in range(0, len(rows), size)]


def read_small_table(name, names):
    """Read columns of a table and tell them."""
    return answered(lambda: told(solution.read_columns(path_of(name), names)))


def read_small_tables(name, asked):
    """Read some columns, and others, of one table, and tell them all when all are read."""
    return answered(lambda: [told(table) for table in [solution.read_columns(path_of(name), names) for names in asked]])


def write_noise_table(name, seed, columns, rows, chunks=1):
    """Write a table of ints, c0, c1, ..., that comes in so many chunks, and have it on the disk."""
    table = pa.table({f"c{n}": mixed(seed, n, 0, rows).view(np.int64) for n in range(columns)})
    answer = answered(nothing_of(solution.write_table), path_of(name), pa.concat_tables(_divided(table, chunks)))
    sync(name)
    return answer


def sums_of_table(name, asked):
    """Map a table once, and sum parts of its columns: [column, first, last] each; the table stays held."""
    names = list(dict.fromkeys(column for column, _, _ in asked))
    table = held["table"] = solution.read_columns(path_of(name), names)
    return [_sum(table[column], first, last) for column, first, last in asked]


def _sum(column, first, last):
    with np.errstate(over="ignore"):
        parts = [
            chunk.to_numpy(zero_copy_only=False).sum(dtype=np.int64)
            for chunk in column.slice(first, last - first).chunks
        ]
    return sum(map(int, parts)) % 2**64


def hold_table(columns):
    """Hold a table that is written later, of columns of raw ints: [name, values] each."""
    held["table"] = pa.table({column: pa.array(np.frombuffer(raw, np.int64)) for column, raw in columns})


def timed_write_table(name):
    """Write the held table, and map it."""
    table = held["table"]
    solution.write_table(path_of(name), table)
    held["written"] = solution.read_columns(path_of(name), table.column_names)


def sums_of_written(asked):
    """Sum parts of the table that was mapped when it was written."""
    table = held.pop("written")
    return [_sum(table[column], first, last) for column, first, last in asked]


def timed_read_tables(asked):
    """Map tables one after the other, [name, column, first, last] each, and sum a part of one column."""
    answers = []
    for name, column, first, last in asked:
        answers.append(_sum(solution.read_columns(path_of(name), [column])[column], first, last))
    return answers
