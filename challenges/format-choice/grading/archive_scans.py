"""Scans of archives with columns and conditions of all kinds, of small tables and of flights."""

from __future__ import annotations

from random import Random
from typing import Any

import columns
import flights
import numpy as np
from columns import HOWS, Column, Condition
from exactness import shown
from replies import Subject, demand_complete, demand_nothing_beside, demand_raised, gave
from scanning import Scan, demand_scan, flights_complaint

FLIGHTS = 100_000
"""As many as in the bars."""

BATCH_ROWS = 10_000
DAY_US = 86_400_000_000

FIXED_ZONES = (0, 330, -480)
"""Minutes east of UTC, in any year."""

ZONES = (*FIXED_ZONES, "Europe/Berlin", "America/New_York")
"""Also ones whose clocks change."""
TWICE = ("timestamp[us, tz=UTC]", "decimal128(18, 4)", "bool", "binary")
"""Types of columns with two conditions of one operator."""

SCANS_BEGUN = 300
"""More than a process may have files open."""


def demand_right_scans(submission: Subject, rng: Random) -> None:
    """Scan small tables by every type, and flights, with columns and conditions of all kinds."""
    submission.value("clear")
    table = columns.everything([rng.randrange(3) for _ in range(40)])
    extra: list[Column] = [
        ["number", "int64", list(range(40))],
        ["half", "double", [None if n % 5 == 0 else n / 2 for n in range(40)]],
    ]
    extra += [["word", "string", [None if n % 7 == 0 else "abcdef"[n % 6] * (n % 4) for n in range(40)]]]
    table += extra
    gave(submission.value("write_small_archive", "small", table, 7), "write_archive")
    names = [each[0] for each in table]
    for name, _, values in table:
        for how in HOWS:
            there = [value for value in values if value is not None and value == value]  # noqa: PLR0124
            where = [Condition(name, how, rng.choice(there), rng.choice(ZONES))]
            if rng.random() < 0.4:
                where.append(Condition("number", rng.choice(HOWS), rng.randrange(40)))
            demand_scan(submission, "small", table, rng.sample(names, rng.randint(1, 3)), where)
    demand_scan(submission, "small", table, ["word"], [Condition("number", ">", 1000)])
    for name, _, values in [*extra, *(each for each in table if each[1] in TWICE)]:
        least, most = _ends(values)
        for how in HOWS:
            for two in ((least, most), (most, least)):
                demand_scan(submission, "small", table, ["number"], [Condition(name, how, value) for value in two])
    for asked, where_told in ((["absent"], []), (["number"], [["absent", "==", 1]])):
        answer = submission.value("scan_small_archive", "small", asked, where_told)
        demand_raised(answer, "key", "scan_archive with a column that is not there")
    submission.value("begin_scans", "small", names, SCANS_BEGUN)
    demand_scan(submission, "small", table, names, [], f"after {SCANS_BEGUN} scans that were given up, ")
    _demand_right_bounds(submission)
    _demand_exact_bounds(submission, rng)
    _demand_right_times(submission, rng)
    _demand_right_flights(submission, rng)
    submission.value("clear")


def _ends(values: list[Any]) -> tuple[Any, Any]:
    there = sorted(value for value in values if value is not None)
    return there[0], there[-1]


def _demand_right_bounds(submission: Subject) -> None:
    """Scan for long texts that differ at their ends, for zeros, whose signs do not count, and where widths end."""
    spans = columns.spans()
    gave(submission.value("write_small_archive", "spans", spans, 1), "write_archive")
    demand_scan(submission, "spans", spans, [each[0] for each in spans], [])
    for name, table in (("long", columns.long_texts()), ("zeros", columns.zeros())):
        gave(submission.value("write_small_archive", name, table, 2), f"write_archive of {shown(table)}")
        demand_scan(submission, name, table, [each[0] for each in table], [])
        for column, kind, values in table:
            looked_for = (0.0, -0.0) if name == "zeros" else _ends(values)
            if kind in {"string", "binary"}:
                looked_for += (looked_for[0][:-1],)
            for how in HOWS:
                for value in looked_for:
                    demand_scan(submission, name, table, [table[0][0]], [Condition(column, how, value)])


