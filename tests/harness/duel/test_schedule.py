"""The schedule is balanced, so that neither side has the better seat."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.duel.interval import median_ranks
from harness.duel.schedule import (
    LOOKS,
    ROUNDS_PER_LAUNCH,
    STATISTIC_LOOKS,
    WARM_UP_ROUNDS,
    next_look,
    order,
    rounds_wanted,
)
from harness.sandbox.roles import Side


def test_rounds_alternate_abba() -> None:
    firsts = "".join("A" if order(0, round_)[0] is Side.CANDIDATE else "B" for round_ in range(6))
    assert firsts == "BABABA"


def test_the_first_of_all_is_the_reference() -> None:
    assert order(0, 0)[0] is Side.REFERENCE


@given(st.integers(0, 100))
def test_kept_rounds_of_a_launch_are_balanced(launch: int) -> None:
    kept = range(WARM_UP_ROUNDS, WARM_UP_ROUNDS + ROUNDS_PER_LAUNCH)
    firsts = Counter(order(launch, round_)[0] for round_ in kept)
    assert firsts[Side.CANDIDATE] == firsts[Side.REFERENCE]


@given(st.integers(0, 100), st.integers(0, 100))
def test_both_sides_play_every_round(launch: int, round_: int) -> None:
    assert set(order(launch, round_)) == set(Side)


@pytest.mark.parametrize(("ratio", "rounds"), [(0.1, 12), (3.0, 12), (6.0, 12), (6.1, 4), (900.0, 4)])
def test_what_is_far_on_the_bad_side_gets_fewer_rounds(ratio: float, rounds: int) -> None:
    assert rounds_wanted(ratio, threshold=3.0) == rounds
    assert rounds % 2 == 0


def test_looks_are_fixed_and_end() -> None:
    assert [next_look(done) for done in (0, 6, 7, 11, 12, 20, 21, 99)] == [7, 7, 12, 12, 15, 21, None, None]


@pytest.mark.parametrize("looks", [LOOKS, STATISTIC_LOOKS])
def test_every_further_look_leaves_out_more_at_each_end(looks: tuple[int, ...]) -> None:
    ranks = [median_ranks(look)[0] for look in looks]
    assert ranks == sorted(set(ranks))
    assert ranks[0] == 1
