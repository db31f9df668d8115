"""What a bar needs of the two sides of a launch, and in which order they take turns."""

from __future__ import annotations

import marshal
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from statistics import median
from typing import Any, Protocol

import msgpack
from exactness import difference
from replies import Subject, demand_nothing_beside

from harness.duel.paired import paired
from harness.wire.codec import unpack

CALL_SEC = 40.0

SENT_MOST_MB = 32
"""Half of what the wire takes, and far more than any bar on sizes lets pass."""

AHEAD_MOST = 1.5
"""How many times the reference's time it may take to hold what is to be worked on; more is work done ahead."""


class Side(Subject, Protocol):
    """One side."""

    def timed_call(self, function: str, *args: object, timeout_sec: float) -> tuple[object, float]:
        """Give an answer and its seconds by the grader's clock."""


class Launch(Protocol):
    """One launch of a bar; each side is one process in it."""

    number: int
    rng: Random

    def fresh(self) -> None:
        """Start both sides afresh."""

    @property
    def candidate(self) -> Side:
        """The submission's subject."""

    @property
    def reference(self) -> Side:
        """The reference's."""


SIDES = ("candidate", "reference")


def sides(launch: Launch, number: int) -> Iterator[tuple[str, Side]]:
    """Give both sides by name, in an order that alternates."""
    for name in SIDES if (launch.number + number) % 2 == 0 else reversed(SIDES):
        yield name, getattr(launch, name)


def have_nothing_kept(launch: Launch) -> None:
    """Have the files of whatever came before removed, and demand that nothing else is there."""
    for _, side in sides(launch, 0):
        side.value("clear")
    demand_nothing_kept(launch, set())


def demand_nothing_kept(launch: Launch, names: set[str]) -> None:
    """Demand that either side's disk holds nothing but these files, each while that side is frozen."""
    for name, side in zip(SIDES, (launch.candidate, launch.reference), strict=True):
        (launch.reference if name == "candidate" else launch.candidate).value("ping")
        demand_nothing_beside(side, names)


def timed(side: Side, hold: tuple[str, object], function: str, *arguments: object) -> tuple[object, float, float]:
    """Have a side hold its input, and at once time a call that works on it; gives both their seconds beside the answer.

    Nothing else runs in between, so whatever the side does with its input ahead of the call is in the last number.
    """
    side.value("rest")
    began = time.perf_counter()
    side.value(*hold)
    answer, seconds = side.timed_call(function, *arguments, timeout_sec=CALL_SEC)
    return answer, seconds, time.perf_counter() - began - seconds


@dataclass
class Samples:
    """Numbers of both sides: seconds, or bytes; and the seconds that were taken to hold their input before."""

    candidate: list[float] = field(default_factory=list)
    reference: list[float] = field(default_factory=list)
    ahead: dict[str, list[float]] = field(default_factory=lambda: {side: [] for side in SIDES})

    def add(self, side: str, value: float, ahead: float = 0.0) -> None:
        """Note one number of a side."""
        getattr(self, side).append(value)
        self.ahead[side].append(ahead)

    def typical(self) -> tuple[float, float]:
        """Give what both sides take, round by round.

        What the submission takes to hold its input, beyond the reference's time in the same round and noise, is added.
        """
        mine, theirs = paired(self.candidate, self.reference)
        ahead = zip(self.ahead["candidate"], self.ahead["reference"], strict=True)
        beyond = median(held - AHEAD_MOST * usual for held, usual in ahead)
        return mine + max(0.0, beyond), theirs

    def totals(self) -> tuple[float, float]:
        """Give both sums."""
        return sum(self.candidate), sum(self.reference)


def percentile(values: list[float], percent: float) -> float:
    """Give the least number that so many percent of them do not exceed."""
    return sorted(values)[math.ceil(len(values) * percent / 100) - 1]


def demand_sendable(size: int, what: str) -> None:
    """Demand that what was encoded can be sent back to be decoded."""
    assert size <= SENT_MOST_MB * 2**20, f"{what} takes {size / 2**20:.0f} MiB, many times what is in it"


def demand_packed(reply: object, wanted: list[Any], right: bytes, what: str) -> None:
    """Hold a packed answer against the right one; equal bytes are the quick way."""
    if reply == right:
        return
    assert isinstance(reply, bytes), f"{what}: there is no answer to read"
    given = unpack(reply)
    if packed(_ordered(given)) != packed(_ordered(wanted)):
        found = difference(given, wanted)
        assert found is None, f"{what}: {found}"


def _ordered(value: Any) -> Any:
    """Put the keys of dicts in order, so that equal values are packed into equal bytes."""
    if type(value) is dict:
        return {key: _ordered(value[key]) for key in sorted(value, key=str)}
    if type(value) is list:
        return [_ordered(each) if type(each) in {dict, list} else each for each in value]
    return value


def sent(values: list[Any]) -> bytes:
    """Write values as the driver builds them soonest."""
    return marshal.dumps(values)


def packed(values: list[Any]) -> bytes:
    """Pack as the driver does."""
    data: bytes = msgpack.packb(values, strict_types=True)
    return data
