"""Items that compute, with the GIL and without it, and one that sleeps."""

import hashlib
import time
import zlib

from .forks import demand_unforked, log_lock


def squarings(item):
    """Square `x` and take 2 off, modulo `n`, `rounds` times, and give the low 60 bits.

    Nobody can shorten it who can't factor `n`, and no function of a library does it.
    """
    x, n, rounds = item
    demand_unforked()
    for _ in range(rounds):
        x = (x * x - 2) % n
    return x & 0xFFFFFFFFFFFFFFF


def compressed(data):
    """Compress and hash bytes: most of it without the GIL."""
    demand_unforked()
    return hashlib.sha256(zlib.compress(data, 1)).digest()


def part_of_array(item):
    """Sort one part of a large array and answer a digest of it: NumPy lets go of the GIL."""
    import numpy as np  # noqa: PLC0415  60 ms that other work need not pay for

    demand_unforked()
    big, first, last, step = item
    part = big[first:last].copy()
    for _ in range(3):
        part *= 1.25
        part %= 1.0
    part.sort()
    return int(np.bitwise_xor.reduce(part[::step].view(np.uint64)))


def mixed(number):
    """Mix the bits of a number: far less work than any call across threads."""
    return number * number * number % 1_000_000_000_000_000_000_000_007 & 0xFFFFFFFF


def turned(data):
    """Answer as many bytes as were given."""
    demand_unforked()
    return bytes(data[::-1])


def logged(item):
    """Take the lock around a little work."""
    x, n, rounds = item
    with log_lock:
        pass
    return squarings([x, n, rounds])


def naps(seconds):
    """Sleep."""
    time.sleep(seconds)
    return seconds
