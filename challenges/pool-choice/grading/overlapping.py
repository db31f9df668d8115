"""Stories about what is under way at the same time, seen by the planted server alone."""

from __future__ import annotations

import time
from collections.abc import Sequence
from random import Random

from backend import Backend
from failing import expected_of_raising
from plan_rules import read_plan
from profiles import Profile, computes, lets_go, stage, uneven, waits
from replies import Expected, Result
from stage_play import SECOND_STAGE, Submission, at_once, gone, held, playing, under_way

WAITING_LEAST = 16
WAITING_MOST = 64
FEW_ITEMS = 40

SETTLE_SEC = 0.3
RELEASED_AT_A_TIME = 10
LATE_SEC = 1.5
"""How long the first stage keeps everything: longer than who waits for a second."""

FAILING = 32
"""So many failures must not make later items wait for each other."""


def demand_no_one_waits_for_a_straggler(submission: Submission, rng: Random) -> None:
    """Hold one item, answer the others, and see that all get done."""
    cases = ((uneven(waits(80)), "threads"), (uneven(computes(48)), "processes"))
    for profile, kind in cases:
        for place in (0, 1, rng.randrange(2, profile.tasks - 1), profile.tasks - 1):
            _straggle(submission, rng, profile, kind, place)
    for place in (0, rng.randrange(1, 8)):  # so many items that somebody may hand them out ahead
        _straggle(submission, rng, uneven(computes(rng.randint(200, 300))), "processes", place)
    for place in (0, rng.randrange(1, 60)):
        _straggle_later(submission, rng, waits(64), computes(64), "processes", place)
    _straggle_later(submission, rng, computes(64), waits(64), "threads", rng.randrange(64))


def _straggle(submission: Submission, rng: Random, profile: Profile, kind: str, straggler: int) -> None:
    title = f"a slow item holds up others ({kind})"
    count = profile.tasks
    salts = [rng.getrandbits(60) for _ in range(count)]
    items = [["planted", key, salt] for key, salt in enumerate(salts)]

    def delay(key: int) -> float | None:
        return None if key == straggler else 0.0

    with playing(submission, title, rng, [stage("asked", profile)], items, delay) as scene:
        scene.expect(
            lambda backend: len(backend.starts()) == count and backend.waiting() == [straggler],
            f"while item {straggler} of {count} takes its time, not all others get done",
        )
        scene.backend.release(straggler)
        scene.end([Result(scene.backend.token(key) ^ salt) for key, salt in enumerate(salts)])
        scene.demand_started(range(count))


def _straggle_later(
    submission: Submission, rng: Random, first: Profile, second: Profile, kind: str, straggler: int
) -> None:
    """Do the same in the second stage of two."""
    title = f"a slow item holds up others (in the second stage of a pipeline, {kind})"
    count = first.tasks
    salts = [rng.getrandbits(60) for _ in range(count)]
    items = [["planted", key, salt] for key, salt in enumerate(salts)]
    slow = straggler + SECOND_STAGE

    def delay(key: int) -> float | None:
        return None if key == slow else 0.0

    stages = [stage("asked_then_asking", uneven(first)), stage("asked", uneven(second))]
    with playing(submission, title, rng, stages, items, delay) as scene:
        scene.expect(
            lambda backend: len(backend.starts()) == 2 * count and backend.waiting() == [slow],
            f"while item {straggler} of {count} takes its time in the second stage, not all others get done",
        )
        scene.backend.release(slow)
        token = scene.backend.token
        scene.end([Result(token(key) ^ salt ^ token(key + SECOND_STAGE)) for key, salt in enumerate(salts)])
        scene.demand_started([*range(count), *range(SECOND_STAGE, SECOND_STAGE + count)])


def demand_bounded_waiting(submission: Submission, rng: Random) -> None:
    """Hold items that wait, and count those under way; hold the stage after them, and see them all get through."""
    for count in (64, rng.randint(65, 200), 400):
        _wait(submission, rng, ["fine"] * count, f"{count} items")
    failing = [rng.choice(("value", "exit", "timeout", "stop")) for _ in range(FAILING)]
    some = ["fine"] * rng.randint(65, 120) + failing[:4]
    rng.shuffle(some)
    _wait(submission, rng, failing + some, f"{len(failing + some)} items, of which the first {FAILING} raise")
    _wait_before_a_slow_stage(submission, rng, rng.randint(300, 400))
    _few_at_once(submission, rng)


def _few_at_once(submission: Submission, rng: Random) -> None:
    """Hold items of native code, for which a few threads do: there are as many as planned."""
    profile = lets_go(FEW_ITEMS)
    title = f"a stage does not run as its plan says ({profile.tasks} items of native code)"
    planned = _planned_workers(submission, profile)
    salts = [rng.getrandbits(60) for _ in range(profile.tasks)]
    items = [["planted", key, salt] for key, salt in enumerate(salts)]
    with playing(submission, title, rng, [stage("asked", profile)], items, held) as scene:
        scene.backend.until(lambda backend: backend.most_at_once > planned, SETTLE_SEC)
        scene.backend.delay_by(at_once)
        scene.end([Result(scene.backend.token(key) ^ salt) for key, salt in enumerate(salts)])
        scene.demand_started(range(profile.tasks))
        most = scene.backend.most_at_once
        assert most <= planned, f"{title}: {most} items were under way at once, and plan() says {planned} workers"


