"""The statistics of the bars: one pair of seconds a launch, each side measured twice in turn."""

from collections.abc import Callable
from random import Random
from statistics import median, quantiles
from time import perf_counter
from typing import Any, TypeVar

from accounts import demand_own_processes, processes
from limits import demand_full_lanes, demand_progress
from oracle import Puzzle
from places import demand_processes
from stage import Stage, Subject, stage
from surprise import Surprise
from workload import CRASH_JOBS, PEEK_SEC, ROOMY, hearts, io_latencies, mix, mix_lags, mix_seconds

from grader.plugin.facade import PairedLaunch
from harness.duel.paired import paired
from harness.duel.schedule import STATISTIC_LOOKS
from harness.unforeseen import Unforeseen

FLOORS_SEC = {
    "heartbeat-p50": 0.001,
    "heartbeat-p99": 0.005,
    "heartbeat-max": 0.020,
    "io-p99": 0.005,
    "mixed-throughput": 0.0,
    "cancel-latency": 0.005,
    "shutdown-time": 0.010,
}
"""Added to both sides, so that two tiny times do not make a wild ratio."""

MIXES = 2
ENOUGH_LAGS = 200
"""A mix that brought so many took several times as long as the reference's, and needs no second one."""

SLOWEST_MIX = 5.0
"""Times the reference's seconds for the quickest mix beside which signs of life are taken: nobody may idle for them.

Far beyond slow starts of processes, which are allowed, and below what idling is good for.
"""

TIMED_MIXES = 2
CANCEL_ROUNDS = 2
SHUTDOWN_ROUNDS = 2

Numbers = tuple[float, float]

MixWithLags = tuple[list[float], float]
"""The lags taken beside one mix, and the mix's own seconds."""

SLOWEST_SPIN = 0.65
"""Of how far the reference's cpu jobs come meanwhile, at least: two threads of one process come half as far."""

T = TypeVar("T")


def in_turn(launch: PairedLaunch, take: Callable[[Subject, Random], list[T]]) -> tuple[list[T], list[T]]:
    """Measure both sides twice, A B B A, each pair of turns on the same input."""
    taken: dict[bool, list[T]] = {True: [], False: []}
    for order in ((False, True), (True, False)):
        seed = launch.rng.getrandbits(64)
        for is_candidate in order:
            side: Any = launch.candidate if is_candidate else launch.reference
            taken[is_candidate] += take(side, Unforeseen(seed))
    return taken[True], taken[False]


def with_floor(bar: str, candidate: float, reference: float) -> Numbers:
    """Add a bar's floor to both sides."""
    return candidate + FLOORS_SEC[bar], reference + FLOORS_SEC[bar]


def paired_with_floor(bar: str, candidate: list[float], reference: list[float]) -> Numbers:
    """Add a bar's floor to all, and give what both sides come to, pair by pair."""
    floor_sec = FLOORS_SEC[bar]
    return paired([each + floor_sec for each in candidate], [each + floor_sec for each in reference])


class Heartbeats:
    """The lags of one launch serve three bars."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[list[float], list[float]]] = {}
        self._surprise = Surprise(_demand_lanes_and_processes)

    def statistic(self, bar: str, of: Callable[[list[float]], float]) -> Callable[[PairedLaunch], Numbers]:
        """Make a bar's statistic."""

        def take(launch: PairedLaunch) -> Numbers:
            if launch.number not in self._known:
                with self._surprise.around(launch):
                    puzzle = Puzzle(launch.rng)
                    self._known[launch.number] = _paced(*in_turn(launch, lambda side, rng: _lags(side, rng, puzzle)))
            candidate, reference = self._known[launch.number]
            return with_floor(bar, of(candidate), of(reference))

        return take


def _demand_lanes_and_processes(subject: Subject, rng: Random) -> None:
    demand_full_lanes(subject, rng)
    demand_processes(subject)


def percentile_99(values: list[float]) -> float:
    """Give the value that one in a hundred exceeds."""
    return quantiles(values, n=100, method="inclusive")[98]


def _lags(subject: Subject, rng: Random, puzzle: Puzzle) -> list[MixWithLags]:
    taken: list[MixWithLags] = []
    asking = Unforeseen(rng.getrandbits(64))  # asks one side more often than the other, and mixes are the same for both
    with stage(subject) as on, on.executor("e", **ROOMY):
        alive, first = hearts(on)
        while len(taken) < MIXES and sum(len(lags) for lags, _ in taken) < ENOUGH_LAGS:
            taken.append(mix_lags(on, asking, alive, *mix(rng, puzzle, CRASH_JOBS)))
        taken[0][0].extend(first)
    return taken


def _paced(candidate: list[MixWithLags], reference: list[MixWithLags]) -> tuple[list[float], list[float]]:
    """Give each side's lags, where the candidate's jobs went on meanwhile about as fast as the reference's."""
    mine, theirs = (min(took for _, took in taken) for taken in (candidate, reference))
    assert mine <= SLOWEST_MIX * theirs, (
        f"while the loop was asked for signs of life, the quickest mix of jobs took {mine:.2f} s, which is more than "
        f"{SLOWEST_MIX:g} times the reference's {theirs:.2f} s: when there is work, as many jobs run as may"
    )
    return _all_lags(candidate), _all_lags(reference)


