"""What each kind of known solution must get, and what a grading that went otherwise is called."""

import math
from pathlib import Path

import pytest

from grader.assembly import assemble_fault
from grader.dead_zone import Margin, Shore
from grader.evidence import BarEvidence, BarStatus, CheckEvidence, CheckStatus
from grader.expectation_match import Agreement, Observed, compare, observe, soundings
from grader.known import Expectation, KnownSolution, SolutionKind
from grader.verdict import Verdict
from tests.grader.gradings import bar, challenge, check, circumstances, evidence, result


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
    told = Observed(failed=ids("hit"), messages={"hit": "slow"})
    assert compare(SOUND[0], told).reasons == ("failed hit but must pass: slow",)


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


def not_measured(bar_id: str) -> BarEvidence:
    return BarEvidence(id=bar_id, status=BarStatus.NOT_MEASURED, message="for some reason")


def checks(agreement: CheckStatus, polish: CheckStatus = CheckStatus.PASSED) -> list[CheckEvidence]:
    return [check("agreement", agreement), check("polish", polish)]


def test_a_result_is_boiled_down_to_failures_open_questions_and_margins():
    bars = [bar("lookup", 6.0), bar("memory", 2.01, spread=0.02)]
    found = observe(result(of=evidence(checks=checks(CheckStatus.PASSED, CheckStatus.FAILED), bars=bars)))
    assert found.failed == ids("polish", "lookup")
    assert found.unsettled == ids("memory")
    assert found.optional == ids("polish", "memory")
    assert found.errors == ()
    assert [(margin.bar, margin.ratio, margin.threshold, margin.required) for margin in found.margins] == [
        ("lookup", 6.0, 3.0, True),
        ("memory", 2.01, 2.0, False),
    ]
    assert found.margins[0].units == pytest.approx(math.log(3.0 / 6.0) / 0.005)


def test_bars_left_out_because_a_required_check_failed_are_no_open_question():
    bars = [not_measured("lookup"), not_measured("memory")]
    assert observe(result(of=evidence(checks=checks(CheckStatus.FAILED), bars=bars))).unsettled == ids()


def test_bars_left_out_for_another_reason_are():
    found = observe(
        result(
            of=evidence(
                checks=checks(CheckStatus.PASSED, CheckStatus.FAILED), bars=[not_measured("lookup"), bar("memory")]
            )
        )
    )
    assert found.unsettled == ids("lookup")


def test_faults_and_missing_reports_become_errors():
    found = observe(result(of=evidence(bars=[bar("lookup")], checks=checks(CheckStatus.ERROR), fault="pytest broke")))
    assert found.errors[0] == "pytest broke"
    assert [error.partition(":")[0] for error in found.errors[1:]] == ["agreement", "memory"]


def test_a_result_without_any_evidence_is_an_error():
    assert observe(assemble_fault(circumstances(), challenge(), "the engine went away")).errors == (
        "the engine went away",
    )