def _wait(submission: Submission, rng: Random, hows: Sequence[str], story: str) -> None:
    title = f"waiting items do not overlap as they should ({story})"
    count = len(hows)
    planned = _planned_workers(submission, waits(count))
    salts = [rng.getrandbits(60) for _ in hows]
    items = [["planted", key, salt, how] for key, (salt, how) in enumerate(zip(salts, hows, strict=True))]
    with playing(submission, title, rng, [stage("asked_then", waits(count))], items, held) as scene:
        backend, done = scene.backend, 0
        backend.until(lambda backend: backend.most_at_once > WAITING_MOST, SETTLE_SEC)
        while done < count:
            wanted = min(WAITING_LEAST, count - done)
            scene.expect(
                under_way(wanted),
                f"while nobody is answered, with {count - done} items left, "
                f"fewer than {wanted} of them are under way at once",
            )
            release = backend.waiting()[:RELEASED_AT_A_TIME]
            backend.release(*release)
            done += len(release)
            scene.expect(gone(*release), "an item is run twice at once")
        expected: list[Expected] = [
            Result(backend.token(key) ^ salt) if how == "fine" else expected_of_raising(how, key, exact=True)
            for key, (salt, how) in enumerate(zip(salts, hows, strict=True))
        ]
        scene.end(expected)
        scene.demand_started(range(count))
        most = backend.most_at_once
        assert most <= WAITING_MOST, f"{title}: {most} items were under way at once; {WAITING_MOST} are allowed"
        assert most <= planned, f"{title}: {most} items were under way at once, and plan() says {planned} workers"


def _wait_before_a_slow_stage(submission: Submission, rng: Random, count: int) -> None:
    """Hold the second stage: items of the first, which waits, must not wait for that."""
    title = f"waiting items do not overlap as they should ({count} items, before a slow stage)"
    salts = [rng.getrandbits(60) for _ in range(count)]
    items = [["planted", key, salt] for key, salt in enumerate(salts)]

    def delay(key: int) -> float | None:
        return None if key >= SECOND_STAGE else 0.0

    stages = [stage("asked_then_asking", waits(count)), stage("asked", computes(count))]
    with playing(submission, title, rng, stages, items, delay) as scene:
        scene.expect(
            lambda backend: all(map(backend.starts().get, range(count))),
            "while the second stage takes its time, not all items come to the first, which waits and has room",
        )
        scene.backend.delay_by(at_once)
        scene.end([Result(_answer(scene.backend, key, len(stages)) ^ salt) for key, salt in enumerate(salts)])
        scene.demand_started([key + number * SECOND_STAGE for number in range(len(stages)) for key in range(count)])


def _planned_workers(submission: Submission, profile: Profile) -> int:
    replies = submission.value("plans", [profile.wire])
    assert isinstance(replies, list), "plan() does not answer"
    plan = read_plan(replies[0]) if replies else "there is no plan to read"
    assert not isinstance(plan, str), f"{plan}, for {profile}"
    return plan.workers


def demand_overlapping_stages(submission: Submission, rng: Random) -> None:
    """Hold the last item in the first stage, and see that the others get through all that follow."""
    _pass_on(submission, rng, [waits(64), computes(64)], "waiting, then computing")
    _pass_on(submission, rng, [computes(64), waits(64)], "computing, then waiting")
    _pass_on(submission, rng, [waits(70), waits(70)], "waiting twice")
    _pass_on(submission, rng, [waits(64), computes(64), lets_go(64)], "waiting, then computing, then native code")
    _begin_late(submission, rng, waits(64), waits(64), "waiting twice")
    _begin_late(submission, rng, computes(64), waits(64), "computing, then waiting")


def _pass_on(submission: Submission, rng: Random, profiles: Sequence[Profile], kind: str) -> None:
    title = f"items wait for each other between the stages ({kind})"
    first, *others = profiles
    count, last_stage = first.tasks, len(others) * SECOND_STAGE
    salts = [rng.getrandbits(60) for _ in range(count)]
    items = [["planted", key, salt] for key, salt in enumerate(salts)]
    last = count - 1

    def delay(key: int) -> float | None:
        return None if key == last else 0.0

    stages = [stage("asked_then_asking", each) for each in (uneven(first), *others[:-1])] + [stage("asked", others[-1])]
    with playing(submission, title, rng, stages, items, delay) as scene:
        for number in range(1, len(stages)):
            scene.expect(
                lambda backend, key=number * SECOND_STAGE: backend.starts()[key] > 0,
                f"while the last item is in the first stage, the first item does not come to stage {number + 1}",
            )
        scene.expect(
            lambda backend: all(map(backend.starts().get, range(last_stage, last_stage + last))),
            f"while the last item is in the first stage, not all others come to stage {len(stages)}",
        )
        scene.backend.delay_by(at_once)
        scene.end([Result(_answer(scene.backend, key, len(stages)) ^ salt) for key, salt in enumerate(salts)])
        scene.demand_started([key + number * SECOND_STAGE for number in range(len(stages)) for key in range(count)])


def _begin_late(submission: Submission, rng: Random, first: Profile, second: Profile, kind: str) -> None:
    """Hold all items in the first stage: whoever waits for them in the second is there when they come."""
    title = f"items get lost when the first stage takes its time ({kind})"
    salts = [rng.getrandbits(60) for _ in range(first.tasks)]
    items = [["planted", key, salt] for key, salt in enumerate(salts)]
    stages = [stage("asked_then_asking", first), stage("asked", second)]
    with playing(submission, title, rng, stages, items, held) as scene:
        time.sleep(LATE_SEC)
        scene.backend.delay_by(at_once)
        scene.end([Result(_answer(scene.backend, key, len(stages)) ^ salt) for key, salt in enumerate(salts)])


def _answer(backend: Backend, key: int, stages: int) -> int:
    """Give what all stages together make of an item, but for its salt."""
    answer = 0
    for number in range(stages):
        answer ^= backend.token(key + number * SECOND_STAGE)
    return answer
