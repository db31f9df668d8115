"""A whole duel on simulated subjects: planted speeds, noise, stalls, crashes and wrong answers."""

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pytest

from harness.duel.match import Forfeit, Match, Measured, Pairing
from harness.duel.round import Call, Round
from harness.duel.schedule import LOOKS, ROUNDS_PER_LAUNCH, ROUNDS_WHEN_FAR
from harness.duel.stopping import Decision
from harness.outcome import Crashed, Finished, Outcome, TimedOut
from harness.sandbox.roles import Side, State, Stats, Subject


def pairing(launch: int) -> Pairing:
    return Pairing(launch, Subject(Side.CANDIDATE, launch), Subject(Side.REFERENCE, launch))


@dataclass
class SimulatedRoster:
    """Subjects with a planted speed; time is a number that their calls add to."""

    seconds: Callable[[Subject], float]
    fate: Callable[[Subject, int], Outcome | None] = lambda subject, calls: None
    off_core: Callable[[Subject], float] = lambda subject: 0.0
    paused_cpu: float = 0.0
    now: float = 0.0
    calls: int = 0
    awake: Subject | None = None
    running: set[Subject] = field(default_factory=set)
    cpu: dict[Subject, float] = field(default_factory=dict)

    def started(self, subject: Subject) -> bool:
        return subject in self.running

    def start(self, subjects: Sequence[Subject], hash_seed: int) -> None:
        self.running |= set(subjects)

    def wake(self, subject: Subject, watch: Sequence[Subject] = ()) -> list[Stats]:
        self.awake = subject
        return self.stats(watch)

    def call(self, subject: Subject, function: str, *args: object, timeout_sec: float | None = None) -> Outcome:
        self.wake(subject)
        return Finished(None)

    def encode(self, subject: Subject, function: str, args: Sequence[object]) -> bytes:
        return b"request"

    def exchange(self, subject: Subject, request: bytes, timeout_sec: float | None) -> Outcome:
        assert subject == self.awake, "a frozen subject was measured"
        took = self.seconds(subject)
        self.now += took
        self.calls += 1
        for other in self.running:
            share = took - self.off_core(subject) if other == subject else self.paused_cpu
            self.cpu[other] = self.cpu.get(other, 0.0) + share
        fate = self.fate(subject, self.calls)
        if fate is not None and not isinstance(fate, Finished):
            self.running.discard(subject)
        return fate or Finished("right")

    def stats(self, subjects: Sequence[Subject]) -> list[Stats]:
        return [Stats(State.RUNNING, cpu_sec=self.cpu.get(subject, 0.0)) for subject in subjects]


@dataclass
class SimulatedStopwatch:
    roster: SimulatedRoster
    kept: list[Side] = field(default_factory=list)

    def time(self, setup: Callable[[], bytes], target: Callable[[bytes], Outcome]) -> tuple[Outcome, float]:
        request = setup()
        began = self.roster.now
        return target(request), self.roster.now - began

    def keep(self, side: Side, seconds: float) -> None:
        self.kept.append(side)


class AnyRound:
    def round(self, rng: random.Random) -> Round:
        return Round((Call("prepare"),), Call("run"), lambda answer: None if answer == "right" else "it is not right")


def play(roster: SimulatedRoster, threshold: float = 1.5) -> tuple[Measured | Forfeit, SimulatedStopwatch]:
    stopwatch = SimulatedStopwatch(roster)
    match = Match(roster, AnyRound(), random.Random(1), stopwatch, pairing)  # type: ignore[arg-type]
    return match.play(threshold, lambda done, total: None), stopwatch


def at_speed(ratio: float, sd: float, seed: int) -> Callable[[Subject], float]:
    rng = random.Random(seed)
    return lambda subject: 0.05 * rng.gauss(1.0, sd) * (ratio if subject.side is Side.CANDIDATE else 1.0)


@pytest.mark.parametrize(
    ("ratio", "decision"), [(1.0, Decision.BELOW), (1.4, Decision.BELOW), (1.6, Decision.ABOVE), (2.5, Decision.ABOVE)]
)
def test_a_clear_ratio_is_decided_at_the_first_look(ratio: float, decision: Decision) -> None:
    result, stopwatch = play(SimulatedRoster(at_speed(ratio, 0.01, 3)))
    assert isinstance(result, Measured)
    assert result.decision is decision
    assert len(result.launches) == LOOKS[0]
    assert len(stopwatch.kept) == 2 * LOOKS[0] * ROUNDS_PER_LAUNCH
    assert result.voided == 0


def test_what_is_far_too_slow_is_measured_briefly() -> None:
    result, stopwatch = play(SimulatedRoster(at_speed(9.0, 0.01, 3)))
    assert isinstance(result, Measured)
    assert result.decision is Decision.ABOVE
    assert len(stopwatch.kept) == 2 * LOOKS[0] * ROUNDS_WHEN_FAR


def test_a_ratio_on_the_bar_uses_up_the_schedule_and_stays_undecided() -> None:
    result, _ = play(SimulatedRoster(at_speed(1.5, 0.02, 5)))
    assert isinstance(result, Measured)
    assert result.decision is Decision.UNDECIDED
    assert len(result.launches) == LOOKS[-1]


def test_a_slow_candidate_below_the_bar_never_passes_over_many_duels() -> None:
    for seed in range(200):
        result, _ = play(SimulatedRoster(at_speed(1.2, 0.01, seed)), threshold=1.1)
        assert isinstance(result, Measured)
        assert result.decision is Decision.ABOVE


