"""The checks: one function for each id of challenge.toml."""

import asyncio
import time

import answers
import bookkeeping
import dying_calls
import lost_turns
import overload
import rough_clients
import shutdown
from limits import narrow, roomy
from measuring import ATTEMPTS, finds_capacity, measures, right_together
from planted_plans import plans, with_capacity
from stand import USUAL_BYTES, Stand, on_stand

from grader.plugin.facade import SubjectFacade
from grader.source_marks import demand_nothing_of_ours
from harness.unforeseen import Unforeseen


def test_names_no_judge(submission: SubjectFacade) -> None:
    demand_nothing_of_ours(submission.source)


# ---- part one


def test_items_and_errors(submission: SubjectFacade, fresh_seed: int) -> None:
    on_stand(submission, fresh_seed, answers.items_and_errors, limit=roomy(Unforeseen(fresh_seed)))


def test_batches(submission: SubjectFacade, fresh_seed: int) -> None:
    on_stand(submission, fresh_seed, answers.batches, limit=roomy(Unforeseen(fresh_seed)))


def test_coalesces_misses(submission: SubjectFacade, fresh_seed: int) -> None:
    rng = Unforeseen(fresh_seed)
    on_stand(submission, fresh_seed, overload.coalesces, limit=narrow(rng))
    on_stand(submission, fresh_seed, overload.shares, limit=roomy(rng))
    on_stand(submission, fresh_seed, lambda stand: dying_calls.joined(stand, rng), limit=roomy(rng))


def test_keeps_items_fresh(submission: SubjectFacade, fresh_seed: int) -> None:
    rng = Unforeseen(fresh_seed)
    on_stand(submission, fresh_seed, answers.keeps_fresh, limit=roomy(rng))
    on_stand(submission, fresh_seed, answers.keeps_large_items, limit=roomy(rng), size=answers.LARGE_ITEM_BYTES)
    for _ in range(answers.ATTEMPTS):
        began_at = time.monotonic()
        for scenario in (answers.fetches_some, answers.begins_afresh):  # of one seed, and so of the same ids
            on_stand(submission, fresh_seed + 1, scenario, limit=roomy(rng))
        if time.monotonic() - began_at < answers.KEPT_SEC:  # else what the first one had is too old to be answered
            break


def test_bounded_memory(submission: SubjectFacade, fresh_seed: int) -> None:
    submission.restart()
    limit = roomy(Unforeseen(fresh_seed))
    on_stand(submission, fresh_seed, answers.many_items, limit=limit, size=answers.MANY_ITEM_BYTES)


def test_bounds_the_backend(submission: SubjectFacade, fresh_seed: int) -> None:
    rng = Unforeseen(fresh_seed)
    for limit in (1, narrow(rng)):
        on_stand(submission, fresh_seed, overload.bounds_the_backend, limit=limit)
        on_stand(submission, fresh_seed, overload.counts_new_ones_only, limit=limit)
    on_stand(submission, fresh_seed, overload.passes_places_on, limit=1)


def test_sheds_load(submission: SubjectFacade, fresh_seed: int) -> None:
    rng = Unforeseen(fresh_seed)
    for limit in (narrow(rng), roomy(rng)):
        on_stand(submission, fresh_seed, overload.sheds_load, limit=limit)


def test_times_out(submission: SubjectFacade, fresh_seed: int) -> None:
    rng = Unforeseen(fresh_seed)
    on_stand(submission, fresh_seed, overload.times_out, limit=narrow(rng))
    on_stand(submission, fresh_seed, lost_turns.keeps_places, limit=narrow(rng))


def test_slow_clients(submission: SubjectFacade, fresh_seed: int) -> None:
    limit = roomy(Unforeseen(fresh_seed))
    on_stand(submission, fresh_seed, rough_clients.slow_clients, limit=limit, size=16 * 1024)


