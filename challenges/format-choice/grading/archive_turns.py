"""The bars on archives: flights written, their size, scans of a few columns and of a few rows, and memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

import flights
import numpy as np
from replies import file_size, gave
from scanning import Scan, flights_complaint
from sides import CALL_SEC, Launch, Samples, Side, sides

ROWS = 100_000
BATCH_ROWS = 10_000
ROUNDS = 3
PROJECTIONS = (["distance", "arr_delay"], ["fare"], ["air_time", "fresh", "dep_delay"])
DAY_US = 86_400_000_000
WINDOWS = 6

MEMORY_ROWS = 240_000
MEMORY_NOISE = 8
MEMORY_FLOOR_MB = 6.0
"""Less than this the accounting can't tell from nothing."""

HELD_BEYOND_MB = 32.0
"""What a submission may hold beforehand beyond what the reference holds: more is ballast, to be dropped for room."""


@dataclass
class ArchiveTurns:
    """What one launch came to."""

    write: Samples = field(default_factory=Samples)
    size: Samples = field(default_factory=Samples)
    projection: Samples = field(default_factory=Samples)
    filter: Samples = field(default_factory=Samples)


def take_turns(launch: Launch) -> ArchiveTurns:
    """Archive flights with a fresh column for each round, and scan them in another process, which ran before they came.

    So nobody can know them from writing them, from looking around before the clock runs, or from the round before.
    """
    turns = ArchiveTurns()
    numbers = np.random.default_rng(launch.rng.getrandbits(32))
    some = flights.stretch(numbers, ROWS)
    told = flights.told(some)
    columns = [numbers.integers(0, 1000, ROWS).astype(np.int32) for _ in range(ROUNDS)]
    files: dict[str, list[bytes]] = {}
    for name, side in sides(launch, 0):
        side.value("hold_columns", told)
        files[name] = [_written(turns, name, side, fresh) for fresh in columns]
    launch.fresh()
    for number, fresh in enumerate(columns):
        some["fresh"] = flights.Number("int32", fresh, None)
        for name, side in sides(launch, number):
            side.value("put", "flights", files[name][number])
        _scan(turns.projection, launch, number, some, [(list(names), []) for names in PROJECTIONS])
        _scan(turns.filter, launch, number, some, _windows(some, launch.rng))
    return turns


def _written(turns: ArchiveTurns, name: str, side: Side, fresh: np.typing.NDArray[np.int32]) -> bytes:
    """Have a side write an archive, and take it away."""
    _, seconds = side.timed_call("timed_write_archive", "flights", fresh.tobytes(), BATCH_ROWS, timeout_sec=CALL_SEC)
    turns.write.add(name, seconds)
    turns.size.add(name, float(file_size(side, "flights")))
    content = (side.disk / "files" / "flights").read_bytes()
    side.value("put", "flights", b"")
    return content


def _scan(samples: Samples, launch: Launch, number: int, some: flights.Flights, scans: list[Scan]) -> None:
    told = [[names, [flights.told_condition(some, each) for each in where]] for names, where in scans]
    for name, side in sides(launch, number):
        reply, seconds = side.timed_call("timed_scans", "flights", told, timeout_sec=CALL_SEC)
        samples.add(name, seconds)
        complaint = flights_complaint(some, scans, reply)
        assert complaint is None, f"in a timed round, {complaint}"


def _windows(some: flights.Flights, rng: Random) -> list[Scan]:
    """Ask for two days of one airline or to one place."""
    times = some[flights.TIME]
    assert isinstance(times, flights.Number)
    scans: list[Scan] = []
    for _ in range(WINDOWS):
        low = int(times.values[rng.randrange(ROWS)])
        window = [(flights.TIME, ">=", low), (flights.TIME, "<", low + 2 * DAY_US)]
        other = rng.choice(
            [("carrier", "==", b"UA"), ("dest", "==", b"BOS"), ("fresh", "<", 200), ("distance", ">", 2000)]
        )
        scans.append((["fare", "arr_delay", "fresh"], [*window, other]))
    return scans


_seeds: dict[str, int] = {}


def peak_memory(launch: Launch) -> tuple[float, float]:
    """Give what each side's memory grows by at most while all of an archive is scanned, in MiB."""
    growth = {}
    for name, side in sides(launch, 0):
        if name not in _seeds:
            _seeds[name] = launch.rng.getrandbits(32)
            gave(
                side.value("write_journal", "memory", _seeds[name], MEMORY_ROWS, MEMORY_NOISE, 10_000), "write_archive"
            )
    launch.fresh()
    before = {}
    for name, side in sides(launch, 0):
        side.value("ping")
        before[name] = side.stats().memory_mb or 0.0
    usual = before["reference"] + HELD_BEYOND_MB
    for name, side in sides(launch, 0):
        names = [
            "number",
            "at",
            "account",
            "city",
            "note",
            "amount",
            "rate",
            *(f"noise{n}" for n in range(MEMORY_NOISE)),
        ]
        rows = side.value("count_rows", "memory", names, timeout_sec=CALL_SEC)
        assert rows == MEMORY_ROWS, "scan_archive gives another number of rows than were written"
        peak = side.stats().memory_peak_mb or 0.0
        growth[name] = max(peak - min(before[name], usual), MEMORY_FLOOR_MB)
    return growth["candidate"], growth["reference"]
