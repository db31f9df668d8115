"""The rounds of the bars that are duels: fresh input from the round's generator, and the oracle of the whole answer.

What is timed travels in the timed call, so that nothing can be computed before; `prepare` builds the map that it asks.
The oracle computes lazily, once for both sides, and outside of what is timed.
"""

from collections.abc import Callable
from functools import cache
from random import Random
from typing import Any

import numpy as np
from keys import Ints, ascending, distinct, generator, raw

from harness.duel.round import Call, Round

BELOW_MODULUS = 2**60 - 1
"""Bits of an int that is its own hash, as it is with the hash's modulus added."""

REST = Call("rest")
"""Lets go of the last round's map and collects garbage, before what does not build one first."""


class BulkInsert:
    """Insert into an empty map; a quarter of the keys comes again and overwrites."""

    KEYS = 2**14
    AGAIN = KEYS // 4
    SAMPLE = 16

    def round(self, rng: Random) -> Round:
        """Make a fresh round."""
        numbers = generator(rng)
        fresh = distinct(rng, self.KEYS - self.AGAIN)
        keys = np.concatenate([fresh, numbers.choice(fresh, self.AGAIN)])
        numbers.shuffle(keys)
        sample = keys[:: self.SAMPLE]

        @cache
        def expected() -> list[bytes]:
            last = dict(zip(keys.tolist(), range(self.KEYS), strict=True))
            return [raw(list(last.values())), raw([last[key] for key in sample.tolist()])]

        return Round(
            (REST,), Call("bulk_insert", (raw(keys), raw(sample))), _same(expected, "the map holds other values")
        )


class HitLookup:
    """Look up keys that are there, in random order, as other objects than those inserted."""

    ENTRIES = 2**10
    LOOKUPS = 2**15

    def round(self, rng: Random) -> Round:
        """Make a fresh round."""
        keys = distinct(rng, self.ENTRIES)
        wanted = generator(rng).integers(self.ENTRIES, size=self.LOOKUPS)
        timed = Call("hit_lookups", (raw(keys[wanted]),))
        return Round((_build(keys),), timed, _same(lambda: raw(wanted), "a lookup gave another value"))


class MissLookup:
    """Ask for keys of which one in eight is there."""

    ENTRIES = 2**10
    LOOKUPS = 3 * 2**14
    HITS = LOOKUPS // 8

    def round(self, rng: Random) -> Round:
        """Make a fresh round."""
        numbers = generator(rng)
        drawn = distinct(rng, self.ENTRIES + self.LOOKUPS - self.HITS)
        keys, absent = drawn[: self.ENTRIES], drawn[self.ENTRIES :]
        order = numbers.permutation(self.LOOKUPS)
        wanted = np.concatenate([numbers.choice(keys, self.HITS), absent])[order]
        present = (order < self.HITS).astype(np.uint8).tobytes()
        return Round((_build(keys),), Call("miss_lookups", (raw(wanted),)), _same(lambda: present, "`in` is wrong"))


class Churn:
    """Delete random entries and insert new ones with ascending keys, at a steady size."""

    ENTRIES = 2**12
    EXCHANGES = 2**13
    GAP_BITS = 10
    """Keys that ascend by one would all be known after the first of them."""

    def round(self, rng: Random) -> Round:
        """Make a fresh round."""
        keys = distinct(rng, self.ENTRIES)
        new = ascending(rng, self.EXCHANGES, self.GAP_BITS)
        live, old = keys.tolist(), []
        for key, place in zip(
            new.tolist(), generator(rng).integers(self.ENTRIES, size=self.EXCHANGES).tolist(), strict=True
        ):
            old.append(live[place])
            live[place] = key

        @cache
        def expected() -> bytes:
            left = dict(zip(keys.tolist(), range(self.ENTRIES), strict=True))
            left.update(zip(new.tolist(), range(self.EXCHANGES), strict=True))
            for key in old:
                del left[key]
            return raw(list(left.values()))

        timed = Call("churn", (raw(old), raw(new), 0))
        return Round((_build(keys),), timed, _same(expected, "the values are wrong or out of order"))


