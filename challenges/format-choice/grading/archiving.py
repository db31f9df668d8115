"""Checks on archives: exact, scanned right, bounded in memory, read no further than needed, damage seen."""

from __future__ import annotations

from random import Random
from typing import Any, cast

import columns
import flights
import generated
import numpy as np
from calling import drawn
from columns import HOWS, Column, Condition
from exactness import difference, shown
from handing import drop_cache
from replies import Subject, demand_nothing_beside, demand_raised, file_size, gave, raised, survived

EXAMPLES = 40
FLIGHTS = 60_000
BATCH_ROWS = 10_000
DAY_US = 86_400_000_000
MEMORY_LIMIT_MB = 192
"""As challenge.toml says."""

NOISE = 16
BIG_ROWS = 1_400_000
"""With 128 bytes of noise a row, the file is larger than the memory limit however well the rest is packed."""

MEDIUM_ROWS = 480_000
WINDOW_ROWS = 2_000
FILTERED_SHARE, PROJECTED_SHARE = 0.1, 0.25
READ_BEYOND_MB = 10.0
"""Read-ahead, of which some machines do 8 MiB at once."""

MINUTES_EAST = (0, 330, -480)
TWICE = ("timestamp[us, tz=UTC]", "decimal128(18, 4)", "bool", "binary")
"""Types of columns with two conditions of one operator."""

SCANS_BEGUN = 300
"""More than a process may have files open."""

MIB = 2**20
LONG_SEC = 60.0
FLIPS, CUTS = 160, 30


def demand_round_trip(submission: Subject, rng: Random) -> None:
    """Write in one process, scan everything in it and in another."""
    submission.value("clear")
    kept: list[tuple[str, list[Column]]] = []

    def visit(example: object, chunks: int = 2) -> None:
        table = cast("list[Column]", example)
        name = f"archive{len(kept)}"
        gave(submission.value("write_small_archive", name, table, chunks), f"write_archive of {shown(table)}")
        kept.append((name, table))
        _demand_scan(submission, name, table, [each[0] for each in table], [])

    visit(columns.everything(list(range(30))), chunks=7)
    visit(columns.everything([]))
    visit(columns.spans(), chunks=1)
    visit(columns.alike())
    visit(columns.ones_alike())
    _demand_absent(submission, kept[-1][0], [(other, name) for name, other in columns.ALIKE])
    for name, table in kept[:2]:
        _demand_absent(submission, name, [("absent", table[0][0])])
    missing = submission.value("scan_small_archive", "no such archive", ["a"], [])
    demand_raised(missing, "missing", "scan_archive of a file that is not there")
    drawn(columns.tables(), EXAMPLES, rng.getrandbits(32), visit)
    submission.restart()
    for name, table in kept:
        chosen = [each[0] for each in table]
        rng.shuffle(chosen)
        _demand_scan(submission, name, table, chosen[: rng.randint(1, len(chosen))], [], "in a fresh process, ")
    demand_nothing_beside(submission, {name for name, _ in kept})
    submission.value("clear")