def _all_lags(taken: list[MixWithLags]) -> list[float]:
    return [lag for lags, _ in taken for lag in lags]


class IoBesideComputing:
    """io jobs while cpu jobs compute, which have to go on meanwhile."""

    def __init__(self) -> None:
        self._surprise = Surprise(demand_progress)
        self._shares: list[float] = []

    def p99(self, launch: PairedLaunch) -> Numbers:
        """Take the latency of io jobs that one in a hundred exceeds."""
        with self._surprise.around(launch):
            puzzle = Puzzle(launch.rng)
            candidate, reference = in_turn(launch, lambda side, rng: [_io(side, rng, puzzle)])
        self._shares.append(max(rate for _, rate in candidate) / min(rate for _, rate in reference))
        if launch.number >= STATISTIC_LOOKS[0] - 1:  # in a single one, others may have taken a core
            self._demand_steps(median(self._shares))
        return with_floor("io-p99", percentile_99(_all_lags(candidate)), percentile_99(_all_lags(reference)))

    def _demand_steps(self, share: float) -> None:
        assert share >= SLOWEST_SPIN, (
            f"beside io jobs, {ROOMY['cpu']} cpu jobs came {share:.2f} times as far as the reference's: at least "
            f"{SLOWEST_SPIN:g} times are asked for, as processes on two cores do"
        )


def _io(subject: Subject, rng: Random, puzzle: Puzzle) -> tuple[list[float], float]:
    with stage(subject) as on, on.executor("e", **ROOMY):
        return io_latencies(on, rng, puzzle)


def mixed_throughput(launch: PairedLaunch) -> Numbers:
    """Take the time of a mix."""
    puzzle = Puzzle(launch.rng)
    candidate, reference = in_turn(launch, lambda side, rng: _mixes(side, rng, puzzle))
    return paired_with_floor("mixed-throughput", candidate, reference)


def _mixes(subject: Subject, rng: Random, puzzle: Puzzle) -> list[float]:
    with stage(subject) as on:
        enough = sum(processes(on)) + ROOMY["cpu"]

        def run_mix() -> tuple[float, list[int]]:
            return mix_seconds(on, *mix(rng, puzzle), rng.uniform(*PEEK_SEC), enough)

        with on.executor("e", **ROOMY):
            warm_up = run_mix()  # threads and processes have started
            timed = [run_mix() for _ in range(TIMED_MIXES)]
        counts = [count for _, counted in (warm_up, *timed) for count in counted]
        demand_own_processes(on, max(counts, default=None), ROOMY["cpu"], "in the midst of a mix of jobs")
    return [seconds for seconds, _ in timed]


def cancel_latency(launch: PairedLaunch) -> Numbers:
    """Take the seconds from a cancellation to the end of the job, summed over the kinds."""
    candidate, reference = in_turn(launch, _cancels)
    return paired_with_floor("cancel-latency", candidate, reference)


def _cancels(subject: Subject, _: Random) -> list[float]:
    with stage(subject) as on, on.executor("e", **ROOMY):
        return [
            sum(_cancelled(on, kind, number) for kind in ("io", "nested", "cpu")) for number in range(CANCEL_ROUNDS)
        ]


def _cancelled(on: Stage, kind: str, number: int) -> float:
    name = f"{kind}-{number}"
    on.submit("e", kind, name)
    on.arrival(name, f"a {kind} job should have started")
    waiting = on.start("result", name)
    began = perf_counter()
    on.start("cancel", name)
    answer = on.outcome(waiting, f"the caller of a {kind} job that was cancelled should have been told")
    assert answer == ["cancelled"], f"awaiting a cancelled {kind} job did not raise CancelledError"
    guest = on.departure(name, f"a cancelled {kind} job should have been stopped")
    return max(on.landed_at(waiting), guest.left_at or 0.0) - began


def shutdown_time(launch: PairedLaunch) -> Numbers:
    """Take the time of a shutdown that does not drain, with every kind running and more queued."""
    candidate, reference = in_turn(launch, _shutdowns)
    return paired_with_floor("shutdown-time", candidate, reference)


def _shutdowns(subject: Subject, _: Random) -> list[float]:
    return [_shut_down(subject) for _ in range(SHUTDOWN_ROUNDS)]


def _shut_down(subject: Subject) -> float:
    with stage(subject) as on:
        on.call("open_", "e", ROOMY)
        names = [(kind, f"{kind}-{number}") for kind in ("io", "cpu", "nested") for number in range(ROOMY[kind])]
        tickets = [on.submitting("e", kind, name) for kind, name in names]
        for (kind, name), ticket in zip(names, tickets, strict=True):
            on.outcome(ticket, f"submit should have accepted the {kind} job at once")
            on.arrival(name, f"a {kind} job should have started")
        on.finish("cpu-0")  # its process is idle from now on, and must be ended as well
        on.result("cpu-0", "a cpu job should have ended")
        on.call("run", "e", "blocking", "echo", [1])
        ticket = on.start("shutdown", "e", False, 5.0)
        on.outcome(ticket, "shutdown(drain=False) should have returned")
        on.until(lambda: not on.here(), "shutdown(drain=False) should have stopped every job")
        last = max(on.departure(name, f"a {kind} job should have ended").left_at or 0.0 for kind, name in names)
        return max(on.landed_at(ticket), last) - on.started_at(ticket)