class StringKeys:
    """Count words of which few are frequent and many are rare."""

    WORDS = 2**14
    VOCABULARY = 2**12
    LETTERS = (3, 12)
    SKEW = 3
    """Word numbers are drawn as VOCABULARY · uniform ** SKEW: half of the text is an eighth of the vocabulary."""

    def round(self, rng: Random) -> Round:
        """Make a fresh round."""
        numbers = generator(rng)
        words = self._vocabulary(rng, numbers)
        text = [words[number] for number in (len(words) * numbers.random(self.WORDS) ** self.SKEW).astype(int).tolist()]

        @cache
        def expected() -> list[Any]:
            counts = dict.fromkeys(text, 0)
            for word in text:
                counts[word] += 1
            return [" ".join(counts), raw(list(counts.values()))]

        return Round(
            (REST,), Call("count_words", (" ".join(text),)), _same(expected, "words are miscounted or out of order")
        )

    def _vocabulary(self, rng: Random, numbers: np.random.Generator) -> list[str]:
        shortest, longest = self.LETTERS
        letters = bytes(ord("a") + byte % 26 for byte in range(256))
        text = rng.randbytes(self.VOCABULARY * longest).translate(letters).decode()
        lengths = numbers.integers(shortest, longest + 1, size=self.VOCABULARY).tolist()
        return [text[start * longest : start * longest + length] for start, length in enumerate(lengths)]


class Iteration:
    """Change a few entries, iterate over keys, values and items, and again; so no pass helps the next."""

    ENTRIES = 2**13
    PASSES = 6
    CHANGES = 10 * PASSES

    def round(self, rng: Random) -> Round:
        """Make a fresh round."""
        drawn = distinct(rng, self.ENTRIES + self.CHANGES)
        keys, new = drawn[: self.ENTRIES], drawn[self.ENTRIES :]
        old = keys[generator(rng).choice(self.ENTRIES, self.CHANGES, replace=False)]

        @cache
        def expected() -> list[Any]:
            model = dict(zip(keys.tolist(), range(self.ENTRIES), strict=True))
            share = self.CHANGES // self.PASSES
            digests: list[int] = []
            for start in range(0, self.CHANGES, share):
                for value in range(start, start + share):
                    del model[int(old[value])]
                    model[int(new[value])] = -value
                digests += [
                    hash(tuple(model)),
                    hash(tuple(model.values())),
                    hash(tuple([k ^ v for k, v in model.items()])),
                ]
            return [digests, raw(list(model))]

        timed = Call("iterate", (raw(old), raw(new), self.PASSES))
        return Round((_build(keys),), timed, _same(expected, "an iteration gave wrong entries or a wrong order"))


class CollidingKeys:
    """Insert, look up and delete keys whose hashes collide: fully, in their low bits, or by a stride."""

    ENTRIES = 2**11
    GROUP = 16
    """Keys that share one hash."""

    STRIDES = (2**20, 2**12, 2**40, 1_000)

    def round(self, rng: Random) -> Round:
        """Make a fresh round."""
        numbers = generator(rng)
        groups = distinct(rng, self.ENTRIES // self.GROUP) & BELOW_MODULUS
        patterns = [self._pattern(numbers, np.repeat(groups, self.GROUP), np.tile(np.arange(self.GROUP), len(groups)))]
        for stride in self.STRIDES:
            bases = rng.getrandbits(40) + stride * np.arange(self.ENTRIES)
            patterns.append(self._pattern(numbers, bases, np.zeros(self.ENTRIES, dtype=np.int64)))
        timed = Call("collide", ([arguments for arguments, _ in patterns],))
        return Round((REST,), timed, _same(lambda: [answer for _, answer in patterns], "an entry is lost or wrong"))

    def _pattern(self, numbers: np.random.Generator, bases: Ints, factors: Ints) -> tuple[list[bytes], list[bytes]]:
        """Make one map's insertions and lookups, a third of them of absent keys, with the answer."""
        order = numbers.permutation(len(bases))
        bases, factors = bases[order], factors[order]
        wanted = numbers.permutation(len(bases))
        absent = numbers.random(len(bases)) < 1 / 3
        asked = np.where(absent, factors[wanted] + self.GROUP, factors[wanted])
        found = np.where(absent, -1, wanted)
        left = np.arange(1, len(bases), 2)
        return [raw(bases), raw(factors), raw(bases[wanted]), raw(asked)], [raw(found), raw(left)]


def _build(keys: Ints) -> Call:
    return Call("build", (raw(keys),))


def _same(expected: Callable[[], object], wrong: str) -> Callable[[object], str | None]:
    return lambda answer: None if answer == expected() else wrong
