"""Archives that were cut, changed, or never were any: a scan gives the right rows or `FormatError`, never others."""

from __future__ import annotations

from random import Random

import columns
from columns import Column, Condition
from exactness import shown
from replies import Subject, demand_raised, file_size, gave, items, raised, survived
from scanning import demand_scan, difference_of_scan

FLIPS, CUTS = 160, 30
TINY_ROWS, TINY_LAST, TINY_OTHERS = 60, 700, 300
"""Rows of a small archive, and how many of its bytes are changed: so many at its end, and others."""

SINGLE_ROWS, SINGLE_FIRST, SINGLE_BITS = 24, 500, 4
"""Rows of an archive of one column, how many bytes of it, from its first, are changed, and in how many lowest bits."""

FLIPPED_SEC = 60.0

ROTTEN = 60
"""Bytes that are changed, one at a time, of a file that was scanned before."""

Scan = tuple[list[str], list[Condition]]
"""Columns, and the conditions that rows fulfil."""


def demand_damage_is_seen(submission: Subject, rng: Random) -> None:
    """Cut an archive and flip its bits: a scan gives the right rows or FormatError, never others."""
    submission.value("clear")
    table = columns.everything([rng.randrange(3) for _ in range(300)])
    table.append(["number", "int64", [rng.getrandbits(60) for _ in range(300)]])
    names = [each[0] for each in table]
    size = _written(submission, "whole", table, 3)
    submission.restart()
    for length in sorted({0, 1, size - 1, size - 4, size - 8, *(rng.randrange(size) for _ in range(CUTS))}):
        submission.value("damage", "whole", "cut", length, [])
        assert file_size(submission, "cut") == length, "the file was not cut as it had to be"
        answer = survived(submission.call("scan_small_archive", "cut", names, []), "scan_archive of a cut file")
        demand_raised(answer, "format", f"scan_archive of a file cut to {length} of {size} bytes")
    for number in range(FLIPS):
        offset = rng.randrange(size) if number % 2 else size - 1 - rng.randrange(min(size, 4000))
        _demand_flip_is_seen(submission, table, offset, 1 << rng.randrange(8), rng)
    _demand_flips_anywhere_are_seen(submission, rng)
    _demand_flips_of_a_header_are_seen(submission, rng)
    for what, data in (("zeros", b"\0" * 5000), ("noise", rng.randbytes(5000)), ("text", b"a,b\n1,2\n" * 99)):
        submission.value("put", "other", data)
        answer = survived(submission.call("scan_small_archive", "other", names, []), f"scan_archive of {what}")
        demand_raised(answer, "format", f"scan_archive of a file of {what}")
    demand_scan(submission, "whole", table, names, [])
    _demand_rot_is_seen(submission, rng)
    submission.value("clear")


def _demand_rot_is_seen(submission: Subject, rng: Random) -> None:
    """Flip bits of a file that was scanned before, as a disk that goes bad does: nothing else of it changes."""
    table: list[Column] = [["number", "int64", [rng.getrandbits(60) for _ in range(TINY_ROWS)]]]
    size = _written(submission, "rot", table, 1)
    what = "scan_archive of a file that was scanned before, then one byte changed and neither size nor times"
    for offset in rng.sample(range(size), min(size, ROTTEN)):
        mask = 1 << rng.randrange(8)
        demand_scan(submission, "rot", table, ["number"], [])
        submission.value("flip_in_place", "rot", offset, mask)
        answer = survived(submission.call("scan_small_archive", "rot", ["number"], []), what)
        _demand_right_or_refused(answer, table, ["number"], [], f"{what} ({offset} of {size}, ^ {mask})")
        submission.value("flip_in_place", "rot", offset, mask)


def _demand_flips_anywhere_are_seen(submission: Subject, rng: Random) -> None:
    """Change bytes of a small archive, all of them if it is small enough, and scan in ways of each kind."""
    words = ["ant", "bee", "cat", "dog"]
    numbers = list(range(TINY_ROWS))
    table: list[Column] = [
        ["number", "int64", numbers],
        ["word", "string", [words[n * 4 // TINY_ROWS] for n in numbers]],
    ]
    size = _written(submission, "tiny", table, 2)
    offsets = sorted({*range(max(0, size - TINY_LAST), size), *(rng.randrange(size) for _ in range(TINY_OTHERS))})
    flips = [(offset, rng.randrange(1, 256)) for offset in offsets for _ in range(2)]
    middle, word = rng.randrange(10, TINY_ROWS - 10), rng.choice(words)
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
    _demand_flips_are_seen(submission, table, scans, flips, f"a small file of {size} bytes")


def _demand_flips_of_a_header_are_seen(submission: Subject, rng: Random) -> None:
    """Change the lowest bits of what an archive of one column begins with: numbers that say what follows are small."""
    words = rng.sample(["ant", "bee", "cat", "dog", "eel", "fox"], 4)
    table: list[Column] = [["word", "string", [None if n % 7 == 3 else words[n % 4] for n in range(SINGLE_ROWS)]]]
    size = _written(submission, "tiny", table, 2)
    flips = [(offset, mask) for offset in range(min(size, SINGLE_FIRST)) for mask in range(1, 2**SINGLE_BITS)]
    _demand_flips_are_seen(submission, table, [(["word"], [])], flips, f"a small file of one column, {size} bytes,")


def _written(submission: Subject, name: str, table: list[Column], chunks: int) -> int:
    """Have an archive written; gives its size in bytes."""
    gave(submission.value("write_small_archive", name, table, chunks), "write_archive")
    return file_size(submission, name)


def _demand_flips_are_seen(
    submission: Subject, table: list[Column], scans: list[Scan], flips: list[tuple[int, int]], of_what: str
) -> None:
    types = {name: kind for name, kind, _ in table}
    told = [(names, [each.told(types[each.column]) for each in where]) for names, where in scans]
    outcome = submission.call("scan_flipped", "tiny", told, flips, timeout_sec=FLIPPED_SEC)
    what = f"scan_archive of {of_what} with one byte changed"
    for (offset, mask), answers in zip(flips, items(survived(outcome, what), len(flips), what), strict=True):
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
        _demand_right_or_refused(answer, table, names, where, what)
