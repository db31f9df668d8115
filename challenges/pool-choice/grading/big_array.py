"""The batch of parts of one large array, made in the subject from a seed and checked here against the same array."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from functools import lru_cache
from random import Random

import numbers_oracle as oracle
import numpy as np
from profiles import Profile, Stage, stage

BIG_MB = 96

HELD_BEYOND_MB = 8.0
"""What a submission may hold before a run beyond what the reference holds: more is ballast, to be dropped for room.

Six sound ones held at most 2 MiB more.
"""

LENGTH = BIG_MB * 1_000_000 // 8
PARTS = 40
PART_LENGTH = 2**18
STEP = 997
CHECKED_PARTS = 4
"""The oracle does these itself, drawn after the answer is there; all the others must be ints that differ."""

SEED_BITS = 128


@dataclass(frozen=True)
class BigBatch:
    """An array that `hold_big` makes, and the arguments of `run_parts`."""

    stages: list[Stage]
    seed: int
    length: int
    parts: list[tuple[int, int]]
    step: int

    @property
    def made_of(self) -> tuple[object, ...]:
        """Give the arguments of `hold_big`."""
        return self.seed, self.length

    @property
    def work(self) -> tuple[object, ...]:
        """Give the arguments of `run_parts`."""
        return self.stages, [list(part) for part in self.parts], self.step


def big_batch(rng: Random, seed: int | None = None) -> BigBatch:
    """Make a batch; of one `seed` the array can be kept between batches."""
    profile = Profile(PARTS, 0.008, 0.008, 0.012, gil_free=0.95, argument_bytes=BIG_MB * 1_000_000, result_bytes=20)
    starts = rng.sample(range(LENGTH - PART_LENGTH), PARTS)
    return BigBatch(
        stages=[stage("part_of_array", profile)],
        seed=rng.getrandbits(SEED_BITS) if seed is None else seed,
        length=LENGTH,
        parts=[(first, first + PART_LENGTH) for first in starts],
        step=STEP,
    )


@lru_cache(maxsize=1)
def _made(seed: int, length: int) -> np.ndarray:
    """Make the array; a launch asks for the same one several times."""
    return np.random.default_rng(seed).random(length)


def demand_right_parts(reply: object, batch: BigBatch, rng: Random) -> None:
    """Check the answers to a batch: a few of them by doing the work again."""
    title = "results are wrong (parts of one large array)"
    big = _made(batch.seed, batch.length)
    assert isinstance(reply, bytes), f"{title}: not every one is an int"
    assert len(reply) == 8 * PARTS, f"{title}: there are not as many as items"
    digests = array("Q", reply)
    assert len(set(digests)) == PARTS, f"{title}: not every one is a result of its own"
    for place in rng.sample(range(PARTS), CHECKED_PARTS):
        first, last = batch.parts[place]
        answer = oracle.part_of_array(big, first, last, batch.step)
        assert digests[place] == answer, f"{title}: item {place} of {PARTS}"
