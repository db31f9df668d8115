"""Adapt a submission's four pairs of functions to the wire. Runs beside the submission and is trusted with nothing.

Theory of operation: calls and events are plain data and travel as such. Tables travel column by column, small ones as
lists of plain values, large ones as raw bytes, or they are generated here, by the same arithmetic as in the grader,
from a seed. Files live in one folder on the disk; the grader names them, sees them from outside, and restarts this
process between writing and reading, so that nothing but the file connects the two.

    encode_calls, decode_calls, ...     one answer for each item: ["gave", answer] or ["raised", which, text]
    timed_*                             the bars: fresh input in, whole answer out, garbage collected before
    hold_*, write_*, read_*, scan_*     tables and archives
    measure_formats                     the public workloads of formats.py, for the predictions; in the reference only
"""

import gc
import os
import shutil
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import msgpack
import numpy as np
import pyarrow as pa
import solution

FOLDER = os.path.join(os.environ.get("TAKEHOME_DISK", "/tmp"), "files")  # noqa: PTH118
SHARED = "/dev/shm"


def _path(name):
    os.makedirs(FOLDER, exist_ok=True)  # noqa: PTH103
    return os.path.join(FOLDER, name)  # noqa: PTH118


def _try(function, *arguments):
    try:
        return ["gave", function(*arguments)]
    except solution.FormatError as fault:
        return ["raised", "format", str(fault)[:200]]
    except KeyError as fault:
        return ["raised", "key", str(fault)[:200]]
    except FileNotFoundError as fault:
        return ["raised", "missing", str(fault)[:200]]
    except Exception as fault:  # noqa: BLE001  whatever it raises is its answer
        return ["raised", "other", f"{type(fault).__name__}: {fault}"[:200]]


def ping():
    """Do nothing, but load everything."""


def clear():
    """Remove every file."""
    shutil.rmtree(FOLDER, ignore_errors=True)


def rest():
    """Let go of what is held, and collect garbage."""
    _held.clear()
    gc.collect()


_held = {}


# ---- calls


def encode_calls(calls):
    """Encode each call."""
    return [_try(solution.encode_call, call) for call in calls]


def decode_calls(blobs):
    """Decode each call."""
    return [_try(solution.decode_call, blob) for blob in blobs]


def hold_calls(calls):
    """Hold the calls that are encoded later, with other numbers."""
    _held["calls"] = calls
    gc.collect()


def timed_encode_calls(raw_numbers):
    """Encode the held calls, each with a fresh number."""
    encode, calls = solution.encode_call, _held["calls"]
    blobs = []
    for call, number in zip(calls, np.frombuffer(raw_numbers, np.uint64).tolist(), strict=True):
        call["id"] = number
        blobs.append(encode(call))
    return blobs


def timed_decode_calls(blobs):
    """Decode calls; the answer is packed, which costs less than to send it."""
    return _packed(list(map(solution.decode_call, blobs)))


def timed_encode_few(first, raw_numbers):
    """Encode a few of the held calls, each with a fresh number."""
    encode = solution.encode_call
    numbers = np.frombuffer(raw_numbers, np.uint64).tolist()
    calls = _held["calls"][first : first + len(numbers)]
    for call, number in zip(calls, numbers, strict=True):
        call["id"] = number
    return list(map(encode, calls))


def _packed(value):
    return msgpack.packb(value, strict_types=True)


# ---- events


def encode_events(version, events):
    """Encode one segment."""
    return _try(solution.encode_events, version, events)


def decode_events(version, data):
    """Decode a log."""
    return _try(solution.decode_events, version, data)


def decode_logs(version, logs):
    """Decode each log."""
    return [_try(solution.decode_events, version, log) for log in logs]


def hold_events(events):
    """Hold the events that are encoded later, with other numbers."""
    _held["events"] = events
    gc.collect()


