"""Bytes that changed, one at a time: where, and what comes of it. Pure."""

from math import log2
from random import Random


def flipped(data: bytes, offset: int, mask: int) -> bytes:
    """Give a file with bits of one byte flipped."""
    return b"".join([data[:offset], bytes([data[offset] ^ mask]), data[offset + 1 :]])


def somewhere(rng: Random, length: int) -> int:
    """Draw a place: anywhere, or at any order of magnitude from the first or from the last."""
    near = int(2 ** rng.uniform(0, log2(length))) - 1
    return rng.choice((rng.randrange(length), near, length - 1 - near))
