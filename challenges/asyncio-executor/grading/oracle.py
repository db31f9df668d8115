"""What the driver's computing jobs should return. Pure.

A job squares a number modulo a product of two primes, again and again. Whoever knows the primes takes the whole way in
one step, and nobody else knows of any other way than to walk it, one squaring after another, which holds the
interpreter all the time (Rivest, Shamir, Wagner: Time-lock puzzles and timed-release crypto, 1996).
"""

from random import Random

PRIME_BITS = 192
"""Two of them make a modulus that nobody factors within a grading."""

WITNESSES = 20
"""A number that passes as many rounds of Miller and Rabin's test is prime, but for one in 2 ** 40."""

SMALL_PRIMES = (3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47)


class Puzzle:
    """A modulus of which only the grader knows the factors."""

    def __init__(self, rng: Random) -> None:
        self._primes = _prime(rng), _prime(rng)
        self.modulus = self._primes[0] * self._primes[1]
        self._known: dict[tuple[int, int], int] = {}

    def value(self, rng: Random) -> int:
        """Draw a number to begin with."""
        return rng.randrange(2, self.modulus)

    def worked(self, value: int, rounds: int) -> int:
        """Give the driver's `work` without its many steps: by Fermat, exponents of a prime count modulo one less."""
        if (value, rounds) not in self._known:  # each is asked for twice, for both sides
            first, second = self._primes
            one, other = (pow(value, pow(2, rounds, prime - 1), prime) for prime in self._primes)
            self._known[value, rounds] = other + second * ((one - other) * pow(second, -1, first) % first)
        return self._known[value, rounds]


def _prime(rng: Random) -> int:
    highest = 3 << (PRIME_BITS - 2)  # so that the product has all its bits
    while True:
        number = rng.getrandbits(PRIME_BITS) | highest | 1
        if all(number % prime for prime in SMALL_PRIMES) and _is_prime(number, rng):
            return number


def _is_prime(number: int, rng: Random) -> bool:
    """Test by Miller and Rabin's method."""
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
