"""Demands that are made on one launch of a bar, and nobody knows beforehand on which, nor at which end of it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random

from stage import Subject

from grader.plugin.facade import PairedLaunch
from harness.duel.schedule import STATISTIC_LOOKS
from harness.unforeseen import Unforeseen


class Surprise:
    """One demand on one of the launches that every grading plays."""

    def __init__(self, demand: Callable[[Subject, Random], None]) -> None:
        self._demand = demand
        self._when: tuple[int, bool] | None = None

    @contextmanager
    def around(self, launch: PairedLaunch) -> Iterator[None]:
        """Measure a launch inside of this; the demand comes before or afterwards, if it is this launch's turn."""
        if self._when is None:
            self._when = launch.rng.randrange(STATISTIC_LOOKS[0]), launch.rng.random() < 1 / 2
        number, comes_first = self._when
        seed = launch.rng.getrandbits(64)
        if number == launch.number and comes_first:
            self._demand(launch.reference, Unforeseen(seed))  # which is to be as warm
            self._demand(launch.candidate, Unforeseen(seed))
        yield
        if number == launch.number and not comes_first:
            self._demand(launch.candidate, Unforeseen(seed))
