"""Numbers for gradings: as replayable as Python's own, and not to be foretold as those are."""

from collections.abc import Sequence
from random import Random

import pytest

from harness.unforeseen import Unforeseen

WORDS = 624
"""The state of a Mersenne Twister, in words of 32 bits."""


def _undone(word: int, shift: int, mask: int) -> int:
    """Solve `x ^ (x << shift & mask) == word` for x, `shift` bits at a time from the lowest."""
    found = word
    for _ in range(32 // shift + 1):
        found = word ^ (found << shift & mask)
    return found & 0xFFFFFFFF


def _untempered(word: int) -> int:
    word ^= word >> 18
    word = _undone(_undone(word, 15, 0xEFC60000), 7, 0x9D2C5680)
    return word ^ word >> 11 ^ word >> 22


def _foretold(words: Sequence[int]) -> Random:
    """Make the Mersenne Twister that has just said `words` (Matsumoto and Nishimura 1998, its tempering undone)."""
    twister = Random()
    twister.setstate((3, (*map(_untempered, words), WORDS), None))
    return twister


@pytest.mark.parametrize("kind", [Random, Unforeseen])
def test_only_a_twister_tells_what_comes_by_what_it_said(kind: type[Random]) -> None:
    rng = kind("a seed")
    foretold = _foretold([rng.getrandbits(32) for _ in range(WORDS)])
    right = [foretold.getrandbits(32) for _ in range(100)] == [rng.getrandbits(32) for _ in range(100)]
    assert right == (kind is Random)


def test_equal_seeds_give_equal_numbers_and_others_do_not() -> None:
    assert Unforeseen("7").randbytes(99) == Unforeseen("7").randbytes(99)
    assert len({Unforeseen(seed).getrandbits(64) for seed in (7, 8, -7, "7", "8", 7 << 64)}) == 6


def test_nothing_is_drawn_twice_however_much_is_drawn() -> None:
    rng = Unforeseen(1)
    numbers = [rng.getrandbits(64) for _ in range(5_000)]
    blobs = [rng.randbytes(16) for _ in range(5_000)]
    read = [int.from_bytes(blob[:8], order) for blob in blobs for order in ("big", "little")]
    assert len({*numbers, *read}) == len(numbers) + len(read)


@pytest.mark.parametrize("bits", [0, 1, 7, 8, 9, 53, 64, 65, 100_000])
def test_bits_are_as_many_as_asked_for(bits: int) -> None:
    rng = Unforeseen("bits")
    drawn = [rng.getrandbits(bits) for _ in range(64)]
    assert max(drawn) < 1 << bits
    assert max(drawn).bit_length() > bits - 7


def test_no_number_of_bits_is_negative() -> None:
    with pytest.raises(ValueError, match="non-negative"):
        Unforeseen(1).getrandbits(-1)


def test_it_draws_all_that_a_random_does() -> None:
    rng = Unforeseen("all")
    counts = [0] * 10
    for _ in range(10_000):
        counts[rng.randrange(10)] += 1
    assert all(800 < count < 1_200 for count in counts)  # 6.7 standard deviations
    assert sorted(rng.sample(range(50), 50)) == list(range(50))
    assert set(rng.choices("ab", k=99)) == {"a", "b"}
    assert 0.45 < sum(rng.random() for _ in range(10_000)) / 10_000 < 0.55
    assert -5 < rng.gauss(0, 1) < 5


def test_it_has_no_state_but_its_seed() -> None:
    with pytest.raises(NotImplementedError):
        Unforeseen(1).getstate()
    with pytest.raises(NotImplementedError):
        Unforeseen(1).setstate(None)
