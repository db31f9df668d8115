"""Play the schedule of one duel: rounds in turn, disturbed ones again, launches until the interval settles."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from statistics import median
from typing import Protocol

from harness.duel.interval import Estimate, estimate, launch_log_ratio
from harness.duel.ledger import Ledger
from harness.duel.pair import Accounts, Pair, Played, Turn
from harness.duel.round import Call, Round, Workload
from harness.duel.schedule import next_look, order
from harness.duel.stopping import Decision, decide
from harness.outcome import Finished, Outcome, TimedOut, describe
from harness.roster import Roster
from harness.sandbox.roles import Side, Stats, Subject

PATIENCE = 25.0
"""A call may take this many times the reference's longest for the same work: far beyond any bar."""

MIN_PATIENCE_SEC = 1.0
"""A stall of the whole machine must not look like a slow submission."""

HASH_SEED_LIMIT = 2**32 - 1
"""The largest PYTHONHASHSEED."""


class Stopwatch(Protocol):
    """What times one exchange; `keep` pools a sample that counts."""

    def time(self, setup: Callable[[], bytes], target: Callable[[bytes], Outcome]) -> tuple[Outcome, float]:
        """Run `setup` untimed and `target` on what it made, timed, in seconds."""

    def keep(self, side: Side, seconds: float) -> None:
        """Add a sample that counts to `side`'s record."""


@dataclass(frozen=True)
class Pairing:
    """The two subjects of one launch of one duel; in a control both run the reference."""

    launch: int
    candidate: Subject
    reference: Subject

    @property
    def both(self) -> tuple[Subject, Subject]:
        """Give the two, candidate first."""
        return self.candidate, self.reference

    def subject(self, side: Side) -> Subject:
        """Give the subject that plays `side`."""
        return self.candidate if side is Side.CANDIDATE else self.reference


@dataclass(frozen=True)
class Forfeit:
    """A subject failed in a round; `sentence` says how and may carry hostile text."""

    side: Side
    sentence: str
    timed_out: bool = False


@dataclass(frozen=True)
class Launch:
    """The samples of one launch that count, in seconds, paired by position."""

    candidate: list[float]
    reference: list[float]


@dataclass(frozen=True)
class Measured:
    """A duel that was played to a look of the schedule; `overtime` is the median share of CPU beyond the busy seconds.

    Whoever has it worked when nothing was asked of it: before its turn or after its answer, or on a second core.
    """

    launches: list[Launch]
    estimate: Estimate | None
    decision: Decision
    voided: int
    intrusions: int
    overtime: dict[Side, float]


