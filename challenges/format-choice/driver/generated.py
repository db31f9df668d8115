"""Generated tables: made from a seed by the same arithmetic as in the grader, which need not send them."""

import numpy as np
import pyarrow as pa

CITIES = [
    f"{a}{b}" for a in ("North", "South", "East", "West", "New ") for b in ("ham", "port", "ville", "burg", "ford")
]
PHRASES = [f"order {n * 7919 % 1000} was {w}" for n in range(100) for w in ("sent", "kept", "lost", "paid back")]
BASE_US = 1_400_000_000_000_000


def mixed(seed, column, first, count):
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


def journal_schema(noise):
    """Name the journal's columns, so many of noise among them."""
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
        + (mixed(seed, 1, first, count) % 5_000_000).astype(np.int64)
    )
    note = mixed(seed, 4, first, count)
    unscaled = np.zeros(2 * count, np.int64)
    unscaled[::2] = (mixed(seed, 5, first, count) % 10**9).astype(np.int64)
    columns = [
        pa.array(np.arange(first, first + count)),
        pa.array(at).view(pa.timestamp("us", tz="Europe/Berlin")),
        pa.array((mixed(seed, 2, first, count) % 5000).astype(np.int32)),
        pa.array(CITIES).take(pa.array((mixed(seed, 3, first, count) % len(CITIES)).astype(np.int32))),
        pa.array(PHRASES).take(pa.array((note % len(PHRASES)).astype(np.int32), mask=note % 10 < 3)),
        pa.Array.from_buffers(pa.decimal128(18, 4), count, [None, pa.py_buffer(unscaled)]),
        pa.array((mixed(seed, 6, first, count) >> np.uint64(11)).astype(np.float64) * 2.0**-53),
    ]
    columns += [pa.array(mixed(seed, 10 + n, first, count).view(np.int64)) for n in range(noise)]
    return pa.RecordBatch.from_arrays(columns, schema=journal_schema(noise))


def journal_batches(seed, noise, sizes):
    """Make the journal, in batches of these sizes."""
    first = 0
    for size in sizes:
        yield _journal(seed, first, size, noise)
        first += size
