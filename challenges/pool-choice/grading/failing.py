"""Stories about items that fail: by raising, by not pickling."""

from __future__ import annotations

from random import Random

import numbers_oracle as oracle
from profiles import Profile, brief, computes, dangerous, lets_go, stage, uneven, unpicklable, waits
from replies import (
    EXCEPTION,
    EitherWay,
    Expected,
    FailsSomehow,
    Raises,
    Result,
    SpecialResult,
    demand_entries,
    finished,
)
from stage_play import HANG_SEC, SECOND_STAGE, Submission, at_once, playing, run_and_demand
from starts import NOBODY_DIED

RAISING = "what an item raises is not the entry in its place, or harms another"
PICKLING = "something that does not pickle is lost, or harms another item"

SHORT = Profile(1500, 0.002, 0.002, 0.003)
"""Pure Python for processes (rule 8), in items so short that several may be handed over at once."""

VERY_SHORT = Profile(6000, 0.0003, 0.0003, 0.0005)
"""Items that hardly anybody hands over one by one."""

PLAIN = {
    "key": "KeyError",
    "stop": "StopIteration",
    "timeout": "TimeoutError",
    "eof": "EOFError",
    "reset": "ConnectionResetError",
}
"""Exceptions of one argument; as a runner's own they would mean that items or a worker are at their end."""

RAISED = ("value", "exit", *PLAIN)

OWN_TEXTS = {"refused": "not today ({})", "holding": "held {}", "noted": "first {0}\nthen {0}"}
"""Exceptions of the driver's own that do not survive pickling, and their messages, which are their only argument."""

UNPICKLED = ("handle", "leaving")
"""Results that do not pickle: for what they hold, and because their class raises `SystemExit` then."""

OWN = ("unhashable", "refused", "holding", "worded", "noted", "renamed", "emptied")

IN_A_ROW = 6
"""Arguments that do not pickle: more than there are workers, so that none of these has anything in hand."""

HOWS = ("value", "exit", *OWN, "returned", *PLAIN)


def demand_failures_in_place(submission: Submission, rng: Random) -> None:
    """Run batches in which many items raise, by every kind."""
    cases = (
        ("inline", brief(60), True),
        ("threads", waits(80), True),
        ("threads, native code", lets_go(60), True),
        ("processes", computes(60), False),
        ("processes, one at a time", uneven(computes(40)), False),
    )
    for kind, profile, exact in cases:
        hows = ["fine" if rng.random() < 0.5 else rng.choice(HOWS) for _ in range(profile.tasks)]
        hows[: len(HOWS)] = HOWS
        items = [[how, number] for number, how in enumerate(hows)]
        expected = [expected_of_raising(how, number, exact) for number, how in enumerate(hows)]
        run_and_demand(submission, f"{RAISING} ({kind})", [stage("raising", profile)], items, expected)
    hows = ["fine"] * VERY_SHORT.tasks
    for how in (*HOWS, "returned-refused"):
        hows[rng.randrange(VERY_SHORT.tasks)] = how
    items = [[how, number] for number, how in enumerate(hows)]
    expected = [expected_of_raising(how, number, exact=False) for number, how in enumerate(hows)]
    title = f"{RAISING} (processes, thousands of very short items)"
    run_and_demand(submission, title, [stage("raising", VERY_SHORT)], items, expected)
    every = [["exit", number] for number in range(48)]
    all_exit = [expected_of_raising("exit", number, exact=False) for number in range(48)]
    run_and_demand(submission, f"{RAISING} (all call sys.exit)", [stage("raising", computes(48))], every, all_exit)
    _in_a_pipeline(submission, rng)
    _all_in_a_pipeline(submission)
    _last_in_a_pipeline(submission, rng)
    _returned_in_a_pipeline(submission, rng)


def _in_a_pipeline(submission: Submission, rng: Random) -> None:
    """Let every second item fail in the first stage: the second must not see it."""
    title = f"{RAISING} (a pipeline, failing in its first stage)"
    count = 64
    salts = [rng.getrandbits(60) for _ in range(count)]
    items = [["planted", key, salt] for key, salt in enumerate(salts)]
    stages = [stage("asked_or_raise", waits(count)), stage("asked", computes(count))]
    with playing(submission, title, rng, stages, items, at_once) as scene:
        token = scene.backend.token
        scene.end(
            [
                Raises("LookupError", (key, salt), f"({key}, {salt})")
                if key % 2
                else Result(token(key) ^ salt ^ token(key + SECOND_STAGE))
                for key, salt in enumerate(salts)
            ]
        )
        scene.demand_started([*range(0, count, 2), *range(SECOND_STAGE, SECOND_STAGE + count, 2)])
        asked = scene.backend.starts()
        assert not any(asked[key + SECOND_STAGE] for key in range(1, count, 2)), (
            f"{title}: an item that failed in the first stage went on to the second"
        )


def _all_in_a_pipeline(submission: Submission) -> None:
    """Let all items fail in the first stage, so that the second has nothing to do."""
    for first, second, kind in (
        (brief(60), brief(60), "inline"),
        (waits(64), computes(64), "threads, then processes"),
        (computes(64), waits(64), "processes, then threads"),
    ):
        items = [["value", number] for number in range(first.tasks)]
        expected = [expected_of_raising("value", number, exact=True) for number in range(first.tasks)]
        title = f"{RAISING} (a pipeline, {kind}: all items fail in the first stage)"
        run_and_demand(submission, title, [stage("raising", first), stage("named", second)], items, expected)


