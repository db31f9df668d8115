"""How a planted server behaves: when and how each request is answered. Pure; times are seconds of one clock.

A behaviour is asked once for each request, in order of arrival, and says what becomes of it.
"""

import heapq
import math
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol


class Word(StrEnum):
    """What becomes of a request."""

    OK = "ok"
    ERROR = "error"
    WRONG = "wrong"
    CLOSE = "close"
    NEVER = "never"


@dataclass(frozen=True)
class Fate:
    """What becomes of a request, and when."""

    word: Word
    at: float = math.inf


class Behaviour(Protocol):
    """How a server behaves."""

    def fate(self, number: int, now: float) -> Fate:
        """Decide on the request that arrives now."""

    def welcome_at(self, now: float) -> float:
        """Say when a connection that is opened now may be used; infinity where it never may, and is closed at once."""


class Welcoming:
    """Connections can be used at once."""

    def welcome_at(self, now: float) -> float:
        return now


@dataclass
class Constant(Welcoming):
    """Every request takes the same time."""

    service_sec: float

    def fate(self, number: int, now: float) -> Fate:  # noqa: ARG002
        return Fate(Word.OK, now + self.service_sec)


@dataclass
class Unreachable:
    """No connection can be used."""

    def fate(self, number: int, now: float) -> Fate:  # noqa: ARG002
        return Fate(Word.NEVER)

    def welcome_at(self, now: float) -> float:  # noqa: ARG002
        return math.inf


NEVER_SEC = 3600.0


@dataclass
class Mute:
    """A connection is never there to be used, and nobody says so."""

    def fate(self, number: int, now: float) -> Fate:  # noqa: ARG002
        return Fate(Word.NEVER)

    def welcome_at(self, now: float) -> float:
        return now + NEVER_SEC


@dataclass
class Stalling:
    """As Constant, but that nothing comes out between two moments after the first request: no answer, no welcome."""

    service_sec: float
    from_sec: float
    until_sec: float
    first_at: float = math.inf

    def fate(self, number: int, now: float) -> Fate:  # noqa: ARG002
        self.first_at = min(self.first_at, now)
        return Fate(Word.OK, self._after_the_stall(now + self.service_sec))

    def welcome_at(self, now: float) -> float:
        return self._after_the_stall(now)

    def _after_the_stall(self, at: float) -> float:
        stalled = self.first_at + self.from_sec <= at < self.first_at + self.until_sec
        return self.first_at + self.until_sec if stalled else at


@dataclass
class Numbered(Welcoming):
    """Most requests take the same time, and those of certain numbers have fates of their own."""

    service_sec: float
    special: dict[int, tuple[Word, float]]

    def fate(self, number: int, now: float) -> Fate:
        word, after_sec = self.special.get(number, (Word.OK, self.service_sec))
        return Fate(word, now + after_sec)


@dataclass
class Workers(Welcoming):
    """So many requests at once, each for the same time; the others queue, first come first served."""

    workers: int
    service_sec: float
    _free_at: list[float] = field(init=False)

    def __post_init__(self) -> None:
        self._free_at = [-math.inf] * self.workers

    def next_free_at(self) -> float:
        """When the first of the workers is free, which may have been long ago."""
        return self._free_at[0]

    def fate(self, number: int, now: float) -> Fate:  # noqa: ARG002
        done = max(self.next_free_at(), now) + self.service_sec
        heapq.heapreplace(self._free_at, done)
        return Fate(Word.OK, done)

    @property
    def capacity_per_sec(self) -> float:
        """The rate beyond which the queue grows."""
        return self.workers / self.service_sec


@dataclass
class SpillingOver(Workers):
    """As Workers, but who would wait for too long is served elsewhere: slower, and however many they are."""

    longest_sec: float
    elsewhere_sec: float

    def fate(self, number: int, now: float) -> Fate:
        if self.next_free_at() - now > self.longest_sec:
            return Fate(Word.OK, now + self.elsewhere_sec)
        return super().fate(number, now)

    @property
    def capacity_per_sec(self) -> float:
        """The rate at which one request in a hundred is served elsewhere."""
        return self.workers / self.service_sec / 0.99


@dataclass
class Limited(Welcoming):
    """Serves so many a second; of what exceeds that every second request gets an error, at once.

    A token bucket of a small burst. Good answers go on growing with the rate, and so do the errors among them.
    """

    rate_per_sec: float
    service_sec: float
    burst: float
    tokens: float = math.inf
    then: float = 0.0
    excess: int = 0

    def fate(self, number: int, now: float) -> Fate:  # noqa: ARG002
        refilled = (now - self.then) * self.rate_per_sec
        self.tokens = min(self.burst, self.tokens + refilled)
        self.then = now
        if self.tokens >= 1:
            self.tokens -= 1
            return Fate(Word.OK, now + self.service_sec)
        self.excess += 1
        if self.excess % 2:
            return Fate(Word.ERROR, now + self.service_sec / 4)
        return Fate(Word.OK, now + self.service_sec)

    @property
    def capacity_per_sec(self) -> float:
        """The rate at which one request in a hundred fails: two are in excess then."""
        return self.rate_per_sec / 0.98
