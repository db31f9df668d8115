"""Which pairs of one launch are still to be played, and which count. Pure."""

from collections import deque

from harness.duel.schedule import REPEATS_PER_LAUNCH, WARM_UP_ROUNDS, rounds_wanted
from harness.sandbox.roles import Side


class Ledger:
    """The pairs of one launch, by number; a number says who goes first, so a pair that is voided is owed again."""

    def __init__(self, threshold: float) -> None:
        self._threshold = threshold
        self._owed = deque(range(WARM_UP_ROUNDS))
        self._repeats = REPEATS_PER_LAUNCH
        self._kept: list[dict[Side, float]] = []

    def next(self) -> int | None:
        """Give the number of the pair to play next; `None` while none is known to be owed."""
        return self._owed.popleft() if self._owed else None

    def settle(self, number: int, seconds: dict[Side, float], disturbed: bool) -> bool:
        """Enter a pair that was played, and tell whether it counts: a disturbed one does not, while repeats last."""
        if disturbed and self._repeats:
            self._repeats -= 1
            self._owed.append(number)
            return False
        self._kept.append(seconds)
        if len(self._kept) == WARM_UP_ROUNDS:
            more = rounds_wanted(seconds[Side.CANDIDATE] / seconds[Side.REFERENCE], self._threshold)
            self._owed.extend(range(WARM_UP_ROUNDS, WARM_UP_ROUNDS + more))
        return True

    def samples(self, side: Side) -> list[float]:
        """List one side's seconds that count, in the order played and without the warm-up."""
        return [seconds[side] for seconds in self._kept[WARM_UP_ROUNDS:]]
