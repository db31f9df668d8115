"""Rows to begin with."""

from random import Random

from model import Row


def draw_rows(rng: Random, count: int, tenants: tuple[str, ...] = ("a", "b", "c"), value_bytes: int = 20) -> list[Row]:
    """Draw rows with different keys."""
    times = rng.sample(range(-(2**40), 2**40), count)
    return [[rng.choice(tenants), ts, rng.randrange(2**32), rng.randbytes(value_bytes)] for ts in times]
