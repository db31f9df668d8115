"""Measure one bar, as a duel or by a statistic of each launch, and record the evidence."""

import math
from collections.abc import Callable
from functools import partial
from random import Random
from typing import NoReturn

import pytest

from grader.challenge import Bar
from grader.evidence import BarEvidence, BarStatus, ControlEvidence, Finding, Interval
from grader.plugin.checks import TOO_LARGE
from grader.plugin.facade import PairedLaunch, SubjectFailed
from grader.plugin.run import Run
from grader.plugin.stopwatch import PedanticStopwatch, PlainStopwatch
from harness.duel.interval import Estimate, estimate
from harness.duel.match import Forfeit, Match, Measured, Pairing
from harness.duel.pair import OVERTIME_SHARE
from harness.duel.round import Workload
from harness.duel.schedule import LOOKS, STATISTIC_LOOKS, next_look
from harness.duel.stopping import Decision, decide
from harness.errors import CallUnsendable, HarnessError
from harness.outcome import TimedOut
from harness.sandbox.roles import Side, Subject

QUIET = math.log(1.10)
"""A control goes on until noise reaches no further: well within the 1.25 that known solutions keep from every bar."""

Statistic = Callable[[PairedLaunch], tuple[float, float]]


class BarFailed(AssertionError):
    """Ends the pytest item of a bar whose subject failed; the evidence is recorded already."""


class BarMeasurement:
    """What the fixtures `duel` and `measure` do, for one bar."""

    def __init__(self, run: Run, bar: Bar, request: pytest.FixtureRequest) -> None:
        self._run = run
        self._bar = bar
        self._request = request

    def duel(self, workload: Workload) -> None:
        """Measure the bar by alternating rounds of `workload`, then the control if this bar carries it.

        For what one core can show: a bar with `cores` is to be measured by `measure`.
        """
        if self._bar.cores > 1:
            raise ValueError("a duel is played on one core; measure what needs more by a statistic")
        stopwatch = PedanticStopwatch(self._request, self._bar.id)
        match = Match(self._run.roster, workload, self._run.rng(self._bar.id), stopwatch, _across)
        result = match.play(self._bar.pass_, self._on_launch)
        if self._carries_control():
            self._control(workload, self._quiet_enough(result.estimate if isinstance(result, Measured) else None))
        if isinstance(result, Forfeit):
            self._fail(result.side, result.sentence)
        if result.intrusions:
            self._run.findings.append(_intrusion(self._bar.id, result.intrusions))
        if result.overtime[Side.CANDIDATE] > OVERTIME_SHARE:
            self._run.findings.append(_overtime(self._bar.id, result.overtime[Side.CANDIDATE]))
        self._record(
            result.estimate,
            unit="s",
            candidate=[launch.candidate for launch in result.launches],
            reference=[launch.reference for launch in result.launches],
            voided=result.voided,
        )

    def measure(self, statistic: Statistic, unit: str = "s") -> None:
        """Measure the bar by one pair of positive numbers a launch, (candidate, reference), smaller being better."""
        rng = self._run.rng(self._bar.id)
        voided = self._run.watch.voided
        pairs, estimated = _taken_until(
            lambda found: decide(found, self._bar.pass_) is not Decision.UNDECIDED,
            lambda number: self._on_free_cores(lambda: self._statistic(statistic, number, rng)),
            self._on_launch,
        )
        voided = self._run.watch.voided - voided
        if self._bar.control:
            self._control_statistic(statistic, self._quiet_enough(estimated))
        self._record(estimated, unit, [[mine] for mine, _ in pairs], [[theirs] for _, theirs in pairs], voided)

    def _on_free_cores(self, take: Callable[[], tuple[float, float]]) -> tuple[float, float]:
        """Take a launch's numbers, again where the bar needs several cores and did not have them."""
        if self._bar.cores == 1:
            return take()
        return self._run.watch.undisturbed(self._bar.cores, take)

    def _statistic(self, statistic: Statistic, number: int, rng: Random) -> tuple[float, float]:
        """Take one launch's numbers; a call that ran out of time gets a second chance in fresh processes."""
        launch = PairedLaunch(self._run.roster, _across(number), rng)
        launch.ensure()
        try:
            return self._taken(statistic, launch)
        except SubjectFailed as failure:
            if not isinstance(failure.outcome, TimedOut):
                self._fail(failure.side, str(failure))
        launch.fresh()
        try:
            return self._taken(statistic, launch)
        except SubjectFailed as failure:
            self._fail(failure.side, str(failure))

    def _taken(self, statistic: Statistic, launch: PairedLaunch) -> tuple[float, float]:
        """Take the numbers; where an answer breaks the statistic, the reference alone tells whose fault it is."""
        try:
            mine, theirs = statistic(launch)
        except AssertionError as error:
            self._fail(Side.CANDIDATE, str(error))
        except CallUnsendable:
            self._demand_of_the_reference(statistic, launch)
            self._fail(Side.CANDIDATE, TOO_LARGE)
        except (SubjectFailed, pytest.skip.Exception, HarnessError):
            raise
        except Exception as error:  # noqa: BLE001  (whatever a hostile answer provokes)
            self._demand_of_the_reference(statistic, launch)
            self._fail(Side.CANDIDATE, f"gave an answer of the wrong shape ({type(error).__name__} while checking it)")
        if not 0 < mine < math.inf:
            self._fail(Side.CANDIDATE, f"came to {mine:g}, which nothing can: what was used before is no credit")
        return mine, theirs

    def _demand_of_the_reference(self, statistic: Statistic, launch: PairedLaunch) -> None:
        """Take the numbers of the reference beside itself: what breaks then is ours, and passes through."""
        both = PairedLaunch(self._run.roster, _control_pairing(launch.number, STATISTIC_LOOKS[0]), launch.rng)
        both.ensure()
        statistic(both)

    def _fail(self, side: Side, sentence: str) -> NoReturn:
        status = BarStatus.SUBJECT_FAILED if side is Side.CANDIDATE else BarStatus.ERROR
        message = sentence if side is Side.CANDIDATE else f"the reference {sentence}"
        self._run.bars[self._bar.id] = BarEvidence(id=self._bar.id, status=status, message=message)
        raise BarFailed(message)

    def _record(
        self,
        estimated: Estimate | None,
        unit: str,
        candidate: list[list[float]],
        reference: list[list[float]],
        voided: int,
    ) -> None:
        ratios = [
            [mine / theirs for mine, theirs in zip(*launch, strict=True)]
            for launch in zip(candidate, reference, strict=True)
        ]
        self._run.bars[self._bar.id] = BarEvidence(
            id=self._bar.id,
            status=BarStatus.NOT_MEASURED if estimated is None else BarStatus.MEASURED,
            message="too few launches to claim anything" if estimated is None else "",
            unit=unit,
            ratio=None if estimated is None else _interval(estimated),
            noise=None if estimated is None else estimated.noise,
            launches=ratios,
            candidate=candidate,
            reference=reference,
            voided_rounds=voided,
        )

    def _carries_control(self) -> bool:
        selected = self._run.selected_bars()
        return self._bar.control or (self._run.control is None and not any(bar.control for bar in selected))

    def _quiet_enough(self, estimated: Estimate | None) -> float:
        """Say how far noise may reach: not past this bar from where the candidate is, and not far in any case."""
        return QUIET if estimated is None else min(QUIET, abs(math.log(self._bar.pass_) - estimated.center))

    def _control(self, workload: Workload, reach_wanted: float) -> None:
        """Measure the reference against itself, each launch's against the next one's."""
        stopwatch = PlainStopwatch(self._request)
        pairing = partial(_control_pairing, ring=LOOKS[0])
        match = Match(self._run.roster, workload, self._run.rng("control"), stopwatch, pairing)
        result = match.play_control(reach_wanted, self._on_launch)
        if isinstance(result, Measured):
            self._record_control(result.estimate)

    def _control_statistic(self, statistic: Statistic, reach_wanted: float) -> None:
        """Take the statistic of the reference against itself, each launch's against the next one's."""
        rng = self._run.rng("control")

        def take(number: int) -> tuple[float, float]:
            launch = PairedLaunch(self._run.roster, _control_pairing(number, STATISTIC_LOOKS[0]), rng)
            launch.ensure()
            return self._on_free_cores(lambda: statistic(launch))

        _, estimated = _taken_until(
            lambda found: found is not None and found.reach <= reach_wanted, take, self._on_launch
        )
        self._record_control(estimated)

    def _record_control(self, estimated: Estimate | None) -> None:
        if estimated is not None:
            self._run.control = ControlEvidence(bar=self._bar.id, ratio=_interval(estimated))

    def _on_launch(self, done: int, total: int) -> None:
        self._run.tell("launch", self._bar.id, done, total, "")


