"""Many rows as columns, as they travel: tenants, and for each row its tenant's number, its time, number and value."""

from array import array
from bisect import bisect_left
from dataclasses import dataclass
from itertools import accumulate
from random import Random
from typing import Any

import numpy as np

from grader.plugin.facade import SubjectFacade

Columns = list[Any]
Key = tuple[str, int, int]


def columns_of(rows: list[tuple[Key, bytes]]) -> Columns:
    """Make columns of rows."""
    return [*key_columns([key for key, _ in rows]), b"".join(value for _, value in rows), _lengths(rows)]


def key_columns(keys: list[Key]) -> Columns:
    """Make columns of keys."""
    names = list(dict.fromkeys(tenant for tenant, _, _ in keys))
    numbers = {name: number for number, name in enumerate(names)}
    return [
        names,
        array("H", [numbers[tenant] for tenant, _, _ in keys]).tobytes(),
        array("q", [ts for _, ts, _ in keys]).tobytes(),
        array("I", [seq for _, _, seq in keys]).tobytes(),
    ]


def _lengths(rows: list[tuple[Key, bytes]]) -> bytes:
    return array("I", [len(value) for _, value in rows]).tobytes()


def rows_of(columns: Any) -> list[tuple[str, int, int, bytes]]:
    """Make rows of columns that came from a submission; raises where their shape is wrong."""
    names, numbers, times, seqs, values, lengths = columns
    tenants = [names[number] for number in array("H", numbers)]
    sizes = array("I", lengths)
    ends = list(accumulate(sizes))
    if (ends[-1] if ends else 0) != len(values):
        raise ValueError("lengths do not add up")
    parts = [values[end - size : end] for end, size in zip(ends, sizes, strict=True)]
    return list(zip(tenants, array("q", times), array("I", seqs), parts, strict=True))


@dataclass(frozen=True)
class Table:
    """A data set and its order: what the bars' stores hold."""

    rows: list[tuple[Key, bytes]]
    order: list[Key]
    values: dict[Key, bytes]

    def scanned(self, lo: Key | None, hi: Key | None, limit: int | None, reverse: bool) -> Columns:
        """Give the columns of a scan."""
        first, stop = self.place(lo, 0), self.place(hi, len(self.order))
        keys = self.order[first:stop]
        if reverse:
            keys = keys[::-1]
        return columns_of([(key, self.values[key]) for key in keys[:limit]])

    def place(self, key: Key | None, without: int) -> int:
        """Give the place of a key in order."""
        return without if key is None else bisect_left(self.order, key)


TENANT_SHARES = (0.7, 0.08, 0.05, 0.04, 0.03, 0.03, 0.02, 0.02, 0.02, 0.01)


def draw_table(rng: Random, rows: int, value_bytes: int) -> Table:
    """Draw rows of a few tenants, the largest with seven tenths of all, in bursts of time before and after 1970."""
    numbers = np.random.default_rng(rng.getrandbits(64))
    tenants = [f"tenant-{rng.getrandbits(40):010x}/{place}" for place in range(len(TENANT_SHARES))]
    whose = numbers.choice(len(tenants), rows, p=np.array(TENANT_SHARES) / sum(TENANT_SHARES))
    bursts = numbers.integers(-(2**44), 2**46, size=64)
    times = bursts[numbers.integers(64, size=rows)] + numbers.integers(2**24, size=rows)
    seqs = numbers.integers(2**32, size=rows)
    blob = rng.randbytes(rows * value_bytes)
    keys = [(tenants[who], ts, seq) for who, ts, seq in zip(whose.tolist(), times.tolist(), seqs.tolist(), strict=True)]
    values = {key: blob[place * value_bytes : (place + 1) * value_bytes] for place, key in enumerate(keys)}
    return Table(list(values.items()), sorted(values), values)


def batches_of(table: Table, size: int) -> list[Columns]:
    """Cut the rows into batches, in the order in which they were drawn, which is random."""
    return [columns_of(table.rows[start : start + size]) for start in range(0, len(table.rows), size)]


def build(side: SubjectFacade, folder: str, table: Table, size: int = 5000) -> None:
    """Store a data set in a folder of one side's disk."""
    side.ensure()
    side.value("begin", folder)
    for columns in batches_of(table, size):
        side.value("put", [columns])
    side.value("let_go")
