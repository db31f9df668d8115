"""Stories about what is under way at the same time, seen by the planted server alone."""

from __future__ import annotations

from random import Random

from profiles import Profile, computes, stage, uneven, waits
from replies import Result
from stage_play import Submission, at_once, gone, held, playing, under_way

WAITING_LEAST = 16
WAITING_MOST = 64
SETTLE_SEC = 0.3
RELEASED_AT_A_TIME = 10
SECOND_STAGE = 1_000_000


def demand_no_one_waits_for_a_straggler(submission: Submission, rng: Random) -> None:
    """Hold one item, answer the others, and see that all get done."""
    cases = ((uneven(waits(80)), "threads"), (uneven(computes(48)), "processes"))
    for profile, kind in cases:
        for place in (0, 1, rng.randrange(2, profile.tasks - 1), profile.tasks - 1):
            _straggle(submission, rng, profile, kind, place)
    for place in (0, rng.randrange(1, 8)):  # so many items that somebody may hand them out ahead
        _straggle(submission, rng, uneven(computes(rng.randint(200, 300))), "processes", place)


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


def demand_bounded_waiting(submission: Submission, rng: Random) -> None:
    """Hold items that wait, and count those under way."""
    for count in (64, rng.randint(65, 200), 400):
        _wait(submission, rng, count)


def _wait(submission: Submission, rng: Random, count: int) -> None:
    title = f"waiting items do not overlap as they should ({count} items)"
    salts = [rng.getrandbits(60) for _ in range(count)]
    items = [["planted", key, salt] for key, salt in enumerate(salts)]
    with playing(submission, title, rng, [stage("asked", waits(count))], items, held) as scene:
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
        scene.end([Result(backend.token(key) ^ salt) for key, salt in enumerate(salts)])
        most = backend.most_at_once
        assert most <= WAITING_MOST, f"{title}: {most} items were under way at once; {WAITING_MOST} are allowed"


def demand_overlapping_stages(submission: Submission, rng: Random) -> None:
    """Hold the last item in the first stage, and see that the others get through the second."""
    _pass_on(submission, rng, waits(64), computes(64), "waiting, then computing")
    _pass_on(submission, rng, computes(64), waits(64), "computing, then waiting")
    _pass_on(submission, rng, waits(70), waits(70), "waiting twice")


def _pass_on(submission: Submission, rng: Random, first: Profile, second: Profile, kind: str) -> None:
    title = f"items wait for each other between the stages ({kind})"
    count = first.tasks
    salts = [rng.getrandbits(60) for _ in range(count)]
    items = [["planted", key, salt] for key, salt in enumerate(salts)]
    last = count - 1

    def delay(key: int) -> float | None:
        return None if key == last else 0.0

    stages = [stage("asked_then_asking", uneven(first)), stage("asked", second)]
    with playing(submission, title, rng, stages, items, delay) as scene:
        scene.expect(
            lambda backend: backend.starts()[SECOND_STAGE] > 0,
            "while the last item is in the first stage, the first item does not come to the second",
        )
        scene.expect(
            lambda backend: all(backend.starts()[key + SECOND_STAGE] for key in range(last)),
            "while the last item is in the first stage, not all others come to the second",
        )
        scene.backend.delay_by(at_once)
        token = scene.backend.token
        scene.end([Result(token(key) ^ salt ^ token(key + SECOND_STAGE)) for key, salt in enumerate(salts)])
