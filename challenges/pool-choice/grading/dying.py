"""Stories about processes that end, or would hang."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from random import Random

import numbers_oracle as oracle
from overlapping import WAITING_LEAST
from profiles import Profile, computes, dangerous, stage, uneven, waits
from replies import Died, Expected, Result, ResultOrDeath
from stage_play import SECOND_STAGE, Submission, at_once, playing, run_and_demand

DYING = "a worker's death costs more than its own item"
HANGING = "a batch hangs"

WAYS = ("exit", "kill", "segv", "success")
STARTS_MOST = 3
DEATHS_IN_TURN = 18
"""However often a worker has died, the next takes its place."""

DEATHS_WHILE_IDLE = 4
"""Twice as many as there may be workers: whoever has not noticed takes the next item to one that is dead."""

DEATHS_BESIDE = 3

DEAD_SEC = 0.3
"""From seeing that a process has ended until anybody may know."""

PIPE_FILLING_BYTES = 300_000
LATE_SEC = 0.1


def demand_only_its_own_item(submission: Submission, rng: Random) -> None:
    """End workers in every way, at every place."""
    fine = "fine"
    _deaths(submission, rng, "one of 24", [fine] * 11 + ["exit"] + [fine] * 12)
    _deaths(submission, rng, "the first of 12", ["kill"] + [fine] * 11)
    _deaths(submission, rng, "the last of 12", [fine] * 11 + ["segv"])
    _deaths(submission, rng, "the only item", ["kill"])
    _deaths(submission, rng, "leaving with exit code 0", [fine, "success", fine, "success", fine, fine])
    _deaths(submission, rng, "every item", ["exit", "kill", "success", "segv"])
    most = [rng.choice(WAYS) for _ in range(DEATHS_IN_TURN)]
    some = [fine] * 8 + ["exit", "kill", "segv", "success"]
    rng.shuffle(some)
    _deaths(submission, rng, f"the first {len(most)} of {len(most + some)}, and some of the rest", most + some)
    _deaths(submission, rng, "two at once", ["kill", "exit"] + [fine] * 10, late=(0, 1))
    _deaths(submission, rng, "beside an item under way", [fine, "kill"] + [fine] * 6, late=(0,))
    some = [fine] * 92 + ["exit", "kill", "segv", "success"]
    rng.shuffle(some)
    _deaths(submission, rng, "four of 96 short ones", some, item_sec=0.002)
    some = [fine] * 198 + ["exit", "kill"]
    rng.shuffle(some)
    _deaths(submission, rng, "two of 200 very short ones", some, item_sec=0.0001)
    _deaths_between_items(submission, rng)
    for _ in range(DEATHS_BESIDE):
        _death_beside_a_straggler(submission, rng, rng.randint(12, 24))


def dying_items(rng: Random, hows: Sequence[str]) -> tuple[list[object], list[Expected]]:
    """Make items for the driver's `dying` that ask by their place, and say what their entries are."""
    numbers = [rng.getrandbits(32) for _ in hows]
    pairs = list(zip(hows, numbers, strict=True))
    items: list[object] = [[how, number, "planted", key] for key, (how, number) in enumerate(pairs)]
    return items, [Result(oracle.mixed(number)) if how == "fine" else Died() for how, number in pairs]


def _deaths(
    submission: Submission,
    rng: Random,
    story: str,
    hows: Sequence[str],
    late: Sequence[int] = (),
    item_sec: float = 0.01,
) -> None:
    """Run items that end their worker, or do not; those in `late` only after a while."""
    profile = replace(dangerous(len(hows)), wall_sec=item_sec, cpu_sec=item_sec, slowest_sec=2 * item_sec)
    title = f"{DYING} ({story})"
    items, expected = dying_items(rng, hows)

    def delay(key: int) -> float:
        return LATE_SEC if key in late else 0.0

    with playing(submission, title, rng, [stage("dying", profile)], items, delay) as scene:
        scene.end(expected)
        scene.demand_started(range(len(hows)), STARTS_MOST, f"and {STARTS_MOST} are allowed after a death")