def _across(launch: int) -> Pairing:
    return Pairing(launch, Subject(Side.CANDIDATE, launch), Subject(Side.REFERENCE, launch))


def _control_pairing(launch: int, ring: int) -> Pairing:
    """Pair each launch with the next; the last of the first look (`ring` launches) with the first: no start more."""
    following = 0 if launch == ring - 1 else launch + 1
    return Pairing(launch, Subject(Side.REFERENCE, launch), Subject(Side.REFERENCE, following))


def _taken_until(
    settled: Callable[[Estimate | None], bool],
    take: Callable[[int], tuple[float, float]],
    on_launch: Callable[[int, int], None],
) -> tuple[list[tuple[float, float]], Estimate | None]:
    """Take one pair of numbers a launch until a look settles it, or the schedule is used up."""
    pairs: list[tuple[float, float]] = []
    estimated: Estimate | None = None
    while not settled(estimated) and (look := next_look(len(pairs), STATISTIC_LOOKS)) is not None:
        while len(pairs) < look:
            on_launch(len(pairs), look)
            pairs.append(take(len(pairs)))
        estimated = estimate([[math.log(mine / theirs)] for mine, theirs in pairs])
    return pairs, estimated


def _interval(estimated: Estimate) -> Interval:
    return Interval(
        estimate=math.exp(estimated.center),
        low=math.exp(estimated.low),
        high=math.exp(estimated.high),
        confidence=estimated.confidence,
    )


def _overtime(bar_id: str, share: float) -> Finding:
    return Finding(
        kind="worked_off_the_clock",
        text=f"in {bar_id} the submission used {share:.0%} more CPU than the time in which anything was asked of it",
        advice="Look for threads, or for work put off until the answer was given. It is charged as if it were timed.",
    )


def _intrusion(bar_id: str, times: int) -> Finding:
    return Finding(
        kind="worked_while_paused",
        text=f"a subject used CPU while it was frozen, in {times} rounds of {bar_id}",
        advice="Read the submission for timers, signals and helper processes before you trust its figures.",
    )
