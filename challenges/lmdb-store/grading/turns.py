"""Statistics of both sides in turn, with equal seeds."""

from collections.abc import Callable, Sequence

from grader.plugin.facade import PairedLaunch, SubjectFacade

Pair = tuple[float, float]


def both(launch: PairedLaunch, number: int) -> tuple[SubjectFacade, SubjectFacade]:
    """Give both sides, in an order that alternates."""
    sides = launch.candidate, launch.reference
    return sides if (launch.number + number) % 2 else (sides[1], sides[0])


class Least:
    """The least that each side took for each piece of a run, over runs in turn with equal seeds.

    Short pieces find the machine undisturbed now and then where a whole run would not.
    """

    def __init__(self, launch: PairedLaunch) -> None:
        self._launch = launch
        self._turns = 0
        self._pieces: dict[int, list[float]] = {}

    def turn(self, run: Callable[[SubjectFacade, int], Sequence[float]]) -> None:
        """Run both sides once; `run` gives a figure for each piece, always as many."""
        seed = self._launch.rng.getrandbits(32)
        for side in both(self._launch, self._turns):
            pieces = run(side, seed)
            least = self._pieces.setdefault(id(side), list(pieces))
            self._pieces[id(side)] = [min(pair) for pair in zip(least, pieces, strict=True)]
        self._turns += 1

    @property
    def sums(self) -> Pair:
        """Give each side's sum over the pieces."""
        return sum(self._pieces[id(self._launch.candidate)]), sum(self._pieces[id(self._launch.reference)])


def taken(launch: PairedLaunch, times: int, run: Callable[[SubjectFacade, int], float]) -> Pair:
    """Run both sides so many times in turn, with equal seeds, and give the least of each."""
    least = Least(launch)
    for _ in range(times):
        least.turn(lambda side, seed: [run(side, seed)])
    return least.sums
