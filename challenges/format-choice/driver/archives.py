"""Archives: written batch by batch, and scanned by columns and conditions."""

import zlib
from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import solution

from .answers import answered, nothing_of
from .columns import array_of_raw, decimal_of, raw_column, table_of, told, type_of
from .files import path_of, put, sync
from .generated import journal_batches, journal_schema
from .held import held


def write_small_archive(name, columns, chunks):
    """Write an archive of plain values, in so many batches."""
    table = table_of(columns, chunks)
    return answered(nothing_of(solution.write_archive), path_of(name), table.schema, iter(table.to_batches()))


def write_archive_within(name, other, columns):
    """Write an archive whose batches come from somebody who writes another one meanwhile."""
    table = table_of(columns, 3)

    def batches():
        first, *rest = table.to_batches()
        yield first
        solution.write_archive(path_of(other), table.schema, iter(table.to_batches()))
        yield from rest

    return answered(nothing_of(solution.write_archive), path_of(name), table.schema, batches())


def scan_small_archive(name, columns, where):
    """Scan an archive and tell the rows."""
    return answered(lambda: told(_gathered(_scan(name, columns, where), columns)))


def scan_flipped(name, content, scans, flips):
    """Scan a file in several ways, [columns, where], with each flip, [offset, mask], alone: a list for each."""
    answers = []
    for offset, mask in flips:
        changed = bytearray(content)
        changed[offset] ^= mask
        put(name, changed)
        answers.append([scan_small_archive(name, columns, where) for columns, where in scans])
    return answers


def begin_scans(name, columns, times):
    """Scan an archive so many times, and give up each time after the first batch."""
    for _ in range(times):
        next(iter(_scan(name, columns, [])), None)


def scans_at_once(name, scans):
    """Scan an archive in several ways at once, [columns, where] each, and take their batches in turn."""
    return answered(_in_turn, [(columns, _scan(name, columns, where)) for columns, where in scans])


def _in_turn(scans):
    gathered = [[] for _ in scans]
    going = [(place, iter(batches)) for place, (_, batches) in enumerate(scans)]
    while going:
        latest = [(place, batches, next(batches, None)) for place, batches in going]
        for place, _, batch in latest:
            gathered[place] += [] if batch is None else [batch]
        going = [(place, batches) for place, batches, batch in latest if batch is not None]
    tables = [_gathered(batches, columns) for batches, (columns, _) in zip(gathered, scans, strict=True)]
    return [[raw_column(table[name]) for name in table.column_names] for table in tables]


def write_journal(name, seed, noise, sizes):
    """Write an archive of generated rows, in batches of these sizes, and have it on the disk."""
    batches = journal_batches(seed, noise, sizes)
    answer = answered(nothing_of(solution.write_archive), path_of(name), journal_schema(noise), batches)
    sync(name)
    return answer


def scan_sums(name, columns, where):
    """Scan an archive and sum the columns, which are ints, batch by batch: [rows, sums]."""
    rows, sums = 0, [0] * len(columns)
    for batch in _scan(name, columns, where):
        rows += batch.num_rows
        for place in range(len(columns)):
            values = batch.column(place)
            if values.null_count:
                values = values.fill_null(0)
            sums[place] += int(values.to_numpy(zero_copy_only=False).sum(dtype=np.int64))
    return [rows, [each % 2**64 for each in sums]]


def hold_columns(columns):
    """Hold a table that is archived later, of columns as raw bytes: [name, type, values, validity or text or nil]."""
    arrays = [array_of_raw(type_of(text), values, other) for _, text, values, other in columns]
    held["archive"] = pa.table(arrays, names=[name for name, _, _, _ in columns])


def timed_write_archive(name, rows_a_batch):
    """Archive the held table; answer nothing: the file is looked at from outside."""
    table = held["archive"]
    solution.write_archive(path_of(name), table.schema, iter(table.to_batches(max_chunksize=rows_a_batch)))


def timed_scans(name, scans):
    """Scan an archive several times, [columns, where] each; the answer is every column as raw bytes."""
    return [_raw(name, columns, where) for columns, where in scans]


def scan_columns(name, columns):
    """Scan all rows of some columns; the answer is every column as raw bytes."""
    return answered(_raw, name, columns, [])


def _raw(name, columns, where):
    table = _gathered(_scan(name, columns, where), columns)
    return [raw_column(table[column]) for column in columns]


def scan_digests(name, columns, where):
    """Scan an archive batch by batch, and digest the columns: [rows, [[type, of values, of what is null or text]]]."""
    return answered(lambda: _digests(_scan(name, columns, where), columns))


def _digests(batches, columns):
    rows, digests = 0, [["", 0, 0] for _ in columns]
    for batch in batches:
        if batch.schema.names != columns:
            raise AssertionError(f"a batch has the columns {batch.schema.names} instead of {columns}")
        rows += batch.num_rows
        for digest, column in zip(digests, batch.columns if batch.num_rows else (), strict=False):
            kind, values, other = raw_column(column)
            other = bytes([1]) * batch.num_rows if other is None else other
            digest[:] = [kind, zlib.crc32(values, digest[1]), zlib.crc32(other, digest[2])]
    return [rows, digests]


def _scan(name, columns, where):
    return solution.scan_archive(path_of(name), columns, [(n, how, _value(value)) for n, how, value in where])


def _value(told):
    """Make a value of a plain one: ["time", microseconds, minutes east or a zone], ["decimal", unscaled, scale], ..."""
    match told:
        case ["decimal", unscaled, scale]:
            return decimal_of(unscaled, scale)
        case ["time", microseconds]:
            return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=microseconds)
        case ["time", microseconds, str(zone)]:
            return (datetime.fromtimestamp(0, UTC) + timedelta(microseconds=microseconds)).astimezone(ZoneInfo(zone))
        case ["time", microseconds, minutes_east]:
            zone = timezone(timedelta(minutes=minutes_east))
            return datetime.fromtimestamp(0, zone) + timedelta(microseconds=microseconds)
        case ["local time", microseconds]:
            return datetime(1970, 1, 1) + timedelta(microseconds=microseconds)  # noqa: DTZ001  of no zone, as is meant
        case ["date", days]:
            return date(1970, 1, 1) + timedelta(days=days)
    return told


def _gathered(batches, columns):
    batches = list(batches)
    for batch in batches:
        if batch.schema.names != columns:
            raise AssertionError(f"a batch has the columns {batch.schema.names} instead of {columns}")
    return pa.Table.from_batches(batches) if batches else pa.table({name: pa.array([], pa.null()) for name in columns})
