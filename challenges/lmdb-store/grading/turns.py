"""Statistics of both sides in turn, with equal seeds."""

from collections.abc import Callable

from grader.plugin.facade import PairedLaunch, SubjectFacade
from harness.duel.paired import paired

Pair = tuple[float, float]


def both(launch: PairedLaunch, number: int) -> tuple[SubjectFacade, SubjectFacade]:
    """Give both sides, in an order that alternates."""
    sides = launch.candidate, launch.reference
    return sides if (launch.number + number) % 2 else (sides[1], sides[0])


class Turns:
    """What each side took in its turns, each pair of turns on the same work."""

    def __init__(self, launch: PairedLaunch) -> None:
        self._launch = launch
        self._candidate: list[float] = []
        self._reference: list[float] = []

    def take(self, run: Callable[[SubjectFacade], float]) -> None:
        """Run both sides once; `run` gives a figure."""
        for side in both(self._launch, len(self._reference)):
            (self._candidate if side is self._launch.candidate else self._reference).append(run(side))

    @property
    def pair(self) -> Pair:
        """Give what both sides come to, turn by turn."""
        return paired(self._candidate, self._reference)


def taken(launch: PairedLaunch, run: Callable[[SubjectFacade, int], float]) -> Pair:
    """Run both sides once, with equal seeds."""
    seed = launch.rng.getrandbits(32)
    figures = {id(side): run(side, seed) for side in both(launch, 0)}
    return figures[id(launch.candidate)], figures[id(launch.reference)]
