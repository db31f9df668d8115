"""Schedules are pure, so everything about them can be tested."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.load.schedule import constant, poisson


@given(st.floats(1, 5000), st.floats(0.01, 5))
def test_constant_sends_at_every_multiple_before_the_end(rate: float, duration: float) -> None:
    times = constant(rate, duration)
    assert times[0] == 0
    assert times[-1] < duration
    assert len(times) / rate >= duration * (1 - 1e-9)
    assert np.allclose(np.diff(times), 1 / rate)


def test_constant_has_exactly_rate_times_duration_where_that_is_whole() -> None:
    assert len(constant(300, 0.1)) == 30
    assert len(constant(1000, 2)) == 2000


def test_poisson_has_its_rate_and_exponential_gaps() -> None:
    times = poisson(1000, 100, seed=1)
    gaps = np.diff(times)
    assert len(times) == pytest.approx(100_000, rel=0.01)
    assert gaps.mean() == pytest.approx(1e-3, rel=0.01)
    assert gaps.std() == pytest.approx(1e-3, rel=0.02)
    assert (gaps > 3e-3).mean() == pytest.approx(np.exp(-3), rel=0.05)
    assert times[-1] < 100


def test_poisson_replays_from_its_seed_alone() -> None:
    assert np.array_equal(poisson(50, 10, seed=3), poisson(50, 10, seed=3))
    assert not np.array_equal(poisson(50, 10, seed=3)[:100], poisson(50, 10, seed=4)[:100])


@pytest.mark.parametrize(("rate", "duration"), [(0, 1), (-1, 1), (1, 0), (float("nan"), 1), (float("inf"), 1)])
def test_nonsense_is_refused(rate: float, duration: float) -> None:
    for schedule in (constant, lambda r, d: poisson(r, d, seed=0)):
        with pytest.raises(ValueError, match="no load"):
            schedule(rate, duration)
