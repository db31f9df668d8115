"""The checks: one function for each id of challenge.toml."""

import asyncio
from random import Random

import answers
import bookkeeping
import overload
import rough_clients
import shutdown
from behaviours import Constant, Limited, Numbered, Stalling, Word, Workers
from measuring import finds_capacity, measures
from stand import Stand, on_stand
from truth import Asked

from grader.plugin.facade import SubjectFacade

# ---- part one


def test_items_and_errors(submission: SubjectFacade, fresh_seed: int) -> None:
    on_stand(submission, fresh_seed, answers.items_and_errors)


def test_batches(submission: SubjectFacade, fresh_seed: int) -> None:
    on_stand(submission, fresh_seed, answers.batches, limit=32)


def test_coalesces_misses(submission: SubjectFacade, fresh_seed: int) -> None:
    on_stand(submission, fresh_seed, overload.coalesces)


def test_keeps_items_fresh(submission: SubjectFacade, fresh_seed: int) -> None:
    on_stand(submission, fresh_seed, answers.keeps_fresh, limit=16)


def test_bounded_memory(submission: SubjectFacade, fresh_seed: int) -> None:
    submission.restart()
    on_stand(submission, fresh_seed, answers.many_items, limit=16, size=answers.MANY_ITEM_BYTES)


def test_bounds_the_backend(submission: SubjectFacade, fresh_seed: int) -> None:
    for limit in (1, Random(fresh_seed).randint(4, 12)):
        on_stand(submission, fresh_seed, overload.bounds_the_backend, limit=limit)


def test_sheds_load(submission: SubjectFacade, fresh_seed: int) -> None:
    on_stand(submission, fresh_seed, overload.sheds_load, limit=Random(fresh_seed).randint(3, 7))


def test_times_out(submission: SubjectFacade, fresh_seed: int) -> None:
    on_stand(submission, fresh_seed, overload.times_out, limit=4)


def test_slow_clients(submission: SubjectFacade, fresh_seed: int) -> None:
    on_stand(submission, fresh_seed, rough_clients.slow_clients, limit=32, size=16 * 1024)


def test_broken_clients(submission: SubjectFacade, fresh_seed: int) -> None:
    rng = Random(fresh_seed)
    on_stand(submission, fresh_seed, lambda stand: rough_clients.broken_clients(stand, rng), limit=16)


def test_metrics_tell_the_truth(submission: SubjectFacade, fresh_seed: int) -> None:
    on_stand(submission, fresh_seed, bookkeeping.metrics_tell_the_truth)


def test_shuts_down_gracefully(submission: SubjectFacade, fresh_seed: int) -> None:
    for scenario in (shutdown.finishes_what_is_in_flight, shutdown.ends_in_time):
        submission.ensure()
        with asyncio.Runner() as runner:
            stand = Stand(submission, Random(fresh_seed), runner, limit=6)
            try:
                stand.start()
                with submission.flight() as flight:
                    runner.run(scenario(stand, flight))
            finally:
                stand.clear()


# ---- part two


def test_measures_constant_service(submission: SubjectFacade, fresh_seed: int) -> None:
    rng = Random(fresh_seed)
    slow, fast = rng.uniform(0.040, 0.060), rng.uniform(0.008, 0.012)
    measures(submission, Asked(rng.choice([90, 110, 130]), 1.0), lambda: Constant(slow), "a steady server")
    measures(
        submission, Asked(rng.choice([900, 950, 1000]), 1.0), lambda: Constant(fast), "a steady server, under load"
    )


def test_measures_a_stall(submission: SubjectFacade, fresh_seed: int) -> None:
    rng = Random(fresh_seed)
    service, begin = rng.uniform(0.015, 0.025), rng.uniform(0.8, 1.0)
    asked = Asked(rng.choice([90, 100, 110]), 2.5)
    measures(
        submission,
        asked,
        lambda: Stalling(service, begin, begin + 1.0),
        "a server that stalls for a second",
        prompt=False,
    )


def test_measures_a_bimodal_tail(submission: SubjectFacade, fresh_seed: int) -> None:
    rng = Random(fresh_seed)
    asked = Asked(rng.choice([180, 200, 220]), 1.5)
    fast, slow = rng.uniform(0.020, 0.030), rng.uniform(0.3, 0.5)
    special = dict.fromkeys(rng.sample(range(asked.requests), asked.requests // 25), (Word.OK, slow))
    measures(submission, asked, lambda: Numbered(fast, special), "a server with a bimodal tail")


def test_counts_errors_and_losses(submission: SubjectFacade, fresh_seed: int) -> None:
    rng = Random(fresh_seed)
    asked = Asked(rng.choice([150, 170, 190]), 1.2)
    numbers = rng.sample(range(asked.requests), 40)
    special = dict.fromkeys(numbers[:15], (Word.ERROR, 0.001))
    special |= dict.fromkeys(numbers[15:30], (Word.CLOSE, 0.01))
    special |= dict.fromkeys(numbers[30:], (Word.NEVER, 0.0))
    measures(submission, asked, lambda: Numbered(0.030, special), "a server that fails, hangs up and loses requests")


def test_measures_overload(submission: SubjectFacade, fresh_seed: int) -> None:
    rng = Random(fresh_seed)
    workers = rng.randint(1, 4)
    asked = Asked(200, 1.2)
    service = workers / rng.uniform(105, 125)
    measures(submission, asked, lambda: Workers(workers, service), "a server asked for twice what it can do")


def test_finds_capacity(submission: SubjectFacade, fresh_seed: int) -> None:
    rng = Random(fresh_seed)
    capacity, workers = rng.uniform(140, 550), rng.randint(2, 6)
    service = workers / capacity
    finds_capacity(submission, 100.0, capacity, lambda: Workers(workers, service), "a server whose queue grows")
    limit = rng.uniform(140, 550)
    finds_capacity(
        submission, 100.0, limit, lambda: Limited(limit, 0.010, burst=0.02 * limit), "a server that refuses the excess"
    )
