"""What a bar needs of the two sides of a launch, and in which order they take turns."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any, Protocol

import msgpack
from exactness import difference
from replies import Subject

from harness.wire.codec import unpack

CALL_SEC = 40.0


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


@dataclass
class Samples:
    """Numbers of both sides: seconds, or bytes."""

    candidate: list[float] = field(default_factory=list)
    reference: list[float] = field(default_factory=list)

    def add(self, side: str, value: float) -> None:
        """Note one number of a side."""
        getattr(self, side).append(value)

    def least(self) -> tuple[float, float]:
        """Give the least number of each side: neighbours and the host only ever add time."""
        return min(self.candidate), min(self.reference)

    def totals(self) -> tuple[float, float]:
        """Give both sums."""
        return sum(self.candidate), sum(self.reference)

    def percentile(self, percent: float) -> Samples:
        """Give the least number that so many percent of a side's do not exceed, of each side."""
        return Samples([_percentile(self.candidate, percent)], [_percentile(self.reference, percent)])


def _percentile(values: list[float], percent: float) -> float:
    return sorted(values)[math.ceil(len(values) * percent / 100) - 1]


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


def packed(values: list[Any]) -> bytes:
    """Pack as the driver does."""
    data: bytes = msgpack.packb(values, strict_types=True)
    return data
