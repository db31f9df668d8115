"""The estimator against known answers: SciPy's quantile test, the binomial table, and planted medians."""

import math
import random
import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, quantile_test, trim_mean

from harness.duel.interval import (
    MIDMEAN_ERROR,
    binomial_half_cdf,
    estimate,
    interquartile_mean,
    launch_log_ratio,
    median_ranks,
)

values = st.floats(-5, 5, allow_nan=False)


@pytest.mark.parametrize("n", [5, 8, 13, 20, 50])
def test_ends_agree_with_scipys_quantile_test(n: int) -> None:
    sample = np.random.default_rng(n).normal(size=n)
    found = estimate([[value] for value in sample])
    assert found is not None
    theirs = quantile_test(sample, q=0, p=0.5).confidence_interval(confidence_level=found.confidence - 1e-9)
    assert (found.low, found.high) == (theirs.low, theirs.high)


def test_ten_values_at_95_percent_take_the_second_of_each_end() -> None:
    """Conover's table A3 for n = 10, p = 1/2: P(X <= 1) = 0.0107, so ranks 2 and 9 enclose the median at 97.85 %."""
    rank, confidence = median_ranks(10, confidence=0.95)
    assert (rank, round(confidence, 4)) == (2, 0.9785)


@given(st.integers(1, 200), st.data())
def test_cdf_is_the_binomials(n: int, data: st.DataObject) -> None:
    k = data.draw(st.integers(0, n))
    assert binomial_half_cdf(k, n) == pytest.approx(binom.cdf(k, n, 0.5), rel=1e-9)


def test_five_launches_give_their_range_and_say_so() -> None:
    found = estimate([[0.1], [0.2], [0.3], [0.4], [0.5]])
    assert found is not None
    assert (found.low, found.center, found.high, found.confidence) == (0.1, 0.3, 0.5, 0.9375)


@pytest.mark.parametrize("launches", [5, 7, 12, 15, 21])
def test_interval_covers_a_planted_median_as_often_as_it_says(launches: int) -> None:
    rng = random.Random(launches)
    trials, covered = 4_000, 0
    for _ in range(trials):
        found = estimate([[rng.expovariate(1.0)] for _ in range(launches)])
        assert found is not None
        covered += found.low <= math.log(2) <= found.high
    sampling_error = 4 * math.sqrt(0.0625 * 0.9375 / trials)
    assert covered / trials == pytest.approx(median_ranks(launches)[1], abs=sampling_error)


@given(st.lists(values, min_size=4, max_size=40).filter(lambda found: len(found) % 4 == 0))
def test_interquartile_mean_is_scipys_trimmed_mean(found: list[float]) -> None:
    assert interquartile_mean(found) == pytest.approx(float(trim_mean(found, 0.25)), abs=1e-9)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ([3.0], 3.0),
        ([1.0, 5.0], 3.0),
        ([1.0, 2.0, 6.0], (1 / 4 + 2 + 6 / 4) / 1.5),
        ([9.0, 1.0, 3.0, 5.0, 7.0], (0.75 * 3 + 5 + 0.75 * 7) / 2.5),
    ],
)
def test_edges_of_the_middle_half_count_by_their_part_inside(found: list[float], expected: float) -> None:
    assert interquartile_mean(found) == pytest.approx(expected)


@pytest.mark.parametrize("launches", [5, 7, 12, 15, 21])
def test_noise_is_the_standard_error_of_the_estimate(launches: int) -> None:
    rng = random.Random(7)
    estimates = [estimate([[rng.gauss(0, 1)] for _ in range(launches)]) for _ in range(3_000)]
    centers = [found.center for found in estimates if found is not None]
    assert statistics.stdev(centers) == pytest.approx(MIDMEAN_ERROR / math.sqrt(launches), rel=0.06)


@given(st.lists(st.lists(values, min_size=1, max_size=6), min_size=2, max_size=20))
def test_estimate_lies_inside_its_interval(launches: list[list[float]]) -> None:
    found = estimate(launches)
    assert found is not None
    assert found.low <= found.center <= found.high


@given(
    st.lists(st.sampled_from([math.log(19.75 / 46.88671875), math.log(19.5 / 46.88671875)]), min_size=2, max_size=21)
)
def test_equal_launches_average_to_nothing_beside_them(medians: list[float]) -> None:
    """As counted bytes are: the mean of equal numbers may differ from them by its rounding."""
    found = estimate([[median] for median in medians])
    assert found is not None
    assert found.low <= found.center <= found.high


@given(st.lists(values, min_size=5, max_size=13), st.floats(1e6, 1e9))
def test_one_wild_launch_does_not_move_the_estimate_past_its_neighbours(medians: list[float], wild: float) -> None:
    before, after = estimate([[m] for m in medians]), estimate([[m] for m in [wild, *medians[1:]]])
    assert before is not None
    assert after is not None
    assert after.center <= max(medians[1:]) + 1e-9


@pytest.mark.parametrize("launches", [[], [[1.0]], [[math.nan], [1.0]], [[math.inf], [1.0]]])
def test_too_little_or_no_number_claims_nothing(launches: list[list[float]]) -> None:
    assert estimate(launches) is None


@given(st.lists(st.tuples(st.floats(1e-6, 1e3), st.floats(1e-6, 1e3)), min_size=1, max_size=12))
def test_a_launch_is_the_median_of_its_pairs(pairs: list[tuple[float, float]]) -> None:
    mine, theirs = zip(*pairs, strict=True)
    expected = float(np.median(np.log(np.array(mine) / np.array(theirs))))
    assert launch_log_ratio(mine, theirs) == pytest.approx(expected, abs=1e-12)


def test_a_launch_is_not_moved_by_rounds_that_were_held_up() -> None:
    steady, held_up = [1.0, 1.0, 1.0, 1.0, 1.0], [1.0, 1.0, 1.0, 9.0, 5.0]
    assert launch_log_ratio(held_up, steady) == launch_log_ratio(steady, held_up) == 0.0
    assert launch_log_ratio([2.0 * value for value in held_up], steady) == pytest.approx(math.log(2))


def test_a_machine_that_halves_its_speed_for_a_while_changes_nothing() -> None:
    slowdown = [1.0, 1.0, 2.0, 2.0, 2.0, 1.0]
    assert launch_log_ratio([3.0 * factor for factor in slowdown], slowdown) == pytest.approx(math.log(3))


def test_a_candidate_that_is_slow_in_most_rounds_is_slow() -> None:
    assert launch_log_ratio([1.0, 4.0, 4.0, 4.0, 1.0], [1.0] * 5) == pytest.approx(math.log(4))
