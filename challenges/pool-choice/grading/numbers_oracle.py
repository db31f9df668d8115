"""The oracle: what the driver's functions must answer, found by shorter ways where there are any."""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass
from random import Random

import numpy as np

from harness.primes import draw_prime

PRIME_BITS = 60
"""Moduli of 120 bits: to find the factors takes far longer than the squarings that knowing them would save."""

LOW = 2**60 - 1
"""What of a number the driver's `squarings` answers."""

MASK = 0xFFFFFFFF

MIXING = 1_000_000_000_000_000_000_000_007
"""Beyond what NumPy's integers hold."""


@dataclass(frozen=True)
class Squaring:
    """An item of `squarings` whose modulus has factors that only the grader knows, so that it need not do the work.

    It begins with root + 1/root. Most numbers are of no such form modulo p or q, where `squared` looks in a larger
    field; of those that are, a power finds the answer, some fifty times as soon.
    """

    root: int
    p: int
    q: int
    rounds: int

    @property
    def item(self) -> list[int]:
        """Give the item as the function takes it."""
        modulus = self.p * self.q
        return [(self.root + pow(self.root, -1, modulus)) % modulus, modulus, self.rounds]

    @property
    def answer(self) -> int:
        """Give what is left after all rounds."""
        return _joined(self.p, self._modulo(self.p), self.q, self._modulo(self.q))

    def _modulo(self, prime: int) -> int:
        power = pow(self.root, pow(2, self.rounds, prime - 1), prime)
        return (power + pow(power, -1, prime)) % prime


def squared(x: int, p: int, q: int, rounds: int) -> int:
    """Square `x` and take 2 off so many times, modulo pq, and give the low bits.

    With x = a + 1/a a round gives a**2 + 1/a**2, so all of them give the Lucas number V of the index 2**rounds, and
    indices count modulo p**2 - 1, the order of the field in which a lies. (The Lucas-Lehmer test does the same steps.)
    """
    mod_p, mod_q = (_lucas(x, pow(2, rounds, prime * prime - 1), prime) for prime in (p, q))
    return _joined(p, mod_p, q, mod_q)


def _joined(p: int, mod_p: int, q: int, mod_q: int) -> int:
    """Give the low bits of the number modulo pq that is these modulo p and q, by the Chinese remainder theorem."""
    return (mod_p + p * ((mod_q - mod_p) * pow(p, -1, q) % q)) & LOW


def _lucas(x: int, index: int, modulus: int) -> int:
    """Give V(index) for V(0) = 2, V(1) = x, V(n + 1) = x V(n) - V(n - 1), by doubling."""
    low, high = 2, x
    for bit in f"{index:b}":
        both = (low * high - x) % modulus
        low, high = ((low * low - 2) % modulus, both) if bit == "0" else (both, (high * high - 2) % modulus)
    return low % modulus


def squaring(rng: Random, rounds: int) -> Squaring:
    """Make an item that nobody has seen."""
    p, q = draw_prime(rng, PRIME_BITS), draw_prime(rng, PRIME_BITS)
    while q == p:
        q = draw_prime(rng, PRIME_BITS)
    return Squaring(rng.randrange(2, p * q), p, q, rounds)


def mixed(number: int) -> int:
    """Do as the driver's function of this name."""
    return number * number * number % MIXING & MASK


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
