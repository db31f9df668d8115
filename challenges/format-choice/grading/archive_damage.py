"""Archives that were cut, changed, or never were any: a scan gives the right rows or `FormatError`, never others."""

from __future__ import annotations

from random import Random

import columns
import large_archives
from columns import Column, Condition
from damage import flipped
from exactness import shown
from replies import (
    Subject,
    content,
    demand_nothing_beside,
    demand_raised,
    gave,
    items,
    place,
    raised,
    survived,
)
from scanning import demand_scan, difference_of_scan

FLIPS, CUTS = 160, 30
TINY_ROWS, TINY_LAST, TINY_OTHERS = 60, 700, 300
"""Rows of a small archive, and how many of its bytes are changed: so many at its end, and others."""

SINGLE_ROWS, SINGLE_FIRST, SINGLE_BITS = 24, 500, 4
"""Rows of an archive of one column, how many bytes of it, from its first, are changed, and in how many lowest bits."""

FLIPPED_SEC = 60.0

PORTION = 100
"""Flips after which the file is looked at."""

ROTTEN = 60
"""Bytes that are changed, one at a time, of a file that was scanned before."""

WORDS = ("ant", "bee", "cat", "dog")

Scan = tuple[list[str], list[Condition]]
"""Columns, and the conditions that rows fulfil."""


