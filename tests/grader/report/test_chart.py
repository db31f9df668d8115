"""The axis is logarithmic, shows all that matters, and clips what lies beyond."""

import math

import pytest

from grader.report.chart import AIR, Axis, axis_over, mark
from tests.grader.gradings import bar, evidence, result


def test_twice_as_slow_and_twice_as_fast_lie_equally_far_from_one() -> None:
    axis = Axis(0.25, 4.0)
    assert axis.place(1.0) == pytest.approx(0.5)
    assert axis.place(2.0) - axis.place(1.0) == pytest.approx(axis.place(1.0) - axis.place(0.5))
    assert axis.ticks == [0.5, 1.0, 2.0]


@pytest.mark.parametrize(("ratio", "place"), [(0.0, 0.0), (0.1, 0.0), (9.0, 1.0), (math.inf, 1.0)])
def test_what_lies_beyond_stands_at_an_end(ratio: float, place: float) -> None:
    assert Axis(0.25, 4.0).place(ratio) == place


def test_the_reference_thresholds_and_intervals_are_on_the_axis() -> None:
    graded = result(of=evidence(bars=[bar("lookup", 0.4, 0.1), bar("memory", ratio=None)]))
    axis = axis_over(graded.bars)
    assert axis.low == pytest.approx(0.4 * math.exp(-0.1) / AIR)
    assert axis.high == pytest.approx(3.0 * AIR)
    assert axis_over([]) == Axis(1 / AIR, AIR)


def test_a_mark_places_the_interval_and_each_launch() -> None:
    lookup, memory = result(of=evidence(bars=[bar("lookup", 2.0, 0.1), bar("memory", ratio=None)])).bars
    axis = axis_over([lookup, memory])
    placed = mark(lookup.model_copy(update={"launches": [[1.9, 2.0, 9.0], [], [0.0]]}), axis)
    assert placed is not None
    assert placed.low < placed.estimate == axis.place(2.0) < placed.high
    assert placed.launches == (axis.place(2.0),)
    assert mark(memory, axis) is None
