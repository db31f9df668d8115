"""The bars on archives: flights written, their size, scans of a few columns and of a few rows, and memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Any

import archive_memory
import flights
import numpy as np
from damage import flipped, somewhere
from replies import content, demand_raised, gave, place, raised
from scanning import Scan, flights_complaint
from sides import CALL_SEC, Launch, Samples, Side, demand_nothing_kept, have_nothing_kept, sides, timed

ROWS = 100_000
BATCH_ROWS = 10_000
ROUNDS = 2
PROJECTIONS = (["distance", "arr_delay"], ["fare"], ["air_time", "fresh", "dep_delay"])
DAY_US = 86_400_000_000
WINDOWS = 6


@dataclass
class ArchiveTurns:
    """What one launch came to."""

    write: Samples = field(default_factory=Samples)
    size: Samples = field(default_factory=Samples)
    projection: Samples = field(default_factory=Samples)
    filter: Samples = field(default_factory=Samples)
    memory: tuple[float, float] = (0.0, 0.0)


def take_turns(launch: Launch) -> ArchiveTurns:
    """Archive fresh flights in each round, and scan them in another process, which has nothing but the file.

    So nobody can know them from writing them, from looking around before the clock runs, or from the round before.
    """
    turns = ArchiveTurns()
    have_nothing_kept(launch)
    numbers = np.random.default_rng(launch.rng.getrandbits(32))
    rounds = [_flights(numbers) for _ in range(ROUNDS)]
    files: dict[tuple[str, int], bytes] = {}
    for number, some in enumerate(rounds):
        told = flights.told(some)
        for name, side in sides(launch, number):
            files[name, number] = _written(turns, name, side, told)
    archive_memory.bring(launch)
    demand_nothing_kept(launch, {archive_memory.NAME})
    launch.fresh()
    turns.memory = archive_memory.growth(launch)
    for number, some in enumerate(rounds):
        for name, side in sides(launch, number):
            side.value("put", "flights", files[name, number])
        _scan(turns.projection, launch, number, some, [(list(names), []) for names in PROJECTIONS])
        _scan(turns.filter, launch, number, some, _windows(some, launch.rng))
    number = launch.rng.randrange(ROUNDS)
    _demand_damage_is_seen(launch, rounds[number], files["candidate", number])
    demand_nothing_kept(launch, {"flights", archive_memory.NAME})
    return turns


def _demand_damage_is_seen(launch: Launch, some: flights.Flights, data: bytes) -> None:
    """Have an archive as they are timed scanned with a byte changed: who does not look at those gives other rows."""
    offset = somewhere(launch.rng, len(data))
    what = f"scan_archive of an archive as they are timed, with byte {offset} of {len(data)} changed"
    place(launch.candidate, "flights", flipped(data, offset, 1 << launch.rng.randrange(8)))
    names = list(some)
    answer = launch.candidate.value("scan_columns", "flights", names, timeout_sec=CALL_SEC)
    if raised(answer) is not None:
        demand_raised(answer, "format", what)
        return
    complaint = flights_complaint(some, [(names, [])], [gave(answer, what)])
    assert complaint is None, f"{what}: it gives wrong rows instead of raising FormatError: {complaint}"


def _flights(numbers: np.random.Generator) -> flights.Flights:
    fresh = numbers.integers(0, 1000, ROWS).astype(np.int32)
    return {**flights.stretch(numbers, ROWS), "fresh": flights.Number("int32", fresh, None)}


def _written(turns: ArchiveTurns, name: str, side: Side, told: list[list[Any]]) -> bytes:
    """Have a side write an archive, and take it away."""
    _, seconds, ahead = timed(side, ("hold_columns", told), "timed_write_archive", "flights", BATCH_ROWS)
    turns.write.add(name, seconds, ahead)
    written = content(side, "flights")
    turns.size.add(name, float(len(written)))
    side.value("clear")
    return written


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
