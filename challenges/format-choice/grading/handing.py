"""Checks on tables handed over: exact, mapped and not copied, and no more read than was asked for."""

from __future__ import annotations

import os
from random import Random
from typing import Any, cast

import columns
import generated
from calling import drawn
from columns import Column
from exactness import difference, shown
from handing_in_memory import IN_MEMORY, demand_same_of_any_size, on_disk
from replies import Subject, content, demand_nothing_beside, demand_raised, gave, place, raised, read_mb, survived

EXAMPLES = 40
LARGE_COLUMNS = 8
LARGE_ROWS = 1_200_000
COLUMN_MB = LARGE_ROWS * 8 / 2**20
READ_BEYOND_MB = 32.0
"""Beyond the column: the footer, and read-ahead, of which some machines do 8 MiB at once, here up to three times."""

HELD_MOST_MB = 16.0
"""What memory may grow by while all columns, of 73 MiB, are held."""

MISSES = 400
"""More than a process may have files open."""

SLICED_ROWS = 37
SLICES = ((3, 20), (8, 13), (1, 36), (13, 9), (16, 21), (5, 0))
"""First rows and numbers of rows: on a byte's bounds and off them."""

CHUNKS = 5
"""A table that comes in several need not be put together."""

MIB = 2**20


def demand_round_trip(submission: Subject, rng: Random) -> None:
    """Write in one process, read in it and in another."""
    submission.value("clear")
    kept: list[tuple[str, list[Column]]] = []

    def visit(example: object, chunks: int = 1) -> None:
        table = cast("list[Column]", example)
        name = f"{IN_MEMORY if len(kept) % 2 else ''}table{len(kept)}"
        gave(submission.value("write_small_table", name, table, chunks), f"write_table of {shown(table)}")
        kept.append((name, table))
        _demand_same(submission, name, table, [each[0] for each in table])

    visit(columns.everything(list(range(9))), chunks=3)
    visit(columns.everything([]))
    visit(columns.spans())
    visit(columns.alike())
    visit(columns.ones_alike())
    others = [other for _, other in columns.ALIKE]
    _demand_absent(submission, kept[-1][0], others)
    drawn(columns.tables(), EXAMPLES, rng.getrandbits(32), visit)
    kept = [(on_disk(submission, name), table) for name, table in kept]
    submission.restart()
    for name, table in kept:
        chosen = [each[0] for each in table]
        rng.shuffle(chosen)
        _demand_same(submission, name, table, chosen[: rng.randint(1, len(chosen))], "in a fresh process, ")
    name, table = kept[0]
    for time in range(MISSES):
        absent = submission.value("read_small_table", name, ["no such column", table[0][0]][:: 1 if time % 4 else -1])
        demand_raised(absent, "key", f"read_columns of a column that is not there, for the {time + 1}. time")
    _demand_same(submission, name, table, [table[0][0]])
    _demand_read_at_once(submission, name, table, rng)
    missing = submission.value("read_small_table", "no such table", ["a"])
    demand_raised(missing, "missing", "read_columns of a file that is not there")
    submission.value("write_small_table", name, kept[1][1], 1)
    _demand_same(submission, name, kept[1][1], [table[0][0]], "written again to the same path, ")
    demand_nothing_beside(submission, {name for name, _ in kept})
    _demand_written_over(submission, name)
    submission.value("clear")
    _demand_slices(submission)
    _demand_pieces(submission, rng)
    demand_same_of_any_size(submission, rng)


def _demand_slices(submission: Subject) -> None:
    """Write slices of tables, with nulls and without, whose first rows lie anywhere within a byte of bits."""
    for kinds_of_rows in (2, 3):
        table = columns.everything([row % kinds_of_rows for row in range(SLICED_ROWS)])
        for first, rows in SLICES:
            answer = submission.value("write_slice_of_table", "slice", table, first, rows)
            gave(answer, f"write_table of {rows} rows from row {first} on, as a slice")
            part = [[name, kind, values[first : first + rows]] for name, kind, values in table]
            where = f"written as a slice of {rows} rows from row {first} on, "
            _demand_same(submission, "slice", part, [each[0] for each in part], where)
    submission.value("clear")


def _demand_pieces(submission: Subject, rng: Random) -> None:
    """Write a table whose columns are divided into chunks, each in its own way, as `concat_tables` may leave them."""
    table = columns.everything(list(range(SLICED_ROWS)))
    pieces = [rng.randint(1, 6) for _ in table]
    pieces[:3] = 1, 2, 3
    answer = submission.value("write_table_in_pieces", "pieces", table, pieces)
    gave(answer, f"write_table of a table whose columns come in {shown(pieces)} chunks")
    where = "written from columns that were divided into chunks, each in its own way, "
    _demand_same(submission, "pieces", table, [each[0] for each in table], where)
    submission.value("clear")


def _demand_absent(submission: Subject, name: str, absent: list[str]) -> None:
    """Ask for columns that are not there, though others with names like theirs are."""
    for other in absent:
        answer = submission.value("read_small_table", name, [other])
        demand_raised(answer, "key", f"read_columns of {other!a}, which is not there, while one with a name like it is")


def _demand_read_at_once(submission: Subject, name: str, table: list[Column], rng: Random) -> None:
    """Read a file several times, and look at what was read when all of it was."""
    names = [each[0] for each in table]
    asked = [rng.sample(names, 3), names, names[:1], names]
    answer = gave(submission.value("read_small_tables", name, asked), "read_columns of one file, several times")
    found = difference(answer, [columns.scanned(table, each, []) for each in asked])
    assert found is None, f"tables that were read from one file, and held at once, are not as they were: {found}"


