"""The score: weights, the logarithmic part between pass and distinction, and when there is none."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.evidence import BarStatus, CheckStatus, Evidence
from grader.score import BAR_SHARE, score
from grader.verdict import Verdict, judge
from tests.grader.gradings import bar, challenge, check, evidence

CHALLENGE = challenge()
PASSED = [check("agreement"), check("polish")]


def score_of(found: Evidence) -> float | None:
    """Judge and score."""
    return score(judge(CHALLENGE, found))


def test_distinction_everywhere_is_a_hundred() -> None:
    assert score_of(evidence()) == 100.0


def test_a_bar_just_passed_earns_its_share_and_one_half_way_half_of_the_rest() -> None:
    just = evidence(bars=[bar("lookup", 2.95, 0.0), bar("memory")])
    reached = math.log(3.0 / 2.95) / math.log(3.0 / 1.1)
    assert score_of(just) == pytest.approx(100 * (4 + 2 + 4 * (BAR_SHARE + 0.4 * reached)) / 10, abs=0.05)
    middle = evidence(bars=[bar("lookup", math.sqrt(3.0 * 1.1)), bar("memory")])
    assert score_of(middle) == pytest.approx(100 * (4 + 2 + 4 * 0.8) / 10, abs=0.05)


def test_an_optional_failure_costs_its_weight() -> None:
    assert score_of(evidence(checks=[check("agreement"), check("polish", CheckStatus.FAILED)])) == 90.0
    assert score_of(evidence(bars=[bar("lookup"), bar("memory", 9.0)])) == 80.0


def test_what_an_inconclusive_optional_bar_would_have_earned_is_left_out() -> None:
    assert score_of(evidence(bars=[bar("lookup"), bar("memory", 2.0, 0.3)])) == 100.0


def test_a_failed_grading_is_scored_and_unreached_bars_earn_nothing() -> None:
    unmeasured = [bar(id_, status=BarStatus.NOT_MEASURED, ratio=None) for id_ in ("lookup", "memory")]
    failed = evidence(checks=[check("agreement", CheckStatus.FAILED), check("polish")], bars=unmeasured)
    assert score_of(failed) == 10.0


def test_an_unmeasured_optional_bar_of_a_passed_grading_is_left_out() -> None:
    unmeasured = bar("memory", status=BarStatus.NOT_MEASURED, ratio=None)
    assert score_of(evidence(bars=[bar("lookup"), unmeasured])) == 100.0


@pytest.mark.parametrize(
    "found",
    [
        evidence(fault="broken"),
        evidence(control=None),
        evidence(checks=[]),
        evidence(bars=[bar("lookup", 3.0, 0.5), bar("memory")]),
    ],
)
def test_no_claim_no_score(found: Evidence) -> None:
    assert score_of(found) is None


def test_weights_that_are_all_zero_give_no_score() -> None:
    weightless = challenge(
        checks=[{"id": "agreement", "title": "A", "weight": 0}], bars=[], summary="Nothing weighs anything"
    )
    assert score(judge(weightless, evidence(checks=[check("agreement")], bars=[], control=None))) is None


@given(st.floats(0.05, 20), st.floats(1.0, 5), st.floats(1e-300, 1e300))
def test_the_score_is_within_bounds_and_slower_is_never_better(estimate: float, factor: float, weight: float) -> None:
    weighty = challenge(bars=[{"id": "lookup", "title": "L", "pass": 3.0, "control": True, "weight": weight}])
    verdicts = [
        judge(weighty, evidence(checks=PASSED, bars=[bar("lookup", value, 0.0)]))
        for value in (estimate, estimate * factor)
    ]
    fast, slow = (score(judgement) for judgement in verdicts)
    assert all(value is None or 0 <= value <= 100 for value in (fast, slow))
    if fast is not None and slow is not None:
        assert slow <= fast


def test_the_score_does_not_make_a_verdict() -> None:
    judgement = judge(CHALLENGE, evidence(bars=[bar("lookup", 9.0), bar("memory")]))
    assert judgement.verdict is Verdict.FAIL
    assert score(judgement) == 60.0
