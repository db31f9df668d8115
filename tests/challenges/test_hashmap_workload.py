"""Hold the hash map's workloads to what they claim: statistics, oracles, and that equal seeds give equal rounds."""

from __future__ import annotations

from array import array
from collections import Counter
from random import Random
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from harness.duel.round import Round
from harness.sandbox.roles import State, Stats
from tests.challenges.loading import Import

WORKLOADS = ("BulkInsert", "HitLookup", "MissLookup", "Churn", "StringKeys", "Iteration", "CollidingKeys")


@pytest.fixture
def workload(grading: Import) -> ModuleType:
    return grading("workload")


def play(driver: ModuleType, round_: Round) -> Any:
    for call in round_.prepare:
        getattr(driver, call.function)(*call.args)
    return getattr(driver, round_.timed.function)(*round_.timed.args)


def ints(raw: object) -> list[int]:
    assert isinstance(raw, bytes)
    return array("q", raw).tolist()


@pytest.mark.parametrize("name", WORKLOADS)
class TestEveryWorkload:
    """What every workload must do."""

    def test_the_reference_answers_rightly(self, workload: ModuleType, reference_driver: ModuleType, name: str) -> None:
        for seed in range(2):
            round_ = getattr(workload, name)().round(Random(seed))
            assert round_.check(play(reference_driver, round_)) is None

    def test_equal_seeds_give_equal_rounds(self, workload: ModuleType, name: str) -> None:
        one, other, third = (getattr(workload, name)().round(Random(seed)) for seed in (1, 1, 2))
        assert (one.prepare, one.timed) == (other.prepare, other.timed)
        assert one.timed != third.timed

    def test_nothing_repeats_between_rounds(self, workload: ModuleType, name: str) -> None:
        rng = Random(3)
        one, other = (getattr(workload, name)().round(rng) for _ in range(2))
        assert one.timed != other.timed

    def test_wrong_answers_are_told(self, workload: ModuleType, reference_driver: ModuleType, name: str) -> None:
        round_ = getattr(workload, name)().round(Random(4))
        answer = play(reference_driver, round_)
        for wrong in (None, [], b"", [answer], 0, spoilt(answer)):
            assert isinstance(round_.check(wrong), str)


def spoilt(answer: Any) -> Any:
    """Change the last byte, letter or number of an answer."""
    match answer:
        case bytes():
            return answer[:-1] + bytes([answer[-1] ^ 1])
        case str():
            return answer[:-1] + ("a" if answer[-1] != "a" else "b")
        case int():
            return answer + 1
        case list():
            return [*answer[:-1], spoilt(answer[-1])]
    raise TypeError(type(answer))


class TestBulkInsert:
    def test_a_quarter_of_the_keys_overwrites(self, workload: ModuleType) -> None:
        keys = ints(workload.BulkInsert().round(Random(1)).timed.args[0])
        assert len(keys) == workload.BulkInsert.KEYS
        assert len(set(keys)) == len(keys) * 3 // 4

    def test_keys_look_random(self, workload: ModuleType) -> None:
        keys = np.array(ints(workload.BulkInsert().round(Random(1)).timed.args[0]))
        assert abs(np.mean(keys < 0) - 0.5) < 0.02
        for bits in (8, 13):
            counts = np.bincount(keys & (2**bits - 1), minlength=2**bits)
            assert counts.max() < 4 * counts.mean() + 30


class TestHitLookup:
    def test_every_lookup_hits(self, workload: ModuleType) -> None:
        round_ = workload.HitLookup().round(Random(1))
        keys, wanted = ints(round_.prepare[0].args[0]), ints(round_.timed.args[0])
        assert set(wanted) <= set(keys)
        assert len(set(wanted)) > 0.9 * len(keys)


