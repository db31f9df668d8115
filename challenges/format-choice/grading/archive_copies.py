"""An archive gives back what was written, in the process that wrote it and in a fresh one."""

from __future__ import annotations

from random import Random
from typing import Any, cast

import columns
from calling import drawn
from columns import Column
from exactness import shown
from journal import Journal
from replies import Subject, demand_nothing_beside, demand_raised, gave
from scanning import demand_scan

EXAMPLES = 40
UNEVEN_ROWS = (150_000, 3_000, 50_000)
"""Of batches, at most; a small one comes before each."""


def demand_round_trip(submission: Subject, rng: Random) -> None:
    """Write in one process, scan everything in it and in another."""
    submission.value("clear")
    kept: list[tuple[str, list[Column]]] = []

    def visit(example: object, chunks: int = 2) -> None:
        table = cast("list[Column]", example)
        name = f"archive{len(kept)}"
        gave(submission.value("write_small_archive", name, table, chunks), f"write_archive of {shown(table)}")
        kept.append((name, table))
        demand_scan(submission, name, table, [each[0] for each in table], [])

    visit(columns.everything(list(range(30))), chunks=7)
    visit(columns.everything([]))
    visit(columns.spans(), chunks=1)
    visit(columns.powers(), chunks=1)
    visit(columns.alike())
    visit(columns.ones_alike())
    _demand_absent(submission, kept[-1][0], [(other, name) for name, other in columns.ALIKE])
    for name, table in kept[:2]:
        _demand_absent(submission, name, [("absent", table[0][0])])
    missing = submission.value("scan_small_archive", "no such archive", ["a"], [])
    demand_raised(missing, "missing", "scan_archive of a file that is not there")
    drawn(columns.tables(), EXAMPLES, rng.getrandbits(32), visit)
    within = f"archive{len(kept)}", f"archive{len(kept) + 1}"
    what = "write_archive, while the generator of its batches writes another archive"
    gave(submission.value("write_archive_within", *within, kept[0][1]), what)
    kept += [(name, kept[0][1]) for name in within]
    _demand_replaced(submission, "archive0", columns.spans(), columns.powers())
    gave(submission.value("write_small_archive", *kept[0], 7), "write_archive")
    submission.restart()
    for name, table in kept:
        chosen = [each[0] for each in table]
        rng.shuffle(chosen)
        demand_scan(submission, name, table, chosen[: rng.randint(1, len(chosen))], [], "in a fresh process, ")
    demand_nothing_beside(submission, {name for name, _ in kept})
    submission.value("clear")
    _demand_in_order(submission, rng)
    submission.value("clear")


def _demand_in_order(submission: Subject, rng: Random) -> None:
    """Write small batches and large ones in turn, as somebody does who flushes now and then."""
    sizes = [size for most in UNEVEN_ROWS for size in (rng.randint(1, 100), rng.randint(most // 2, most))]
    journal = Journal(rng.getrandbits(32), sum(sizes), 1)
    names = rng.sample(journal.names, len(journal.names))
    journal.written(submission, "uneven", sizes)
    answer = gave(submission.value("scan_digests", "uneven", names, []), "scan_archive")
    assert answer == journal.digests(names), (
        f"an archive was written in batches of {shown(sizes)} rows, and comes back as others or in another order"
    )


def _demand_replaced(submission: Subject, name: str, *tables: list[Column]) -> None:
    """Write archives over each other; scans of each are given up before the next comes."""
    for table in tables * 2:
        what = f"write_archive of {shown(table)} to the path of another"
        gave(submission.value("write_small_archive", name, table, 1), what)
        names = [each[0] for each in table]
        submission.value("begin_scans", name, names, 1)
        demand_scan(submission, name, table, names, [], "of an archive that another was at the place of, ")
        submission.value("begin_scans", name, names[:1], 1)


def _demand_absent(submission: Subject, name: str, absent: list[tuple[str, str]]) -> None:
    """Ask for columns that are not there, and for some that are; also where no row can be wanted, or none is there."""
    for other, there in absent:
        none: list[list[Any]] = [[there, "<", -128]]
        asked: list[tuple[list[str], list[list[Any]]]] = [([other], []), ([there, other], none), ([other], none)]
        asked += [([there], [[other, "==", 1]]), ([there], [*none, [other, "==", 1]])]
        for names, where in asked:
            answer = submission.value("scan_small_archive", name, names, where)
            demand_raised(answer, "key", f"scan_archive({names!a}, {where!a}), {other!a} is not there")
