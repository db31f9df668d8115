"""Margins in units of noise, and the empty stretch on both sides of a bar."""

import pytest

from grader.dead_zone import Margin, Shore, Sounding, separations


def sounding(solution: str, shore: Shore, ratio: float, bar: str = "lookup", threshold: float = 2.0) -> Sounding:
    return Sounding(solution, shore, Margin(bar, ratio, threshold, units=10.0))


@pytest.mark.parametrize(
    ("units", "required", "thin"),
    [(2.9, True, True), (-2.9, True, True), (3.0, True, False), (-3.0, True, False), (0.1, False, False)],
)
def test_a_margin_is_thin_below_three_units_on_a_required_bar(units, required, thin):
    assert Margin("lookup", 1.0, 2.0, units, required).thin is thin


def test_a_bar_between_two_far_shores_has_no_fault():
    found = separations([sounding("reference", Shore.SOUND, 1.0), sounding("rejected/scan", Shore.SLOW, 9.0)])
    assert [(zone.bar, zone.slowest_sound, zone.fastest_slow, zone.faults) for zone in found] == [
        ("lookup", ("reference", 1.0), ("rejected/scan", 9.0), ())
    ]


def test_the_slowest_sound_and_the_fastest_slow_solution_count():
    (zone,) = separations(
        [
            sounding("reference", Shore.SOUND, 1.0),
            sounding("accepted/chaining", Shore.SOUND, 1.5),
            sounding("rejected/scan", Shore.SLOW, 9.0),
            sounding("rejected/no-resize", Shore.SLOW, 3.0),
        ]
    )
    assert zone.slowest_sound == ("accepted/chaining", 1.5)
    assert zone.fastest_slow == ("rejected/no-resize", 3.0)


@pytest.mark.parametrize(("ratio", "faults"), [(1.6, 0), (1.61, 1), (2.4, 1)])
def test_a_sound_solution_clears_the_bar_by_a_quarter(ratio, faults):
    (zone,) = separations([sounding("accepted/chaining", Shore.SOUND, ratio)])
    assert len(zone.faults) == faults
    assert all("accepted/chaining" in fault and "clear" in fault for fault in zone.faults)


@pytest.mark.parametrize(("ratio", "faults"), [(2.5, 0), (2.49, 1), (1.2, 1)])
def test_a_slow_solution_misses_the_bar_by_a_quarter(ratio, faults):
    (zone,) = separations([sounding("rejected/scan", Shore.SLOW, ratio)])
    assert len(zone.faults) == faults
    assert all("rejected/scan" in fault and "miss" in fault for fault in zone.faults)


def test_bars_keep_their_order_and_their_own_shores():
    found = separations(
        [
            sounding("reference", Shore.SOUND, 1.0, bar="miss"),
            sounding("reference", Shore.SOUND, 1.1, bar="hit"),
            sounding("rejected/scan", Shore.SLOW, 5.0, bar="hit"),
        ]
    )
    assert [(zone.bar, zone.fastest_slow) for zone in found] == [("miss", None), ("hit", ("rejected/scan", 5.0))]