def _demand_absent(submission: Subject, name: str, absent: list[tuple[str, str]]) -> None:
    """Ask for columns that are not there, and for some that are; also where no row can be wanted, or none is there."""
    for other, there in absent:
        none: list[list[Any]] = [[there, "<", -128]]
        asked: list[tuple[list[str], list[list[Any]]]] = [([other], []), ([there, other], none), ([other], none)]
        asked += [([there], [[other, "==", 1]]), ([there], [*none, [other, "==", 1]])]
        for names, where in asked:
            answer = submission.value("scan_small_archive", name, names, where)
            demand_raised(answer, "key", f"scan_archive({names!a}, {where!a}), {other!a} is not there")


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
    gave(submission.value("write_small_archive", "small", table, 5), "write_archive")
    names = [each[0] for each in table]
    for name, _, values in table:
        for how in HOWS:
            there = [value for value in values if value is not None and value == value]  # noqa: PLR0124
            where = [Condition(name, how, rng.choice(there), rng.choice(MINUTES_EAST))]
            if rng.random() < 0.4:
                where.append(Condition("number", rng.choice(HOWS), rng.randrange(40)))
            _demand_scan(submission, "small", table, rng.sample(names, rng.randint(1, 3)), where)
    _demand_scan(submission, "small", table, ["word"], [Condition("number", ">", 1000)])
    for name, _, values in [*extra, *(each for each in table if each[1] in TWICE)]:
        least, most = _ends(values)
        for how in HOWS:
            for two in ((least, most), (most, least)):
                _demand_scan(submission, "small", table, ["number"], [Condition(name, how, value) for value in two])
    for asked, where_told in ((["absent"], []), (["number"], [["absent", "==", 1]])):
        answer = submission.value("scan_small_archive", "small", asked, where_told)
        demand_raised(answer, "key", "scan_archive with a column that is not there")
    submission.value("begin_scans", "small", names, SCANS_BEGUN)
    _demand_scan(submission, "small", table, names, [], f"after {SCANS_BEGUN} scans that were given up, ")
    _demand_right_bounds(submission)
    _demand_right_flights(submission, rng)
    submission.value("clear")


def _ends(values: list[Any]) -> tuple[Any, Any]:
    there = sorted(value for value in values if value is not None)
    return there[0], there[-1]


def _demand_right_bounds(submission: Subject) -> None:
    """Scan for long texts that differ at their ends, and for zeros, whose signs do not count."""
    for name, table in (("long", columns.long_texts()), ("zeros", columns.zeros())):
        gave(submission.value("write_small_archive", name, table, 2), f"write_archive of {shown(table)}")
        _demand_scan(submission, name, table, [each[0] for each in table], [])
        for column, kind, values in table:
            looked_for = (0.0, -0.0) if name == "zeros" else _ends(values)
            if kind in {"string", "binary"}:
                looked_for += (looked_for[0][:-1],)
            for how in HOWS:
                for value in looked_for:
                    _demand_scan(submission, name, table, [table[0][0]], [Condition(column, how, value)])


def _demand_right_flights(submission: Subject, rng: Random) -> None:
    numbers = np.random.default_rng(rng.getrandbits(32))
    some = flights.stretch(numbers, FLIGHTS)
    submission.value("hold_columns", flights.told(some))
    fresh = numbers.integers(0, 100, FLIGHTS).astype(np.int32)
    submission.value("timed_write_archive", "flights", fresh.tobytes(), BATCH_ROWS)
    some["fresh"] = flights.Number("int32", fresh, None)
    submission.value("rest")
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


Scan = tuple[list[str], list[tuple[str, str, Any]]]


def flights_complaint(some: flights.Flights, scans: list[Scan], reply: object) -> str | None:
    """Say what is wrong with the answer to scans of flights."""
    if not isinstance(reply, list) or len(reply) != len(scans):
        return "there is no answer to read"
    for (chosen, where), told in zip(scans, reply, strict=True):
        rows = flights.where_mask(some, where) if where else slice(None)
        expected = [flights.answer(some[name], rows) for name in chosen]  # type: ignore[arg-type]
        if told != expected and not _is_empty(told, expected):
            return f"a scan of {', '.join(chosen)} where {shown(where)} gives other rows than were written"
    return None


def _is_empty(told: object, expected: list[list[Any]]) -> bool:
    """Where no rows are chosen, there need not be a batch, and so no types."""
    nothing = all(not each[1] for each in expected)
    return nothing and isinstance(told, list) and all(isinstance(each, list) and not each[1] for each in told)


