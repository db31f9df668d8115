"""How far a launch's number strays where both sides are equal, by the statistic that makes it of the turns.

Two sides take turns at the same fixed work, in an order that alternates, on one core or on two at once. Whatever their
ratio differs from 1 by is this machine's doing. Printed for each statistic: the standard deviation over launches of the
ratio's logarithm, and the farthest.

    python benchmarks/paired_turns.py [--launches 30] [--turns 8] [--turn-ms 50]
"""

import argparse
import math
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing import Pipe, Process
from multiprocessing.connection import Connection

from harness.duel.paired import paired

Statistic = Callable[[Sequence[float], Sequence[float]], float]


def _paired_ratio(candidate: Sequence[float], reference: Sequence[float]) -> float:
    mine, theirs = paired(candidate, reference)
    return mine / theirs


STATISTICS: dict[str, Statistic] = {
    "least of each side": lambda candidate, reference: min(candidate) / min(reference),
    "mean of each side": lambda candidate, reference: statistics.fmean(candidate) / statistics.fmean(reference),
    "median of each side": lambda candidate, reference: statistics.median(candidate) / statistics.median(reference),
    "median of the ratios of pairs": _paired_ratio,
}


def main() -> None:
    """Take turns and print a table for each number of cores."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--launches", type=int, default=30)
    parser.add_argument("--turns", type=int, default=8)
    parser.add_argument("--turn-ms", type=float, default=50.0)
    options = parser.parse_args()
    for cores in (1, 2):
        with _workers(cores) as workers:
            amount = _amount(workers, options.turn_ms / 1000)
            launches = [_launch(workers, amount, number, options.turns) for number in range(options.launches)]
        print(f"\n{options.launches} launches of {options.turns} turns of {options.turn_ms:g} ms on {cores} core(s):")
        for name, statistic in STATISTICS.items():
            logs = [math.log(statistic(candidate, reference)) for candidate, reference in launches]
            print(f"{name:30} sd {statistics.stdev(logs):6.1%}  farthest {max(map(abs, logs)):6.1%}")


def _launch(workers: list[Connection], amount: int, launch: int, turns: int) -> tuple[list[float], list[float]]:
    """Give what both sides took."""
    took: tuple[list[float], list[float]] = [], []
    for turn in range(launch, launch + turns):
        for side in took if turn % 2 == 0 else reversed(took):
            side.append(_run(workers, amount))
    return took


def _run(workers: list[Connection], amount: int) -> float:
    """Have all workers do so much at once."""
    began = time.perf_counter()
    for worker in workers:
        worker.send(amount)
    for worker in workers:
        worker.recv()
    return time.perf_counter() - began


def _amount(workers: list[Connection], seconds: float) -> int:
    """Say how much takes so long, by the quickest of a few tries."""
    tried = 100_000
    return round(tried * seconds / min(_run(workers, tried) for _ in range(5)))


@contextmanager
def _workers(count: int) -> Iterator[list[Connection]]:
    """Start processes that work when they are told how much."""
    pairs = [Pipe() for _ in range(count)]
    processes = [Process(target=_work, args=(theirs,), daemon=True) for _, theirs in pairs]
    for process in processes:
        process.start()
    try:
        yield [ours for ours, _ in pairs]
    finally:
        for (ours, _), process in zip(pairs, processes, strict=True):
            ours.send(0)
            process.join(5.0)


def _work(told: Connection) -> None:
    numbers = dict.fromkeys(range(512), 1)
    while amount := told.recv():
        total = 0
        for number in range(amount):
            total += numbers[number & 511]
        told.send(total)


if __name__ == "__main__":
    main()
