"""Checks on large maps: churn, growth and shrinking, a million entries. Keys are random int64, as raw bytes."""

from dataclasses import dataclass
from functools import partial
from random import Random
from statistics import median

import numpy as np
from keys import Ints, distinct, raw
from subject import AGAIN, Subject, ask, slow_mostly, timed

STEADY = 600
"""Entries of a map under churn."""

FEW_STEADY = 100
"""Of a small one: what each exchange leaves behind is soon a multiple of it."""

CHURN = 24_000
"""Exchanges that age a map: forty times its size, enough to fill any table of that size many times over."""

AGEING = 2_000
"""Exchanges of one call while a map ages."""

AGEING_TIMEOUT_SEC = 10.0
"""The reference takes a few milliseconds."""

FRESH_MAPS = 5
EARLY_BATCHES = 2
LATE_BATCHES = 15
"""Of either the one in the middle counts: a busy machine spares half of them, a map full of deleted entries few."""

BATCH = 300
"""Exchanges timed together: about half a millisecond for the reference."""

SLOWER = 4.0
"""An aged map may be this many times slower than a fresh one; the deleted piling up costs ten times and more."""

SLACK_SEC = 0.001
"""What a round trip may vary by."""

LARGER = 8.0
"""An aged map may be this many times larger than a fresh one: a few doublings. Entries that pile up cost forty."""

GROWN = 2**12
"""Large enough for storage to dwarf an empty map's, small enough for a map that is merely slow."""

LEFT = GROWN // 64
SHRUNK_SHARE = 4
CLEARED_SHARE = 16

MODULUS, FACTORS = 2**61 - 1, 4
"""Python hashes ints modulo the one; the other is how many int64 that are not negative have the same hash."""

LEFTS, SHARES, AROUND = (4, 8, 16, 32, 64, 128), (2, 3, 4, 8), (-1, 0, 1, 2)
"""How many entries are left of how many: tables are rebuilt at a share of what they were, and their sizes are round."""

REGROWN = 2**13
"""One that falls behind by its size is hundreds of times slower here."""

DISTURBED = 16
"""Keys whose equals in hash misbehave."""

MILLION = 1_000_000
BUILD_TIMEOUT_SEC = 40.0
"""The reference builds a million entries in about a second."""

SMALLER = 2**14
SMALLER_BUILDS = 3
COMPARISONS = 3
"""The one in the middle counts: a core that doubles its speed in between spoils one of them."""

SLOWER_FOR_EACH = 5.0
"""An entry of a million may cost this many times as much as one of a few thousand: what does not fit into the machine's
caches costs twice as much, chains of a table that stops growing cost seven times and more.
"""

SAMPLE = 20_000
"""Keys that are looked up in the map of a million."""

LENGTHS, LENGTHS_SEC = 100, 0.25
"""Questions for the length, and their time: in constant time they take microseconds, by counting a second and more."""

FEW = 50
"""Deletions from the map of a million: their speed is another bar's matter."""


@dataclass(frozen=True)
class Ageing:
    """How a map ages: which entries go, and what keys come."""

    oldest_first: bool
    ascending: bool
    """Keys as counters and timestamps give them, not as hashes of something do."""

    out: str = ""
    into: str = ""
    """Methods by which entries are taken out, and put in; none for `del m[k]` and `m[k] = v`."""

    entries: int = STEADY

    colliding: bool = False
    """There are two entries of each hash at any time, and the keys that come are of it, too."""

    def __str__(self) -> str:
        gone = "the oldest" if self.oldest_first else "random"
        out, into = (f" by {method}()" if method else "" for method in (self.out, self.into))
        keys = " with ascending keys" * self.ascending + " of the same hash" * self.colliding
        return f"deleting {gone} entries{out} and inserting new ones{into}{keys}"

    @property
    def call(self) -> tuple[str, ...]:
        """The driver's function, which is the one of the bar where that will do, and its first arguments."""
        return ("churn_by", self.out or "del", self.into or "set") if self.out or self.into else ("churn",)


