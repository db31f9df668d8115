"""Measure what needs several cores only while they are free, and say so when they are not.

A bar on both cores asks what a second core is good for. Where a neighbour uses one, a submission that uses one only is
as quick as the reference. And where the grader makes load on a core of its own, what keeps that one busy slows both
sides down until they look alike. Such a launch is no measurement, whoever it would favour: it is done again, for as
long as a grading's patience lasts, and then the bar is not measured.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import pytest

from harness.free_cores import free_cores

WINDOW_SEC = 0.03
"""Several of the kernel's turns, which take 3 to 4 ms."""

ENOUGH = 0.9
"""Share of the cores that loops must get: a quiet machine gives 0.95 to 1.0, one with a neighbour 0.66 to 0.8."""

LOOKS_AFTERWARDS = 8
"""A launch leaves processes and containers to be ended, which takes a moment; a neighbour is there at every look."""

FRESH_SEC = 0.1
"""How long it counts that the cores were free."""

PATIENCE_SEC = 12.0
"""Most seconds of one grading that are spent on waiting and on launches that do not count."""

Taken = TypeVar("Taken")


@dataclass
class CoreWatch:
    """A grading's cores, the subjects' and those that are the grader's alone, and how long they have been waited for.

    `freeze` stills the subjects for a look.
    """

    subjects: Sequence[int]
    grader: Sequence[int]
    freeze: Callable[[], None]
    look: Callable[[Sequence[Sequence[int]], float], float] = free_cores
    clock: Callable[[], float] = time.perf_counter
    lost_sec: float = 0.0
    voided: int = 0
    _free_at: float = float("-inf")

    @property
    def most(self) -> int:
        """How many cores a measurement can use: all that the subjects have, and one on which the grader makes load."""
        return len(self._places())

    def undisturbed(self, wanted: int, take: Callable[[], Taken]) -> Taken:
        """Take a measurement before and after which `wanted` cores were free.

        Skips the test, so that its bar is not measured, when patience is used up.
        """
        while True:
            self._wait(wanted)
            began = self.clock()
            taken = take()
            if self.are_free(wanted):
                return taken
            self.voided += 1
            self._lose(wanted, began)

    def are_free(self, wanted: int) -> bool:
        """Tell whether `wanted` cores are free, now that something has ended which may have left things to be done."""
        return any(self._seem_free(wanted) for _ in range(LOOKS_AFTERWARDS))

    def _wait(self, wanted: int) -> None:
        began = self.clock()
        while self.clock() - self._free_at > FRESH_SEC and not self._seem_free(wanted):
            self._lose(wanted, began)
            began = self.clock()

    def _seem_free(self, wanted: int) -> bool:
        self.freeze()
        found = self.look(self._places(wanted), WINDOW_SEC) >= ENOUGH * wanted
        self._free_at = self.clock() if found else float("-inf")
        return found

    def _places(self, wanted: int | None = None) -> list[Sequence[int]]:
        """Say on which cores each of `wanted` loops may be: a grader with several takes another where one is busy."""
        places = [self.subjects for _ in self.subjects] + ([self.grader] if self.grader else [])
        return places[:wanted]

    def _lose(self, wanted: int, since: float) -> None:
        self.lost_sec += self.clock() - since
        if self.lost_sec > PATIENCE_SEC:
            pytest.skip(f"it needs {wanted} cores, and other work on this machine kept them busy")
