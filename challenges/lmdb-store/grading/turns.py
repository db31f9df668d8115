"""Statistics of both sides in turn, with equal seeds."""

from collections.abc import Callable

from grader.plugin.facade import PairedLaunch, SubjectFacade

Pair = tuple[float, float]


def both(launch: PairedLaunch, number: int) -> tuple[SubjectFacade, SubjectFacade]:
    """Give both sides, in an order that alternates."""
    sides = launch.candidate, launch.reference
    return sides if (launch.number + number) % 2 else (sides[1], sides[0])


def taken(launch: PairedLaunch, times: int, run: Callable[[SubjectFacade, int], float]) -> Pair:
    """Run both sides so many times in turn, with equal seeds, and give the least of each."""
    least = {id(launch.candidate): float("inf"), id(launch.reference): float("inf")}
    for number in range(times):
        seed = launch.rng.getrandbits(32)
        for side in both(launch, number):
            least[id(side)] = min(least[id(side)], run(side, seed))
    return least[id(launch.candidate)], least[id(launch.reference)]