class TestMissLookup:
    def test_one_in_eight_is_there(self, workload: ModuleType) -> None:
        round_ = workload.MissLookup().round(Random(1))
        keys, wanted = set(ints(round_.prepare[0].args[0])), ints(round_.timed.args[0])
        assert sum(key in keys for key in wanted) == len(wanted) // 8
        first, last = (
            sum(key in keys for key in part) for part in (wanted[: len(wanted) // 2], wanted[len(wanted) // 2 :])
        )
        assert abs(first - last) < 0.1 * (first + last)


class TestChurn:
    def test_size_is_steady(self, workload: ModuleType) -> None:
        round_ = workload.Churn().round(Random(1))
        live = set(ints(round_.prepare[0].args[0]))
        size = len(live)
        for old, new in zip(ints(round_.timed.args[0]), ints(round_.timed.args[1]), strict=True):
            live.remove(old)
            assert new not in live
            live.add(new)
        assert len(live) == size


class TestChurnOfAMap:
    """The checks' own, whose keys have equal hashes if it is told so."""

    def test_colliding_keys_are_fresh_and_have_the_hash_of_one_that_is_there(self, grading: Import) -> None:
        large = grading("large")
        churn = large.Churn(Random(1), next(ageing for ageing in large.AGEINGS if ageing.colliding))
        live = set(churn.first.tolist())
        assert len(live) == churn.entries == 2 * len({hash(key) for key in live})
        for _ in range(3):
            old, new, _, _ = churn.exchanges(500)
            for gone, come in zip(ints(old), ints(new), strict=True):
                live.remove(gone)
                assert come not in live
                assert hash(come) == hash(gone)
                live.add(come)


class TestStringKeys:
    def test_few_words_are_frequent_and_many_are_rare(self, workload: ModuleType) -> None:
        (text,) = workload.StringKeys().round(Random(1)).timed.args
        counts = Counter(text.split(" "))
        assert counts.total() == workload.StringKeys.WORDS
        assert all(3 <= len(word) <= 12 and word.isascii() and word.islower() for word in counts)
        frequent = sum(count for _, count in counts.most_common(len(counts) // 8))
        assert 0.4 < frequent / counts.total() < 0.8
        assert len(counts) > workload.StringKeys.VOCABULARY / 2


class TestIteration:
    def test_changes_are_to_what_is_there(self, workload: ModuleType) -> None:
        round_ = workload.Iteration().round(Random(1))
        keys, old, new = (ints(raw) for raw in (round_.prepare[0].args[0], *round_.timed.args[:2]))
        assert set(old) <= set(keys)
        assert set(new).isdisjoint(keys)
        assert len(set(old)) == len(old) == workload.Iteration.CHANGES


class TestCollidingKeys:
    def patterns(self, workload: ModuleType) -> list[list[int]]:
        (patterns,) = workload.CollidingKeys().round(Random(1)).timed.args
        modulus = 2**61 - 1
        return [
            [b + f * modulus for b, f in zip(ints(bases), ints(factors), strict=True)]
            for bases, factors, _, _ in patterns
        ]

    def test_groups_share_a_hash(self, workload: ModuleType) -> None:
        groups = Counter(map(hash, self.patterns(workload)[0]))
        assert set(groups.values()) == {workload.CollidingKeys.GROUP}

    def test_strides_share_low_bits_or_steps(self, workload: ModuleType) -> None:
        for keys, stride in zip(self.patterns(workload)[1:], workload.CollidingKeys.STRIDES, strict=True):
            assert len({key % stride for key in keys}) == 1
            assert len(set(keys)) == len(keys) == workload.CollidingKeys.ENTRIES

    def test_a_third_is_absent(self, workload: ModuleType) -> None:
        round_ = workload.CollidingKeys().round(Random(1))
        for keys, (_, _, wanted, factors) in zip(self.patterns(workload), round_.timed.args[0], strict=True):
            asked = [b + f * (2**61 - 1) for b, f in zip(ints(wanted), ints(factors), strict=True)]
            present = set(keys)
            assert 0.28 < sum(key not in present for key in asked) / len(asked) < 0.39


class TestKeys:
    @pytest.mark.parametrize("bits", [50, 60, 64])
    def test_have_so_many_random_bits(self, grading: Import, bits: int) -> None:
        keys = grading("keys").distinct(Random(1), 2_000, bits).view(np.uint64)
        for bit in range(64):
            set_ = float(np.mean(keys >> np.uint64(bit) & np.uint64(1)))
            assert 0.45 < set_ < 0.55 if bit < bits else set_ == 0.0

    def test_ascend_by_gaps_that_differ(self, grading: Import) -> None:
        gaps = np.diff(grading("keys").ascending(Random(1), 2_000, 10))
        assert gaps.min() > 0
        assert gaps.max() <= 2**10
        assert len(np.unique(gaps)) > 500

    def test_are_distinct(self, grading: Import) -> None:
        assert len(np.unique(grading("keys").distinct(Random(1), 10**6))) == 10**6

    def test_depend_on_the_seed_alone(self, grading: Import) -> None:
        distinct = grading("keys").distinct
        assert (distinct(Random(1), 100) == distinct(Random(1), 100)).all()
        assert not set(distinct(Random(1), 100).tolist()) & set(distinct(Random(2), 100).tolist())


class Side:
    """One side of a launch, in this process; its clock and its memory are given."""

    def __init__(
        self, driver: ModuleType, seconds: Any = None, mib_an_entry: float = 0.0, held_mib: float = 10.0
    ) -> None:
        self.driver = driver
        self.seconds = seconds
        self.mib_an_entry = mib_an_entry
        self.held_mib = held_mib
        self.entries = 0

    def value(self, function: str, *args: Any, timeout_sec: float | None = None) -> object:
        if function == "extend":
            self.entries += len(args[1])
        return getattr(self.driver, function)(*args)

    def timed_call(self, function: str, *args: Any, timeout_sec: float) -> tuple[object, float]:
        assert timeout_sec >= 1
        return self.value(function, *args), self.seconds(function, args)

    def stats(self) -> Stats:
        used = max(self.held_mib, 10 + self.entries * self.mib_an_entry)
        return Stats(State.RUNNING, memory_mb=used, memory_peak_mb=used)


class Launch:
    """Two sides and a generator."""

    def __init__(self, candidate: Side, reference: Side) -> None:
        self.candidate = candidate
        self.reference = reference
        self.rng = Random(1)
        self.restarts = 0

    def fresh(self) -> None:
        self.restarts += 1


class TestCurves:
    """The statistics of the bars that are no duels, with clocks that are known."""

    def test_exponent_of_known_curves(self, grading: Import) -> None:
        curves = grading("curves")
        for power in (0.9, 1.0, 1.1, 1.5, 2.0):
            ratios = [1.7 * size ** (power - 1) for size in curves.SIZES]
            assert curves.exponent(curves.SIZES, ratios) == pytest.approx(power)

    def test_growth_is_relative_to_the_reference(self, grading: Import, reference_driver: ModuleType) -> None:
        curves = grading("curves")
        theirs = Side(reference_driver, lambda function, args: args[1] ** 1.2)
        mine = Side(reference_driver, lambda function, args: 3 * args[1] ** 1.5)
        exponent, one = curves.growth(Launch(mine, theirs))
        assert exponent == pytest.approx(1.3)
        assert one == 1.0

    def test_longest_pause_is_the_slowest_batch_of_the_run_in_the_middle(
        self, grading: Import, reference_driver: ModuleType
    ) -> None:
        curves = grading("curves")
        calls = {"batches": 0}

        def seconds(function: str, args: tuple[Any, ...]) -> float:
            calls["batches"] += 1
            stalled = calls["batches"] == 5
            return 9.0 if stalled else 0.5 if args[1] == 256 * 40 else 0.001

        pauses = curves.longest_pause(Launch(Side(reference_driver, seconds), Side(reference_driver, lambda *_: 0.25)))
        assert pauses == (0.5, 0.25)

    @pytest.mark.parametrize("growth", [2, 3, 4])
    def test_longest_pause_favours_no_phase(self, grading: Import, growth: int) -> None:
        curves = grading("curves")

        def pause(phase: float) -> float:
            rebuilds = {int(growth ** (phase + n)) for n in range(8)}
            return curves.slowest_so_far([[float(n if n in rebuilds else 1) for n in range(curves.BATCHES)]])

        pauses = [pause(phase / 20) for phase in range(20)]
        assert max(pauses) / min(pauses) < 1.6

    def test_pauses_at_other_moments_in_each_run_are_pauses(self, grading: Import) -> None:
        curves = grading("curves")
        runs = [[0.5 if batch % 100 == first else 0.001 for batch in range(curves.BATCHES)] for first in (1, 2, 3)]
        assert curves.slowest_so_far(runs) == pytest.approx(0.5)

    def test_the_machines_own_pauses_do_not_count(self, grading: Import) -> None:
        curves = grading("curves")
        quiet = [0.001] * curves.BATCHES
        early, late = [9.0, *quiet[1:]], [*quiet[1:], 9.0]
        assert curves.slowest_so_far([early, quiet, late]) == pytest.approx(0.001 * (9 / 0.001) ** (1 / 8))
        assert curves.slowest_so_far([quiet, early, quiet]) == pytest.approx(0.001)

    def test_pauses_in_two_of_three_runs_count(self, grading: Import) -> None:
        curves = grading("curves")
        quiet = [0.001] * curves.BATCHES
        paused = [9.0, *quiet[1:]]
        assert curves.slowest_so_far([paused, quiet, paused]) == pytest.approx(9.0)

    def test_who_is_slow_every_second_time_is_slow(self, grading: Import, reference_driver: ModuleType) -> None:
        curves = grading("curves")
        calls = {"built": 0}

        def seconds(_: str, args: tuple[Any, ...]) -> float:
            calls["built"] += 1
            return float(args[1] ** (1 if calls["built"] <= len(curves.SIZES) else 2))

        mine, theirs = Side(reference_driver, seconds), Side(reference_driver, lambda _, args: float(args[1]))
        exponent, _ = curves.growth(Launch(mine, theirs))
        assert exponent > 1.9

    def test_the_last_end_is_the_last_batch(self, grading: Import) -> None:
        curves = grading("curves")
        assert curves.ENDS[-1] == curves.BATCHES
        assert curves.ENDS[-1] / curves.ENDS[0] == pytest.approx(4 / 2**0.25, rel=0.02)

    @pytest.mark.parametrize("look", ["hit_lookups", "contents"])
    def test_entries_that_are_lost_meanwhile_are_missed(
        self, grading: Import, reference_driver: ModuleType, look: str
    ) -> None:
        class Lossy(Side):
            def value(self, function: str, *args: Any, timeout_sec: float | None = None) -> object:
                answer = super().value(function, *args)
                return spoilt(answer) if function == look else answer

        good, bad = Side(reference_driver), Lossy(reference_driver)
        with pytest.raises(AssertionError, match="after the last stage"):
            grading("curves").memory_per_entry(Launch(bad, good))

    def test_memory_is_counted_by_entry(self, grading: Import, reference_driver: ModuleType) -> None:
        launch = Launch(
            Side(reference_driver, mib_an_entry=100 / 2**20), Side(reference_driver, mib_an_entry=50 / 2**20)
        )
        assert grading("curves").memory_per_entry(launch) == pytest.approx((100.0, 50.0))
        assert launch.restarts == 1

    def test_memory_held_beforehand_is_no_credit(self, grading: Import, reference_driver: ModuleType) -> None:
        ballast = Side(reference_driver, mib_an_entry=100 / 2**20, held_mib=90.0)
        mine, theirs = grading("curves").memory_per_entry(Launch(ballast, Side(reference_driver)))
        assert mine > 76 * 2**20 / 2**18  # 90 MiB less the reference's 10 and 4 more, for at most so many entries
        assert theirs == 1.0

    def test_memory_that_is_not_told_is_not_measured(self, grading: Import, reference_driver: ModuleType) -> None:
        class Silent(Side):
            def stats(self) -> Stats:
                return Stats(State.RUNNING)

        side = Silent(reference_driver)
        with pytest.raises(pytest.skip.Exception):
            grading("curves").memory_per_entry(Launch(side, side))

    def test_wrong_answers_fail(self, grading: Import, reference_driver: ModuleType) -> None:
        class Forgetful(Side):
            def value(self, function: str, *args: Any, timeout_sec: float | None = None) -> object:
                answer = super().value(function, *args)
                return [0, b""] if function == "insert" else b"" if function == "build_many" else answer

        curves = grading("curves")
        bad, good = Forgetful(reference_driver, lambda *_: 0.001), Side(reference_driver, lambda *_: 0.001)
        for statistic in (curves.growth, curves.longest_pause):
            with pytest.raises(AssertionError):
                statistic(Launch(bad, good))
