"""The planted servers that part two is to measure, drawn afresh for each grading. Pure."""

from collections.abc import Callable
from random import Random

from behaviours import Constant, Limited, Numbered, Stalling, Unreachable, Word, Workers
from measuring import Plan
from truth import Asked

STALL_RATES = (170, 180, 190)
"""A tenth of all requests is then more than 32: of as many users who wait, the p90 is far too good."""


# Some durations are odd on purpose: rate times duration is no whole number, above and below a half.


def plans(rng: Random) -> dict[str, Plan]:
    """Draw them all; but for the one under load, they come to less than 1,000 requests a second together."""
    return {
        "steady": _steady(rng),
        "steady, under load": _under_load(rng),
        "stall": _stall(rng),
        "bimodal": _bimodal(rng),
        "losses": _losses(rng),
        "overload": _overload(rng),
        "failing": _failing(rng),
        "unreachable": _unreachable(rng),
    }


def with_capacity(rng: Random) -> dict[str, Callable[[], Workers | Limited]]:
    """Draw one server for each thing that may happen beyond a capacity; one of them can do far more than the other."""
    queues, refuses = rng.sample((rng.uniform(140, 500), rng.uniform(600, 900)), 2)
    workers = rng.randint(2, 6)
    return {
        "a server whose queue grows": lambda: Workers(workers, workers / queues),
        "a server that refuses the excess": lambda: Limited(refuses, 0.010, burst=0.02 * refuses),
    }


def _steady(rng: Random) -> Plan:
    slow = rng.uniform(0.040, 0.060)
    return Plan(Asked(rng.choice([90, 110, 130]), 1.003), lambda: Constant(slow), "a steady server")


def _under_load(rng: Random) -> Plan:
    fast = rng.uniform(0.008, 0.012)
    return Plan(Asked(rng.choice([900, 950, 1000]), 1.0), lambda: Constant(fast), "a steady server, under load")


def _stall(rng: Random) -> Plan:
    service, begin = rng.uniform(0.015, 0.025), rng.uniform(0.8, 1.0)
    return Plan(
        Asked(rng.choice(STALL_RATES), 2.5),
        lambda: Stalling(service, begin, begin + 1.0),
        "a server that stalls for a second",
        prompt=False,
    )


def _bimodal(rng: Random) -> Plan:
    asked = Asked(rng.choice([180, 200, 220]), 1.502)
    fast, slow = rng.uniform(0.020, 0.030), rng.uniform(0.3, 0.5)
    special = dict.fromkeys(rng.sample(range(asked.requests), asked.requests // 25), (Word.OK, slow))
    return Plan(asked, lambda: Numbered(fast, special), "a server with a bimodal tail")


def _losses(rng: Random) -> Plan:
    asked = Asked(rng.choice([150, 170, 190]), 1.2)
    numbers = rng.sample(range(asked.requests), 46)
    special = dict.fromkeys(numbers[:15], (Word.ERROR, 1.2))  # the last of all answers, by far
    special |= dict.fromkeys(numbers[15:30], (Word.CLOSE, 0.01))
    special |= dict.fromkeys(numbers[30:40], (Word.NEVER, 0.0))
    special |= dict.fromkeys(numbers[40:], (Word.WRONG, 0.02))
    what = "a server that fails, answers wrongly, hangs up and loses requests"
    return Plan(asked, lambda: Numbered(0.030, special), what)


def _failing(rng: Random) -> Plan:
    asked = Asked(rng.choice([30, 40, 50]), 0.518)
    fates = ((Word.ERROR, 0.001), (Word.CLOSE, 0.01), (Word.WRONG, 0.02))
    special = {number: fates[number % len(fates)] for number in range(asked.requests)}
    return Plan(asked, lambda: Numbered(0.030, special), "a server that fails, hangs up or answers wrongly every time")


def _unreachable(rng: Random) -> Plan:
    asked = Asked(rng.choice([30, 40, 50]), 0.518)
    return Plan(
        asked, Unreachable, "a server that can't be reached: every connection fails, by an OSError of some kind"
    )


def _overload(rng: Random) -> Plan:
    workers = rng.randint(1, 4)
    service = workers / rng.uniform(105, 125)
    return Plan(Asked(200, 1.2), lambda: Workers(workers, service), "a server asked for twice what it can do")
