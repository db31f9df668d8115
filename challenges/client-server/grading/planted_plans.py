"""The planted servers that part two is to measure, drawn afresh for each grading. Pure.

What a server does is not to be told from what is asked: rates and durations of all of them overlap.
"""

import math
from collections.abc import Callable
from random import Random

from behaviours import Constant, Limited, Mute, Numbered, SpillingOver, Stalling, Unreachable, Word, Workers
from measuring import Plan
from truth import Asked

LEAST_RATES = {
    "steady": 60,
    "stall": 150,
    "bimodal": 60,
    "hundredth": 60,
    "losses": 60,
    "late": 60,
    "overload": 120,
    "failing": 30,
    "unreachable": 30,
    "mute": 30,
}
"""Requests a second at least; what a submission must be able to send beyond their sum is shared out at random."""

TOGETHER_PER_SEC = 980
"""They are measured at the same time, and this is less than a submission has to be able to send."""

SECONDS = (1.0, 2.8)
SECONDS_OF_LATE_ANSWERS = (1.0, 1.8)
"""Of a server whose answers come later and later, or whose last one is to come last by far: none is to be near 2 s."""

SECONDS_BEYOND_A_TIMEOUT, LATE_ANSWER_SEC = (2.5, 2.9), 2.35
"""Of a server that some requests have timed out at while others are not due yet; and when it answers those."""

STALL_SEC = (2.3, 2.8)
"""A second of stall, and time before and after: a tenth of all requests is more than 32, and of as many users who wait
for their answers, the p90 is far too good."""

LONGEST_SEC, ELSEWHERE_SEC = (0.040, 0.050), (0.2, 0.3)
"""How long anybody waits in a queue, which takes some time to get as long, and how long those take who would wait for
longer: more than the objective."""


def plans(rng: Random) -> dict[str, Plan]:
    """Draw them all; but for the one under load, they come to less than 1,000 requests a second together."""
    rates = _shared_out(rng)
    return {
        "steady": _steady(rng, rates["steady"]),
        "steady, under load": _under_load(rng),
        "stall": _stall(rng, rates["stall"]),
        "bimodal": _bimodal(rng, rates["bimodal"]),
        "hundredth": _hundredth(rng, rates["hundredth"]),
        "losses": _losses(rng, rates["losses"]),
        "late": _late(rng, rates["late"]),
        "overload": _overload(rng, rates["overload"]),
        "failing": _failing(rng, rates["failing"]),
        "unreachable": _unreachable(rng, rates["unreachable"]),
        "mute": _mute(rng, rates["mute"]),
    }


def with_capacity(rng: Random) -> dict[str, Callable[[], SpillingOver | Limited]]:
    """Draw one server for each thing that may happen beyond a capacity; one of them can do far more than the other.

    Either gives more good answers a second the more it is asked for: the capacity is no throughput.
    """
    queues, refuses = rng.sample((rng.uniform(140, 500), rng.uniform(600, 900)), 2)
    workers = rng.randint(2, 6)
    longest, elsewhere = rng.uniform(*LONGEST_SEC), rng.uniform(*ELSEWHERE_SEC)
    return {
        "a server whose queue grows, and that serves slowly who would wait for too long": lambda: SpillingOver(
            workers, workers / queues, longest, elsewhere
        ),
        "a server that fails half of what exceeds its rate": lambda: Limited(refuses, 0.010, burst=0.02 * refuses),
    }


def _shared_out(rng: Random) -> dict[str, int]:
    """Draw a rate for each."""
    parts = [rng.uniform(0.5, 1.5) for _ in LEAST_RATES]
    left = (TOGETHER_PER_SEC - sum(LEAST_RATES.values())) / sum(parts)
    return {name: least + int(part * left) for (name, least), part in zip(LEAST_RATES.items(), parts, strict=True)}


def _asked(rng: Random, rate: int, seconds: tuple[float, float] = SECONDS, most_over: float = 0.9) -> Asked:
    """Draw a duration; times the rate it is no whole number, but at most so much over one."""
    return Asked(rate, (int(rate * rng.uniform(*seconds)) + rng.uniform(0.1, most_over)) / rate)


