"""What parallel scans fold with.

A submission's worker processes find these functions by name, so each belongs to the module and works from its rows
alone, but for a salt, which is told to all processes by a file.
"""

import os
import tempfile
import zlib

from .oddities import fault_named
from .rows import lists_of
from .submission import StoreError


def fold_rows(rows):
    """Give all rows of a part."""
    return lists_of(rows)


def fold_texts(rows):
    """Give times and values as one text."""
    return b"".join([b"%d:%s;" % (key[1], value) for key, value in rows])


def fold_failing(rows):
    """Fail at a certain row."""
    for _, value in rows:
        if value == b"fail here":
            raise ValueError("the fold failed")
    return 0


def fold_raising(rows):
    """Raise what the first row says."""
    for _, value in rows:
        raise fault_named(value.decode())


def fold_printing(rows):
    """Print as one who debugs does, and give the number of rows."""
    count = sum(1 for _ in rows)
    print(f"{count} rows", flush=True)  # noqa: T201  where that goes is the point
    return count


def fold_returning(rows):
    """Give what the first row says, or nothing."""
    returned = {
        b"an exception": ValueError("given"),
        b"an error of the store": StoreError("given"),
        b"an exit": SystemExit("given"),
        b"a class": ValueError,
        b"a pair": (None, ValueError("given")),
        b"false": False,
        b"a list": [],
    }
    for _, value in rows:
        return returned[value]
    return None


def fold_ends(rows):
    """Give the first and the last row of a part, and how many it has."""
    first = row = None
    count = 0
    for row in rows:
        first = first or row
        count += 1
    return [*lists_of([first, row]), count] if count else None


DIGESTED_BYTES = 36
FNV_PRIME = 0x0100_0193
SALT = os.path.join(tempfile.gettempdir(), "fold-salt")  # noqa: PTH118


def shake(salt):
    """Tell all processes a number that goes into every fold from now on, so that no fold has its result beforehand."""
    with open(SALT, "wb") as file:  # noqa: PTH123
        file.write(salt.to_bytes(4, "big"))


def _salt():
    try:
        with open(SALT, "rb") as file:  # noqa: PTH123
            return int.from_bytes(file.read(), "big")
    except FileNotFoundError:
        return 0


def fold_total(rows):
    """Digest a part: its first and last key, its rows, and a sum that does not depend on how a range is cut.

    What each row adds is an FNV-1a hash that begins with the salt, so none of it can be worked out before that is told.
    """
    crc32, salt = zlib.crc32, _salt()
    first = key = None
    count = total = 0
    for key, value in rows:
        if first is None:
            first = key
        _, ts, seq = key
        count += 1
        mixed = (crc32(value) ^ seq ^ ts ^ salt) & 0xFFFF_FFFF
        for byte in value[:DIGESTED_BYTES]:
            mixed = ((mixed ^ byte) * FNV_PRIME) & 0xFFFF_FFFF
        total += mixed
    return [list(first), list(key), count, total] if count else None
