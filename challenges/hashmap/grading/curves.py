"""The bars that are no plain duels: statistics of one launch, from several calls into each side."""

from collections.abc import Callable
from random import Random
from statistics import geometric_mean, median
from typing import Protocol

import numpy as np
import pytest
from keys import Ints, distinct, generator, raw

from harness.sandbox.roles import Stats

PATIENCE = 25.0
MIN_PATIENCE_SEC = 2.0
"""A call may take so many times the reference's time for the same work, and at least this."""

FIRST_TIMEOUT_SEC = 10.0
"""For the reference's calls, before its time is known."""


class Player(Protocol):
    """One side of a launch."""

    def value(self, function: str, *args: object, timeout_sec: float | None = None) -> object:
        """Call one of the driver's functions and give its answer."""

    def timed_call(self, function: str, *args: object, timeout_sec: float) -> tuple[object, float]:
        """Give an answer and its seconds by the grader's clock."""

    def stats(self) -> Stats:
        """Read the side's accounting."""


class Launch(Protocol):
    """Both sides of one launch."""

    candidate: Player
    reference: Player
    rng: Random

    def fresh(self) -> None:
        """Start both sides in new processes."""


# ---------------------------------------------------------------------------------------------------------- growth

SIZES = tuple(2**n for n in range(10, 18))
KEYS_A_CALL = 2**14
"""Small maps are built several times in a call, so that it lasts some milliseconds."""

GROWTH_PASSES = 2
"""Each side builds all sizes this often; the mean time of each counts: who is slow every second time is slow."""


def growth(launch: Launch) -> tuple[float, float]:
    """Give the exponent of time over size, relative to the reference's, and 1."""
    inputs = {size: distinct(launch.rng, max(size, KEYS_A_CALL)) for size in SIZES}
    theirs = _build_times(launch.reference, inputs, lambda _: FIRST_TIMEOUT_SEC)
    mine = _build_times(launch.candidate, inputs, lambda size: max(MIN_PATIENCE_SEC, PATIENCE * theirs[size]))
    return exponent(SIZES, [mine[size] / theirs[size] for size in SIZES]), 1.0


def exponent(sizes: tuple[int, ...], ratios: list[float]) -> float:
    """Fit 1 + the slope of log ratio over log size. Pure."""
    slope, _ = np.polyfit(np.log(sizes), np.log(ratios), 1)
    return max(1.0 + float(slope), 0.01)


def _build_times(player: Player, inputs: dict[int, Ints], timeout: Callable[[int], float]) -> dict[int, float]:
    mean = dict.fromkeys(inputs, 0.0)
    for _ in range(GROWTH_PASSES):
        for size, keys in inputs.items():
            player.value("rest")
            answer, seconds = player.timed_call("build_many", raw(keys), size, timeout_sec=timeout(size))
            assert answer == raw(np.arange(len(keys)) % size), "maps built of distinct keys hold other values"
            mean[size] += seconds / GROWTH_PASSES
    return mean


# -------------------------------------------------------------------------------------------------------- longest pause

BATCH = 256
BATCHES = 256
SAMPLE = 16
"""Every so many keys of a batch are looked up; the driver does the same."""

ENDS = tuple(int(2 ** (6 + n / 4)) for n in range(1, 9))
"""Numbers of batches after which the slowest so far is read: they span a factor of four, to the last batch, so that
where a design's last rebuild comes favours nobody, whether it grows by two, three or four.
"""

PAUSE_RUNS = 3
"""At each end the run in the middle counts, so that the machine's own pauses do not, unless it has most of the time."""


def longest_pause(launch: Launch) -> tuple[float, float]:
    """Give the seconds of each side's slowest batch so far, as the geometric mean over several ends."""
    reference, candidate = [], []
    for _ in range(PAUSE_RUNS):
        keys = distinct(launch.rng, BATCH * BATCHES)
        theirs = _batch_times(launch.reference, keys, FIRST_TIMEOUT_SEC)
        reference.append(theirs)
        candidate.append(_batch_times(launch.candidate, keys, max(MIN_PATIENCE_SEC, PATIENCE * max(theirs))))
    return slowest_so_far(candidate), slowest_so_far(reference)


