"""The histogram against NumPy's percentiles of the same values."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.load.histogram import HALF, LARGEST_US, LatencyHistogram, _highest_us, _slot

THREE_DIGITS = 1e-3

latencies = st.lists(st.floats(1e-6, 4000), min_size=1, max_size=200)


def recorded(values: list[float]) -> LatencyHistogram:
    histogram = LatencyHistogram()
    for value in values:
        histogram.record(value)
    return histogram


@given(latencies, st.floats(0, 100))
def test_percentiles_are_those_of_numpy_to_three_digits(values: list[float], percent: float) -> None:
    wanted = sorted(values)[max(0, math.ceil(percent / 100 * len(values) - 1e-9) - 1)]
    assert recorded(values).percentile_sec(percent) == pytest.approx(wanted, rel=THREE_DIGITS, abs=1e-6)


@pytest.mark.parametrize("percent", [50, 90, 99, 99.9, 100])
def test_percentiles_of_many_are_those_of_numpy(percent: float) -> None:
    values = np.random.default_rng(1).lognormal(-6, 1.5, 49_999)
    wanted = np.percentile(values, percent, method="inverted_cdf")
    assert recorded(values.tolist()).percentile_sec(percent) == pytest.approx(wanted, rel=THREE_DIGITS)


@given(st.integers(0, LARGEST_US))
def test_a_value_is_in_a_bucket_of_at_most_its_thousandth(us: int) -> None:
    slot = _slot(us)
    highest = _highest_us(slot)
    lowest = _highest_us(slot - 1) + 1 if slot else 0
    assert lowest <= us <= highest
    assert highest - lowest <= us / HALF


def test_slots_follow_each_other_without_gaps() -> None:
    highest = [_highest_us(slot) for slot in range(_slot(LARGEST_US) + 1)]
    assert all(_slot(value) == slot for slot, value in enumerate(highest))
    assert all(_slot(value + 1) == slot + 1 for slot, value in enumerate(highest[:-1]))
    assert highest[-1] == LARGEST_US


@given(latencies, latencies)
def test_histograms_add_up(some: list[float], others: list[float]) -> None:
    both = recorded(some)
    both.add(recorded(others))
    whole = recorded(some + others)
    assert both.count == whole.count
    assert (both.min_sec, both.max_sec) == (whole.min_sec, whole.max_sec)
    assert both.mean_sec == pytest.approx(whole.mean_sec)
    assert [both.percentile_sec(p) for p in (0, 50, 99, 100)] == [whole.percentile_sec(p) for p in (0, 50, 99, 100)]


def test_extremes_and_mean_are_exact() -> None:
    histogram = recorded([0.0123456, 7.654321, 9000.5])
    assert (histogram.min_sec, histogram.max_sec) == (0.0123456, 9000.5)
    assert histogram.percentile_sec(100) <= 9000.5
    assert histogram.mean_sec == pytest.approx((0.0123456 + 7.654321 + 9000.5) / 3)


@given(latencies, st.floats(1e-6, 4000))
def test_counting_up_to_a_bound_is_exact_but_for_its_neighbours(values: list[float], bound: float) -> None:
    surely = sum(value < bound * (1 - THREE_DIGITS) - 1e-6 for value in values)
    perhaps = sum(value <= bound * (1 + THREE_DIGITS) + 1e-6 for value in values)
    assert surely <= recorded(values).count_up_to(bound) <= perhaps


def test_nothing_recorded_claims_nothing() -> None:
    with pytest.raises(ValueError, match="nothing"):
        LatencyHistogram().percentile_sec(50)
    with pytest.raises(ValueError, match="nothing"):
        _ = LatencyHistogram().mean_sec


@pytest.mark.parametrize("percent", [-1, 101])
def test_a_percentile_beyond_all_is_refused(percent: float) -> None:
    with pytest.raises(ValueError, match="no percentile"):
        recorded([1.0]).percentile_sec(percent)