AGEINGS = (
    Ageing(True, False),
    Ageing(False, False),
    Ageing(True, True),
    Ageing(False, False, out="pop", entries=FEW_STEADY),
    Ageing(False, False, into="setdefault", entries=FEW_STEADY),
    Ageing(False, False, into="update", entries=FEW_STEADY),
    Ageing(False, False, colliding=True),
)


class Churn:
    """Deletions and insertions in turn, in a model of the map."""

    def __init__(self, rng: Random, ageing: Ageing) -> None:
        self._rng = rng
        self._oldest_first = ageing.oldest_first
        self.call = ageing.call
        self.entries = ageing.entries
        self._colliding = ageing.colliding
        keys = distinct(rng, self.entries + CHURN + (LATE_BATCHES + AGAIN) * BATCH)
        if ageing.ascending:
            keys = np.arange(len(keys), dtype=np.int64) + rng.getrandbits(40)
        self.first = keys[: self.entries]
        self._fresh = iter(keys[self.entries :].tolist())
        if ageing.colliding:
            self.first = np.concatenate([bases := self.first[: self.entries // 2] % MODULUS, bases + MODULUS])
        self._ring = self.first.tolist()
        self._model = {key: value for value, key in enumerate(self._ring)}
        self._done = 0

    def exchanges(self, count: int) -> tuple[bytes, bytes, int, bytes]:
        """Give the keys to delete, those to insert, the first value to insert, and all values in order thereafter."""
        first, old, new = self._done, [], []
        for _ in range(count):
            place = self._done % self.entries if self._oldest_first else self._rng.randrange(self.entries)
            old.append(self._ring[place])
            new.append(self._collides(old[-1]) if self._colliding else next(self._fresh))
            self._ring[place] = new[-1]
            del self._model[old[-1]]
            self._model[new[-1]] = self._done
            self._done += 1
        return raw(old), raw(new), first, raw(list(self._model.values()))

    def _collides(self, key: int) -> int:
        """Give a key that has the hash of another and is not there."""
        base = key % MODULUS
        return next(other for other in range(base, FACTORS * MODULUS, MODULUS) if other not in self._model)


def demand_bounded_churn(submission: Subject, rng: Random, ageing: Ageing) -> None:
    """Age a map by deleting and inserting; compare its speed and size with those of fresh maps of its size."""
    story = f"{ageing}, {CHURN} times"
    fresh_sec, fresh_bytes = [], []
    for _ in range(FRESH_MAPS):
        churn = _start(submission, rng, ageing)
        fresh_bytes.append(ask(submission, "measuring a map", "footprint"))
        fresh_sec += [_timed(submission, churn, BATCH) for _ in range(EARLY_BATCHES)]
    churn = _start(submission, rng, ageing)
    for _ in range(CHURN // AGEING):
        _timed(submission, churn, AGEING)
    limit_sec = SLOWER * median(fresh_sec) + SLACK_SEC

    def batch_sec(by_cpu: bool) -> float:
        batches = 1 if by_cpu else LATE_BATCHES
        return median(_timed(submission, churn, BATCH, by_cpu=by_cpu) for _ in range(batches))

    slow_sec = slow_mostly(limit_sec, batch_sec)
    larger = ask(submission, "measuring a map", "footprint") / max(fresh_bytes)
    assert slow_sec is None, (
        f"a map of {ageing.entries} entries became {slow_sec / median(fresh_sec):.0f} times slower by {story}"
    )
    assert larger <= LARGER, f"a map of {ageing.entries} entries became {larger:.0f} times larger by {story}"


def _start(submission: Subject, rng: Random, ageing: Ageing) -> Churn:
    churn = Churn(rng, ageing)
    ask(submission, "building a map", "build", churn.first.tobytes())
    return churn


def _timed(submission: Subject, churn: Churn, count: int, *, by_cpu: bool = False) -> float:
    *args, expected = churn.exchanges(count)
    doing = f"deleting and inserting at a steady size of {churn.entries} entries"
    answer, seconds = timed(submission, doing, *churn.call, *args, timeout_sec=AGEING_TIMEOUT_SEC, by_cpu=by_cpu)
    assert answer == expected, "after deletions and insertions at a steady size the values are wrong or out of order"
    return seconds


def demand_growth_and_shrink(submission: Subject, rng: Random) -> None:
    """Grow a map, disturb or copy it, delete nearly all of it in three orders, grow it again and clear it."""
    for order, disturb in (
        ("oldest first", _refuse),
        ("newest first", _leave_iterators),
        ("random", _meddle),
        ("random", _copy),
    ):
        keys = distinct(rng, 2 * GROWN)
        first, second = keys[:GROWN], keys[GROWN:]
        ask(submission, "building a map", "build", first.tobytes())
        _demand_contents(submission, f"after inserting {GROWN} entries", first, np.arange(GROWN))
        full = ask(submission, "measuring a map", "footprint")
        disturbed = disturb(submission, first[:DISTURBED])
        left = _delete_all_but_few(submission, rng, first, order)
        deleted = f"all but {LEFT} of {GROWN} entries were deleted, {order}, {disturbed}"
        _demand_contents(submission, f"when {deleted}", first[left], left)
        few = ask(submission, "measuring a map", "footprint")
        assert few * SHRUNK_SHARE <= full, f"a map keeps {few / full:.0%} of its storage when {deleted}"
        ask(submission, "inserting again", "insert", second.tobytes(), GROWN)
        both = np.concatenate([first[left], second])
        _demand_contents(submission, "after growing again", both, np.concatenate([left, np.arange(GROWN, 2 * GROWN)]))
        full = ask(submission, "measuring a map", "footprint")
        assert ask(submission, "clearing a map", "clear") == 0, "a map that was cleared has a length"
        few = ask(submission, "measuring a map", "footprint")
        assert few * CLEARED_SHARE <= full, f"a map keeps {few / full:.0%} of its storage after clear()"


def demand_growth_after_shrinking(submission: Subject, rng: Random) -> None:
    """Delete a map down to a few entries, from many sizes, and let it grow again: that is as fast as a new one's."""
    keys = distinct(rng, max(LEFTS) * max(SHARES) + max(AROUND) + REGROWN)
    fresh_sec = median(_regrown_sec(submission, keys, 1, 1) for _ in range(FRESH_MAPS))
    for left in LEFTS:
        for full in (left * share + more for share in SHARES for more in AROUND):
            limit_sec = SLOWER * fresh_sec + SLACK_SEC
            slow_sec = slow_mostly(limit_sec, partial(_regrown_sec, submission, keys, full, left))
            assert slow_sec is None, (
                f"after {full} insertions and {full - left} deletions, {REGROWN} insertions take "
                f"{slow_sec / fresh_sec:.0f} times as long as into a new map"
            )


def _regrown_sec(submission: Subject, keys: Ints, full: int, left: int, by_cpu: bool = False) -> float:
    """Insert keys, delete all but the last few, and give the time that many more take."""
    first, more = keys[:full], keys[full : full + REGROWN]
    ask(submission, "building a map", "build", first.tobytes())
    ask(submission, "deleting", "delete", first[: full - left].tobytes())
    doing = f"inserting {REGROWN} entries"
    answer, seconds = timed(
        submission, doing, "insert", more.tobytes(), full, timeout_sec=BUILD_TIMEOUT_SEC, by_cpu=by_cpu
    )
    wanted = [left + REGROWN, np.arange(full, full + REGROWN, 16, dtype=np.int64).tobytes()]
    assert answer == wanted, (
        f"after {full} insertions, {full - left} deletions and {REGROWN} insertions more the map is wrong"
    )
    return seconds


def _refuse(submission: Subject, keys: Ints) -> str:
    after = "after operations on keys whose == raised"
    answer = ask(submission, after, "refuse", keys.tobytes())
    assert answer == [len(keys), GROWN], (
        f"of operations on a map of {GROWN} entries, on keys whose == raises, not all raise what that does, or they "
        "change the length"
    )
    return after


def _leave_iterators(submission: Subject, _: Ints) -> str:
    left = "with iterators left under way"
    assert ask(submission, left, "leave_iterators") == GROWN, f"{left} a map has another length"
    return left


def _copy(submission: Subject, _: Ints) -> str:
    assert ask(submission, "copying a map", "become_copy") == GROWN, "a copy has another length"
    return "of a copy"


def _meddle(submission: Subject, keys: Ints) -> str:
    after = "after lookups whose == changed the map"
    assert ask(submission, after, "meddle", keys.tobytes()) == GROWN, f"{after} and back, a map has another length"
    return after


def _delete_all_but_few(submission: Subject, rng: Random, keys: Ints, order: str) -> Ints:
    """Delete all but LEFT of the keys and give the positions of those left, in order."""
    positions = list(range(len(keys)))
    if order == "newest first":
        positions.reverse()
    elif order == "random":
        rng.shuffle(positions)
    gone, left = positions[:-LEFT], sorted(positions[-LEFT:])
    count = ask(submission, "deleting", "delete", keys[gone].tobytes())
    assert count == LEFT, f"len() is wrong after deleting all but {LEFT} of {len(keys)} entries, {order}"
    return np.array(left, dtype=np.int64)


def _demand_contents(submission: Subject, when: str, keys: Ints, values: Ints) -> None:
    answer = ask(submission, when, "contents")
    assert answer == [keys.tobytes(), values.astype(np.int64).tobytes()], (
        f"{when} the entries are wrong or out of order"
    )
    found = ask(submission, when, "hit_lookups", keys[::-1].tobytes())
    assert found == values[::-1].astype(np.int64).tobytes(), f"{when} a key is not found, or has another's value"


def _build_sec(submission: Subject, keys: Ints) -> float:
    doing = f"building a map of {len(keys)} entries"
    count, seconds = timed(submission, doing, "build", keys.tobytes(), timeout_sec=BUILD_TIMEOUT_SEC, by_cpu=True)
    assert count == len(keys), f"{doing}: it has another length"
    return seconds


def _slower_for_each(submission: Subject, keys: Ints) -> float:
    """Give how many times as much each entry of all costs as one of a few thousand; the map of all stays."""
    smaller = median(_build_sec(submission, keys[:SMALLER]) for _ in range(SMALLER_BUILDS))
    return _build_sec(submission, keys) / len(keys) * SMALLER / smaller


def demand_million(submission: Subject, rng: Random) -> None:
    """Build a map of a million entries and look at samples and at the whole."""
    drawn = distinct(rng, MILLION + SAMPLE)
    keys, absent = drawn[:MILLION], drawn[MILLION:]
    doing = "a map of a million entries"
    slower = median(_slower_for_each(submission, keys) for _ in range(COMPARISONS))
    assert slower <= SLOWER_FOR_EACH, f"{doing}: each costs {slower:.0f} times as much as one of {SMALLER} entries"
    total, seconds = submission.timed_call("lengths", LENGTHS, timeout_sec=BUILD_TIMEOUT_SEC)
    assert total == LENGTHS * MILLION, f"{doing} has another length when it is asked again"
    assert seconds < LENGTHS_SEC, f"{doing}: len() takes {seconds / LENGTHS * 1e6:.0f} µs, so it counts the entries"
    wanted = np.array(rng.sample(range(MILLION), SAMPLE), dtype=np.int64)
    found = ask(submission, doing, "hit_lookups", keys[wanted].tobytes())
    assert found == wanted.tobytes(), f"{doing}: a key is not found, or has another's value"
    mixed = np.concatenate([absent, keys[wanted]])
    present = ask(submission, doing, "miss_lookups", mixed.tobytes())
    assert present == bytes(SAMPLE) + b"\x01" * SAMPLE, (
        f"{doing}: `in` says yes to a key that is not there, or no to one that is"
    )
    gone = wanted[:FEW]
    count = ask(submission, doing, "delete", keys[gone].tobytes())
    assert count == MILLION - FEW, f"{doing} has another length after deletions"
    left = np.delete(np.arange(MILLION), gone)
    answer = ask(submission, doing, "contents")
    assert answer == [keys[left].tobytes(), left.tobytes()], (
        f"{doing}: the entries are wrong or out of order after a few deletions"
    )
