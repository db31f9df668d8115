"""Stories about what a run takes and leaves: memory, threads, processes."""

from __future__ import annotations

from random import Random

from big_array import BIG_MB, big_batch, demand_right_parts
from profiles import computes, dangerous, stage, uneven, waits
from replies import Result
from stage_play import HANG_SEC, Submission, playing

GROWTH_MOST_MB = 144.0
ENDED_SEC = 10.0
"""SPEC.md gives five; a busy machine gets as many again."""

ANSWER_SEC = 0.005


def demand_bounded_memory(submission: Submission, rng: Random) -> None:
    """Run parts of one large array, and read what the container's memory grew by."""
    submission.restart()
    batch = big_batch(rng)
    submission.value("hold_big", *batch.made_of, timeout_sec=HANG_SEC)
    before = submission.stats()
    reply = submission.value("run_parts", *batch.work, timeout_sec=HANG_SEC)
    after = submission.stats()
    demand_right_parts(reply, batch, rng)
    submission.call("rest")
    if before.memory_mb is None or after.memory_peak_mb is None:
        return  # a machine without accounting; the result says that it was practice
    growth = after.memory_peak_mb - before.memory_mb
    assert growth <= GROWTH_MOST_MB, (
        f"while items worked on parts of one array of {BIG_MB} MB, memory grew by {growth:.0f} MB beyond what was held "
        f"before; {GROWTH_MOST_MB:.0f} are allowed: the array must not be copied for each worker or item"
    )


def demand_closed_pools(submission: Submission, rng: Random) -> None:
    """Give every worker a connection to hold, and see it close."""
    cases = ((waits(64), "threads"), (uneven(computes(40)), "processes"), (dangerous(6), "processes, may die"))
    for profile, kind in cases:
        title = f"what run() started for items lives on ({kind})"
        salts = [rng.getrandbits(60) for _ in range(profile.tasks)]
        items = [["planted", key, salt] for key, salt in enumerate(salts)]
        stages = [stage("on_a_lifeline", profile)]
        with playing(submission, title, rng, stages, items, lambda _: ANSWER_SEC) as scene:
            backend = scene.backend
            scene.end([Result(backend.token(key) ^ salt) for key, salt in enumerate(salts)])
            assert backend.lifelines_ever > 0, f"{title}: no worker held a connection, so nothing ran the items"
            ended = backend.until(lambda backend: backend.lifelines == 0, ENDED_SEC)
            assert ended, (
                f"{title}: {ENDED_SEC:g} s after run() returned, {backend.lifelines} of "
                f"{backend.lifelines_ever} workers still hold their connections to the grader"
            )
