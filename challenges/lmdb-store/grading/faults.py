"""Input that must be refused as a whole, and a disk that is full."""

from random import Random

from answers import gave, listed
from columns import rows_of
from model import Operation, Row
from ordering import OPEN
from rows import draw_rows

from grader.plugin.facade import SubjectFacade
from harness.outcome import Raised

ODD_KEYS = (
    "none",
    "number",
    "text",
    "pair",
    "four",
    "tenant-bytes",
    "tenant-none",
    "tenant-surrogate",
    "tenant-long",
    "tenant-long-in-bytes",
    "tenant-very-long",
    "ts-text",
    "ts-none",
    "ts-float",
    "ts-above",
    "ts-below",
    "ts-far",
    "seq-text",
    "seq-none",
    "seq-float",
    "seq-below",
    "seq-above",
)
ODD_VALUES = ("value-none", "value-text", "value-number", "value-array", "value-long")
ODD_BOUNDS = ("number", "four", "tenant-bytes", "tenant-long", "tenant-surrogate", "ts-float", "ts-above", "seq-below")

RAISED_BY_ITEMS = (
    "Stopped",
    "StoreError",
    "Error",
    "error",
    "ValueError",
    "TypeError",
    "KeyError",
    "AttributeError",
    "OverflowError",
    "MemoryError",
    "OSError",
    "FileNotFoundError",
)
"""By the names of their classes; `Error` is LMDB's, `error` that of `struct`."""

EQUAL_KEYS = (300, 5_000, 20_000)
"""Items of a batch, half of them with keys that came before: a large one may be sorted in another way."""


def bad_input(rng: Random) -> list[list[Operation]]:
    """Hand over what is no key, no value and no bound, in the middle of sound ones, and an iterable that fails."""
    rows, more = draw_rows(rng, 40), draw_rows(rng, 40)
    unchanged: list[Operation] = [["scan", "s", None, None, None, False], ["count", "s", []]]
    begin: list[Operation] = [*OPEN, ["put", "s", rows]]
    puts: list[Operation] = [["put-odd-key", "s", more[:20], kind, more[20:]] for kind in ODD_KEYS]
    puts += [["put-odd-key", "s", [], kind, more] for kind in ODD_KEYS[:3]]
    puts += [["put-odd-value", "s", more[:20], kind, more[20:]] for kind in ODD_VALUES]
    puts += [["put-raising", "s", more, name] for name in RAISED_BY_ITEMS]
    asks: list[Operation] = [["get-odd", "s", kind] for kind in ODD_KEYS]
    asks += [["get-many-odd", "s", [rows[0][:3]], kind] for kind in ODD_KEYS]
    asks += [[name, "s", kind] for kind in ODD_BOUNDS for name in ("scan-odd", "delete-odd")]
    longest: list[Row] = [
        ["t" * 240, 1, 1, bytes(64 * 1024)],
        ["\u20ac" * 80, 2**63 - 1, 2**32 - 1, b""],
        ["\0" * 240, -(2**63), 0, b"\0"],
        ["", 0, 0, b"e"],
    ]
    return [
        [*begin, *(operation for put in puts for operation in (put, *unchanged))],
        [*begin, *asks, *unchanged, ["put", "s", more], *unchanged],
        [*begin, ["put", "s", longest], ["get-many", "s", [row[:3] for row in longest]], *unchanged],
        [
            *begin,
            ["put", "s", []],
            *unchanged,
            ["put", "s", [*more, *([*row[:3], b"last"] for row in more)]],
            *unchanged,
        ],
        [
            *OPEN,
            *(operation for size in EQUAL_KEYS for operation in (["put", "s", _coming_again(rng, size)], *unchanged)),
        ],
    ]


