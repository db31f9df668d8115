"""How often and in which order the two sides of a duel are measured. Pure: no clock, no sleep."""

from harness.sandbox.roles import Side

LOOKS = (7, 12, 15, 21)
"""Launches after which a duel may end, fixed beforehand so that stopping early cannot be tuned to the data.

At the first the interval is the whole range of the launches; at the others it leaves out 1, 2 and 4 at each end. A look
in between that still takes the whole range could settle nothing, for more launches only widen that.
"""

STATISTIC_LOOKS = (5, 12, 15)
"""The same for a statistic of each launch, which takes several turns itself and costs more than rounds."""

ROUNDS_PER_LAUNCH = 12
"""Pairs of rounds kept per launch: six ABBA blocks, so a drift that is linear in time cancels.

Many short rounds beat few long ones: a pair that lies close together in time shares the machine's speed of that moment.
"""

ROUNDS_WHEN_FAR = 4
"""Pairs kept where the warm-up was far on the bad side: what is twice too slow needs no precision, and takes long."""

FAR = 2.0
"""How many times the threshold is far."""

WARM_UP_ROUNDS = 1
"""Pairs of rounds thrown away at the start of a launch, while the interpreter specialises its byte code."""

REPEATS_PER_LAUNCH = 4
"""How many disturbed pairs a launch may measure again; after that they count, or a busy machine would never finish."""


def order(launch: int, round_: int) -> tuple[Side, Side]:
    """Say who goes first: B A, A B, B A, A B ..., and the other way round in every second launch.

    The very first is the reference, so that its time is known before a candidate's patience is needed.
    """
    candidate_first = (launch + round_) % 2 == 1
    return (Side.CANDIDATE, Side.REFERENCE) if candidate_first else (Side.REFERENCE, Side.CANDIDATE)


def rounds_wanted(warm_up_ratio: float, threshold: float) -> int:
    """Say how many pairs a launch keeps, from the ratio of its warm-up, which itself never counts."""
    return ROUNDS_WHEN_FAR if warm_up_ratio > FAR * threshold else ROUNDS_PER_LAUNCH


def next_look(launches_done: int, looks: tuple[int, ...] = LOOKS) -> int | None:
    """Give the number of launches to have at the next look, or `None` when the schedule is used up."""
    return next((look for look in looks if look > launches_done), None)
