"""Random int64 keys, and how they travel."""

from collections.abc import Sequence
from random import Random

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


def generator(rng: Random) -> np.random.Generator:
    """Make a NumPy generator that depends on `rng` alone."""
    return np.random.default_rng(rng.getrandbits(64))


def distinct(rng: Random, count: int) -> Ints:
    """Draw `count` different int64 keys in random order."""
    spare = count // 1000 + 8
    keys = np.unique(np.frombuffer(rng.randbytes(8 * (count + spare)), dtype=np.int64))
    generator(rng).shuffle(keys)
    if len(keys) < count:
        raise ValueError("too many equal draws of 64 bits: the generator is broken")
    return keys[:count]


def raw(values: Sequence[int] | Ints) -> bytes:
    """Pack ints as the driver reads them."""
    return np.asarray(values, dtype=np.int64).tobytes()
