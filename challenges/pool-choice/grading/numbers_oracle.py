"""The oracle: what the driver's functions must answer, found by shorter ways where there are any."""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass
from random import Random

import numpy as np

PRIME_BITS = 60
"""Moduli of 120 bits: to find the factors takes far longer than the squarings that knowing them would save."""

WITNESSES = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37)
"""Enough for a Miller-Rabin test below 3.3e24 (Sorenson, Webster 2015)."""

LOW = 2**60 - 1
"""What of a number the driver's `squarings` answers."""

MASK = 0xFFFFFFFF


@dataclass(frozen=True)
class Squaring:
    """An item of `squarings` whose modulus has factors that only the grader knows, so that it need not do the work."""

    x: int
    p: int
    q: int
    rounds: int

    @property
    def item(self) -> list[int]:
        """Give the item as the function takes it."""
        return [self.x, self.p * self.q, self.rounds]

    @property
    def answer(self) -> int:
        """Give the low bits of x to the power 2**rounds, modulo pq."""
        return squared(self.x, self.p, self.q, self.rounds)


def squared(x: int, p: int, q: int, rounds: int) -> int:
    """Square `x` so many times modulo pq, by way of the order of the group, and give the low bits."""
    exponent = pow(2, rounds, (p - 1) * (q - 1))
    return pow(x, exponent, p * q) & LOW


def squaring(rng: Random, rounds: int) -> Squaring:
    """Make an item that nobody has seen."""
    p, q = prime(rng), prime(rng)
    while q == p:
        q = prime(rng)
    x = rng.randrange(2, p * q)
    while x % p == 0 or x % q == 0:
        x = rng.randrange(2, p * q)
    return Squaring(x, p, q, rounds)


def prime(rng: Random) -> int:
    """Draw a prime of 60 bits."""
    while True:
        n = rng.getrandbits(PRIME_BITS) | 1 << (PRIME_BITS - 1) | 1
        if all(_passes(n, witness) for witness in WITNESSES):
            return n


def _passes(n: int, witness: int) -> bool:
    """Tell whether `n` is a strong probable prime to the base `witness`."""
    twos = ((n - 1) & -(n - 1)).bit_length() - 1
    x = pow(witness, (n - 1) >> twos, n)
    if x in (1, n - 1):
        return True
    for _ in range(twos - 1):
        x = x * x % n
        if x == n - 1:
            return True
    return False


def mixed(number: int) -> int:
    """Do as the driver's function of this name."""
    return (number * 2654435761 + 12345) & MASK


def mixed_all(numbers: np.ndarray) -> np.ndarray:
    """Mix an array of numbers below 2**32; NumPy's arithmetic modulo 2**64 does not touch the low bits."""
    return (numbers.astype(np.uint64) * np.uint64(2654435761) + np.uint64(12345)) & np.uint64(MASK)


def compressed(data: bytes) -> bytes:
    """Do as the driver's function of this name."""
    return hashlib.sha256(zlib.compress(data, 1)).digest()


def part_of_array(big: np.ndarray, first: int, last: int, step: int) -> int:
    """Do as the driver's function of this name."""
    part = big[first:last].copy()
    for _ in range(3):
        part *= 1.25
        part %= 1.0
    part.sort()
    return int(np.bitwise_xor.reduce(part[::step].view(np.uint64)))
