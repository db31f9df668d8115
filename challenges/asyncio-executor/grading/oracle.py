"""What the driver's computing jobs should return. Pure.

A job squares a number modulo a product of two primes, again and again. Whoever knows the primes takes the whole way in
one step, and nobody else knows of any other way than to walk it, one squaring after another, which holds the
interpreter all the time (Rivest, Shamir, Wagner: Time-lock puzzles and timed-release crypto, 1996).
"""

from random import Random

from harness.primes import draw_prime

PRIME_BITS = 192
"""Two of them make a modulus that nobody factors within a grading."""


class Puzzle:
    """A modulus of which only the grader knows the factors."""

    def __init__(self, rng: Random) -> None:
        self._primes = draw_prime(rng, PRIME_BITS), draw_prime(rng, PRIME_BITS)
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
