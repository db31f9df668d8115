"""What one launch's turns come to: known answers, and a machine that changes its speed under way."""

import random
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.duel.paired import paired

seconds = st.floats(1e-4, 1e3)


def test_the_middle_ratio_counts_and_the_reference_is_told_as_it_is() -> None:
    assert paired([9.0, 1.0, 6.0], [3.0, 2.0, 3.0]) == pytest.approx((6.0, 3.0))


def test_of_two_the_geometric_mean_counts() -> None:
    mine, theirs = paired([1.0, 8.0], [2.0, 1.0])
    assert mine / theirs == pytest.approx(2.0)


@given(st.lists(seconds, min_size=1), st.floats(0.1, 10.0))
def test_a_side_that_always_takes_so_many_times_as_long_has_that_ratio(reference: list[float], times: float) -> None:
    mine, theirs = paired([each * times for each in reference], reference)
    assert mine / theirs == pytest.approx(times)


def test_speed_that_changes_between_pairs_changes_nothing() -> None:
    """Cores are half as fast again now and then, and the median of each side meets moments of its own."""
    rng = random.Random(7)
    wild: list[float] = []
    ratios: list[float] = []
    for _ in range(200):
        speeds = [rng.choice((1.0, 1.5)) for _ in range(6)]
        candidate = [speed * rng.uniform(0.98, 1.02) for speed in speeds]
        reference = [speed * rng.uniform(0.98, 1.02) for speed in speeds]
        at_other_moments = [rng.choice((1.0, 1.5)) for _ in speeds]
        wild.append(statistics.median(candidate) / statistics.median(at_other_moments))
        mine, theirs = paired(candidate, reference)
        ratios.append(mine / theirs)
    assert statistics.stdev(ratios) < 0.02 < statistics.stdev(wild)


def test_a_stall_in_one_pair_of_three_is_borne() -> None:
    mine, theirs = paired([1.0, 50.0, 1.0], [1.0, 1.0, 1.0])
    assert mine / theirs == 1.0


def test_sides_of_different_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="argument 2 is longer"):
        paired([1.0, 2.0], [1.0, 2.0, 3.0])
