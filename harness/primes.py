"""Primes that are drawn: whoever knows the two of a product need not walk all of a way that goes modulo it. Pure."""

from random import Random
from typing import Final

WITNESSES: Final = 20
"""A number that passes as many rounds of Miller and Rabin's test is prime, but for one in 2 ** 40."""

SMALL_PRIMES: Final = (3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47)
"""Most numbers that are no primes have one of these in them; those drawn must be larger."""


def draw_prime(rng: Random, bits: int) -> int:
    """Draw a prime of `bits` bits, at least 8, of which the highest two are set: a product of two has twice as many."""
    highest = 3 << (bits - 2)
    while True:
        number = rng.getrandbits(bits) | highest | 1
        if all(number % prime for prime in SMALL_PRIMES) and is_prime(number, rng):
            return number


def is_prime(number: int, rng: Random) -> bool:
    """Tell whether an odd number beyond 3 is a prime, by Miller and Rabin's test with witnesses from `rng`."""
    twos = (number - 1 & -(number - 1)).bit_length() - 1
    return all(_passes(number, twos, rng.randrange(2, number - 1)) for _ in range(WITNESSES))


def _passes(number: int, twos: int, witness: int) -> bool:
    power = pow(witness, number - 1 >> twos, number)
    if power in {1, number - 1}:
        return True
    for _ in range(twos - 1):
        power = power * power % number
        if power == number - 1:
            return True
    return False
