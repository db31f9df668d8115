"""What writers that will be killed write, over and over, and what there is after each write. Pure."""

import math
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Any

from model import Row

HEADS = 8
LONG_VALUE_BYTES = 20_000
DELETES_EVERY = 3
"""After so many batches a range is deleted."""


@dataclass(frozen=True)
class Shape:
    """How many batches a plan has, and of what: rows, and the least and most bytes of a row's value."""

    batches: int
    rows: int
    value_bytes: tuple[int, int]


SMALL = Shape(12, 150, (20, 500))
HEAVY = Shape(4, 75, (30_000, 50_000))
MANY = Shape(2, 10_000, (150, 300))
LOADS = Shape(4, 2_000, (48, 48))
"""As the bars have them."""

SHAPES = (SMALL, HEAVY, MANY, LOADS)
"""A store may be tempted to commit three megabytes, of few rows or of thousands, in parts."""

DRAWN_SHAPES = 1
DRAWN_ROWS, DRAWN_BYTES = (60, 10_000), (100_000, 3_000_000)
DRAWN_ROWS_IN_ALL = 20_000
MOST_VALUE_BYTES = 50_000


def draw_shape(rng: Random) -> Shape:
    """Draw how many rows batches have, and how many bytes in all: what lies between is as likely as the ends."""
    rows = round(log_uniform(rng, *DRAWN_ROWS))
    mean = min(log_uniform(rng, *DRAWN_BYTES) / rows, MOST_VALUE_BYTES)
    return Shape(min(max(DRAWN_ROWS_IN_ALL // rows, 2), 6), rows, (round(mean * 2 / 3), round(mean * 4 / 3)))


def log_uniform(rng: Random, least: float, most: float) -> float:
    """Draw a size: each doubling is as likely as the next."""
    return math.exp(rng.uniform(math.log(least), math.log(most)))


@dataclass(frozen=True)
class Deletion:
    """A range to delete, by its bounds."""

    lo: list[Any]
    hi: list[Any]

    def holds(self, key: tuple[str, int, int]) -> bool:
        """Tell whether a key is in the range."""
        return tuple(self.lo) <= key < tuple(self.hi)


@dataclass(frozen=True)
class Plan:
    """The writes that are made over and over: deletions, and batches to each of which the number of writes is added."""

    steps: list[list[Row] | Deletion]

    @property
    def plain(self) -> list[list[Any]]:
        """Give the steps as the driver takes them."""
        return [["delete", step.lo, step.hi] if isinstance(step, Deletion) else ["put", step] for step in self.steps]

    def after(self, stored: int) -> dict[tuple[str, int, int], bytes]:
        """Give all rows after so many writes: the last of each step tell them, since every row is stored by one."""
        rows: dict[tuple[str, int, int], bytes] = {}
        for number in range(max(stored - len(self.steps), 0), stored):
            step = self.steps[number % len(self.steps)]
            if isinstance(step, Deletion):
                rows = {key: value for key, value in rows.items() if not step.holds(key)}
            else:
                rows |= {(tenant, ts, seq): value for tenant, ts, seq, value in step}
                rows["m-number", 0, 0] = str(number + 1).encode()
        return rows


def draw_plan(rng: Random, shape: Shape) -> Plan:
    """Draw batches: rows of their own, one of them long, and rows at both ends and between that each overwrites."""
    steps: list[list[Row] | Deletion] = []
    keys: list[list[Any]] = []
    size = partial(rng.randint, *shape.value_bytes)
    for number in range(shape.batches):
        rows: list[Row] = [
            [f"{rng.choice('abyz')}{number}", rng.randint(-(2**60), 2**60), position, rng.randbytes(size())]
            for position in range(shape.rows)
        ]
        rows += [[tenant, head, 0, rng.randbytes(30)] for tenant in ("", "m", "zz") for head in range(HEADS)]
        rows.append(["m-long", number, 0, rng.randbytes(LONG_VALUE_BYTES)])
        rng.shuffle(rows)
        steps.append(rows)
        keys += [row[:3] for row in rows]
        if number % DELETES_EVERY == DELETES_EVERY - 1 or number == shape.batches - 1:
            steps.append(Deletion(*sorted(rng.sample(keys, 2))))
    return Plan(steps)
