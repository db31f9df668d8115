"""One round as both sides played it, and what the kernel's accounting says of it. Pure."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from harness.sandbox.roles import Side, Stats

LOST_SHARE: Final = 0.10
"""A turn whose subject was off the core for more of it than this was disturbed, by others or by its own waiting."""

OVERTIME_SHARE: Final = 0.10
"""CPU beyond the time in which anything was asked that is charged; sound solutions have none, in the median."""

PAUSED_CPU_SEC: Final = 0.001
"""CPU that a frozen subject may seem to use, by the grain of the accounting."""

Accounts = dict[Side, Stats]
"""Both subjects' accounting at one moment."""


@dataclass(frozen=True)
class Turn:
    """One side's part of a round: the timed seconds, and all the seconds in which it had something to do."""

    side: Side
    seconds: float
    busy_sec: float


@dataclass(frozen=True)
class Pair:
    """One round as both sides played it, in the order in which they did; `before` was read before each turn."""

    number: int
    turns: tuple[Turn, ...]
    before: tuple[Accounts, ...]


@dataclass(frozen=True)
class Played:
    """A pair whose accounting is complete: `after` was read when its last turn had ended."""

    pair: Pair
    after: Accounts

    @property
    def intrusions(self) -> int:
        """Count the turns during which the side that was frozen used CPU."""
        frozen = [_used(*both, _other(turn.side)) for turn, both in zip(self.pair.turns, self._windows, strict=True)]
        return sum(used is not None and used > PAUSED_CPU_SEC for used in frozen)

    def is_disturbed(self, threshold: float) -> bool:
        """Tell whether it says nothing: a frozen subject ran meanwhile, or one lost time and that may be all.

        Lost time is an excuse for lost time. A candidate that is beyond the ratio `threshold` by its CPU alone is not
        excused by having waited too, or one that sleeps whenever it was slow would have its slow rounds taken away.
        """
        if self.intrusions:
            return True
        worked = self._used(Side.CANDIDATE)
        if worked is not None and worked > threshold * self._turn(Side.REFERENCE).busy_sec:
            return False
        return any(self._lost_time(side) for side in Side)

    def overtime(self, side: Side) -> float:
        """Give the CPU that a side used beyond the time in which anything was asked of it, as a share of that."""
        used, busy_sec = self._used(side), self._turn(side).busy_sec
        return 0.0 if used is None else max(0.0, used / busy_sec - 1)

    def charged_sec(self, side: Side) -> float:
        """Give a side's timed seconds and, where it is more than the accounting's grain, its overtime.

        A turn's window is longer than its clock runs: rounds are made and answers checked while whoever played last is
        awake. Who puts work off until then, or does it on a core besides, has done it all the same.
        """
        turn, overtime = self._turn(side), self.overtime(side)
        return turn.seconds + (overtime * turn.busy_sec if overtime > OVERTIME_SHARE else 0.0)

    @property
    def _windows(self) -> list[tuple[Accounts, Accounts]]:
        """Give the accounting before and after each turn, from waking the one that plays to freezing it."""
        return list(pairwise([*self.pair.before, self.after]))

    def _turn(self, side: Side) -> Turn:
        return next(turn for turn in self.pair.turns if turn.side is side)

    def _used(self, side: Side) -> float | None:
        window = next(both for turn, both in zip(self.pair.turns, self._windows, strict=True) if turn.side is side)
        return _used(*window, side)

    def _lost_time(self, side: Side) -> bool:
        used, busy_sec = self._used(side), self._turn(side).busy_sec
        return used is not None and busy_sec - used > LOST_SHARE * busy_sec


def _other(side: Side) -> Side:
    return Side.REFERENCE if side is Side.CANDIDATE else Side.CANDIDATE


def _used(before: Accounts, after: Accounts, side: Side) -> float | None:
    """Give the CPU seconds that a side used between two readings; `None` where the kernel does not tell."""
    began, ended = before[side].cpu_sec, after[side].cpu_sec
    return None if began is None or ended is None else ended - began
