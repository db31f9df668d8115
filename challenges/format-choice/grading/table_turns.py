"""The bars on tables handed over: writing one in memory, and reading parts of single columns from files."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Any

import generated
import numpy as np
import numpy.typing as npt
from replies import content, gave
from sides import CALL_SEC, SIDES, Launch, Samples, demand_nothing_kept, have_nothing_kept, sides, timed

COLUMNS = 9
ROWS_LEAST, ROWS_MOST = 235_000, 265_000
"""18 MB, more or less."""

FILES = 4
FILE_COLUMNS = 8
FILE_ROWS = 80_000
READS = 40
PART_ROWS = 2_000
WRITES = 4

Ints = npt.NDArray[np.int64]


@dataclass
class TableTurns:
    """What one launch came to."""

    write: Samples = field(default_factory=Samples)
    read: Samples = field(default_factory=Samples)


@dataclass(frozen=True)
class Handed:
    """A table's file, written by one process and read by another, and what it holds."""

    data: bytes
    sums: list[int]
    rows: int


_handed: dict[str, Handed] = {}
"""What each side's process of the launch before wrote into memory in one of its rounds."""

_files: dict[str, list[bytes]] = {}
_seeds: list[int] = []
"""The files that each side's first process wrote, for those of all launches to read, and how what they hold is made."""


def take_turns(launch: Launch) -> TableTurns:
    """Write tables, and read parts of columns of others that another process wrote."""
    turns = TableTurns()
    have_nothing_kept(launch)
    if launch.number == 0:
        _handed.clear()
        _write_files(launch)
        launch.fresh()
    _demand_read_elsewhere(launch)
    looked_at = launch.rng.randrange(WRITES)
    rows = launch.rng.randint(ROWS_LEAST, ROWS_MOST)
    for number in range(WRITES):
        _write(turns.write, launch, number, rows, hand_over=number == looked_at)
    _read(turns.read, launch)
    return turns


def _write(samples: Samples, launch: Launch, number: int, rows: int, hand_over: bool) -> None:
    """Have both sides write one table into memory and map it; a copy of its file may be taken away."""
    numbers = np.random.default_rng(launch.rng.getrandbits(32))
    columns = {f"c{column}": numbers.integers(-(2**62), 2**62, rows) for column in range(COLUMNS)}
    told = [[column, values.tobytes()] for column, values in columns.items()]
    parts = [_part(launch.rng, column, rows) for column in columns]
    path = f"/dev/shm/table-{launch.rng.getrandbits(32):08x}"
    for name, side in sides(launch, number):
        _, seconds, ahead = timed(side, ("hold_table", told), "timed_write_table", path)
        samples.add(name, seconds, ahead)
        answer = side.value("sums_of_written", parts)
        right = [_wrapped(columns[column][first:last]) for column, first, last in parts]
        assert answer == right, "a table does not come back as it was, in a timed round"
        if hand_over:
            side.value("copy", path, "handed")
            _handed[name] = Handed(content(side, "handed"), [_wrapped(values) for values in columns.values()], rows)
        side.value("remove", path)
        side.value("clear")


def _demand_read_elsewhere(launch: Launch) -> None:
    """Have the file of a table that another process wrote read, which is all that there is of it."""
    for name, side in sides(launch, 0):
        handed = _handed.get(name)
        if handed is not None:
            side.value("put", "/dev/shm/handed", handed.data)
            asked = [[f"c{column}", 0, handed.rows] for column in range(COLUMNS)]
            answer = side.value("sums_of_table", "/dev/shm/handed", asked)
            assert answer == handed.sums, "a table from a timed round is not what it was when another process reads it"
            side.value("remove", "/dev/shm/handed")
            side.value("rest")


def _write_files(launch: Launch) -> None:
    """Have both sides write the files that are read in all launches, and take them away."""
    _seeds[:] = [launch.rng.getrandbits(32) for _ in range(FILES)]
    for name, side in sides(launch, 0):
        _files[name] = []
        for seed in _seeds:
            gave(side.value("write_noise_table", "rows", seed, FILE_COLUMNS, FILE_ROWS), "write_table")
            _files[name].append(content(side, "rows"))
            side.value("clear")


def _read(samples: Samples, launch: Launch) -> None:
    """Read parts of columns, in each round of files that nobody has opened yet."""
    for name in SIDES:
        for file, data in enumerate(_files[name]):
            getattr(launch, name).value("put", f"rows{file}", data)
    for number in range(WRITES):
        fresh = [f"rows{file}-{launch.rng.getrandbits(32):08x}" for file in range(FILES)]
        asked = [_read_asked(launch.rng) for _ in range(READS)]
        told = [[fresh[file], *part] for file, part in asked]
        right = [generated.noise_sum(_seeds[file], int(name[1:]), first, last) for file, (name, first, last) in asked]
        for name, side in sides(launch, number):
            for file, to in enumerate(fresh):
                side.value("copy", f"rows{file}", to)
            answer, seconds = side.timed_call("timed_read_tables", told, timeout_sec=CALL_SEC)
            samples.add(name, seconds)
            assert answer == right, "a column does not come back as it was, in a timed round"
            for to in fresh:
                side.value("remove", to)
    demand_nothing_kept(launch, {f"rows{file}" for file in range(FILES)})


def _read_asked(rng: Random) -> tuple[int, list[Any]]:
    return rng.randrange(FILES), _part(rng, f"c{rng.randrange(FILE_COLUMNS)}", FILE_ROWS)


def _part(rng: Random, name: str, rows: int) -> list[Any]:
    first = rng.randrange(rows - PART_ROWS)
    return [name, first, first + PART_ROWS]


def _wrapped(values: Ints) -> int:
    return int(values.sum(dtype=np.int64)) % 2**64