@dataclass
class Match:
    """One duel in progress."""

    roster: Roster
    workload: Workload
    rng: Random
    stopwatch: Stopwatch
    pairing: Callable[[int], Pairing]
    voided: int = 0
    intrusions: int = 0
    overtime: dict[Side, list[float]] = field(default_factory=lambda: {side: [] for side in Side})
    slowest_reference_sec: dict[str, float] = field(default_factory=dict)

    def play(self, threshold: float, on_launch: Callable[[int, int], None]) -> Measured | Forfeit:
        """Measure until a look decides against `threshold`, or the schedule is used up."""

        def settled(found: Estimate | None) -> bool:
            return decide(found, threshold) is not Decision.UNDECIDED

        return self._play(threshold, settled, on_launch)

    def play_control(self, reach_wanted: float, on_launch: Callable[[int, int], None]) -> Measured | Forfeit:
        """Measure until a look finds that noise reaches no further than `reach_wanted`, or the schedule is used up."""

        def settled(found: Estimate | None) -> bool:
            return found is not None and found.reach <= reach_wanted

        return self._play(math.inf, settled, on_launch)

    def _play(
        self, threshold: float, settled: Callable[[Estimate | None], bool], on_launch: Callable[[int, int], None]
    ) -> Measured | Forfeit:
        launches: list[Launch] = []
        found: Estimate | None = None
        while not settled(found) and (look := next_look(len(launches))) is not None:
            while len(launches) < look:
                on_launch(len(launches), look)
                launch = self._launch_with_second_chance(self.pairing(len(launches)), threshold)
                if isinstance(launch, Forfeit):
                    return launch
                launches.append(launch)
            found = estimate([[launch_log_ratio(launch.candidate, launch.reference)] for launch in launches])
        overtime = {side: median(shares) if shares else 0.0 for side, shares in self.overtime.items()}
        return Measured(launches, found, decide(found, threshold), self.voided, self.intrusions, overtime)

    def _launch_with_second_chance(self, pairing: Pairing, threshold: float) -> Launch | Forfeit:
        """Replay a launch once when a call ran out of time: a stall does not come twice, slowness does."""
        launch = self._launch(pairing, threshold)
        if isinstance(launch, Forfeit) and launch.timed_out:
            launch = self._launch(pairing, threshold)
        return launch

    def _launch(self, pairing: Pairing, threshold: float) -> Launch | Forfeit:
        """Play one launch; a disturbed pair is measured again on a fresh round, as often as the schedule allows.

        Whether a pair was disturbed shows in the accounting after it, which is read together with waking the next one's
        first side: asking the host for it alone would cost as much as a hand-over.
        """
        self._start(pairing)
        ledger = Ledger(threshold)
        last: Pair | None = None
        while (number := ledger.next()) is not None or last is not None:
            round_ = None if number is None else self.workload.round(self.rng)
            now = self._accounts(pairing, None if number is None else order(pairing.launch, number)[0])
            if last is not None:
                self._settle(ledger, Played(last, now), threshold)
                last = None
            if number is not None and round_ is not None:
                pair = self._pair(pairing, number, round_, now)
                if isinstance(pair, Forfeit):
                    return pair
                last = pair
        launch = Launch(ledger.samples(Side.CANDIDATE), ledger.samples(Side.REFERENCE))
        self._keep(launch)
        return launch

    def _settle(self, ledger: Ledger, played: Played, threshold: float) -> None:
        """Enter a pair, with what was done beside the clock charged to whoever did it, unless it says nothing."""
        self.intrusions += played.intrusions
        for side in Side:
            self.overtime[side].append(played.overtime(side))
        seconds = {side: played.charged_sec(side) for side in Side}
        self.voided += not ledger.settle(played.pair.number, seconds, played.is_disturbed(threshold))

    def _keep(self, launch: Launch) -> None:
        for side, samples in ((Side.CANDIDATE, launch.candidate), (Side.REFERENCE, launch.reference)):
            for seconds in samples:
                self.stopwatch.keep(side, seconds)

    def _start(self, pairing: Pairing) -> None:
        subjects = [pairing.candidate, pairing.reference]
        if not all(self.roster.started(subject) for subject in subjects):
            self.roster.start(subjects, self.rng.randint(1, HASH_SEED_LIMIT))

    def _accounts(self, pairing: Pairing, side: Side | None) -> Accounts:
        """Read both subjects' accounting, and wake the one that plays `side`, if any."""
        if side is None:
            return _by_side(self.roster.stats(pairing.both))
        return _by_side(self.roster.wake(pairing.subject(side), pairing.both))

    def _pair(self, pairing: Pairing, number: int, round_: Round, now: Accounts) -> Pair | Forfeit:
        """Measure both sides on one fresh round; the first is awake already, and `now` was read then."""
        turns: list[Turn] = []
        before = [now]
        for side in order(pairing.launch, number):
            if turns:
                before.append(self._accounts(pairing, side))
            turn = self._turn(pairing, side, round_)
            if isinstance(turn, Forfeit):
                return turn
            turns.append(turn)
        return Pair(number, tuple(turns), tuple(before))

    def _turn(self, pairing: Pairing, side: Side, round_: Round) -> Turn | Forfeit:
        subject = pairing.subject(side)
        prepared_sec = 0.0
        for call in round_.prepare:
            began = time.perf_counter()
            outcome = self.roster.call(subject, call.function, *call.args, timeout_sec=self._limit(call))
            if not isinstance(outcome, Finished):
                return self._forfeit(side, outcome)
            took = time.perf_counter() - began
            self._remember(side, call, took)
            prepared_sec += took
        limit_sec = self._limit(round_.timed)
        outcome, seconds = self.stopwatch.time(
            lambda: self.roster.encode(subject, round_.timed.function, round_.timed.args),
            lambda request: self.roster.exchange(subject, request, limit_sec),
        )
        if not isinstance(outcome, Finished):
            return self._forfeit(side, outcome)
        wrong = _wrong(side, round_, outcome.value)
        if wrong is not None:
            return Forfeit(side, f"gave a wrong answer in a timed round: {wrong}")
        self._remember(side, round_.timed, seconds)
        return Turn(side, seconds, prepared_sec + seconds)

    def _limit(self, call: Call) -> float | None:
        slowest = self.slowest_reference_sec.get(call.function)
        return None if slowest is None else max(MIN_PATIENCE_SEC, PATIENCE * slowest)

    def _remember(self, side: Side, call: Call, seconds: float) -> None:
        if side is Side.REFERENCE:
            self.slowest_reference_sec[call.function] = max(seconds, self.slowest_reference_sec.get(call.function, 0.0))

    def _forfeit(self, side: Side, outcome: Outcome) -> Forfeit:
        if isinstance(outcome, TimedOut) and self.slowest_reference_sec:
            slow = f"took more than {PATIENCE:g} times as long as the reference"
            return Forfeit(side, f"{slow} and was stopped after {outcome.timeout_sec:.1f} s", timed_out=True)
        return Forfeit(side, describe(outcome), timed_out=isinstance(outcome, TimedOut))


def _wrong(side: Side, round_: Round, answer: object) -> str | None:
    """Check an answer; one that breaks the check has the wrong shape, as the reference's very first answer did not."""
    try:
        return round_.check(answer)
    except Exception as error:
        if side is Side.REFERENCE:
            raise
        return f"it has the wrong shape ({type(error).__name__} while checking it)"


def _by_side(both: Sequence[Stats]) -> Accounts:
    candidate, reference = both
    return {Side.CANDIDATE: candidate, Side.REFERENCE: reference}