def timed_encode_events(version, raw_numbers):
    """Encode the held events as one segment, each with a fresh number."""
    events = _held["events"]
    for event, number in zip(events, np.frombuffer(raw_numbers, np.int64).tolist(), strict=True):
        event["id"] = number
    return solution.encode_events(version, events)


def timed_decode_events(version, data):
    """Decode a log; `unknown` is left out of the answer."""
    events = solution.decode_events(version, data)
    for event in events:
        event.pop("unknown", None)
    return _packed(events)


# ---- tables: from the wire, and back to it


def _type(text):
    if text.startswith("timestamp["):
        unit, _, zone = text[len("timestamp[") : -1].partition(", tz=")
        return pa.timestamp(unit, tz=zone or None)
    if text.startswith("decimal128("):
        precision, scale = text[len("decimal128(") : -1].split(",")
        return pa.decimal128(int(precision), int(scale))
    return {
        "string": pa.string(),
        "double": pa.float64(),
        "bool": pa.bool_(),
        "float": pa.float32(),
        "binary": pa.binary(),
    }.get(text) or getattr(pa, text.replace("[day]", ""))()


def _decimal(unscaled, scale):
    digits = tuple(map(int, str(abs(unscaled))))
    return Decimal((int(unscaled < 0), digits, -scale))


def _array(text, values):
    """Make an array of plain values: timestamps and dates are ints, decimals unscaled ints."""
    kind = _type(text)
    if pa.types.is_decimal(kind):
        return pa.array([None if v is None else _decimal(v, kind.scale) for v in values], kind)
    if pa.types.is_timestamp(kind):
        return pa.array(values, pa.int64()).view(kind)
    if pa.types.is_date32(kind):
        return pa.array(values, pa.int32()).view(kind)
    return pa.array(values, kind)


def _plain(column):
    kind = column.type
    if pa.types.is_decimal(kind):
        return [None if v is None else _unscaled(v, kind.scale) for v in column.to_pylist()]
    if pa.types.is_timestamp(kind):
        column = column.cast(pa.int64())
    if pa.types.is_date32(kind):
        column = column.cast(pa.int32())
    return column.to_pylist()


def _unscaled(value, scale):
    sign, digits, exponent = value.as_tuple()
    number = int("".join(map(str, digits))) * 10 ** (exponent + scale)
    return -number if sign else number


