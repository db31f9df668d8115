"""Stories about what a run takes and leaves: memory, threads, processes, files, and what it worked on."""

from __future__ import annotations

import time
from random import Random

import pytest
from big_array import BIG_MB, HELD_BEYOND_MB, SEED_BITS, big_batch, demand_right_parts
from counting import ENDED_SEC, Census, census, demand_ended, demand_let_go, demand_no_more_files, open_files
from dying import dying_items
from numbers_oracle import mixed, squaring
from profiles import brief, computes, dangerous, stage, uneven, waits
from replies import FailsSomehow, Result, SpecialResult, demand_entries, finished
from stage_play import HANG_SEC, Submission, at_once, playing, run_and_demand

from harness.unforeseen import Unforeseen

GROWTH_MOST_MB = 144.0

MEMORY_RUNS = 3
"""What the container's peak tells is of all of them: a later run may take no more than the first."""

ANSWER_SEC = 0.005

IDLE_SEC = 0.3
"""Whoever starts workers beforehand has them by then."""

LIBRARY_THREADS = 2
"""So many more than the reference's may be there before any run: a library that is imported may start one a core."""

WARM_RUNS, RUNS, RARELY = 2, 40, 5
"""Runs on threads, and how many of them come with one in processes."""

RUNS_IN_A_ROW = 3

NAPPING, NAPS_SEC = 192, (0.001, 0.003, 0.01)
AGAIN = "run after run"

DEATHS, UNPICKLED, FILES_MORE = 8, 40, 3
"""Workers that die in one run, items of one that don't pickle, and how many more open files may have another reason."""


def demand_bounded_memory(submission: Submission, reference: Submission, rng: Random) -> None:
    """Run parts of one large array several times, and read what the container's memory grew by."""
    seed, places = rng.getrandbits(SEED_BITS), Unforeseen(rng.getrandbits(SEED_BITS))
    batches = [big_batch(rng, seed) for _ in range(MEMORY_RUNS)]
    for side in (reference, submission):
        side.restart()
        side.value("hold_big", *batches[0].made_of, timeout_sec=HANG_SEC)
    usual, before = reference.stats().memory_mb, submission.stats().memory_mb
    for batch in batches:
        demand_right_parts(submission.value("run_parts", *batch.work, timeout_sec=HANG_SEC), batch, places)
    peak = submission.stats().memory_peak_mb
    submission.call("rest")
    if before is None or usual is None:
        return  # plain processes, on a machine that tells nothing of them; the result says that it was practice
    if peak is None:
        pytest.skip("this machine does not tell a container's peak memory")
    growth = peak - min(before, usual + HELD_BEYOND_MB)
    assert growth <= GROWTH_MOST_MB, (
        f"in {MEMORY_RUNS} runs whose items work on parts of one array of {BIG_MB} MB, memory grew by {growth:.0f} MiB "
        f"beyond what was held before; {GROWTH_MOST_MB:.0f} are allowed: the array must not be copied for each worker "
        f"or item. (Held before counts only up to {HELD_BEYOND_MB:.0f} MiB more than the reference holds then)"
    )


def demand_closed_pools(submission: Submission, reference: Submission, rng: Random) -> None:
    """Give every worker a connection to hold, and see it close; then count the container's processes and threads."""
    for side in (reference, submission):
        side.restart()
    usual = census(reference)
    time.sleep(IDLE_SEC)
    before = census(submission)
    _demand_nothing_by_itself(before, usual)
    cases = (
        ("on_a_lifeline", waits(64), "threads"),
        ("on_a_lifeline", uneven(computes(40)), "processes"),
        ("on_a_lifeline", dangerous(6), "processes, may die"),
        ("leaves_a_thread", computes(40), "processes, in which an item left a thread behind that is not a daemon"),
        ("leaves_a_thread", dangerous(6), "processes, may die; an item left a thread behind that is not a daemon"),
    )
    for function, profile, kind in cases:
        title = f"what run() started for items lives on ({kind})"
        salts = [rng.getrandbits(60) for _ in range(profile.tasks)]
        items = [["planted", key, salt] for key, salt in enumerate(salts)]
        stages = [stage(function, profile)]
        with playing(submission, title, rng, stages, items, lambda _: ANSWER_SEC) as scene:
            backend = scene.backend
            scene.end([Result(backend.token(key) ^ salt) for key, salt in enumerate(salts)])
            scene.demand_started(range(profile.tasks))
            assert backend.lifelines_ever > 0, f"{title}: no worker held a connection, so nothing ran the items"
            ended = backend.until(lambda backend: backend.lifelines == 0, ENDED_SEC)
            assert ended, (
                f"{title}: {ENDED_SEC:g} s after run() returned, {backend.lifelines} of "
                f"{backend.lifelines_ever} workers still hold their connections to the grader"
            )
        demand_ended(submission, before, title)
    _demand_tracker_alone(submission, before)
    _demand_processes_of_its_own(submission, rng)
    _demand_nothing_held(submission, rng)
    _demand_closed_files(submission, rng)
    _demand_closed_after_deaths(submission, rng)
    _demand_closed_beside_results(submission, rng)


