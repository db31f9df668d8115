"""Random int64 keys, and how they travel."""

from collections.abc import Sequence
from random import Random

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

WORD_BITS = 64


def generator(rng: Random) -> np.random.Generator:
    """Make a NumPy generator that depends on `rng` alone, of which nobody can try all seeds."""
    return np.random.default_rng(rng.getrandbits(128))


def distinct(rng: Random, count: int, bits: int = WORD_BITS) -> Ints:
    """Draw `count` different ints of `bits` random bits, as int64: those seen tell nothing of the others."""
    while True:
        drawn = np.frombuffer(rng.randbytes(count * WORD_BITS // 8), dtype=np.uint64)
        keys = (drawn >> np.uint64(WORD_BITS - bits)).view(np.int64)
        in_order = np.sort(keys)
        if not (in_order[1:] == in_order[:-1]).any():  # as nearly always
            return keys


def ascending(rng: Random, count: int, gap_bits: int) -> Ints:
    """Draw keys that ascend from anywhere, as counters and timestamps do, by gaps of up to `gap_bits` random bits."""
    gaps = generator(rng).integers(1, 2**gap_bits, size=count, endpoint=True)
    return np.cumsum(gaps) + rng.getrandbits(48)


def raw(values: Sequence[int] | Ints) -> bytes:
    """Pack ints as the driver reads them."""
    return np.asarray(values, dtype=np.int64).tobytes()