def _table(columns, chunks):
    """Make a table of [name, type, values], in so many chunks."""
    names = [name for name, _, _ in columns]
    arrays = [_array(text, values) for _, text, values in columns]
    schema = pa.schema([pa.field(name, array.type) for name, array in zip(names, arrays, strict=True)])
    table = pa.Table.from_arrays(arrays, schema=schema)
    step = max(1, -(-table.num_rows // chunks))
    batches = [batch for at in range(0, table.num_rows, step) for batch in table.slice(at, step).to_batches()]
    return pa.Table.from_batches(batches, schema)


def _told(table):
    """Tell every column as [name, type, values]."""
    return [[name, str(table.schema.field(name).type), _plain(table[name])] for name in table.column_names]


def _raw(column):
    """Give a column as [type, raw values, validity, a byte a row, or nil]; of texts [type, lengths or -1, the text]."""
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
    kind = str(column.type)
    if pa.types.is_string(column.type):
        return [kind, *_raw_texts(column)]
    valid = (
        None if column.null_count == 0 else column.is_valid().to_numpy(zero_copy_only=False).astype(np.uint8).tobytes()
    )
    if pa.types.is_decimal(column.type):
        words = np.frombuffer(column.buffers()[1], np.int64)[2 * column.offset : 2 * (column.offset + len(column)) : 2]
        values = words.copy()
        if valid is not None:
            values[np.frombuffer(valid, np.uint8) == 0] = 0
        return [kind, values.tobytes(), valid]
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.int64())
    if valid is not None:
        column = column.fill_null(0)
    return [kind, column.to_numpy(zero_copy_only=False).tobytes(), valid]


def _raw_texts(column):
    _, raw_offsets, data = column.buffers()
    offsets = np.frombuffer(raw_offsets, np.int32)[column.offset : column.offset + len(column) + 1]
    lengths = np.diff(offsets)
    if column.null_count:
        valid = column.is_valid().to_numpy(zero_copy_only=False)
        if lengths[~valid].any():
            return _raw_texts(pa.array(column.to_pylist(), pa.string()))
        lengths[~valid] = -1
    return [lengths.tobytes(), b"" if data is None else data[int(offsets[0]) : int(offsets[-1])].to_pybytes()]


# ---- generated tables: the same arithmetic as in the grader

CITIES = [
    f"{a}{b}" for a in ("North", "South", "East", "West", "New ") for b in ("ham", "port", "ville", "burg", "ford")
]
PHRASES = [f"order {n * 7919 % 1000} was {w}" for n in range(100) for w in ("sent", "kept", "lost", "paid back")]
BASE_US = 1_400_000_000_000_000


def _mixed(seed, column, first, count):
    """Give well-mixed 64-bit numbers that belong to rows."""
    with np.errstate(over="ignore"):
        x = np.arange(first, first + count, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        x += np.uint64((seed * 0xD1B54A32D192ED03 + column * 0x8CB92BA72F3D8DD7) % 2**64)
        x ^= x >> np.uint64(30)
        x *= np.uint64(0xBF58476D1CE4E5B9)
        x ^= x >> np.uint64(27)
        x *= np.uint64(0x94D049BB133111EB)
        x ^= x >> np.uint64(31)
    return x


def _journal_schema(noise):
    fields = [
        ("number", pa.int64()),
        ("at", pa.timestamp("us", tz="Europe/Berlin")),
        ("account", pa.int32()),
        ("city", pa.string()),
        ("note", pa.string()),
        ("amount", pa.decimal128(18, 4)),
        ("rate", pa.float64()),
    ]
    return pa.schema(fields + [(f"noise{n}", pa.int64()) for n in range(noise)])


def _journal(seed, first, count, noise):
    """Make some rows of the journal."""
    at = (
        BASE_US
        + np.arange(first, first + count) * 7_000_000
        + (_mixed(seed, 1, first, count) % 5_000_000).astype(np.int64)
    )
    note = _mixed(seed, 4, first, count)
    unscaled = np.zeros(2 * count, np.int64)
    unscaled[::2] = (_mixed(seed, 5, first, count) % 10**9).astype(np.int64)
    columns = [
        pa.array(np.arange(first, first + count)),
        pa.array(at).view(pa.timestamp("us", tz="Europe/Berlin")),
        pa.array((_mixed(seed, 2, first, count) % 5000).astype(np.int32)),
        pa.array(CITIES).take(pa.array((_mixed(seed, 3, first, count) % len(CITIES)).astype(np.int32))),
        pa.array(PHRASES).take(pa.array((note % len(PHRASES)).astype(np.int32), mask=note % 10 < 3)),
        pa.Array.from_buffers(pa.decimal128(18, 4), count, [None, pa.py_buffer(unscaled)]),
        pa.array((_mixed(seed, 6, first, count) >> np.uint64(11)).astype(np.float64) * 2.0**-53),
    ]
    columns += [pa.array(_mixed(seed, 10 + n, first, count).view(np.int64)) for n in range(noise)]
    return pa.RecordBatch.from_arrays(columns, schema=_journal_schema(noise))


def _batches(seed, rows, noise, rows_a_batch):
    for first in range(0, rows, rows_a_batch):
        yield _journal(seed, first, min(rows_a_batch, rows - first), noise)


# ---- tables handed over


def write_small_table(name, columns, chunks):
    """Write a table of plain values."""
    return _try(_nothing_of(solution.write_table), _path(name), _table(columns, chunks))


def read_small_table(name, names):
    """Read columns of a table and tell them."""
    return _try(lambda: _told(solution.read_columns(_path(name), names)))


def read_small_tables(name, asked):
    """Read some columns, and others, of one table, and tell them all when all are read."""
    return _try(lambda: [_told(table) for table in [solution.read_columns(_path(name), names) for names in asked]])


def write_noise_table(name, seed, columns, rows, chunks=1):
    """Write a table of ints, c0, c1, ..., that comes in so many chunks, and have it on the disk."""
    table = pa.table({f"c{n}": _mixed(seed, n, 0, rows).view(np.int64) for n in range(columns)})
    size = -(-rows // chunks)
    pieces = [table.slice(first, size) for first in range(0, rows, size)]
    answer = _try(_nothing_of(solution.write_table), _path(name), pa.concat_tables(pieces))
    _sync(name)
    return answer


def sums_of_table(name, asked):
    """Map a table once, and sum parts of its columns: [column, first, last] each; the table stays held."""
    names = list(dict.fromkeys(column for column, _, _ in asked))
    table = _held["table"] = solution.read_columns(_path(name), names)
    return [_sum(table[column], first, last) for column, first, last in asked]


def _sum(column, first, last):
    with np.errstate(over="ignore"):
        parts = [
            chunk.to_numpy(zero_copy_only=False).sum(dtype=np.int64)
            for chunk in column.slice(first, last - first).chunks
        ]
    return sum(map(int, parts)) % 2**64


def hold_noise_table(seed, columns, rows):
    """Hold a table that is written later."""
    _held["table"] = pa.table({f"c{n}": _mixed(seed, n, 0, rows).view(np.int64) for n in range(columns)})
    gc.collect()


def timed_write_table(fresh):
    """Write the held table, with one more column, into memory; answer how long the file is."""
    table = _held["table"]
    fresh = np.frombuffer(fresh, np.int64)
    path = f"{SHARED}/table-{os.getpid()}"
    try:
        solution.write_table(path, table.append_column("fresh", pa.array(fresh)))
        _held["written"] = solution.read_columns(path, [*table.column_names, "fresh"])
        return os.path.getsize(path)  # noqa: PTH202
    finally:
        if os.path.exists(path):  # noqa: PTH110
            os.unlink(path)  # noqa: PTH108


def sums_of_written(asked):
    """Sum parts of the table that was written last; the file itself is gone."""
    table = _held.pop("written")
    return [_sum(table[column], first, last) for column, first, last in asked]


def timed_read_tables(asked):
    """Map tables one after the other, [name, column, first, last] each, and sum a part of one column."""
    answers = []
    for name, column, first, last in asked:
        answers.append(_sum(solution.read_columns(_path(name), [column])[column], first, last))
    return answers


def _nothing_of(function):
    def call(*arguments):
        function(*arguments)

    return call


def _sync(name):
    path = _path(name)
    if os.path.isfile(path):  # noqa: PTH113
        with open(path, "rb") as file:  # noqa: PTH123
            os.fsync(file.fileno())


# ---- archives


def write_small_archive(name, columns, chunks):
    """Write an archive of plain values, in so many batches."""
    table = _table(columns, chunks)
    return _try(_nothing_of(solution.write_archive), _path(name), table.schema, iter(table.to_batches()))


def scan_small_archive(name, columns, where):
    """Scan an archive and tell the rows."""
    return _try(lambda: _told(_gathered(_scan(name, columns, where), columns)))


def begin_scans(name, columns, times):
    """Scan an archive so many times, and give up each time after the first batch."""
    for _ in range(times):
        next(iter(_scan(name, columns, [])), None)


def scans_at_once(name, scans):
    """Scan an archive in several ways at once, [columns, where] each, and take their batches in turn."""
    return _try(_in_turn, [(columns, _scan(name, columns, where)) for columns, where in scans])


def _in_turn(scans):
    gathered = [[] for _ in scans]
    going = [(place, iter(batches)) for place, (_, batches) in enumerate(scans)]
    while going:
        latest = [(place, batches, next(batches, None)) for place, batches in going]
        for place, _, batch in latest:
            gathered[place] += [] if batch is None else [batch]
        going = [(place, batches) for place, batches, batch in latest if batch is not None]
    tables = [_gathered(batches, columns) for batches, (columns, _) in zip(gathered, scans, strict=True)]
    return [[_raw(table[name]) for name in table.column_names] for table in tables]


def write_journal(name, seed, rows, noise, rows_a_batch):
    """Write an archive of generated rows, and have it on the disk."""
    batches = _batches(seed, rows, noise, rows_a_batch)
    answer = _try(_nothing_of(solution.write_archive), _path(name), _journal_schema(noise), batches)
    _sync(name)
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
    arrays = [_from_raw(_type(text), values, other) for _, text, values, other in columns]
    _held["archive"] = pa.table(arrays, names=[name for name, _, _, _ in columns])
    gc.collect()


def _from_raw(kind, values, other):
    if pa.types.is_string(kind):
        lengths = np.frombuffer(values, np.int32)
        offsets = np.zeros(len(lengths) + 1, np.int32)
        np.cumsum(np.maximum(lengths, 0), out=offsets[1:])
        valid = pa.py_buffer(np.packbits(lengths >= 0, bitorder="little"))
        return pa.Array.from_buffers(kind, len(lengths), [valid, pa.py_buffer(offsets), pa.py_buffer(other)])
    valid = None if other is None else pa.py_buffer(np.packbits(np.frombuffer(other, np.uint8), bitorder="little"))
    width = kind.bit_width // 8
    return pa.Array.from_buffers(kind, len(values) // width, [valid, pa.py_buffer(values)])


def timed_write_archive(name, raw_fresh, rows_a_batch):
    """Archive the held table with one fresh column; answer nothing: the file is looked at from outside."""
    table = _held["archive"].append_column("fresh", pa.array(np.frombuffer(raw_fresh, np.int32)))
    batches = iter(table.to_batches(max_chunksize=rows_a_batch))
    solution.write_archive(_path(name), table.schema, batches)


def timed_scans(name, scans):
    """Scan an archive several times, [columns, where] each; the answer is every column as raw bytes."""
    answers = []
    for columns, where in scans:
        table = _gathered(_scan(name, columns, where), columns)
        answers.append([_raw(table[column]) for column in columns])
    return answers


def count_rows(name, columns):
    """Scan all rows batch by batch, hold on to none, and answer how many there are."""
    return sum(batch.num_rows for batch in _scan(name, columns, []))


def _scan(name, columns, where):
    return solution.scan_archive(_path(name), columns, [(n, how, _value(value)) for n, how, value in where])


def _value(told):
    """Make a value of a plain one: ["time", microseconds, minutes east], ["decimal", unscaled, scale] and the like."""
    match told:
        case ["decimal", unscaled, scale]:
            return _decimal(unscaled, scale)
        case ["time", microseconds]:
            return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=microseconds)
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


# ---- files


def damage(name, to, size, flips):
    """Copy a file cut to `size` bytes, with bits flipped at [offset, mask]; the grader looks whether it is so."""
    with open(_path(name), "rb") as file:  # noqa: PTH123
        data = bytearray(file.read())[:size]
    for offset, mask in flips:
        data[offset] ^= mask
    put(to, bytes(data))


def put(name, data):
    """Write a file of these bytes."""
    with open(_path(name), "wb") as file:  # noqa: PTH123
        file.write(data)


# ---- predictions


def measure_formats(job, seed):
    """Measure one job of formats.py."""
    import formats  # noqa: PLC0415  only the reference has it for certain

    return [[name, float(value)] for name, value in formats.measure(job, seed).items()]