def _last_in_a_pipeline(submission: Submission, rng: Random) -> None:
    """Let the item that ends last fail in the first stage, when all others are through both."""
    count, last_sec = 64, 0.3
    for first, second, kind in (
        (waits(count), computes(count), "threads, then processes"),
        (computes(count), waits(count), "processes, then threads"),
    ):
        title = f"{RAISING} (a pipeline, {kind}: the item that ends last fails in the first stage)"
        last = rng.randrange(count)
        items = [["planted", key, key, "value" if key == last else "fine"] for key in range(count)]
        stages = [stage("asked_then", uneven(first)), stage("named", second)]

        def delay(key: int, last: int = last) -> float:
            return last_sec if key == last else 0.0

        with playing(submission, title, rng, stages, items, delay) as scene:
            token = scene.backend.token
            expected: list[Expected] = [Result(f"int: {token(key) ^ key}") for key in range(count)]
            expected[last] = expected_of_raising("value", last, exact=True)
            scene.end(expected)
            scene.demand_started(range(count))


def _returned_in_a_pipeline(submission: Submission, rng: Random) -> None:
    """Let some items of the first stage raise, and some return an exception, which is a result and goes on."""
    for first, second, kind in (
        (brief(60), brief(60), "inline"),
        (waits(64), waits(64), "threads"),
        (waits(64), computes(64), "threads, then processes"),
    ):
        hows = [rng.choice(("fine", "returned", *RAISED)) for _ in range(first.tasks)]
        hows[: len(RAISED)] = RAISED
        expected: list[Expected] = []
        for number, how in enumerate(hows):
            if how in RAISED:
                expected.append(expected_of_raising(how, number, exact=True))
            elif how == "returned":
                expected.append(Result(f"ValueError: ('a result, not a failure', {number})"))
            else:
                expected.append(Result(f"int: {number}"))
        title = f"{RAISING} (a pipeline, {kind}: a returned exception is a result, and goes on to the next stage)"
        items = [[how, number] for number, how in enumerate(hows)]
        run_and_demand(submission, title, [stage("raising", first), stage("named", second)], items, expected)


def expected_of_raising(how: str, number: int, exact: bool) -> Expected:
    """Say what the driver's `raising` does with an item."""
    match how:
        case "value":
            return Raises("ValueError", ("no such number", number), f"('no such number', {number})")
        case "exit":
            return Raises("SystemExit", (number,), str(number))
        case own if own in OWN_TEXTS:
            text = OWN_TEXTS[own].format(number)
            return Raises(own.capitalize(), (text,), text, exact)
        case "worded":
            return Raises("Worded", (), f"nobody is number {number}", exact)
        case "unhashable" | "renamed" | "emptied":
            return Raises(how.capitalize(), (number,), str(number), exact)
        case plain if plain in PLAIN:
            return Raises(PLAIN[plain], (number,), str(number))
        case "returned":
            return SpecialResult(EXCEPTION, f"ValueError: ('a result, not a failure', {number})")
        case "returned-refused":
            return EitherWay(f"Refused: not today ({number})")
        case _:
            return Result(number)


def demand_pickling_is_minded(submission: Submission, rng: Random) -> None:
    """Have what does not pickle: always, as the profile says, and here and there, by surprise."""
    for profile in (unpicklable(computes(60)), unpicklable(waits(64)), unpicklable(brief(20))):
        numbers = [rng.getrandbits(32) for _ in range(profile.tasks)]
        expected = [SpecialResult("handle", oracle.mixed(number)) for number in numbers]
        title = f"{PICKLING} (the profile says that no result pickles)"
        run_and_demand(submission, title, [stage("handles", profile)], numbers, expected)
    for profile, kind in (
        (computes(60), "processes"),
        (dangerous(20), "processes, may die"),
        (SHORT, "processes, short items"),
        (VERY_SHORT, "processes, very short items"),
    ):
        _surprising_arguments(submission, rng, profile, kind)
    _surprising_results(submission, rng, SHORT, "processes, short items")
    _surprising_results(submission, rng, dangerous(20), "processes, may die")


def _surprising_results(submission: Submission, rng: Random, profile: Profile, kind: str) -> None:
    """Return what does not pickle or unpickle, here and there, and raise such: nothing is run again for that."""
    title, count = f"{PICKLING} ({kind}, a few results do not)", profile.tasks
    hows = ["fine"] * count
    for how in ("handle", "handle", "leaving", "leaving", "holding", "refused", "returned-refused"):
        hows[rng.randrange(1, count - 1)] = how
    hows[0] = hows[-1] = "handle"
    salts = [rng.getrandbits(60) for _ in hows]
    items = [["planted", key, salt, how] for key, (salt, how) in enumerate(zip(salts, hows, strict=True))]
    with playing(submission, title, rng, [stage("asked_then", profile)], items, at_once) as scene:
        token = scene.backend.token
        scene.end(
            [
                Result(token(key) ^ salt)
                if how == "fine"
                else FailsSomehow("result")
                if how in UNPICKLED
                else expected_of_raising(how, key, exact=False)
                for key, (salt, how) in enumerate(zip(salts, hows, strict=True))
            ]
        )
        scene.demand_started(range(count), why=f"{NOBODY_DIED}: what does not pickle costs no second run")


def _surprising_arguments(submission: Submission, rng: Random, profile: Profile, kind: str) -> None:
    places = [*range(IN_A_ROW), rng.randrange(IN_A_ROW, profile.tasks - 1), profile.tasks // 2, profile.tasks - 1]
    numbers = [rng.getrandbits(32) for _ in range(profile.tasks)]
    expected: list[Expected] = [
        FailsSomehow("argument") if place in places else Result(oracle.mixed(number))
        for place, number in enumerate(numbers)
    ]
    title = f"{PICKLING} ({kind}, a few arguments do not)"
    stages = [stage("opened", profile)]
    outcome = submission.call("run_awkward", stages, numbers, places, timeout_sec=HANG_SEC)
    demand_entries(finished(outcome, title), expected, title)
