"""Stories about results: they are right, and in the order of the items."""

from __future__ import annotations

from random import Random

import numbers_oracle as oracle
from profiles import Profile, Stage, brief, computes, dangerous, lets_go, stage, uneven, waits
from replies import Result, RunsIn, SpecialResult
from stage_play import Scene, Submission, gone, held, playing, run_and_demand, under_way

FEW_ROUNDS = 300
MANY_ROUNDS = 4_000
TITLE = "results are not those of the items, in their order"
ELSEWHERE = "a stage does not run as its plan says"


def demand_right_results(submission: Submission, rng: Random) -> None:
    """Run batches of every kind, of fresh items, more than once."""
    for count in (0, 1, 2, 50):
        _squarings(submission, rng, brief(count), "inline")
    for count in (0, 1, 3, 100):
        _squarings(submission, rng, waits(count), "threads")
        _squarings(submission, rng, lets_go(count), "threads")
    for count in (0, 1, 2, 3, 100, 100):
        _squarings(submission, rng, computes(count), "processes")
    _squarings(submission, rng, uneven(computes(40)), "processes")
    _squarings(submission, rng, dangerous(5), "processes")
    _mixed(submission, rng, Profile(5_000, 0.001, 0.001, 0.002), "processes, short items")
    _aloof(submission, rng)
    _same_stage_twice(submission, rng)


def demand_as_planned(submission: Submission, _rng: Random) -> None:
    """Have items tell where they run, wherever the rules for plans leave one kind only.

    The thread that called `run` may well be one of the threads of a plan.
    """
    for profile, kinds in (
        (brief(20), ("inline",)),
        (waits(64), ("threads", "inline")),
        (lets_go(32), ("threads", "inline")),
        (computes(32), ("processes",)),
        (dangerous(2), ("processes",)),
    ):
        _demand_run_in(submission, [stage("whereabouts", profile)], profile.tasks, kinds)
    _demand_run_in(submission, [stage("named", brief(20)), stage("whereabouts", brief(20))], 20, ("inline",))


def _demand_run_in(submission: Submission, stages: list[Stage], count: int, kinds: tuple[str, ...]) -> None:
    title = f"{ELSEWHERE} ({kinds[0]}, {len(stages)} stages)" if len(stages) > 1 else f"{ELSEWHERE} ({kinds[0]})"
    run_and_demand(submission, title, stages, list(range(count)), [RunsIn(kinds)] * count)


def demand_order(submission: Submission, rng: Random) -> None:
    """Let items finish in another order than they began in."""
    for profile, least, kind in ((waits(64), 16, "threads"), (uneven(computes(40)), 2, "processes")):
        title = f"{TITLE} ({kind}, the newest is answered first)"
        count = profile.tasks
        salts = [rng.getrandbits(60) for _ in range(count)]
        items = [["planted", key, salt] for key, salt in enumerate(salts)]
        with playing(submission, title, rng, [stage("asked", profile)], items, held) as scene:
            _answer_newest_first(scene, count, least)
            scene.end([Result(scene.backend.token(key) ^ salt) for key, salt in enumerate(salts)])
            scene.demand_started(range(count))


def _answer_newest_first(scene: Scene, count: int, least: int) -> None:
    for done in range(count):
        wanted = min(least, count - done)
        scene.expect(
            under_way(wanted),
            f"only {len(scene.backend.waiting())} items are under way at once, though {count - done} are left",
        )
        newest = scene.backend.waiting()[-1]
        scene.backend.release(newest)
        scene.expect(gone(newest), "an item is run twice at once")


def _squarings(submission: Submission, rng: Random, profile: Profile, kind: str) -> None:
    squarings = [oracle.squaring(rng, rng.choice((FEW_ROUNDS, MANY_ROUNDS))) for _ in range(profile.tasks)]
    run_and_demand(
        submission,
        f"{TITLE} ({kind}, {profile.tasks} items)",
        [stage("squarings", profile)],
        [each.item for each in squarings],
        [Result(each.answer) for each in squarings],
    )


def _mixed(submission: Submission, rng: Random, profile: Profile, kind: str) -> None:
    numbers = [rng.getrandbits(32) for _ in range(profile.tasks)]
    expected = [Result(oracle.mixed(number)) for number in numbers]
    run_and_demand(submission, f"{TITLE} ({kind})", [stage("mixed", profile)], numbers, expected)


def _aloof(submission: Submission, rng: Random) -> None:
    """Have results that will not be compared or called true, as arrays will not; then have items of that kind."""
    for profile, kind in (
        (brief(20), "inline"),
        (waits(64), "threads"),
        (computes(40), "processes"),
        (dangerous(5), "processes, may die"),
    ):
        numbers = [rng.getrandbits(32) for _ in range(profile.tasks)]
        mixed = [oracle.mixed(number) for number in numbers]
        title = f"{TITLE} ({kind}, results that cannot be compared)"
        told = [SpecialResult("aloof", number) for number in mixed]
        run_and_demand(submission, title, [stage("aloof", profile)], numbers, told)
        stages = [stage("aloof", profile), stage("approached", profile)]
        through = [Result(oracle.mixed(number)) for number in mixed]
        run_and_demand(submission, f"{title}, in a pipeline", stages, numbers, through)


def _same_stage_twice(submission: Submission, rng: Random) -> None:
    """Have a batch go through one stage twice, the same object."""
    for profile, kind in ((brief(20), "inline"), (waits(64), "threads"), (computes(40), "processes")):
        numbers = [rng.getrandbits(32) for _ in range(profile.tasks)]
        expected = [Result(oracle.mixed(oracle.mixed(number))) for number in numbers]
        title = f"{TITLE} ({kind}, the same stage twice)"
        run_and_demand(submission, title, [stage("mixed", profile)] * 2, numbers, expected)
