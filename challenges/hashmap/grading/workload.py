"""Fresh rounds for every bar, from seeded generators, and the oracle that checks each whole answer."""

from collections.abc import Callable
from random import Random

import numpy as np
from numpy.typing import NDArray

from harness.duel.round import Call, Round

Ints = NDArray[np.int64]

KEY_LIMIT = 2**62
"""Keys of both signs whose size leaves room for arithmetic in int64."""


def generator(rng: Random) -> np.random.Generator:
    """Make NumPy's generator from the grading's."""
    return np.random.default_rng(rng.getrandbits(64))


def distinct(numbers: np.random.Generator, count: int) -> Ints:
    """Draw distinct keys that small ints, strides and caches know nothing of."""
    keys = np.unique(numbers.integers(-KEY_LIMIT, KEY_LIMIT, count + count // 64 + 8))
    return numbers.permutation(keys)[:count]


def raw(values: Ints) -> bytes:
    """Write int64 as the wire carries them."""
    return values.astype("<i8").tobytes()


def exactly(expected: object, what: str) -> Callable[[object], str | None]:
    """Compare a whole answer with the oracle's."""
    return lambda answer: None if answer == expected else what


class BulkInsert:
    """Build a map of `n` fresh entries."""

    def __init__(self, n: int) -> None:
        self._n = n

    def round(self, rng: Random) -> Round:
        """Make a round; its answer is every value in order and those of a sample of keys."""
        numbers = generator(rng)
        keys = distinct(numbers, self._n)
        sample = numbers.integers(0, self._n, self._n // 16)
        expected = [raw(np.arange(self._n)), raw(sample)]
        call = Call("bulk_insert", (raw(keys), raw(keys[sample])))
        return Round((Call("rest"),), call, exactly(expected, "the values differ from those that were inserted"))


class HitLookup:
    """Look up every key of a map of `n` entries, `passes` times, in random order."""

    def __init__(self, n: int, passes: int) -> None:
        self._n, self._passes = n, passes

    def round(self, rng: Random) -> Round:
        """Make a round; its answer is every value found."""
        numbers = generator(rng)
        keys = distinct(numbers, self._n)
        wanted = numbers.integers(0, self._n, self._n * self._passes)
        call = Call("hit_lookups", (raw(keys[wanted]),))
        right = exactly(raw(wanted), "a key that is there gave another value")
        return Round((Call("build", (raw(keys),)),), call, right)


class MissLookup:
    """Ask a map of `n` entries for keys of which one in 32 is there."""

    def __init__(self, n: int, count: int) -> None:
        self._n, self._count = n, count

    def round(self, rng: Random) -> Round:
        """Make a round; its answer is one byte a key."""
        numbers = generator(rng)
        keys = distinct(numbers, self._n + self._count)
        asked, there = keys[self._n :].copy(), numbers.random(self._count) < 1 / 32
        asked[there] = keys[numbers.integers(0, self._n, int(there.sum()))]
        call = Call("miss_lookups", (raw(asked),))
        expected = there.astype(np.uint8).tobytes()
        return Round((Call("build", (raw(keys[: self._n]),)),), call, exactly(expected, "`in` answered wrongly"))


class Churn:
    """Delete a random entry and insert another, `count` times, at a steady size of `n`."""

    def __init__(self, n: int, count: int) -> None:
        self._n, self._count = n, count

    def round(self, rng: Random) -> Round:
        """Make a round; its answer is every value left, in order."""
        numbers = generator(rng)
        keys = distinct(numbers, self._n + self._count)
        first, fresh = keys[: self._n], keys[self._n :]
        gone = numbers.permutation(self._n)[: self._count]
        left = np.delete(np.arange(self._n), gone)
        expected = raw(np.concatenate([left, np.arange(self._n, self._n + self._count)]))
        call = Call("churn", (raw(first[gone]), raw(fresh), self._n))
        right = exactly(expected, "the entries left are not the right ones")
        return Round((Call("build", (raw(first),)),), call, right)


class StringKeys:
    """Count the words of a text with few common and many rare ones."""

    def __init__(self, words: int, vocabulary: int) -> None:
        self._words, self._vocabulary = words, vocabulary

    def round(self, rng: Random) -> Round:
        """Make a round; its answer is every word in order of appearance, with its count."""
        numbers = generator(rng)
        names = [f"{word:x}" for word in distinct(numbers, self._vocabulary).tolist()]
        chosen = (self._vocabulary * numbers.random(self._words) ** 2).astype(np.int64)
        text = [names[index] for index in chosen.tolist()]
        counts = dict.fromkeys(text, 0)
        for word in text:
            counts[word] += 1
        expected = [" ".join(counts), raw(np.fromiter(counts.values(), np.int64))]
        call = Call("count_words", (" ".join(text),))
        return Round((Call("rest"),), call, exactly(expected, "the counts are wrong"))


class Iteration:
    """Iterate over a map of `n` entries, `passes` times in three ways, after a few changes each."""

    def __init__(self, n: int, passes: int, changes: int) -> None:
        self._n, self._passes, self._changes = n, passes, changes

    def round(self, rng: Random) -> Round:
        """Make a round; its answer is a digest of every order seen, and the last order whole."""
        numbers = generator(rng)
        total = self._passes * self._changes
        keys = distinct(numbers, self._n + total)
        first, fresh = keys[: self._n], keys[self._n :]
        gone = first[numbers.permutation(self._n)[:total]]
        expected = self._oracle(first.tolist(), gone.tolist(), fresh.tolist())
        call = Call("iterate", (raw(gone), raw(fresh), self._passes))
        return Round((Call("build", (raw(first),)),), call, exactly(expected, "an iteration gave other entries"))

    def _oracle(self, first: list[int], gone: list[int], fresh: list[int]) -> list[object]:
        model = {key: position for position, key in enumerate(first)}
        digests = []
        for start in range(0, len(gone), self._changes):
            for value in range(start, start + self._changes):
                del model[gone[value]]
                model[fresh[value]] = -value
            digests += [hash(tuple(model)), hash(tuple(model.values())), hash(tuple(k ^ v for k, v in model.items()))]
        return [digests, raw(np.fromiter(model, np.int64))]


class CollidingKeys:
    """Maps whose keys collide: equal low 20 bits, a stride, and groups of four with fully equal hashes."""

    def __init__(self, n: int) -> None:
        self._n = n

    def round(self, rng: Random) -> Round:
        """Make a round; its answer is what each map gave and kept."""
        numbers = generator(rng)
        low = numbers.permutation(self._n) * 2**20 + int(numbers.integers(0, 2**20))
        stride = numbers.permutation(self._n) * 4096
        groups = np.repeat(numbers.permutation(self._n)[: self._n // 4], 4)
        factors = np.tile(np.arange(4), self._n // 4)
        zeros = np.zeros(self._n, np.int64)
        patterns = [(low, zeros), (stride, zeros), (groups, factors)]
        calls, expected = zip(*(self._pattern(numbers, *pattern) for pattern in patterns), strict=True)
        right = exactly(list(expected), "colliding keys were mixed up")
        return Round((Call("rest"),), Call("collide", (list(calls),)), right)

    def _pattern(self, numbers: np.random.Generator, bases: Ints, factors: Ints) -> tuple[list[bytes], list[bytes]]:
        wanted = numbers.integers(0, self._n, 2 * self._n)
        missing = numbers.random(2 * self._n) < 1 / 4
        asked = np.where(missing, factors[wanted] + 7, factors[wanted])
        found = np.where(missing, -1, wanted)
        call = [raw(bases), raw(factors), raw(bases[wanted]), raw(asked)]
        return call, [raw(found), raw(np.arange(self._n)[1::2])]
