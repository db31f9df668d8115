"""What one round of a duel runs: untimed preparation, one timed call, and the check of its whole answer."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Protocol


@dataclass(frozen=True)
class Call:
    """One call into a driver: a function's name and its plain arguments."""

    function: str
    args: tuple[object, ...] = ()


@dataclass(frozen=True)
class Round:
    """One round, the same for both sides.

    Whatever must not be known before the clock starts travels in `timed`, not in `prepare`; the reply to `timed` is the
    whole answer, which `check` compares with the oracle: `None` when right, else a sentence naming what is wrong.
    """

    prepare: tuple[Call, ...]
    timed: Call
    check: Callable[[object], str | None]


class Workload(Protocol):
    """A source of rounds; equal `rng` states give equal rounds, so a grading can be replayed from its seed."""

    def round(self, rng: Random) -> Round:
        """Make a fresh round."""
