"""The bars on tables handed over: writing one in memory, and reading parts of single columns from files."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Any

import generated
import numpy as np
from replies import gave
from sides import CALL_SEC, Launch, Samples, Side, sides

COLUMNS = 8
ROWS = 250_000
"""16 MB, and 2 MB of a fresh column."""

FILES = 4
FILE_ROWS = 160_000
READS = 40
PART_ROWS = 2_000
WRITES = 4


@dataclass
class TableTurns:
    """What one launch came to."""

    write: Samples = field(default_factory=Samples)
    read: Samples = field(default_factory=Samples)


_on_disk: dict[tuple[str, str], int] = {}
"""The seeds of the files that each side has on its disk; files stay from launch to launch."""


def take_turns(launch: Launch) -> TableTurns:
    """Write a held table with a fresh column, and read parts of columns."""
    turns = TableTurns()
    seed = launch.rng.getrandbits(32)
    for _, side in sides(launch, 0):
        side.value("hold_noise_table", seed, COLUMNS, ROWS)
    for number in range(WRITES):
        fresh = np.random.default_rng(launch.rng.getrandbits(32)).integers(-(2**62), 2**62, ROWS)
        parts = _parts(launch.rng, [f"c{column}" for column in range(COLUMNS)], ROWS)
        for name, side in sides(launch, number):
            _, seconds = side.timed_call("timed_write_table", fresh.tobytes(), timeout_sec=CALL_SEC)
            turns.write.add(name, seconds)
            answer = side.value("sums_of_written", [["fresh", 0, ROWS], *parts])
            right = [int(fresh.sum(dtype=np.int64)) % 2**64, *(_sum(seed, part) for part in parts)]
            assert answer == right, "a table does not come back as it was, in a timed round"
    for _, side in sides(launch, 0):
        side.value("rest")
    _read(turns, launch)
    return turns


def _read(turns: TableTurns, launch: Launch) -> None:
    files = {name: _files(name, side, launch.rng) for name, side in sides(launch, 0)}
    for number in range(WRITES):
        asked = [
            [f"rows{launch.rng.randrange(FILES)}", *_part(launch.rng, f"c{launch.rng.randrange(COLUMNS)}", FILE_ROWS)]
            for _ in range(READS)
        ]
        for name, side in sides(launch, number):
            answer, seconds = side.timed_call("timed_read_tables", asked, timeout_sec=CALL_SEC)
            turns.read.add(name, seconds)
            right = [_sum(files[name][file], part) for file, *part in asked]
            assert answer == right, "a column does not come back as it was, in a timed round"


def _files(name: str, side: Side, rng: Random) -> dict[str, int]:
    """Have a side write its files, the first time."""
    for number in range(FILES):
        file = f"rows{number}"
        if (name, file) not in _on_disk:
            seed = rng.getrandbits(32)
            gave(side.value("write_noise_table", file, seed, COLUMNS, FILE_ROWS), "write_table")
            _on_disk[name, file] = seed
    return {file: seed for (owner, file), seed in _on_disk.items() if owner == name}


def _parts(rng: Random, names: list[str], rows: int) -> list[list[Any]]:
    return [_part(rng, name, rows) for name in names]


def _part(rng: Random, name: str, rows: int) -> list[Any]:
    first = rng.randrange(rows - PART_ROWS)
    return [name, first, first + PART_ROWS]


def _sum(seed: int, part: list[Any]) -> int:
    name, first, last = part
    return generated.noise_sum(seed, int(name[1:]), first, last)