def demand_damage_is_seen(submission: Subject, rng: Random) -> None:
    """Cut archives and flip their bits: a scan gives the right rows or FormatError, never others.

    Another process writes them, and there is nothing but the damaged file when it is scanned.
    """
    submission.value("clear")
    table = columns.everything([rng.randrange(3) for _ in range(300)])
    table.append(["number", "int64", [rng.getrandbits(60) for _ in range(300)]])
    tables = {"whole": table, "tiny": _tiny(), "single": _single(rng), "rot": _rot(rng)}
    files = {name: _written(submission, each, 1 + len(each) // 2) for name, each in tables.items()}
    large = large_archives.written(submission, rng)
    submission.value("clear")
    demand_nothing_beside(submission, set())
    submission.restart()
    _demand_damage_anywhere_is_seen(submission, table, files["whole"], rng)
    submission.value("clear")
    _demand_flips_anywhere_are_seen(submission, tables["tiny"], files["tiny"], rng)
    _demand_flips_of_a_header_are_seen(submission, tables["single"], files["single"], rng)
    submission.value("clear")
    _demand_rot_is_seen(submission, tables["rot"], files["rot"], rng)
    submission.value("clear")
    for journal, data in large:
        large_archives.demand_damage_is_seen(submission, journal, data, rng)
    submission.value("clear")


def _tiny() -> list[Column]:
    numbers = list(range(TINY_ROWS))
    words: list[Column] = [["word", "string", [WORDS[n * len(WORDS) // TINY_ROWS] for n in numbers]]]
    return [["number", "int64", numbers], *words]


def _single(rng: Random) -> list[Column]:
    words = rng.sample(["ant", "bee", "cat", "dog", "eel", "fox"], 4)
    return [["word", "string", [None if n % 7 == 3 else words[n % 4] for n in range(SINGLE_ROWS)]]]


def _rot(rng: Random) -> list[Column]:
    return [["number", "int64", [rng.getrandbits(60) for _ in range(TINY_ROWS)]]]


def _demand_damage_anywhere_is_seen(submission: Subject, table: list[Column], whole: bytes, rng: Random) -> None:
    names = [each[0] for each in table]
    size = len(whole)
    for length in sorted({0, 1, size - 1, size - 4, size - 8, *(rng.randrange(size) for _ in range(CUTS))}):
        place(submission, "cut", whole[:length])
        answer = survived(submission.call("scan_small_archive", "cut", names, []), "scan_archive of a cut file")
        demand_raised(answer, "format", f"scan_archive of a file cut to {length} of {size} bytes")
    submission.value("remove", "cut")
    for number in range(FLIPS):
        offset = rng.randrange(size) if number % 2 else size - 1 - rng.randrange(min(size, 4000))
        place(submission, "flipped", flipped(whole, offset, 1 << rng.randrange(8)))
        _demand_flip_is_seen(submission, table, offset, rng)
    submission.value("remove", "flipped")
    for what, data in (("zeros", b"\0" * 5000), ("noise", rng.randbytes(5000)), ("text", b"a,b\n1,2\n" * 99)):
        place(submission, "other", data)
        answer = survived(submission.call("scan_small_archive", "other", names, []), f"scan_archive of {what}")
        demand_raised(answer, "format", f"scan_archive of a file of {what}")
    submission.value("remove", "other")
    gave(submission.value("write_small_table", "other", table, 1), "write_table")
    answer = survived(submission.call("scan_small_archive", "other", names, []), "scan_archive of a table's file")
    if raised(answer) is not None:  # one format may do for both
        demand_raised(answer, "format", "scan_archive of a file that write_table wrote")
    place(submission, "whole", whole)
    demand_scan(submission, "whole", table, names, [])


def _demand_rot_is_seen(submission: Subject, table: list[Column], data: bytes, rng: Random) -> None:
    """Flip bits of a file that was scanned before, as a disk that goes bad does: nothing else of it changes."""
    what = "scan_archive of a file that was scanned before, then one byte changed and neither size nor times"
    place(submission, "rot", data)
    for offset in rng.sample(range(len(data)), min(len(data), ROTTEN)):
        mask = 1 << rng.randrange(8)
        demand_scan(submission, "rot", table, ["number"], [])
        submission.value("flip_in_place", "rot", offset, mask)
        assert content(submission, "rot") == flipped(data, offset, mask), "the file was not damaged as it had to be"
        answer = survived(submission.call("scan_small_archive", "rot", ["number"], []), what)
        _demand_right_or_refused(answer, table, ["number"], [], f"{what} ({offset} of {len(data)}, ^ {mask})")
        submission.value("flip_in_place", "rot", offset, mask)


def _demand_flips_anywhere_are_seen(submission: Subject, table: list[Column], data: bytes, rng: Random) -> None:
    """Change bytes of a small archive, all of them if it is small enough, and scan in ways of each kind."""
    size = len(data)
    offsets = sorted({*range(max(0, size - TINY_LAST), size), *(rng.randrange(size) for _ in range(TINY_OTHERS))})
    flips = [(offset, rng.randrange(1, 256)) for offset in offsets for _ in range(2)]
    middle, word = rng.randrange(10, TINY_ROWS - 10), rng.choice(WORDS)
    both = ["number", "word"]
    scans: list[Scan] = [
        (both, []),
        (both, [Condition("number", ">=", middle)]),
        (both, [Condition("number", "<", middle)]),
        (both, [Condition("word", "==", word)]),
        (both, [Condition("word", ">=", "bee"), Condition("word", "<=", "cat")]),
        (["number"], []),
        (["word"], []),
    ]
    _demand_flips_are_seen(submission, table, data, scans, flips, rng)


def _demand_flips_of_a_header_are_seen(submission: Subject, table: list[Column], data: bytes, rng: Random) -> None:
    """Change the lowest bits of what an archive of one column begins with: numbers that say what follows are small."""
    flips = [(offset, mask) for offset in range(min(len(data), SINGLE_FIRST)) for mask in range(1, 2**SINGLE_BITS)]
    _demand_flips_are_seen(submission, table, data, [(["word"], [])], flips, rng)


def _written(submission: Subject, table: list[Column], chunks: int) -> bytes:
    """Have an archive written, and take it away."""
    gave(submission.value("write_small_archive", "written", table, chunks), "write_archive")
    return content(submission, "written")


def _demand_flips_are_seen(
    submission: Subject,
    table: list[Column],
    data: bytes,
    scans: list[Scan],
    flips: list[tuple[int, int]],
    rng: Random,
) -> None:
    """Scan with each flip alone, in portions, after each of which the file is looked at."""
    types = {name: kind for name, kind, _ in table}
    told = [(names, [each.told(types[each.column]) for each in where]) for names, where in scans]
    what = f"scan_archive of a small file of {len(table)} columns, {len(data)} bytes, with one byte changed"
    rng.shuffle(flips)
    for first in range(0, len(flips), PORTION):
        portion = flips[first : first + PORTION]
        outcome = submission.call("scan_flipped", "small", data, told, portion, timeout_sec=FLIPPED_SEC)
        several = items(survived(outcome, what), len(portion), what)
        assert content(submission, "small") == flipped(data, *portion[-1]), "the file was not damaged as it had to be"
        for (offset, mask), answers in zip(portion, several, strict=True):
            for (names, where), answer in zip(scans, items(answers, len(scans), what), strict=True):
                _demand_right_or_refused(answer, table, names, where, f"{what} (at {offset}, ^ {mask})")


def _demand_right_or_refused(
    answer: object, table: list[Column], names: list[str], where: list[Condition], what: str
) -> None:
    if raised(answer) is not None:
        demand_raised(answer, "format", what)
        return
    told = f" where {shown([[each.column, each.how, each.value] for each in where])}" if where else ""
    told = f", columns {shown(names)}{told}" if len(names) < len(table) else told
    wrong = difference_of_scan(gave(answer, what), columns.scanned(table, names, where))
    assert wrong is None, f"{what}{told}: it gives wrong rows instead of raising FormatError: {wrong}"


def _demand_flip_is_seen(submission: Subject, table: list[Column], offset: int, rng: Random) -> None:
    names = [each[0] for each in table]
    what = f"scan_archive of a file with byte {offset} changed"
    for where in ([], [Condition("number", rng.choice([">=", "<"]), rng.getrandbits(60))]):
        told = [each.told("int64") for each in where]
        answer = survived(submission.call("scan_small_archive", "flipped", names, told), what)
        _demand_right_or_refused(answer, table, names, where, what)
