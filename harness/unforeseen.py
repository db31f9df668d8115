"""Random numbers that nobody can work out from those he was given before.

Python's own generator is a Mersenne Twister: linear, so that 2.5 kB of its output are its whole state, and a submission
that is sent as much can foretell which of its answers will be looked at. This one reads its numbers off an extendable
hash of the seed (SHAKE-256, FIPS 202): as replayable, and what was seen of it tells nothing of the rest.
"""

import hashlib
import struct
from collections.abc import Iterator
from random import Random
from typing import NoReturn

WORD_BITS = 64
WORDS = struct.Struct("<512Q")
"""How much is hashed at a time: gradings draw millions of small numbers, and each costs one of these."""

SIGNIFICAND_BITS = 53
"""What a float between 0 and 1 holds, as in `Random.random`."""


class Unforeseen(Random):
    """A `Random` whose numbers depend on `seed` alone, by a hash; whatever a `Random` can draw it draws from these."""

    def __init__(self, seed: int | str) -> None:
        super().__init__(seed)

    def seed(self, a: object = None, version: int = 2) -> None:
        """Begin anew: equal seeds, by their type and text, give equal numbers."""
        del version
        self._key = f"{type(a).__name__}:{a}".encode()
        self._blocks = 0
        self._words: Iterator[int] = iter(())
        self.gauss_next = None

    def getrandbits(self, k: int, /) -> int:
        """Draw an integer of `k` bits; raises ValueError where `k` is negative."""
        if 0 <= k <= WORD_BITS:
            return self._word() >> (WORD_BITS - k)
        if k < 0:
            raise ValueError("number of bits must be non-negative")
        size = -(-k // 8)
        return int.from_bytes(self._hashed(size)) >> (8 * size - k)

    def random(self) -> float:
        """Draw a multiple of 2 ** -53 from 0 to less than 1."""
        return (self._word() >> (WORD_BITS - SIGNIFICAND_BITS)) / (1 << SIGNIFICAND_BITS)

    def randbytes(self, n: int) -> bytes:
        """Draw `n` bytes."""
        return self._hashed(n)

    def getstate(self) -> NoReturn:
        """Raise NotImplementedError, as `random.SystemRandom` does: whoever needs the same numbers has the seed."""
        raise NotImplementedError("a seed is all the state there is")

    def setstate(self, state: object) -> NoReturn:
        """Raise NotImplementedError."""
        raise NotImplementedError("a seed is all the state there is")

    def _word(self) -> int:
        for word in self._words:
            return word
        self._words = iter(WORDS.unpack(self._hashed(WORDS.size)))
        return next(self._words)

    def _hashed(self, size: int) -> bytes:
        self._blocks += 1
        return hashlib.shake_256(b"%s|%d" % (self._key, self._blocks)).digest(size)
