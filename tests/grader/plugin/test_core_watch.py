"""A measurement on several cores counts only where they were free before it and after it."""

from collections.abc import Iterator, Sequence
from itertools import repeat

import pytest

from grader.plugin.core_watch import FRESH_SEC, LOOKS_AFTERWARDS, PATIENCE_SEC, WINDOW_SEC, CoreWatch

FREE, BUSY = 1.97, 1.45


class Machine:
    """Cores as they are found look by look, and a clock that moves only by looking and measuring."""

    def __init__(
        self, found: Iterator[float], subjects: tuple[int, ...] = (3,), grader: tuple[int, ...] = (0, 1)
    ) -> None:
        self.now = 0.0
        self.places: list[Sequence[int]] = []
        self.found = found
        self.story: list[str] = []
        self.watch = CoreWatch(subjects, grader, lambda: self.story.append("freeze"), self.look, lambda: self.now)

    def look(self, places: Sequence[Sequence[int]], window_sec: float) -> float:
        assert window_sec == WINDOW_SEC
        self.places = list(places)
        self.now += window_sec
        self.story.append("look")
        return next(self.found)

    def take(self, seconds: float = 1.0) -> str:
        self.now += seconds
        self.story.append("take")
        return f"taken at {self.now:.2f}"

    def measure(self) -> str:
        return self.watch.undisturbed(2, self.take)


def test_a_measurement_lies_between_two_looks_at_frozen_subjects() -> None:
    machine = Machine(repeat(FREE))
    assert machine.measure() == "taken at 1.03"
    assert machine.story == ["freeze", "look", "take", "freeze", "look"]
    assert machine.watch.voided == 0
    assert machine.watch.lost_sec == 0


@pytest.mark.parametrize(
    ("subjects", "grader", "places"),
    [
        ((3,), (0, 1, 2), [(3,), (0, 1, 2)]),
        ((2, 3), (0, 1), [(2, 3), (2, 3)]),
        ((0, 1), (), [(0, 1), (0, 1)]),
        ((0,), (), [(0,)]),
    ],
)
def test_the_subjects_cores_are_looked_at_first(
    subjects: tuple[int, ...], grader: tuple[int, ...], places: list[tuple[int, ...]]
) -> None:
    machine = Machine(repeat(FREE), subjects, grader)
    machine.measure()
    assert machine.places == places


def test_all_that_can_be_used_is_one_core_more_than_the_subjects_have() -> None:
    assert Machine(repeat(FREE), (2, 3), (0, 1)).watch.most == 3
    assert Machine(repeat(FREE), (0, 1), ()).watch.most == 2


def test_the_look_after_one_is_the_look_before_the_next() -> None:
    machine = Machine(repeat(FREE))
    machine.measure()
    machine.measure()
    assert machine.story.count("look") == 3
    machine.now += 2 * FRESH_SEC
    machine.measure()
    assert machine.story.count("look") == 5


def test_it_waits_until_the_cores_are_free() -> None:
    machine = Machine(iter([BUSY, BUSY, FREE, FREE]))
    machine.measure()
    assert machine.story.count("take") == 1
    assert machine.watch.lost_sec == pytest.approx(2 * WINDOW_SEC)


def test_what_was_disturbed_is_taken_again() -> None:
    machine = Machine(iter([FREE, *[BUSY] * LOOKS_AFTERWARDS, FREE, FREE]))
    assert machine.measure() == f"taken at {2 + (2 + LOOKS_AFTERWARDS) * WINDOW_SEC:.2f}"
    assert machine.watch.voided == 1
    assert machine.watch.lost_sec == pytest.approx(1.0 + LOOKS_AFTERWARDS * WINDOW_SEC)


def test_what_a_launch_leaves_behind_is_no_neighbour() -> None:
    machine = Machine(iter([FREE, *[BUSY] * (LOOKS_AFTERWARDS - 1), FREE]))
    assert machine.measure() == "taken at 1.03"
    assert machine.watch.voided == 0


def test_patience_ends_and_the_bar_is_not_measured() -> None:
    machine = Machine(repeat(BUSY))
    with pytest.raises(pytest.skip.Exception, match=r"needs 2 cores, and other work .* kept them busy"):
        machine.measure()
    assert PATIENCE_SEC < machine.now < PATIENCE_SEC + 1
    assert "take" not in machine.story
    looks = len(machine.story)
    with pytest.raises(pytest.skip.Exception):
        machine.measure()
    assert len(machine.story) == looks + 2, "once patience is used up, each further bar gets one look"


def test_whether_cores_are_free_is_asked_several_times() -> None:
    for found, free in ((repeat(BUSY), False), (iter([BUSY, BUSY, FREE]), True)):
        machine = Machine(found)
        assert machine.watch.are_free(2) is free


def test_patience_is_for_the_whole_grading_and_measurements_that_count_cost_none() -> None:
    machine = Machine(repeat(FREE))
    for _ in range(100):
        machine.measure()
    assert machine.watch.lost_sec == 0
