"""The stopping rule decides only when the whole interval lies on one side."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.duel.interval import Estimate
from harness.duel.stopping import Decision, decide


def between(low: float, high: float) -> Estimate:
    return Estimate(
        center=math.log((low * high) ** 0.5), low=math.log(low), high=math.log(high), confidence=0.99, noise=0.01
    )


@pytest.mark.parametrize(
    ("low", "high", "decision"),
    [
        (0.9, 1.0, Decision.BELOW),
        (1.2, 1.3, Decision.ABOVE),
        (1.0, 1.2, Decision.UNDECIDED),
        (0.9, 1.1, Decision.BELOW),
        (1.1, 1.2, Decision.UNDECIDED),
    ],
)
def test_a_bar_of_1_10(low: float, high: float, decision: Decision) -> None:
    assert decide(between(low, high), math.exp(math.log(1.1))) is decision


def test_no_estimate_decides_nothing() -> None:
    assert decide(None, 2.0) is Decision.UNDECIDED


@given(st.floats(0.1, 10), st.floats(1.0, 3.0), st.floats(1.01, 10))
def test_better_is_never_judged_worse(low: float, width: float, threshold: float) -> None:
    worse, better = between(low, low * width), between(low / 2, low * width / 2)
    rank = {Decision.BELOW: 0, Decision.UNDECIDED: 1, Decision.ABOVE: 2}
    if width <= 2:
        assert rank[decide(better, threshold)] <= rank[decide(worse, threshold)]
