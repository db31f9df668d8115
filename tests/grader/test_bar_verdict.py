"""When a bar is passed, failed, or nobody can tell; and what its margin is in units of noise."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.bar_verdict import LEAST_NOISE, BarVerdict, ControlNoise, control_noise, judge_bar
from grader.evidence import ControlEvidence, Interval
from tests.grader.gradings import bar, challenge, interval

BAR = challenge().bars[0]
QUIET = ControlNoise(floor=0.005, error=0.002)


@pytest.mark.parametrize(
    ("low", "estimate", "high", "verdict"),
    [
        (1.0, 1.0, 1.0, BarVerdict.PASS),
        (2.0, 2.5, 3.0, BarVerdict.PASS),
        (2.0, 2.5, 3.0000001, BarVerdict.INCONCLUSIVE),
        (3.0, 3.5, 4.0, BarVerdict.INCONCLUSIVE),
        (3.0000001, 3.5, 4.0, BarVerdict.FAIL),
        (2.99, 2.99, 2.99, BarVerdict.INCONCLUSIVE),
        (3.01, 3.01, 3.01, BarVerdict.INCONCLUSIVE),
        (2.9, 2.9, 2.9, BarVerdict.PASS),
        (3.1, 3.1, 3.1, BarVerdict.FAIL),
    ],
)
def test_the_whole_interval_and_the_noise_floor_decide(
    low: float, estimate: float, high: float, verdict: BarVerdict
) -> None:
    ratio = Interval(estimate=estimate, low=low, high=high, confidence=0.99)
    assert judge_bar(BAR, bar("lookup", ratio=ratio), QUIET).verdict is verdict


def test_the_noise_floor_makes_a_near_estimate_inconclusive_on_either_side() -> None:
    for estimate in (2.5, 3.6):
        far = abs(math.log(estimate / BAR.pass_))
        report = bar("lookup", estimate, 0.001)
        assert judge_bar(BAR, report, ControlNoise(far * 0.999, 0.001)).verdict is not BarVerdict.INCONCLUSIVE
        assert judge_bar(BAR, report, ControlNoise(far * 1.001, 0.001)).verdict is BarVerdict.INCONCLUSIVE


def test_what_is_counted_is_not_moved_by_the_noise_of_times() -> None:
    counted = BAR.model_copy(update={"counted": True})
    loud = ControlNoise(floor=2.0, error=1.0)
    for ratio, verdict in ((1.0, BarVerdict.PASS), (9.0, BarVerdict.FAIL)):
        report = bar("size", ratio, 0.001)
        assert judge_bar(BAR, report, loud).verdict is BarVerdict.INCONCLUSIVE
        assert judge_bar(counted, report, loud).verdict is verdict
    wide = judge_bar(counted, bar("size", 2.9, 0.5), loud)
    assert wide.verdict is BarVerdict.INCONCLUSIVE


@pytest.mark.parametrize(("estimate", "spread", "distinguished"), [(1.0, 0.01, True), (1.09, 0.02, False)])
def test_distinction_needs_the_whole_interval(estimate: float, spread: float, distinguished: bool) -> None:
    judged = judge_bar(BAR, bar("lookup", estimate, spread), QUIET)
    assert (judged.verdict, judged.distinguished) == (BarVerdict.PASS, distinguished)


def test_the_margin_is_in_units_of_the_larger_noise() -> None:
    report = bar("lookup", 1.5, 0.02)
    own = judge_bar(BAR, report, QUIET)
    assert own.noise == pytest.approx(0.01)
    assert own.margin == pytest.approx(math.log(2) / 0.01)
    noisy = judge_bar(BAR, report, ControlNoise(0.1, 0.04))
    assert noisy.margin == pytest.approx(math.log(2) / 0.04)
    slow = judge_bar(BAR, bar("lookup", 6.0, 0.02), QUIET)
    assert slow.margin == pytest.approx(-math.log(2) / 0.01)


def test_a_noise_of_zero_gives_a_finite_margin() -> None:
    judged = judge_bar(BAR, bar("lookup", 1.5, 0.0), ControlNoise(0.0, 0.0))
    assert judged.noise == LEAST_NOISE
    assert judged.margin is not None
    assert math.isfinite(judged.margin)


def test_the_control_gives_floor_and_error() -> None:
    control = ControlEvidence(bar="lookup", ratio=Interval(estimate=1.0, low=0.98, high=1.01, confidence=0.95))
    noise = control_noise(control)
    assert noise is not None
    assert noise.floor == pytest.approx(-math.log(0.98))
    assert noise.error == pytest.approx((math.log(1.01) - math.log(0.98)) / 2 / 1.95996, rel=1e-5)


@pytest.mark.parametrize(
    "changes",
    [
        {"ratio": None},
        {"noise": None},
        {"noise": -0.1},
        {"noise": math.nan},
        {"noise": math.inf},
        {"ratio": Interval(estimate=1.0, low=1.1, high=1.2, confidence=0.99)},
        {"ratio": Interval(estimate=1.0, low=0.0, high=1.2, confidence=0.99)},
        {"ratio": Interval(estimate=1.0, low=-1.0, high=1.2, confidence=0.99)},
        {"ratio": Interval(estimate=1.0, low=0.9, high=math.inf, confidence=0.99)},
        {"ratio": Interval(estimate=math.nan, low=0.9, high=1.1, confidence=0.99)},
        {"ratio": interval(1.0, confidence=1.0)},
        {"ratio": interval(1.0, confidence=0.0)},
        {"launches": []},
        {"launches": [[1.0], []]},
        {"launches": [[1.0]]},
        {"launches": [[1.0, 0.0], [1.0]]},
        {"launches": [[1.0, math.nan], [1.0]]},
        {"candidate": [[1.0, -1.0], [1.0]]},
        {"reference": [[1.0, math.inf], [1.0]]},
    ],
)
def test_unsound_measurements_are_errors_and_leave_no_ratio(changes: dict[str, Any]) -> None:
    judged = judge_bar(BAR, bar("lookup", **changes), QUIET)
    assert judged.verdict is BarVerdict.ERROR
    assert judged.evidence is not None
    assert judged.evidence.ratio is None
    assert judged.margin is None


@given(st.floats(0.01, 100), st.floats(0, 2), st.floats(0, 2))
def test_claims_agree_with_the_side_of_the_bar(estimate: float, spread: float, floor: float) -> None:
    judged = judge_bar(BAR, bar("lookup", estimate, spread), ControlNoise(floor, floor / 2))
    assert judged.margin is not None
    if judged.verdict is BarVerdict.PASS:
        assert estimate <= BAR.pass_
        assert judged.margin >= 0
    elif judged.verdict is BarVerdict.FAIL:
        assert estimate > BAR.pass_
        assert judged.margin < 0
    else:
        assert judged.verdict is BarVerdict.INCONCLUSIVE
    assert judged.verdict is BarVerdict.PASS or not judged.distinguished
