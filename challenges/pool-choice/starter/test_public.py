"""The public tests: a beginning, run in process by `takehome test` or pytest. The grading checks far more."""

import multiprocessing
import time

import pytest
from sample_functions import divide, leave, locked, nap, nap_then_pass_on, square
from solution import Batch, Failed, Profile, Stage, WorkerDied, plan, run


@pytest.fixture(autouse=True)
def _spawn():
    multiprocessing.set_start_method("spawn", force=True)


def profile(tasks, wall_sec, cpu_sec, **more):
    facts = {
        "slowest_sec": 2 * wall_sec,
        "gil_free": 0.0,
        "argument_bytes": 50,
        "result_bytes": 50,
        "arguments_pickle": True,
        "results_pickle": True,
        "may_die": False,
        "cores": 2,
    }
    return Profile(tasks=tasks, wall_sec=wall_sec, cpu_sec=cpu_sec, **{**facts, **more})


def tiny(tasks):
    return profile(tasks, 1e-6, 1e-6)


def waiting(tasks):
    return profile(tasks, 0.02, 0.0001)


def computing(tasks):
    return profile(tasks, 0.1, 0.1)


def batch(function, facts, items):
    return Batch(stages=(Stage(function, facts),), items=list(items))


def test_plans_for_clear_cases():
    assert plan(tiny(10)).kind == "inline"
    assert plan(waiting(100)).kind == "threads"
    assert plan(waiting(100)).workers >= 16
    assert plan(computing(40)).kind == "processes"
    assert plan(computing(40)).workers == 2
    assert plan(profile(40, 0.02, 0.02, gil_free=1.0, argument_bytes=5_000_000)).kind == "threads"
    assert plan(profile(3, 0.001, 0.001, may_die=True)).kind == "processes"


@pytest.mark.parametrize("facts", [tiny, waiting, computing])
@pytest.mark.parametrize("count", [0, 1, 50])
def test_results_are_in_order(facts, count):
    assert run(batch(square, facts(count), range(count))) == [number * number for number in range(count)]


def test_waiting_overlaps():
    began = time.perf_counter()
    assert run(batch(nap, waiting(80), [0.02] * 80)) == [0.02] * 80
    assert time.perf_counter() - began < 0.8


@pytest.mark.parametrize("facts", [tiny, waiting, computing])
def test_failures_are_entries(facts):
    results = run(batch(divide, facts(40), range(40)))
    assert isinstance(results[0], Failed)
    assert isinstance(results[0].error, ZeroDivisionError)
    assert isinstance(results[13], Failed)
    assert isinstance(results[13].error, SystemExit)
    assert [results[number] for number in (1, 20, 39)] == [100 / 1, 100 / 20, 100 / 39]


def test_a_result_that_does_not_pickle_harms_no_other():
    results = run(batch(locked, computing(40), range(40)))
    assert all(isinstance(result, Failed) for result in results[:3])
    assert results[3:] == list(range(3, 40))


def test_a_worker_that_dies_loses_its_own_item_only():
    results = run(batch(leave, profile(12, 0.01, 0.01, may_die=True), range(12)))
    assert isinstance(results[7], Failed)
    assert isinstance(results[7].error, WorkerDied)
    assert [result for place, result in enumerate(results) if place != 7] == [*range(7), *range(8, 12)]


def test_a_pipeline():
    stages = (Stage(nap_then_pass_on, waiting(64)), Stage(square, computing(64)))
    assert run(Batch(stages, list(range(64)))) == [(number + 1) ** 2 for number in range(64)]


def test_nothing_is_left_running():
    run(batch(square, computing(40), range(40)))
    deadline = time.perf_counter() + 5
    while multiprocessing.active_children() and time.perf_counter() < deadline:
        time.sleep(0.01)
    assert not multiprocessing.active_children()
