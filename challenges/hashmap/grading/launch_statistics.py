"""Bars that are no plain duel, but a pair of numbers a launch: growth with size, the longest pause, and memory."""

import math
from statistics import linear_regression

import numpy as np
import pytest
import workload

from grader.plugin.facade import PairedLaunch, SubjectFacade

TIMEOUT_SEC = 20.0
"""For one call: a hundred times what the reference takes."""

SIZES = [2**exponent for exponent in range(10, 18)]
ENTRIES_PER_TIMING = 2**14
"""Small maps are built one after another, so that every timing lasts at least ten milliseconds."""

REPEATS = 3
"""A timing counts as its best of these: a disturbance only ever adds time."""

BATCH, BATCHES = 256, 256
SAMPLED = 16
"""Every so many-th key of a batch is looked up after it."""

MEMORY_ENTRIES = 2**17
MULTIPLIER, MODULUS = 2_654_435_761, 2**40 + 15
"""A full-period sequence of distinct keys that the subject makes itself, so that no input counts as its memory."""

MIB = 2**20


def growth_exponent(launch: PairedLaunch) -> tuple[float, float]:
    """Give 1 + the slope of log(time / the reference's time) over log(size), and 1 to compare it with."""
    numbers = workload.generator(launch.rng)
    logs = []
    for size in SIZES:
        keys = workload.distinct(numbers, max(size, ENTRIES_PER_TIMING))
        pairs = [(_build(launch.reference, keys, size), _build(launch.candidate, keys, size)) for _ in range(REPEATS)]
        theirs, mine = (min(times) for times in zip(*pairs, strict=True))
        logs.append(math.log(mine / theirs))
    slope = linear_regression([math.log(size) for size in SIZES], logs).slope
    return max(math.ulp(1.0), 1 + slope), 1.0


def _build(side: SubjectFacade, keys: workload.Ints, size: int) -> float:
    answer, seconds = side.timed_call("build_many", workload.raw(keys), size, timeout_sec=TIMEOUT_SEC)
    right = workload.raw(np.tile(np.arange(size), len(keys) // size))
    assert answer == right, "gave a wrong answer in a timed round: the values differ from those inserted"
    return seconds


def longest_pause(launch: PairedLaunch) -> tuple[float, float]:
    """Give each side's slowest batch of insertions in seconds, each batch's time being its best of all repeats."""
    numbers = workload.generator(launch.rng)
    mine, theirs = [math.inf] * BATCHES, [math.inf] * BATCHES
    for _ in range(REPEATS):
        keys = workload.distinct(numbers, BATCH * BATCHES)
        theirs = list(map(min, theirs, _batches(launch.reference, keys)))
        mine = list(map(min, mine, _batches(launch.candidate, keys)))
    return max(mine), max(theirs)


def _batches(side: SubjectFacade, keys: workload.Ints) -> list[float]:
    side.value("build", b"")
    times = []
    for start in range(0, BATCH * BATCHES, BATCH):
        part = workload.raw(keys[start : start + BATCH])
        answer, seconds = side.timed_call("insert", part, start, timeout_sec=TIMEOUT_SEC)
        right = [start + BATCH, workload.raw(np.arange(start, start + BATCH)[::SAMPLED])]
        assert answer == right, "gave a wrong answer in a timed round: a batch of insertions lost an entry"
        times.append(seconds)
    return times


def memory_per_entry(launch: PairedLaunch) -> tuple[float, float]:
    """Give each side's peak memory per entry in bytes, keys and the growing table's copies included."""
    launch.fresh()
    return _grown(launch.candidate), _grown(launch.reference)


def _grown(side: SubjectFacade) -> float:
    side.value("rest")
    before = side.stats().memory_mb
    held = side.value("extend", 0, MEMORY_ENTRIES, MULTIPLIER, MODULUS, timeout_sec=TIMEOUT_SEC)
    assert held == MEMORY_ENTRIES, "lost entries while memory was measured"
    peak = side.stats().memory_peak_mb
    numbers = np.arange(MEMORY_ENTRIES)
    right = [workload.raw(numbers * MULTIPLIER % MODULUS), workload.raw(numbers & 127)]
    assert side.value("contents") == right, "held other entries than it was given while memory was measured"
    if before is None or peak is None:
        pytest.skip("this machine does not tell a subject's peak memory")
    return max(1.0, (peak - before) * MIB / MEMORY_ENTRIES)
