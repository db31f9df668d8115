"""Stories about what a run takes and leaves: memory, threads, processes."""

from __future__ import annotations

import time
from random import Random
from typing import Protocol

from big_array import BIG_MB, HELD_BEYOND_MB, big_batch, demand_right_parts
from numbers_oracle import mixed, squaring
from profiles import computes, dangerous, stage, uneven, waits
from replies import Died, FailsSomehow, Result, demand_entries, finished
from stage_play import HANG_SEC, Submission, at_once, playing, run_and_demand

from harness.sandbox.roles import Stats

GROWTH_MOST_MB = 144.0
ENDED_SEC = 10.0
"""SPEC.md gives five; a busy machine gets as many again."""

ANSWER_SEC = 0.005

STAY = 1
"""Processes that may stay: `multiprocessing`'s resource tracker."""

LOOK_SEC = 0.05

IDLE_SEC = 0.3
"""Whoever starts workers beforehand has them by then."""

WARM_RUNS, RUNS, RARELY = 2, 40, 5
"""Runs on threads, and how many of them come with one in processes."""

NAPPING, NAPS_SEC = 192, (0.001, 0.003, 0.01)
AGAIN = "run after run"

DEATHS, UNPICKLED, FILES_MORE = 8, 40, 3
"""Workers that die in one run, items of one that don't pickle, and how many more open files may have another reason."""


def demand_bounded_memory(submission: Submission, reference: Submission, rng: Random) -> None:
    """Run parts of one large array, and read what the container's memory grew by."""
    submission.restart()
    reference.restart()
    batch = big_batch(rng)
    for side in (reference, submission):
        side.value("hold_big", *batch.made_of, timeout_sec=HANG_SEC)
    usual, before = reference.stats(), submission.stats()
    reply = submission.value("run_parts", *batch.work, timeout_sec=HANG_SEC)
    after = submission.stats()
    demand_right_parts(reply, batch, rng)
    submission.call("rest")
    if before.memory_mb is None or usual.memory_mb is None or after.memory_peak_mb is None:
        return  # a machine without accounting; the result says that it was practice
    growth = after.memory_peak_mb - min(before.memory_mb, usual.memory_mb + HELD_BEYOND_MB)
    assert growth <= GROWTH_MOST_MB, (
        f"while items worked on parts of one array of {BIG_MB} MB, memory grew by {growth:.0f} MiB beyond what was "
        f"held before; {GROWTH_MOST_MB:.0f} are allowed: the array must not be copied for each worker or item. (Held "
        f"before counts only up to {HELD_BEYOND_MB:.0f} MiB more than the reference holds then)"
    )


def demand_closed_pools(submission: Submission, rng: Random) -> None:
    """Give every worker a connection to hold, and see it close; then count the container's processes."""
    submission.restart()
    before = submission.stats().processes
    _demand_nothing_by_itself(submission, before)
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
        if before is not None:  # as it is on a machine that does not tell
            demand_processes_ended(submission, before, title)
    if before is not None:
        _demand_tracker_alone(submission, before)
    _demand_closed_files(submission, rng)
    _demand_closed_after_deaths(submission, rng)
    _demand_closed_beside_results(submission, rng)


def _demand_nothing_by_itself(submission: Submission, before: int | None) -> None:
    """Look a while after the import, with no run so far."""
    time.sleep(IDLE_SEC)
    more = (submission.stats().processes or 0) - (before or 0)
    assert more <= 0, f"{IDLE_SEC:g} s after the import, and before any run, {more} processes more have started"


def _demand_tracker_alone(submission: Submission, before: int) -> None:
    """End the resource tracker by its own means: then nothing may be left, whatever it calls itself."""
    submission.value("end_tracker", timeout_sec=HANG_SEC)
    demand_processes_ended(submission, before, "what run() started for items lives on (the tracker was ended)", stay=0)


def _demand_closed_after_deaths(submission: Submission, rng: Random) -> None:
    """Let workers die, and count the files that stay open for it."""
    title = "a worker that died leaves files open"
    before = _open_files(submission)
    hows = ["kill", "exit"] * (DEATHS // 2) + ["fine"] * 2
    numbers = [rng.getrandbits(32) for _ in hows]
    items = [[how, number, "planted", key] for key, (how, number) in enumerate(zip(hows, numbers, strict=True))]
    expected = [Result(mixed(number)) if how == "fine" else Died() for how, number in zip(hows, numbers, strict=True)]
    with playing(submission, title, rng, [stage("dying", dangerous(len(hows)))], items, at_once) as scene:
        scene.end(expected)
    _demand_no_more_files(submission, before + FILES_MORE, f"{title}: after a run in which {DEATHS} workers died")


def _demand_closed_beside_results(submission: Submission, rng: Random) -> None:
    """Hold the results of items that did not pickle, with the exceptions in them, and count the files that are open."""
    title = "an item that does not pickle leaves files open"
    before = _open_files(submission)
    numbers = [rng.getrandbits(32) for _ in range(UNPICKLED)]
    awkward = list(range(1, UNPICKLED, 2))
    stages = [stage("opened", computes(UNPICKLED))]
    outcome = submission.call("run_awkward", stages, numbers, awkward, timeout_sec=HANG_SEC)
    expected = [
        FailsSomehow("argument") if place in awkward else Result(mixed(number)) for place, number in enumerate(numbers)
    ]
    demand_entries(finished(outcome, title), expected, title)
    what = f"{title}: after a run with {len(awkward)} arguments that did not pickle, whose entries are held"
    _demand_no_more_files(submission, before + 1, what)


def _demand_no_more_files(submission: Submission, allowed: int, what: str) -> None:
    deadline = time.perf_counter() + ENDED_SEC
    while (count := _open_files(submission)) > allowed:
        assert time.perf_counter() < deadline, (
            f"{what}, {count} files are open {ENDED_SEC:g} s later, where {allowed} at most may be: "
            "a run must close what it opens"
        )
        time.sleep(LOOK_SEC)


def _open_files(submission: Submission) -> int:
    count = submission.value("open_files")
    assert type(count) is int, "the count of open files has the wrong shape"
    return count


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
        counts.append(_open_files(submission))
    grown = min(counts[-RARELY:]) - min(counts[:WARM_RUNS])
    assert grown < RUNS / RARELY, f"after {RUNS} runs there are {grown} more open files: a run must close what it opens"


class Counted(Protocol):
    """A subject whose accounting can be read."""

    def stats(self) -> Stats:
        """Read it."""


def demand_processes_ended(submission: Counted, before: int, title: str, stay: int = STAY) -> None:
    """Count the container's processes from outside: what closed its connection may live on."""
    deadline = time.perf_counter() + ENDED_SEC
    while (more := (submission.stats().processes or 0) - before) > stay:
        assert time.perf_counter() < deadline, (
            f"{title}: {ENDED_SEC:g} s after run() returned, the container has {more} processes more than before the "
            f"first run; only multiprocessing's resource tracker may stay"
        )
        time.sleep(LOOK_SEC)
