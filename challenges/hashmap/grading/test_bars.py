"""The bars: each a duel with the reference, or a pair of numbers that each launch gives.

Sizes are such that the reference takes 20 to 50 ms a round, and that its tables outgrow the processor's second cache.
"""

import launch_statistics
import workload


def test_bulk_insert(duel):
    duel(workload.BulkInsert(2**15))


def test_hit_lookup(duel):
    duel(workload.HitLookup(2**14, passes=4))


def test_miss_lookup(duel):
    duel(workload.MissLookup(2**14, count=2**16))


def test_churn(duel):
    duel(workload.Churn(2**14, count=2**14))


def test_string_keys(duel):
    duel(workload.StringKeys(words=40_000, vocabulary=12_000))


def test_iteration(duel):
    duel(workload.Iteration(2**14, passes=8, changes=64))


def test_colliding_keys(duel):
    duel(workload.CollidingKeys(2**12))


def test_growth(measure):
    measure(launch_statistics.growth_exponent, unit="exponent")


def test_longest_pause(measure):
    measure(launch_statistics.longest_pause)


def test_memory_per_entry(measure):
    measure(launch_statistics.memory_per_entry, unit="bytes")
