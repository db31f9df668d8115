"""Generated tables: the oracle's side of the arithmetic by which the driver makes them from a seed."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Mixed = npt.NDArray[np.uint64]

CITIES = [
    f"{a}{b}" for a in ("North", "South", "East", "West", "New ") for b in ("ham", "port", "ville", "burg", "ford")
]
PHRASES = [f"order {n * 7919 % 1000} was {w}" for n in range(100) for w in ("sent", "kept", "lost", "paid back")]
BASE_US = 1_400_000_000_000_000
STEP_US = 7_000_000
JITTER_US = 5_000_000


def mixed(seed: int, column: int, first: int, count: int) -> Mixed:
    """Give well-mixed 64-bit numbers that belong to rows."""
    x = np.arange(first, first + count, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    x += np.uint64((seed * 0xD1B54A32D192ED03 + column * 0x8CB92BA72F3D8DD7) % 2**64)
    x ^= x >> np.uint64(30)
    x *= np.uint64(0xBF58476D1CE4E5B9)
    x ^= x >> np.uint64(27)
    x *= np.uint64(0x94D049BB133111EB)
    x ^= x >> np.uint64(31)
    return x


def noise_sum(seed: int, column: int, first: int, last: int) -> int:
    """Sum a part of a column of a noise table, modulo 2⁶⁴."""
    return int(mixed(seed, column, first, last - first).sum(dtype=np.uint64))


def at(seed: int, first: int, count: int) -> Ints:
    """Give the times of some rows of the journal, in microseconds."""
    jitter = (mixed(seed, 1, first, count) % np.uint64(JITTER_US)).astype(np.int64)
    return BASE_US + np.arange(first, first + count) * STEP_US + jitter


def account(seed: int, first: int, count: int) -> Ints:
    """Give the accounts of some rows."""
    return (mixed(seed, 2, first, count) % np.uint64(5000)).astype(np.int64)


def city(seed: int, first: int, count: int) -> Ints:
    """Give the places in CITIES of some rows."""
    return (mixed(seed, 3, first, count) % np.uint64(len(CITIES))).astype(np.int64)


def note(seed: int, first: int, count: int) -> Ints:
    """Give the places in PHRASES of some rows; -1 where there is none."""
    numbers = mixed(seed, 4, first, count)
    places: Ints = np.where(numbers % np.uint64(10) < 3, -1, (numbers % np.uint64(len(PHRASES))).astype(np.int64))
    return places


def rate(seed: int, first: int, count: int) -> npt.NDArray[np.float64]:
    """Give the rates of some rows."""
    return (mixed(seed, 6, first, count) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def noise(seed: int, number: int, first: int, count: int) -> Ints:
    """Give column `noise<number>` of some rows."""
    return mixed(seed, 10 + number, first, count).view(np.int64)


def amount(seed: int, first: int, count: int) -> Ints:
    """Give the unscaled amounts of some rows; the scale is 4."""
    return (mixed(seed, 5, first, count) % np.uint64(10**9)).astype(np.int64)


def sums(columns: list[Any], chosen: npt.NDArray[np.bool_]) -> list[int]:
    """Sum the chosen rows of each column, modulo 2⁶⁴."""
    return [int(column[chosen].sum(dtype=np.int64)) % 2**64 for column in columns]