def _deaths_between_items(submission: Submission, rng: Random) -> None:
    """End workers that have nothing to do at that moment: whatever comes to them next has not ended them."""
    title, count = f"{DYING} (it died between two items, when it had none)", 64
    hows = ["soon"] * DEATHS_WHILE_IDLE + ["fine"] * (count - DEATHS_WHILE_IDLE)
    numbers = [rng.getrandbits(32) for _ in hows]
    items = [
        ["planted", key, [how, number, "planted", key + SECOND_STAGE]]
        for key, (how, number) in enumerate(zip(hows, numbers, strict=True))
    ]

    def delay(key: int) -> float | None:
        return 0.0 if key >= SECOND_STAGE else None

    stages = [stage("passed_on", uneven(waits(count))), stage("dying", dangerous(count))]
    with playing(submission, title, rng, stages, items, delay) as scene:
        for key in range(2 * DEATHS_WHILE_IDLE):  # the others too, for `is_alive` of two threads at once may be wrong
            scene.expect(
                lambda backend, key=key: key in backend.waiting(),
                f"fewer than {WAITING_LEAST} of the items that wait in the first stage are under way",
            )
            scene.backend.release(key)
            scene.expect(
                lambda backend, key=key: backend.starts()[key + SECOND_STAGE] > 0,
                "an item that is through the first stage does not come to the second",
            )
            if hows[key] == "soon":
                scene.expect(
                    lambda backend, key=key: backend.lifelines_ever > key and not backend.lifelines,
                    "a process that an item has set an end does not come to it",
                )
                time.sleep(DEAD_SEC)
        scene.backend.delay_by(at_once)
        scene.end(
            [
                ResultOrDeath(oracle.mixed(number)) if how == "soon" else Result(oracle.mixed(number))
                for how, number in zip(hows, numbers, strict=True)
            ]
        )
        scene.demand_started(
            range(SECOND_STAGE, SECOND_STAGE + count), STARTS_MOST, f"and {STARTS_MOST} are allowed after a death"
        )


def _death_beside_a_straggler(submission: Submission, rng: Random, count: int) -> None:
    """End a worker while another takes its time over an item: all others get done meanwhile."""
    title = f"{DYING} (beside an item that takes its time)"
    slow, deadly = rng.sample(range(2), 2)
    if rng.random() < 1 / 2:
        deadly = rng.randrange(2, count)
    hows = ["fine"] * count
    hows[deadly] = rng.choice(WAYS)
    items, expected = dying_items(rng, hows)

    def delay(key: int) -> float | None:
        return None if key == slow else 0.0

    with playing(submission, title, rng, [stage("dying", uneven(dangerous(count)))], items, delay) as scene:
        scene.expect(
            lambda backend: len(backend.starts()) == count and backend.waiting() == [slow],
            f"while item {slow} of {count} takes its time, and item {deadly} has ended its process, not all others "
            "get done",
        )
        scene.backend.release(slow)
        scene.end(expected)
        scene.demand_started(range(count), STARTS_MOST, f"and {STARTS_MOST} are allowed after a death")


def demand_no_hang(submission: Submission, rng: Random) -> None:
    """Run what hangs in a forked child, and what fills the pipes."""
    for profile in (computes(40), dangerous(10)):
        squarings = [oracle.squaring(rng, 100) for _ in range(profile.tasks)]
        run_and_demand(
            submission,
            f"{HANGING} (items take a lock that is held at the moment of any fork)",
            [stage("logged", profile)],
            [each.item for each in squarings],
            [Result(each.answer) for each in squarings],
        )
    _full_pipes(submission, rng, replace(computes(100), wall_sec=0.1, cpu_sec=0.1))
    _full_pipes(submission, rng, dangerous(100))


def _full_pipes(submission: Submission, rng: Random, profile: Profile) -> None:
    large = replace(profile, argument_bytes=PIPE_FILLING_BYTES, result_bytes=PIPE_FILLING_BYTES)
    items = [rng.randbytes(PIPE_FILLING_BYTES) for _ in range(large.tasks)]
    run_and_demand(
        submission,
        f"{HANGING} (arguments and results of {PIPE_FILLING_BYTES // 1000} kB)",
        [stage("turned", large)],
        items,
        [Result(item[::-1]) for item in items],
    )