def _demand_nothing_by_itself(before: Census, usual: Census) -> None:
    """Compare what is there a while after the import, with no run so far, with what the reference has then."""
    processes, threads = before.more_than(usual)
    assert processes <= 0, f"{IDLE_SEC:g} s after the import, and before any run, {processes} processes have started"
    more = f"{threads} threads have started; a library may have {LIBRARY_THREADS}"
    assert threads <= LIBRARY_THREADS, f"{IDLE_SEC:g} s after the import, and before any run, {more}"


def _demand_tracker_alone(submission: Submission, before: Census) -> None:
    """End the resource tracker by its own means: then nothing may be left, whatever it calls itself."""
    submission.value("end_tracker", timeout_sec=HANG_SEC)
    demand_ended(submission, before, "what run() started for items lives on (the tracker was ended)", stay=0)


def _demand_processes_of_its_own(submission: Submission, rng: Random) -> None:
    """Run several times in a row: what an item leaves in a process is not there in the next run's."""
    title = "processes of one run work for the next, and hold what its items left in them"
    for run in rng.sample(range(2**32), RUNS_IN_A_ROW):
        count = rng.randint(40, 60)
        run_and_demand(submission, title, [stage("runs_seen", computes(count))], [run] * count, [Result(1)] * count)


def _demand_nothing_held(submission: Submission, rng: Random) -> None:
    """Drop the results of a run, and see that they are gone: nobody is to hold them until the next."""
    for profile, kind in ((brief(20), "inline"), (waits(64), "threads"), (computes(40), "processes")):
        title = f"what run() has worked on is held ({kind})"
        numbers = [rng.getrandbits(32) for _ in range(profile.tasks)]
        expected = [SpecialResult("aloof", mixed(number)) for number in numbers]
        run_and_demand(submission, title, [stage("aloof", profile)], numbers, expected)
        demand_let_go(submission, title)


def _demand_closed_after_deaths(submission: Submission, rng: Random) -> None:
    """Let workers die, and count the files that stay open for it."""
    title = "a worker that died leaves files open"
    before = open_files(submission)
    hows = ["kill", "exit"] * (DEATHS // 2) + ["fine"] * 2
    items, expected = dying_items(rng, hows)
    with playing(submission, title, rng, [stage("dying", dangerous(len(hows)))], items, at_once) as scene:
        scene.end(expected)
    demand_no_more_files(submission, before + FILES_MORE, f"{title}: after a run in which {DEATHS} workers died")


def _demand_closed_beside_results(submission: Submission, rng: Random) -> None:
    """Hold the results of items that did not pickle, with the exceptions in them, and count the files that are open."""
    title = "an item that does not pickle leaves files open"
    before = open_files(submission)
    numbers = [rng.getrandbits(32) for _ in range(UNPICKLED)]
    awkward = list(range(1, UNPICKLED, 2))
    stages = [stage("opened", computes(UNPICKLED))]
    outcome = submission.call("run_awkward", stages, numbers, awkward, timeout_sec=HANG_SEC)
    expected = [
        FailsSomehow("argument") if place in awkward else Result(mixed(number)) for place, number in enumerate(numbers)
    ]
    demand_entries(finished(outcome, title), expected, title)
    what = f"{title}: after a run with {len(awkward)} arguments that did not pickle, whose entries are held"
    demand_no_more_files(submission, before + 1, what)


def _demand_closed_files(submission: Submission, rng: Random) -> None:
    """Run again and again, and count the files that stay open."""
    counts = []
    for run in range(WARM_RUNS + RUNS):
        naps = [rng.choice(NAPS_SEC)] * NAPPING  # all of them wake at once
        run_and_demand(submission, AGAIN, [stage("naps", waits(NAPPING))], naps, list(map(Result, naps)))
        if run % RARELY == 0:
            squarings = [squaring(rng, 10) for _ in range(4)]
            items, answers = [each.item for each in squarings], [Result(each.answer) for each in squarings]
            run_and_demand(submission, AGAIN, [stage("squarings", uneven(computes(4)))], items, answers)
        counts.append(open_files(submission))
    grown = min(counts[-RARELY:]) - min(counts[:WARM_RUNS])
    assert grown < RUNS / RARELY, f"after {RUNS} runs there are {grown} more open files: a run must close what it opens"