def _demand_exact_bounds(submission: Subject, rng: Random) -> None:
    """Scan for numbers that floats would round, each of which is the least or the greatest of its column or near it."""
    table = columns.close_together(rng)
    gave(submission.value("write_small_archive", "close", table, 4), "write_archive")
    for name, _, values in table:
        for how in HOWS:
            for value in _ends(values):
                demand_scan(submission, "close", table, [name], [Condition(name, how, value)])


def _demand_right_times(submission: Subject, rng: Random) -> None:
    """Scan for times that lie one unit apart, and for times about those at which clocks change."""
    table = columns.neighbours()
    gave(submission.value("write_small_archive", "times", table, 1), "write_archive")
    for name, _, values in table:
        there = [value for value in values if value is not None]
        for how in HOWS:
            for value in there[1::2]:
                where = [Condition(name, how, value, rng.choice(FIXED_ZONES))]
                demand_scan(submission, "times", table, [name], where)
    table = columns.around_clock_changes()
    gave(submission.value("write_small_archive", "clocks", table, 3), "write_archive")
    for name, _, values in table:
        for value in values:
            for zone in rng.sample(ZONES, 2):
                demand_scan(submission, "clocks", table, [name], [Condition(name, rng.choice(HOWS), value, zone)])
        unit = 10**3 if "[ms" in name else 10**6
        for at, zone in columns.HOURS_TWICE:
            for how in HOWS:
                for steps in ((-1, 0), (-1_800, 1_800), (0, -1), (1_800, -1_800)):
                    two = [Condition(name, how, (at + step) * unit, zone) for step in steps]
                    demand_scan(submission, "clocks", table, [name], two)


def _demand_right_flights(submission: Subject, rng: Random) -> None:
    numbers = np.random.default_rng(rng.getrandbits(32))
    some = flights.stretch(numbers, FLIGHTS)
    some["fresh"] = flights.Number("int32", numbers.integers(0, 100, FLIGHTS).astype(np.int32), None)
    submission.value("clear")
    submission.value("hold_columns", flights.told(some))
    submission.value("timed_write_archive", "flights", BATCH_ROWS)
    demand_complete(submission, "flights", f"write_archive of {FLIGHTS} flights")
    demand_nothing_beside(submission, {"flights"})
    submission.restart()
    times = some[flights.TIME]
    assert isinstance(times, flights.Number)
    for _ in range(4):
        low, high = sorted(int(each) for each in rng.choices(times.values.tolist(), k=2))
        for where in (
            [(flights.TIME, ">=", low), (flights.TIME, "<", high), ("origin", "==", b"JFK")],
            [("dest", "==", rng.choice((b"LAX", b"MIA", b"BOS"))), ("dep_delay", ">", rng.randrange(60))],
            [("fare", "<=", rng.randrange(10**6, 3 * 10**6)), ("fresh", "==", rng.randrange(100))],
            [("tailnum", ">=", b"N7"), ("carrier", "<", b"DL"), ("arr_delay", "<=", 0), ("month", ">=", 3)],
        ):
            chosen = rng.sample(sorted(some), 4)
            told = [flights.told_condition(some, each) for each in where]
            reply = submission.value("timed_scans", "flights", [[chosen, told]])
            complaint = flights_complaint(some, [(chosen, where)], reply)
            assert complaint is None, f"flights: {complaint}"
    _demand_scans_at_once(submission, some, times.values.tolist(), rng)


def _demand_scans_at_once(submission: Subject, some: flights.Flights, times: list[int], rng: Random) -> None:
    """Take batches of several scans in turn; some end long before the others."""
    low = rng.choice(times)
    scans: list[Scan] = [
        (["tailnum", "fresh"], []),
        (["fare", "dest"], [(flights.TIME, ">=", low), (flights.TIME, "<", low + DAY_US)]),
        (["fare"], [("fresh", ">", 1000)]),
        ([flights.TIME], [("month", ">=", 3)]),
        (["fresh", "tailnum"], []),
    ]
    told = [[chosen, [flights.told_condition(some, each) for each in where]] for chosen, where in scans]
    reply = gave(submission.value("scans_at_once", "flights", told), f"{len(scans)} scans of one file at once")
    complaint = flights_complaint(some, scans, reply)
    assert complaint is None, f"flights, {len(scans)} scans at once, batches of each taken in turn: {complaint}"