def _demand_written_over(submission: Subject, name: str) -> None:
    """Write tables over each other, at once, of which some differ in names, types or values alone."""
    rows = [1, 2, 3]
    tables: list[list[Column]] = [
        [["a", "int64", rows], ["b", "int64", rows]],
        [["b", "int64", rows], ["c", "int64", rows]],
        [["b", "int64", rows[::-1]], ["c", "int64", rows]],
        [["b", "double", [1.0, 2.0, 3.0]], ["c", "int64", [1, None, 3]]],
    ]
    for table in tables * 3:
        gave(submission.value("write_small_table", name, table, 1), f"write_table of {shown(table)}")
        _demand_same(submission, name, table, [each[0] for each in table], "written over another at once, ")


def demand_one_column_is_read(submission: Subject, rng: Random) -> None:
    """Read one column of a file that is in nobody's memory, and look how much came from the disk."""
    submission.value("clear")
    seed = _write_large(submission, rng)
    submission.restart()
    _demand_sums(submission, seed, "small", [1], 20_000, rng)
    drop_cache(submission, "large")
    before = submission.stats()
    _demand_sums(submission, seed, "large", [rng.randrange(LARGE_COLUMNS)], LARGE_ROWS, rng)
    came_mb = read_mb(before, submission.stats())
    submission.value("clear")
    if came_mb is None:
        return
    size = LARGE_COLUMNS * COLUMN_MB
    assert came_mb <= COLUMN_MB + READ_BEYOND_MB, (
        f"reading one column of {COLUMN_MB:.1f} MiB read {came_mb:.1f} MiB of a file of {size:.0f} MiB; "
        f"{READ_BEYOND_MB:.0f} MiB more than the column are allowed"
    )


def demand_nothing_is_copied(submission: Subject, rng: Random) -> None:
    """Read every column, look at all of it, hold it, and see what memory is the process's own."""
    submission.value("clear")
    seed = _write_large(submission, rng, CHUNKS)
    submission.restart()
    _demand_sums(submission, seed, "small", [1], 20_000, rng)
    before = submission.stats().memory_mb
    _demand_sums(submission, seed, "large", list(range(LARGE_COLUMNS)), LARGE_ROWS, rng)
    after = submission.stats().memory_mb
    submission.value("rest")
    submission.value("clear")
    if before is None or after is None:
        return
    assert after - before <= HELD_MOST_MB, (
        f"holding {LARGE_COLUMNS} columns of {COLUMN_MB:.1f} MiB made memory grow by {after - before:.1f} MiB; with "
        f"the file mapped, its pages are not the process's own, and {HELD_MOST_MB:.0f} MiB are allowed"
    )


def demand_cut_files_are_refused(submission: Subject, rng: Random) -> None:
    """Cut a table's file, and put something else in its place."""
    submission.value("clear")
    table = columns.everything(list(range(60)))
    names = [each[0] for each in table]
    gave(submission.value("write_small_table", "whole", table, 2), "write_table")
    whole = content(submission, "whole")
    size = len(whole)
    submission.value("clear")
    demand_nothing_beside(submission, set())
    submission.restart()
    for length in sorted({0, 1, size // 2, size - 8, size - 4, size - 1, *(rng.randrange(size) for _ in range(25))}):
        place(submission, "cut", whole[:length])
        _demand_refused(submission, "cut", names, f"a file cut to {length} of {size} bytes")
    for what, data in (("zeros", b"\0" * 5000), ("noise", rng.randbytes(5000)), ("text", b"a,b\n1,2\n" * 99)):
        place(submission, "other", data)
        _demand_refused(submission, "other", names, f"a file of {what}")
    submission.value("remove", "other")
    gave(submission.value("write_small_archive", "other", table, 1), "write_archive")
    answer = survived(submission.call("read_small_table", "other", names), "read_columns of an archive")
    if raised(answer) is not None:  # one format may do for both
        demand_raised(answer, "format", "read_columns of a file that write_archive wrote")
    place(submission, "whole", whole)
    _demand_same(submission, "whole", table, names)
    submission.value("clear")


def _demand_refused(submission: Subject, name: str, names: list[str], what: str) -> None:
    answer = survived(submission.call("read_small_table", name, names), f"read_columns of {what}")
    demand_raised(answer, "format", f"read_columns of {what}")


def _demand_same(submission: Subject, name: str, table: list[Column], names: list[str], where: str = "") -> None:
    answer = gave(submission.value("read_small_table", name, names), f"{where}read_columns of {shown(table)}")
    found = difference(answer, columns.scanned(table, names, []))
    assert found is None, f"{where}a table does not come back as it was: {found}"


def _write_large(submission: Subject, rng: Random, chunks: int = 1) -> int:
    seed = rng.getrandbits(32)
    for name, rows in (("small", 20_000), ("large", LARGE_ROWS)):
        what = f"write_table of {LARGE_COLUMNS} columns of {rows:,} rows"
        gave(submission.value("write_noise_table", name, seed, LARGE_COLUMNS, rows, chunks), what)
    demand_nothing_beside(submission, {"small", "large"})
    return seed


def _demand_sums(submission: Subject, seed: int, name: str, chosen: list[int], rows: int, rng: Random) -> None:
    parts = [(column, rng.randrange(100), rows - rng.randrange(100)) for column in chosen]
    asked: list[Any] = [[f"c{column}", first, last] for column, first, last in parts]
    answer = submission.value("sums_of_table", name, asked)
    right = [generated.noise_sum(seed, column, first, last) for column, first, last in parts]
    assert answer == right, "read_columns gave other values than were written"


def drop_cache(subject: Subject, name: str) -> None:
    """Make the kernel forget a file's pages, so that whoever reads them next is charged."""
    descriptor = os.open(subject.disk / "files" / name, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(descriptor)
