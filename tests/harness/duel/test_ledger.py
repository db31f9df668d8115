"""Whatever is disturbed, a launch ends with the same balanced pairs, or says that repeats ran out."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from harness.duel.ledger import Ledger
from harness.duel.schedule import REPEATS_PER_LAUNCH, ROUNDS_PER_LAUNCH, ROUNDS_WHEN_FAR, WARM_UP_ROUNDS
from harness.sandbox.roles import Side

THRESHOLD = 1.5


def pair(ratio: float) -> dict[Side, float]:
    return {Side.CANDIDATE: ratio, Side.REFERENCE: 1.0}


@given(st.lists(st.booleans(), max_size=40))
def test_the_numbers_kept_are_those_of_the_schedule(disturbed: list[bool]) -> None:
    ledger, fates, counted = Ledger(THRESHOLD), iter(disturbed), Counter[int]()
    voided = 0
    while (number := ledger.next()) is not None:
        if ledger.settle(number, pair(1.0), next(fates, False)):
            counted[number] += 1
        else:
            voided += 1
    assert counted == Counter(range(WARM_UP_ROUNDS + ROUNDS_PER_LAUNCH))
    assert voided == min(REPEATS_PER_LAUNCH, sum(disturbed[: WARM_UP_ROUNDS + ROUNDS_PER_LAUNCH + voided]))
    assert len(ledger.samples(Side.CANDIDATE)) == ROUNDS_PER_LAUNCH


def test_a_pair_is_settled_while_the_next_one_is_already_on_its_way() -> None:
    ledger = Ledger(THRESHOLD)
    assert [ledger.next(), ledger.next()] == [0, None]
    ledger.settle(0, pair(1.0), disturbed=False)
    assert [ledger.next(), ledger.next()] == [1, 2]
    assert not ledger.settle(1, pair(1.0), disturbed=True)
    rest = []
    while (number := ledger.next()) is not None:
        rest.append(number)
    assert sorted(rest) == [1, *range(3, WARM_UP_ROUNDS + ROUNDS_PER_LAUNCH)]


def test_the_warm_up_never_counts_and_says_how_much_follows() -> None:
    ledger = Ledger(THRESHOLD)
    first = ledger.next()
    assert first is not None
    ledger.settle(first, pair(9.0), disturbed=False)
    while (number := ledger.next()) is not None:
        ledger.settle(number, pair(8.0), disturbed=False)
    assert ledger.samples(Side.CANDIDATE) == [8.0] * ROUNDS_WHEN_FAR
