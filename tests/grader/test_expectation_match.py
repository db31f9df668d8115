"""What each kind of known solution must get, and what a grading that went otherwise is called."""

import math
from pathlib import Path

import pytest

from grader.challenge import Challenge
from grader.dead_zone import Margin, Shore
from grader.evidence import (
    BarEvidence,
    BarStatus,
    CheckEvidence,
    CheckStatus,
    ControlEvidence,
    Evidence,
    Interval,
    MachineEvidence,
    Timing,
)
from grader.expectation_match import Agreement, Observed, compare, observe, soundings
from grader.known import Expectation, KnownSolution, SolutionKind
from grader.verdict import Verdict, judge


def ids(*names: str) -> frozenset[str]:
    return frozenset(names)


def known(kind: SolutionKind, fails: tuple[str, ...] = (), may_fail: tuple[str, ...] = ()) -> KnownSolution:
    verdict = Verdict.PASS if kind in {SolutionKind.REFERENCE, SolutionKind.ACCEPTED} else Verdict.FAIL
    return KnownSolution("maps", kind, kind.value, Path(kind.value), Expectation(verdict, fails, may_fail))


SOUND = [known(SolutionKind.REFERENCE), known(SolutionKind.ACCEPTED)]
STARTER = known(SolutionKind.STARTER, may_fail=("order", "hit"))


@pytest.mark.parametrize("solution", SOUND)
@pytest.mark.parametrize(
    ("observed", "agreement"),
    [
        (Observed(), Agreement.EXPECTED),
        (Observed(failed=ids("hit")), Agreement.UNEXPECTED),
        (Observed(unsettled=ids("hit")), Agreement.INCONCLUSIVE),
        (Observed(failed=ids("order"), unsettled=ids("hit")), Agreement.UNEXPECTED),
        (Observed(failed=ids("extra"), optional=ids("extra")), Agreement.EXPECTED),
        (Observed(unsettled=ids("extra"), optional=ids("extra")), Agreement.EXPECTED),
    ],
)
def test_a_sound_solution_must_pass_all_that_is_required(solution, observed, agreement):
    assert compare(solution, observed).agreement is agreement


def test_what_a_sound_solution_failed_is_named():
    assert compare(SOUND[0], Observed(failed=ids("hit"))).reasons == ("failed hit but must pass",)


@pytest.mark.parametrize(
    ("observed", "agreement"),
    [
        (Observed(failed=ids("order")), Agreement.EXPECTED),
        (Observed(failed=ids("order"), unsettled=ids("hit")), Agreement.EXPECTED),
        (Observed(unsettled=ids("hit")), Agreement.INCONCLUSIVE),
        (Observed(), Agreement.UNEXPECTED),
    ],
)
def test_a_starter_must_fail_by_anything(observed, agreement):
    assert compare(STARTER, observed).agreement is agreement


@pytest.mark.parametrize(
    ("failed", "agreement"),
    [
        (ids("order"), Agreement.EXPECTED),
        (ids("order", "churn"), Agreement.EXPECTED),
        (ids("churn"), Agreement.UNEXPECTED),
        (ids(), Agreement.UNEXPECTED),
        (ids("order", "leak"), Agreement.UNEXPECTED),
    ],
)
def test_a_rejected_solution_fails_what_is_named_and_nothing_that_is_not(failed, agreement):
    solution = known(SolutionKind.REJECTED, fails=("order",), may_fail=("churn",))
    assert compare(solution, Observed(failed=failed)).agreement is agreement


def test_a_rejected_solution_caught_by_something_else_says_both_things():
    solution = known(SolutionKind.REJECTED, fails=("order",))
    assert compare(solution, Observed(failed=ids("leak"))).reasons == (
        "was not caught by order",
        "failed leak, which expect.toml does not name",
    )


@pytest.mark.parametrize(
    ("unsettled", "optional", "agreement"),
    [
        (ids("hit"), ids(), Agreement.INCONCLUSIVE),
        (ids("hit"), ids("hit"), Agreement.INCONCLUSIVE),
        (ids("churn"), ids(), Agreement.EXPECTED),
        (ids("miss"), ids(), Agreement.INCONCLUSIVE),
        (ids("miss"), ids("miss"), Agreement.EXPECTED),
    ],
)
def test_an_open_bar_of_a_rejected_solution_matters_unless_nothing_is_claimed_of_it(unsettled, optional, agreement):
    solution = known(SolutionKind.REJECTED, fails=("hit",), may_fail=("churn",))
    failed = ids("hit") - unsettled
    assert compare(solution, Observed(failed, unsettled, optional)).agreement is agreement


@pytest.mark.parametrize("solution", [*SOUND, STARTER, known(SolutionKind.REJECTED, fails=("order",))])
def test_a_platform_fault_is_never_taken_for_an_answer(solution):
    comparison = compare(solution, Observed(failed=ids("order"), errors=("the engine went away",)))
    assert comparison.agreement is Agreement.ERROR
    assert comparison.reasons == ("the engine went away",)


