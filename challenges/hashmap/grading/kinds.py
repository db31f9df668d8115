"""Keys of other kinds than ints: maps of any of them are as right, and about as fast."""

from functools import partial
from random import Random
from statistics import median

import numpy as np
from keys import distinct, raw
from large import SLACK_SEC
from subject import Subject, slow_mostly, timed

from harness.duel.round import Call

INTS = "ints"
KINDS = ("floats", "texts", "bytes", "tuples", "ints, floats, texts, bytes and tuples")
"""By the driver's names for them, as a candidate reads them."""

KEY_BITS = 50
"""What the driver makes keys of."""

ENTRIES = (10_000, 14_000)
"""How many: a secret number in between. Who searches through a list takes hundreds of times as long."""

TRIES = 3
SLOWER = 10.0
"""A map may take this many times as long as one of ints: some keys take longer to make, hash and compare."""

TIMEOUT_SEC = 10.0


def assorted_call(rng: Random, kind: str, entries: int) -> tuple[Call, list[bytes]]:
    """Make the call that builds a map of a kind of keys and looks up all and as many others; and its answer."""
    numbers = distinct(rng, 2 * entries, KEY_BITS)
    order = np.array(rng.sample(range(2 * entries), 2 * entries), dtype=np.int64)
    values = np.arange(entries)
    found = np.where(order < entries, order, -1)
    return Call("assort", (kind, raw(numbers[:entries]), raw(numbers[order]))), [raw(values), raw(found)]


def demand_all_kinds(submission: Subject, rng: Random) -> None:
    """Build maps of each kind of keys, and look at all of them: in not much more time than maps of ints take."""
    entries = rng.randint(*ENTRIES)
    ints_sec = median(_seconds(submission, rng, INTS, entries) for _ in range(TRIES))
    for kind in KINDS:
        limit_sec = SLOWER * ints_sec + SLACK_SEC
        slow_sec = slow_mostly(limit_sec, partial(_seconds, submission, rng, kind, entries))
        assert slow_sec is None, (
            f"a map of {entries} {kind} takes {slow_sec / ints_sec:.0f} times as long as one of ints"
        )


def _seconds(submission: Subject, rng: Random, kind: str, entries: int, by_cpu: bool = False) -> float:
    call, right = assorted_call(rng, kind, entries)
    doing = f"building a map of {entries} {kind}"
    answer, seconds = timed(submission, doing, call.function, *call.args, timeout_sec=TIMEOUT_SEC, by_cpu=by_cpu)
    assert answer == right, f"in a map of {entries} {kind} a key is not found, or has another's value"
    return seconds