def test_broken_clients(submission: SubjectFacade, fresh_seed: int) -> None:
    rng = Unforeseen(fresh_seed)
    on_stand(submission, fresh_seed, lambda stand: rough_clients.broken_clients(stand, rng), limit=narrow(rng))


def test_metrics_tell_the_truth(submission: SubjectFacade, fresh_seed: int) -> None:
    rng = Unforeseen(fresh_seed)
    on_stand(submission, fresh_seed, bookkeeping.metrics_tell_the_truth, limit=roomy(rng))
    on_stand(submission, fresh_seed, bookkeeping.counts_late_readers, limit=roomy(rng), size=16 * 1024)


def test_shuts_down_gracefully(submission: SubjectFacade, fresh_seed: int) -> None:
    rng = Unforeseen(fresh_seed)
    for scenario, drawn in (
        (shutdown.finishes_what_is_in_flight, roomy),
        (shutdown.answers_who_waits, narrow),
        (shutdown.ends_in_time, roomy),
        (shutdown.leaves_no_call, narrow),
        (shutdown.leaves_no_call_at_once, narrow),
        (shutdown.leaves_no_call_in_haste, roomy),
    ):
        _shut_down(submission, fresh_seed, scenario, limit=drawn(rng))
    for scenario in (shutdown.finishes_what_is_being_sent, shutdown.ends_without_readers):
        _shut_down(submission, fresh_seed, scenario, roomy(rng), shutdown.LARGE_BYTES)


def _shut_down(
    submission: SubjectFacade, seed: int, scenario: shutdown.Scenario, limit: int, size: int = USUAL_BYTES
) -> None:
    """Run a scenario in which `serve` is cancelled, against a server of its own."""
    submission.ensure()
    with asyncio.Runner() as runner:
        stand = Stand(submission, Unforeseen(seed), runner, limit=limit, size=size)
        try:
            stand.start()
            with submission.flight() as flight:
                runner.run(scenario(stand, flight))
            stand.demand_plain_calls()
        finally:
            stand.clear()


# ---- part two


def test_measures_constant_service(submission: SubjectFacade, fresh_seed: int) -> None:
    _measures(submission, fresh_seed, "steady")
    measures(submission, plans(Unforeseen(fresh_seed))["steady, under load"])


def test_measures_a_stall(submission: SubjectFacade, fresh_seed: int) -> None:
    _measures(submission, fresh_seed, "stall")


def test_measures_a_bimodal_tail(submission: SubjectFacade, fresh_seed: int) -> None:
    _measures(submission, fresh_seed, "bimodal")
    _measures(submission, fresh_seed, "hundredth")


def test_counts_errors_and_losses(submission: SubjectFacade, fresh_seed: int) -> None:
    _measures(submission, fresh_seed, "losses")
    _measures(submission, fresh_seed, "late")
    _measures(submission, fresh_seed, "failing")
    _measures(submission, fresh_seed, "unreachable")
    _measures(submission, fresh_seed, "mute")


def test_measures_overload(submission: SubjectFacade, fresh_seed: int) -> None:
    _measures(submission, fresh_seed, "overload")


_right: set[str] | None = None
"""The planted servers whose report was the truth when they were measured together; None before they were."""


def _measures(submission: SubjectFacade, seed: int, name: str) -> None:
    """Demand the truth on one server: from when all light ones were measured together, or else on it alone."""
    global _right  # noqa: PLW0603  one grading is one process
    if _right is None:
        _right = set()
        light = {name: plan for name, plan in plans(Unforeseen(seed)).items() if name != "steady, under load"}
        _right |= right_together(submission, light)
    if name not in _right:
        measures(submission, plans(Unforeseen(seed))[name], attempts=ATTEMPTS - 1)


def test_finds_capacity(submission: SubjectFacade, fresh_seed: int) -> None:
    for what, behaviour in with_capacity(Unforeseen(fresh_seed)).items():
        finds_capacity(submission, behaviour, what)
