"""What the driver's fold adds up: for each row a hash of its key, its value and a number that is new in every call."""

import zlib

import numpy as np
from columns import Key, Table
from numpy.typing import NDArray

DIGESTED_BYTES = 36
FNV_PRIME = 0x0100_0193


def digest(key: Key, value: bytes, salt: int = 0) -> int:
    """Give what the driver's fold adds up for a row."""
    mixed = _beginning(key, value) ^ salt
    for byte in value[:DIGESTED_BYTES]:
        mixed = ((mixed ^ byte) * FNV_PRIME) & 0xFFFF_FFFF
    return mixed


def _beginning(key: Key, value: bytes) -> int:
    """Give what a row's hash begins with, before the salt goes in."""
    _, ts, seq = key
    return (zlib.crc32(value) ^ seq ^ ts) & 0xFFFF_FFFF


class Digests:
    """The digests of a table's rows, in order: all at once, since there are so many for each salt."""

    def __init__(self, table: Table) -> None:
        values = [table.values[key] for key in table.order]
        self._beginnings = np.array(list(map(_beginning, table.order, values)), np.uint32)
        digested = b"".join(value[:DIGESTED_BYTES] for value in values)
        self._bytes = np.frombuffer(digested, np.uint8).reshape(len(values), -1).T.astype(np.uint32)

    def total(self, place: int, salt: int) -> int:
        """Add up the digests of all rows from `place` on."""
        mixed: NDArray[np.uint32] = self._beginnings[place:] ^ np.uint32(salt)
        for column in self._bytes:
            mixed = (mixed ^ column[place:]) * np.uint32(FNV_PRIME)
        return int(mixed.sum(dtype=np.uint64))