@pytest.mark.parametrize("units", [2.5, -2.5])
@pytest.mark.parametrize("solution", [*SOUND, known(SolutionKind.REJECTED, fails=("hit",))])
def test_a_thin_margin_is_a_fault_on_either_side(solution, units):
    observed = Observed(failed=ids(*solution.expectation.fails), margins=(Margin("hit", 1.4, 1.5, units),))
    comparison = compare(solution, observed)
    assert comparison.agreement is Agreement.UNEXPECTED
    assert any("2.5 units of noise" in reason for reason in comparison.reasons)


@pytest.mark.parametrize("solution", [STARTER, known(SolutionKind.REJECTED, fails=("order",), may_fail=("hit",))])
def test_a_thin_margin_is_no_fault_where_nothing_is_claimed(solution):
    observed = Observed(failed=ids("order"), margins=(Margin("hit", 1.4, 1.5, 0.5),))
    assert compare(solution, observed).agreement is Agreement.EXPECTED


def test_sound_solutions_delimit_every_bar_and_slow_ones_their_own():
    margins = (Margin("hit", 1.0, 2.0, 9.0), Margin("miss", 4.0, 2.0, -9.0))
    sound = soundings(known(SolutionKind.ACCEPTED), margins)
    slow = soundings(known(SolutionKind.REJECTED, fails=("miss",)), margins)
    assert [(found.margin.bar, found.shore) for found in sound] == [("hit", Shore.SOUND), ("miss", Shore.SOUND)]
    assert [(found.margin.bar, found.shore) for found in slow] == [("miss", Shore.SLOW)]
    assert soundings(STARTER, margins) == []


CHALLENGE = Challenge.model_validate(
    {
        "version": 1,
        "title": "Maps",
        "summary": "Build a map.",
        "area": "data structures",
        "minutes": 60,
        "checks": [{"id": "order", "title": "Keeps order"}, {"id": "extra", "title": "Nice", "required": False}],
        "bars": [
            {"id": "hit", "title": "Hits", "pass": 1.5, "control": True},
            {"id": "miss", "title": "M", "pass": 2.0},
        ],
    }
)


def evidence(order: CheckStatus, bars: list[BarEvidence], fault: str | None = None) -> Evidence:
    return Evidence(
        checks=[CheckEvidence(id="order", status=order), CheckEvidence(id="extra", status=CheckStatus.FAILED)],
        bars=bars,
        control=ControlEvidence(bar="hit", ratio=Interval(estimate=1.0, low=0.99, high=1.01, confidence=0.95)),
        timing=Timing(total_sec=1.0, candidate_sec=0.3, reference_sec=0.3),
        machine=MachineEvidence(cpu_model="c", cores=2, memory_mb=1, kernel="k", python="3"),
        fault=fault,
    )


def measured(bar: str, ratio: float, noise: float = 0.01) -> BarEvidence:
    interval = Interval(estimate=ratio, low=ratio * 0.98, high=ratio * 1.02, confidence=0.95)
    return BarEvidence(
        id=bar,
        status=BarStatus.MEASURED,
        ratio=interval,
        noise=noise,
        launches=[[ratio]],
        candidate=[[1.0]],
        reference=[[1.0]],
    )


def not_measured(bar: str) -> BarEvidence:
    return BarEvidence(id=bar, status=BarStatus.NOT_MEASURED, message="a check failed")


def test_a_judgement_is_boiled_down_to_failures_open_questions_and_margins():
    found = observe(judge(CHALLENGE, evidence(CheckStatus.PASSED, [measured("hit", 3.0), measured("miss", 2.01)])))
    assert found.failed == ids("extra", "hit")
    assert found.unsettled == ids("miss")
    assert found.optional == ids("extra")
    assert found.errors == ()
    assert [(margin.bar, margin.ratio, margin.threshold) for margin in found.margins] == [
        ("hit", 3.0, 1.5),
        ("miss", 2.01, 2.0),
    ]
    assert found.margins[0].units == pytest.approx(math.log(1.5 / 3.0) / 0.01)


def test_bars_left_out_because_a_required_check_failed_are_no_open_question():
    found = observe(judge(CHALLENGE, evidence(CheckStatus.FAILED, [not_measured("hit"), not_measured("miss")])))
    assert found.unsettled == ids()


def test_bars_left_out_for_another_reason_are():
    found = observe(judge(CHALLENGE, evidence(CheckStatus.PASSED, [not_measured("hit"), measured("miss", 1.0)])))
    assert found.unsettled == ids("hit")


def test_a_fault_and_a_missing_report_become_errors():
    found = observe(judge(CHALLENGE, evidence(CheckStatus.PASSED, [measured("hit", 1.0)], fault="pytest broke")))
    assert "pytest broke" in found.errors
    assert any("miss" in error for error in found.errors)