def _steady(rng: Random, rate: int) -> Plan:
    slow = rng.uniform(0.040, 0.060)
    asked = _asked(rng, rate, most_over=0.4)  # who rounds to the nearest is one short
    return Plan(asked, lambda: Constant(slow), "a steady server")


def _under_load(rng: Random) -> Plan:
    fast = rng.uniform(0.008, 0.012)
    asked = Asked(rng.randrange(900, 1001, 4), rng.choice((1.0, 1.25, 1.5)))  # a whole number of requests
    return Plan(asked, lambda: Constant(fast), "a steady server, under load")


def _stall(rng: Random, rate: int) -> Plan:
    service, begin = rng.uniform(0.015, 0.025), rng.uniform(0.8, 1.0)
    return Plan(
        _asked(rng, rate, STALL_SEC),
        lambda: Stalling(service, begin, begin + 1.0),
        "a server that stalls for a second",
        prompt=False,
    )


def _bimodal(rng: Random, rate: int) -> Plan:
    return _late_one_in(rng, 25, _asked(rng, rate), "a server with a bimodal tail")


def _hundredth(rng: Random, rate: int) -> Plan:
    """Answer exactly one request in a hundred late: that one is no part of what 99 % do not exceed."""
    shortest, longest = SECONDS
    hundreds = rng.randint(math.ceil(shortest * rate / 100), math.floor(longest * rate / 100))
    return _late_one_in(rng, 100, Asked(rate, 100 * hundreds / rate), "a server that answers one request in 100 late")


def _late_one_in(rng: Random, many: int, asked: Asked, what: str) -> Plan:
    fast, slow = rng.uniform(0.020, 0.030), rng.uniform(0.3, 0.5)
    special = dict.fromkeys(rng.sample(range(asked.requests), asked.requests // many), (Word.OK, slow))
    return Plan(asked, lambda: Numbered(fast, special), what)


def _losses(rng: Random, rate: int) -> Plan:
    asked = _asked(rng, rate, SECONDS_OF_LATE_ANSWERS)
    tenth = asked.requests // 10
    left = iter(rng.sample(range(asked.requests), asked.requests))
    special = {next(left): (Word.ERROR, 1.2) for _ in range(tenth)}  # the last of all answers, by far
    special |= {next(left): (Word.CLOSE, 0.01) for _ in range(tenth)}
    special |= {next(left): (Word.NEVER, 0.0) for _ in range(tenth // 2)}
    special |= {next(left): (Word.WRONG, 0.02) for _ in range(tenth // 2)}
    what = "a server that fails, answers wrongly, hangs up and loses requests"
    return Plan(asked, lambda: Numbered(0.030, special), what)


def _late(rng: Random, rate: int) -> Plan:
    """Answer every third of the first requests when it has timed out, and while many more are still to be sent."""
    asked = _asked(rng, rate, SECONDS_BEYOND_A_TIMEOUT)
    special = dict.fromkeys(range(0, rate // 4, 3), (Word.OK, LATE_ANSWER_SEC))
    what = "a server that answers some requests when they have timed out, and nothing else on their connections before"
    return Plan(asked, lambda: Numbered(0.030, special), what)


def _failing(rng: Random, rate: int) -> Plan:
    asked = _asked(rng, rate)
    fates = ((Word.ERROR, 0.001), (Word.CLOSE, 0.01), (Word.WRONG, 0.02))
    special = {number: fates[number % len(fates)] for number in range(asked.requests)}
    return Plan(asked, lambda: Numbered(0.030, special), "a server that fails, hangs up or answers wrongly every time")


def _unreachable(rng: Random, rate: int) -> Plan:
    what = "a server that can't be reached: every connection fails, by an OSError of some kind"
    return Plan(_asked(rng, rate), Unreachable, what)


def _mute(rng: Random, rate: int) -> Plan:
    return Plan(_asked(rng, rate), Mute, "a server to which no connection comes about: connect() does not return")


def _overload(rng: Random, rate: int) -> Plan:
    workers, asked = rng.randint(1, 4), _asked(rng, rate, SECONDS_OF_LATE_ANSWERS)
    service = workers * rng.uniform(1.6, 1.9) / rate
    return Plan(asked, lambda: Workers(workers, service), "a server asked for nearly twice what it can do")