def demand_bounded_footprint(submission: Subject, rng: Random) -> None:
    """Write and scan a file that is larger than all the memory there is."""
    submission.value("clear")
    seed = rng.getrandbits(32)
    outcome = submission.call("write_journal", "big", seed, BIG_ROWS, NOISE, BATCH_ROWS, timeout_sec=LONG_SEC)
    gave(survived(outcome, f"write_archive of {BIG_ROWS:,} rows in batches"), "write_archive")
    size = file_size(submission, "big") / MIB
    demand_nothing_beside(submission, {"big"})
    assert size > MEMORY_LIMIT_MB, "the file is too small to hold what was written"
    submission.restart()
    low = generated.BASE_US + rng.randrange(BIG_ROWS // 2) * generated.STEP_US
    for names, where in (
        ([f"noise{n}" for n in range(NOISE)], []),
        (["number", "noise3"], [["at", ">=", ["time", low]], ["account", "<", 2500]]),
    ):
        outcome = submission.call("scan_sums", "big", names, where, timeout_sec=LONG_SEC)
        answer = survived(outcome, f"scan_archive of a file of {size:.0f} MiB, with {MEMORY_LIMIT_MB} MiB of memory")
        assert answer == _sums(seed, names, low if where else None), "scan_archive gives other rows than were written"
    submission.value("clear")


def _sums(seed: int, names: list[str], low: int | None) -> list[Any]:
    rows, totals = 0, [0] * len(names)
    for first in range(0, BIG_ROWS, 100_000):
        count = min(100_000, BIG_ROWS - first)
        chosen = np.ones(count, dtype=np.bool_)
        if low is not None:
            chosen = (generated.at(seed, first, count) >= low) & (generated.account(seed, first, count) < 2500)
        parts = [_ints(seed, name, first, count) for name in names]
        rows += int(chosen.sum())
        totals = [total + part for total, part in zip(totals, generated.sums(parts, chosen), strict=True)]
    return [rows, [total % 2**64 for total in totals]]


def _ints(seed: int, name: str, first: int, count: int) -> generated.Ints:
    if name == "number":
        return np.arange(first, first + count)
    return generated.noise(seed, int(name.removeprefix("noise")), first, count)


def demand_little_is_read(submission: Subject, rng: Random) -> None:
    """Scan with a narrow condition, and a few columns, of a file that nobody has in memory."""
    submission.value("clear")
    seed = rng.getrandbits(32)
    outcome = submission.call("write_journal", "medium", seed, MEDIUM_ROWS, NOISE, BATCH_ROWS, timeout_sec=LONG_SEC)
    gave(survived(outcome, "write_archive"), "write_archive")
    submission.call("write_journal", "small", seed, 5000, NOISE, BATCH_ROWS)
    submission.restart()
    size = file_size(submission, "medium") / MIB
    first = rng.randrange(MEDIUM_ROWS - 2 * WINDOW_ROWS)
    low, high = (generated.BASE_US + row * generated.STEP_US for row in (first, first + WINDOW_ROWS))
    window = [["at", ">=", ["time", low]], ["at", "<", ["time", high]]]
    every = ["number", *(f"noise{n}" for n in range(NOISE))]
    for names, where, share, what in (
        (
            every,
            window,
            FILTERED_SHARE,
            f"a scan of {WINDOW_ROWS} of {MEDIUM_ROWS:,} rows by their time",
        ),
        (["noise1", "noise9"], [], PROJECTED_SHARE, f"a scan of two of {7 + NOISE} columns"),
    ):
        submission.value("scan_sums", "small", names, where)
        drop_cache(submission, "medium")
        before = submission.stats().file_mb
        answer = submission.value("scan_sums", "medium", names, where)
        after = submission.stats().file_mb
        times = generated.at(seed, 0, MEDIUM_ROWS)
        chosen = (times >= low) & (times < high) if where else np.ones(MEDIUM_ROWS, dtype=np.bool_)
        right = [int(chosen.sum()), generated.sums([_ints(seed, name, 0, MEDIUM_ROWS) for name in names], chosen)]
        assert answer == right, f"{what} gives other rows than were written"
        if before is not None and after is not None:
            most = share * size + READ_BEYOND_MB
            assert after - before <= most, (
                f"{what} read {after - before:.1f} MiB of a file of {size:.0f} MiB; {most:.1f} MiB are allowed: "
                "skip what no row or column is needed of"
            )
    submission.value("clear")


def demand_damage_is_seen(submission: Subject, rng: Random) -> None:
    """Cut an archive and flip its bits: a scan gives the right rows or FormatError, never others."""
    submission.value("clear")
    table = columns.everything([rng.randrange(3) for _ in range(300)])
    table.append(["number", "int64", [rng.getrandbits(60) for _ in range(300)]])
    names = [each[0] for each in table]
    gave(submission.value("write_small_archive", "whole", table, 3), "write_archive")
    size = file_size(submission, "whole")
    submission.restart()
    for length in sorted({0, 1, size - 1, size - 4, size - 8, *(rng.randrange(size) for _ in range(CUTS))}):
        submission.value("damage", "whole", "cut", length, [])
        assert file_size(submission, "cut") == length, "the file was not cut as it had to be"
        answer = survived(submission.call("scan_small_archive", "cut", names, []), "scan_archive of a cut file")
        demand_raised(answer, "format", f"scan_archive of a file cut to {length} of {size} bytes")
    for number in range(FLIPS):
        offset = rng.randrange(size) if number % 2 else size - 1 - rng.randrange(min(size, 4000))
        _demand_flip_is_seen(submission, table, offset, 1 << rng.randrange(8), rng)
    for what, data in (("zeros", b"\0" * 5000), ("noise", rng.randbytes(5000)), ("text", b"a,b\n1,2\n" * 99)):
        submission.value("put", "other", data)
        answer = survived(submission.call("scan_small_archive", "other", names, []), f"scan_archive of {what}")
        demand_raised(answer, "format", f"scan_archive of a file of {what}")
    _demand_scan(submission, "whole", table, names, [])
    submission.value("clear")


def _demand_flip_is_seen(submission: Subject, table: list[Column], offset: int, mask: int, rng: Random) -> None:
    submission.value("damage", "whole", "flipped", 2**40, [[offset, mask]])
    with (
        (submission.disk / "files" / "flipped").open("rb") as mine,
        (submission.disk / "files" / "whole").open("rb") as theirs,
    ):
        mine.seek(offset)
        theirs.seek(offset)
        assert mine.read(1)[0] ^ theirs.read(1)[0] == mask, "the file was not damaged as it had to be"
    names = [each[0] for each in table]
    what = f"scan_archive of a file with byte {offset} changed"
    for where in ([], [Condition("number", rng.choice([">=", "<"]), rng.getrandbits(60))]):
        told = [each.told("int64") for each in where]
        answer = survived(submission.call("scan_small_archive", "flipped", names, told), what)
        if raised(answer) is None:
            wrong = _difference(answer[1], columns.scanned(table, names, where))  # type: ignore[index]
            assert wrong is None, f"{what}: it gives wrong rows instead of raising FormatError: {wrong}"
        else:
            demand_raised(answer, "format", what)


def _demand_scan(
    submission: Subject, name: str, table: list[Column], names: list[str], where: list[Condition], title: str = ""
) -> None:
    kinds = {name: kind for name, kind, _ in table}
    told = [each.told(kinds[each.column]) for each in where]
    what = f"{title}scan_archive({shown(names)}, {shown(told)})"
    answer = cast("list[Any]", gave(submission.value("scan_small_archive", name, names, told), what))
    wrong = _difference(answer, columns.scanned(table, names, where))
    assert wrong is None, f"{what}: rows do not come back as they were: {wrong}"


def _difference(answer: Any, right: list[Column]) -> str | None:
    """Say where an answer differs; where there are no rows, there need not be a batch, and so no types."""
    if not right[0][2]:
        answer, right = [[each[0], each[2]] for each in answer], [[each[0], each[2]] for each in right]
    elif not any(each[2] for each in answer):
        return f"there are no rows instead of {len(right[0][2])}"
    return difference(answer, right)