def one_wild_launch(wild: int) -> Callable[[Subject], float]:
    return lambda subject: 0.05 * (1.15 if subject == Subject(Side.REFERENCE, wild) else 1.0)


def test_one_wild_launch_costs_launches_but_not_the_decision() -> None:
    slow = lambda subject: one_wild_launch(3)(subject) * (1.2 if subject.side is Side.CANDIDATE else 1.0)
    result, _ = play(SimulatedRoster(slow), threshold=1.1)
    assert isinstance(result, Measured)
    assert result.decision is Decision.ABOVE
    assert len(result.launches) == LOOKS[1]


def control(launch: int) -> Pairing:
    return Pairing(launch, Subject(Side.REFERENCE, launch), Subject(Side.REFERENCE, launch + 1))


@pytest.mark.parametrize(("reach_wanted", "looks"), [(0.2, 1), (0.1, 2)])
def test_a_control_goes_on_until_noise_reaches_no_further_than_wanted(reach_wanted: float, looks: int) -> None:
    roster = SimulatedRoster(one_wild_launch(3))
    match = Match(roster, AnyRound(), random.Random(1), SimulatedStopwatch(roster), control)  # type: ignore[arg-type]
    result = match.play_control(reach_wanted, lambda done, total: None)
    assert isinstance(result, Measured)
    assert result.estimate is not None
    assert result.estimate.reach <= reach_wanted
    assert len(result.launches) == LOOKS[looks - 1]


def test_a_control_that_stays_noisy_ends_with_the_schedule_and_says_so() -> None:
    roster = SimulatedRoster(lambda subject: 0.05 * (1.5 if subject.launch % 2 else 1.0))
    match = Match(roster, AnyRound(), random.Random(1), SimulatedStopwatch(roster), control)  # type: ignore[arg-type]
    result = match.play_control(0.1, lambda done, total: None)
    assert isinstance(result, Measured)
    assert result.estimate is not None
    assert result.estimate.reach > 0.1
    assert len(result.launches) == LOOKS[-1]


def test_disturbed_rounds_are_measured_again_but_not_for_ever() -> None:
    roster = SimulatedRoster(lambda subject: 0.05, off_core=lambda subject: 0.01)
    result, stopwatch = play(roster)
    assert isinstance(result, Measured)
    assert result.voided > 0
    assert len(stopwatch.kept) == 2 * LOOKS[0] * ROUNDS_PER_LAUNCH


def test_work_put_off_until_the_answer_was_given_is_charged() -> None:
    later = lambda subject: -0.05 if subject.side is Side.CANDIDATE else 0.0
    result, _ = play(SimulatedRoster(lambda subject: 0.05, off_core=later))
    assert isinstance(result, Measured)
    assert result.estimate is not None
    assert math.exp(result.estimate.center) == pytest.approx(2.0, rel=0.01)
    assert result.decision is Decision.ABOVE
    assert result.overtime == {Side.CANDIDATE: pytest.approx(1.0, rel=0.01), Side.REFERENCE: 0.0}


def slow_and_waiting(subject: Subject, seconds: float, waited: float) -> tuple[float, float]:
    """Say how long a candidate that waits besides takes, and how much of it it is off the core."""
    return (seconds + waited, waited) if subject.side is Side.CANDIDATE else (0.05, 0.0)


@pytest.mark.parametrize(("work_sec", "voided"), [(0.1, False), (0.07, True)], ids=["beyond the bar", "within it"])
def test_waiting_excuses_only_what_waiting_may_explain(work_sec: float, voided: bool) -> None:
    roster = SimulatedRoster(
        lambda subject: slow_and_waiting(subject, work_sec, 0.05)[0],
        off_core=lambda subject: slow_and_waiting(subject, work_sec, 0.05)[1],
    )
    result, _ = play(roster, threshold=1.5)
    assert isinstance(result, Measured)
    assert result.decision is Decision.ABOVE
    assert (result.voided > 0) == voided


def test_cpu_used_while_frozen_voids_the_round_and_is_counted() -> None:
    result, _ = play(SimulatedRoster(lambda subject: 0.05, paused_cpu=0.02))
    assert isinstance(result, Measured)
    assert result.intrusions > 0
    assert result.voided > 0


def test_a_crash_is_the_candidates_forfeit() -> None:
    fate = lambda subject, calls: Crashed(signal=11) if subject.side is Side.CANDIDATE else None
    result, _ = play(SimulatedRoster(lambda subject: 0.05, fate=fate))
    assert result == Forfeit(Side.CANDIDATE, "was killed by signal 11")


def test_one_time_out_gets_a_second_chance_and_two_do_not() -> None:
    once = lambda subject, calls: TimedOut(1.0) if calls == 2 else None
    forgiven, _ = play(SimulatedRoster(lambda subject: 0.05, fate=once))
    assert isinstance(forgiven, Measured)
    always = lambda subject, calls: TimedOut(1.0) if subject.side is Side.CANDIDATE else None
    result, _ = play(SimulatedRoster(lambda subject: 0.05, fate=always))
    assert isinstance(result, Forfeit)
    assert "25 times as long as the reference" in result.sentence


@pytest.mark.parametrize("answer", ["wrong", None, 3])
def test_a_wrong_answer_in_any_timed_round_is_a_forfeit(answer: object) -> None:
    late = lambda subject, calls: Finished(answer) if subject.side is Side.CANDIDATE and calls > 30 else None
    result, _ = play(SimulatedRoster(lambda subject: 0.05, fate=late))
    assert isinstance(result, Forfeit)
    assert result.side is Side.CANDIDATE
    assert "wrong answer" in result.sentence