def slowest_so_far(runs: list[list[float]]) -> float:
    """Give the geometric mean over all ends of the slowest batch before, in the run in the middle. Pure.

    The best time of each batch would be steadier, but who rebuilds at moments drawn at random would show no pause.
    """
    return geometric_mean([median(max(times[:end]) for times in runs) for end in ENDS])


def _batch_times(player: Player, keys: Ints, timeout_sec: float) -> list[float]:
    player.value("build", b"")
    times = []
    for first in range(0, len(keys), BATCH):
        batch = keys[first : first + BATCH]
        answer, seconds = player.timed_call("insert", raw(batch), first, timeout_sec=timeout_sec)
        expected = [first + BATCH, raw(np.arange(first, first + BATCH, SAMPLE))]
        assert answer == expected, "after a batch of insertions the map's length or a value is wrong"
        times.append(seconds)
    assert player.value("contents") == [raw(keys), raw(np.arange(len(keys)))], "after all batches the entries are wrong"
    return times


# ----------------------------------------------------------------------------------------------------- memory per entry

STAGES = tuple(int(2 ** (17 + n / 4)) for n in range(5))
"""Sizes at which the peak is read. They span a doubling, so that the step at which a table grows favours nobody."""

KEY_BITS = 60
"""All keys are ints of two digits, which take 32 bytes, but for one in a billion."""

KEYS_SENT = 2**12
"""Keys of one call, so that what travels takes next to no memory. Values are bytes: small ints, which exist already."""

SAMPLE_AFTER = 2_000
"""Keys looked up when all stages are built, drawn only then."""

HELD_BEYOND_MB = 4.0
"""What a side may hold at rest beyond the reference: some modules more. What is beyond that was taken for the map."""

MIB = 2**20


def memory_per_entry(launch: Launch) -> tuple[float, float]:
    """Give each side's peak memory for each entry in bytes, keys included: the mean over the stages."""
    launch.fresh()
    keys = distinct(launch.rng, STAGES[-1], KEY_BITS)
    values = launch.rng.randbytes(len(keys))
    most_held = _at_rest_mb(launch.reference) + HELD_BEYOND_MB
    shares = (
        _bytes_per_entry(launch.candidate, most_held, keys, values),
        _bytes_per_entry(launch.reference, most_held, keys, values),
    )
    wanted = generator(launch.rng).integers(len(keys), size=SAMPLE_AFTER)
    for player in (launch.candidate, launch.reference):
        _demand_extended(player, keys, np.frombuffer(values, dtype=np.uint8).astype(np.int64), wanted)
    return shares


def _demand_extended(player: Player, keys: Ints, values: Ints, wanted: Ints) -> None:
    """Look at the map when its peak was read: at a sample of its keys, then at all."""
    found = player.value("hit_lookups", raw(keys[wanted]))
    assert found == raw(values[wanted]), "after the last stage a key is not found, or has another's value"
    assert player.value("contents") == [raw(keys), raw(values)], "after the last stage the entries are wrong"


def _at_rest_mb(player: Player) -> float:
    player.value("rest")
    held = player.stats().memory_mb
    if held is None:
        pytest.skip("this machine does not tell how much memory a subject uses")
    return held


def _bytes_per_entry(player: Player, most_held_mb: float, keys: Ints, values: bytes) -> float:
    before = min(_at_rest_mb(player), most_held_mb)
    shares, size = [], 0
    for stage in STAGES:
        for first in range(size, stage, KEYS_SENT):
            stop = min(first + KEYS_SENT, stage)
            answer = player.value("extend", raw(keys[first:stop]), values[first:stop])
            assert answer == stop, f"a map of {stop} entries has another length"
        size = stage
        shares.append((_peak_mb(player) - before) * MIB / size)
    return max(float(np.mean(shares)), 1.0)


def _peak_mb(player: Player) -> float:
    peak = player.stats().memory_peak_mb
    if peak is None:
        pytest.skip("this machine does not tell a subject's peak memory")
    return peak