def _coming_again(rng: Random, size: int) -> list[Row]:
    """Draw rows in random order; two thirds of the keys come a second time and one third comes a third time."""
    rows = draw_rows(rng, size // 2)
    rows += [[*row[:3], rng.randbytes(rng.randint(0, 40))] for row in [*rows[: size // 3], *rows[: size // 6]]]
    rng.shuffle(rows)
    return rows


# ---- a full disk

FOLDER = "small/takehome-full-disk"
BALLAST_MB = 6
BATCH_ROWS = 40
VALUE_BYTES = 4000
MOST_BATCHES = 250
SCANNED_BATCHES = 2
"""Of an open scan, which keeps them on the disk when they are replaced."""

TOO_LARGE_ROWS = 320
"""Of 64 KiB each: 20 MiB, with 18 MiB free."""

MIB = 1024 * 1024

LITTLE_MB, BEYOND_LITTLE = 3, 50
"""What is free of the disk when the store is opened, and batches that take more than twice that."""

LARGEST_SMALL_DISK = 64 * 1024 * 1024


def full_disk(subject: SubjectFacade, rng: Random) -> None:
    """Store batches until the disk is full, look whether all is there, give space back, and go on."""
    rows = draw_rows(rng, BATCH_ROWS, ("a", "b"), VALUE_BYTES)
    subject.value("reset", [FOLDER])
    free = subject.value("ballast", BALLAST_MB)
    assert isinstance(free, int), "the driver's answer has the wrong shape"
    if free > LARGEST_SMALL_DISK:
        subject.value("ballast", 0)
        return  # practice, without a disk of its own: nobody's real one is filled
    try:
        _opened_with_little_room(subject, rows, free)
        _fill(subject, rows)
    finally:
        subject.call("reset", [FOLDER])


def _opened_with_little_room(subject: SubjectFacade, rows: list[Row], free: int) -> None:
    """Open the store while the disk is nearly full, and store when it no longer is."""
    subject.value("ballast", BALLAST_MB + free // MIB - LITTLE_MB)
    gave(subject.value("replay", [["open", "s", FOLDER, MIB]]))
    subject.value("ballast", BALLAST_MB)
    [stored, failure] = listed(subject.value("fill", "s", rows, BEYOND_LITTLE))
    assert stored == BEYOND_LITTLE, (
        f"the store was opened when {LITTLE_MB} MiB of the disk were free, and when there was more, put_many raised "
        f"{failure[1:]} after {stored} batches of 160 KB"
    )
    gave(subject.value("replay", [["forget", "s"]]))
    subject.value("reset", [FOLDER])


def _fill(subject: SubjectFacade, rows: list[Row]) -> None:
    gave(subject.value("replay", [["open", "s", FOLDER]]))
    subject.value("peer_start", "other")  # now, as starting a program may want to write to the disk
    gave(subject.value("peer_replay", "other", []))
    _demand_whole_or_not_at_all(subject)
    subject.value("fill", "s", rows, SCANNED_BATCHES)
    gave(subject.value("replay", [["begin", "open", "s", None, None, None, False]]))
    scanned = sorted(row for number in range(SCANNED_BATCHES) for row in batch(rows, number))
    _go_on_scanning(subject, scanned[: len(scanned) // 3], "the disk was filled")
    [stored, failure] = listed(subject.value("fill", "s", rows, MOST_BATCHES))
    assert failure[0] == "raised", "the disk was full, and put_many raised nothing"
    assert failure[1] == "StoreError", f"put_many raised {failure[1]} instead of StoreError when the disk was full"
    assert stored >= 10, f"the disk was said to be full after {stored} batches of 160 KB"
    _go_on_scanning(subject, scanned[len(scanned) // 3 : len(scanned) // 2], "a batch did not fit on the disk")
    _look(subject, rows, stored, "when the disk was full")
    subject.value("ballast_to_the_brim")
    _look(subject, rows, stored, "when not a byte of the disk was free")
    _put_again(subject, rows)
    _go_on_scanning(subject, scanned[len(scanned) // 2 :], "nothing more fitted on the disk")
    gave(subject.value("replay", [["drop", "open"]]))
    _look_from_outside(subject, rows, stored)
    gave(subject.value("replay", [["forget", "s"]]))
    _found(subject, rows, stored, "when the store was opened again on the full disk")
    subject.value("ballast", 0)
    gave(subject.value("replay", [["open", "s", FOLDER]]))
    [more, failure] = listed(subject.value("fill", "s", rows, 8))
    assert more == 8, f"there was space again, and put_many raised {failure[1:]}"
    gave(subject.value("replay", [["delete", "s", ["a-0009"], None], ["put", "s", rows]]))
    gave(subject.value("replay", [["forget", "s"]]))


def _put_again(subject: SubjectFacade, rows: list[Row]) -> None:
    """Put what is there already: it may find room that others left, or be refused, by another error of LMDB's."""
    [_, failure] = listed(subject.value("fill", "s", rows, SCANNED_BATCHES))
    assert failure[0] == "gave" or failure[1] == "StoreError", (
        f"put_many raised {failure[1]} instead of StoreError when not a byte of the disk was free"
    )


def _go_on_scanning(subject: SubjectFacade, right: list[Row], when: str) -> None:
    """Go on with the scan that was begun when there was room."""
    [answer] = listed(subject.value("replay", [["next", "open", len(right)]]))
    assert answer == ["gave", right], (
        f"a scan was open when {when}, and went on wrongly: it "
        f"{'gave other rows' if answer[0] == 'gave' else f'raised {answer[1:]}'}"
    )


def _demand_whole_or_not_at_all(subject: SubjectFacade) -> None:
    """Put one batch that is larger than the disk: no part of it may be there."""
    failure = subject.call("put_large", "s", 0, TOO_LARGE_ROWS, TOO_LARGE_ROWS)
    assert isinstance(failure, Raised), "a batch larger than the disk was put, and put_many raised nothing"
    name = failure.type_name.rpartition(".")[2]
    assert name == "StoreError", f"put_many raised {name} instead of StoreError when a batch did not fit on the disk"
    [count] = gave(subject.value("replay", [["count", "s", []]]))
    assert count == 0, f"a batch of {TOO_LARGE_ROWS} rows did not fit on the disk, and {count} of them were stored"


def batch(rows: list[Row], number: int) -> list[Row]:
    """Give the rows of a batch, as the driver makes them."""
    return [[f"{tenant}-{number:04d}", ts, seq, value] for tenant, ts, seq, value in rows]


def _look(subject: SubjectFacade, rows: list[Row], stored: int, when: str) -> None:
    for number in range(stored + 1):
        keys = [row[:3] for row in batch(rows, number)]
        [values] = gave(subject.value("replay", [["get-many", "s", keys]]))
        right = [row[3] for row in rows] if number < stored else [None] * len(rows)
        assert values == right, f"{when}, batch {number} of {stored} that were acknowledged reads wrongly"
    [count] = gave(subject.value("replay", [["count", "s", []]]))
    assert count == stored * len(rows), f"{when}, count() is {count} instead of {stored * len(rows)}"


def _look_from_outside(subject: SubjectFacade, rows: list[Row], stored: int) -> None:
    """Read in another process, while the first one has the store open."""
    last = batch(rows, stored - 1)
    looks: list[Operation] = [
        ["open", "s", FOLDER],
        ["count", "s", []],
        ["get-many", "s", [row[:3] for row in last]],
        ["scan", "s", None, None, 40, False],
        ["forget", "s"],
    ]
    answers = listed(subject.value("peer_replay", "other", looks))
    first = sorted(row for number in range(stored) for row in batch(rows, number))[:40]
    right = [None, stored * len(rows), [row[3] for row in last], first, None]
    for look, answer, wanted in zip(looks, answers, right, strict=True):
        assert answer == ["gave", wanted], (
            f"when the disk was full, another process opened the store, and {look[0]} there "
            f"{'gave something else' if answer[0] == 'gave' else f'raised {answer[1:]}'}; "
            f"{stored} batches were acknowledged and can be read"
        )
    subject.value("peer_kill", "other")


def _found(subject: SubjectFacade, rows: list[Row], stored: int, when: str) -> None:
    """Read in a fresh process, which may not be able to write."""
    answer = listed(subject.value("found_only", FOLDER))
    assert answer[0] == "gave", f"{when}, reading raised {answer[1:]}"
    found = [list(row) for row in rows_of(answer[1])]
    right = sorted(row for number in range(stored) for row in batch(rows, number))
    assert found == right, f"{when}, {len(found)} rows were there; {len(right)} were acknowledged"
