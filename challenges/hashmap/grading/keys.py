"""Random int64 keys, and how they travel."""

from collections.abc import Sequence
from random import Random

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
MIXING = (
    (np.uint64(30), np.uint64(0xBF58476D1CE4E5B9)),
    (np.uint64(27), np.uint64(0x94D049BB133111EB)),
)
LAST_SHIFT = np.uint64(31)
"""The constants of SplitMix64 (Steele, Lea, Flood 2014): odd factors and xor-shifts, which map one to one."""


def generator(rng: Random) -> np.random.Generator:
    """Make a NumPy generator that depends on `rng` alone."""
    return np.random.default_rng(rng.getrandbits(64))


def distinct(rng: Random, count: int) -> Ints:
    """Make `count` different int64 keys that look random: a counter from a secret start, mixed one to one."""
    x = np.arange(count, dtype=np.uint64) * GOLDEN + np.uint64(rng.getrandbits(64))
    for shift, factor in MIXING:
        x = (x ^ (x >> shift)) * factor
    return (x ^ (x >> LAST_SHIFT)).view(np.int64)


def raw(values: Sequence[int] | Ints) -> bytes:
    """Pack ints as the driver reads them."""
    return np.asarray(values, dtype=np.int64).tobytes()
