"""What the stories share: a batch under way in the submission while the grader's planted server watches it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from random import Random
from typing import Protocol

from backend import Backend, Delay, planted
from profiles import Stage
from replies import Expected, demand_entries, finished, first_failure
from starts import NOBODY_DIED, demand_started

from harness.flight import Flight
from harness.outcome import Outcome, TimedOut
from harness.sandbox.roles import Stats

SOCKET_NAME = "planted"

SECOND_STAGE = 1_000_000
"""What the driver adds to a key for each further stage, where an item asks in several."""

HANG_SEC = 20.0
"""Runs that should take less than a second get so long before they count as hanging."""

LOOK_SEC = 0.1
"""How often to look whether the batch has ended, while waiting for something else."""


class Submission(Protocol):
    """What the stories need of the `submission` fixture."""

    source: Path

    def call(self, function: str, *args: object, timeout_sec: float | None = None) -> Outcome:
        """Call a function of the driver."""

    def value(self, function: str, *args: object, timeout_sec: float | None = None) -> object:
        """Call a function of the driver that has to answer."""

    def flight(self) -> AbstractContextManager[Flight]:
        """Have calls in flight."""

    def rendezvous(self, name: str) -> Path:
        """Name a place for a socket."""

    def restart(self) -> None:
        """Start afresh."""

    def stats(self) -> Stats:
        """Read the accounting."""


def run_and_demand(
    submission: Submission, title: str, stages: Sequence[Stage], items: Sequence[object], expected: Sequence[Expected]
) -> None:
    """Run a batch and hold its entries against what they should be."""
    outcome = submission.call("run", list(stages), list(items), timeout_sec=HANG_SEC)
    demand_entries(finished(_hung(outcome, title), title), expected, title)


class Scene:
    """A batch that is under way, and the server that it asks."""

    def __init__(self, backend: Backend, flight: Flight, ticket: int, title: str) -> None:
        self.backend = backend
        self._flight = flight
        self._ticket = ticket
        self._title = title
        self._ended: Outcome | None = None

    def expect(self, is_so: Callable[[Backend], bool], story: str) -> None:
        """Wait until something is so; `story` says what it means that it does not come to be.

        When the batch has ended, nothing will come to be any more.
        """
        deadline = time.perf_counter() + HANG_SEC
        while not self.backend.until(is_so, LOOK_SEC):
            ended = self._look()
            if ended is not None and not is_so(self.backend):
                finished(ended, self._title)
                raise AssertionError(f"{self._title}: {story}; and yet run() has returned{first_failure(ended)}")
            assert time.perf_counter() < deadline, f"{self._title}: {story}{self._failure_once_let_go()}"

    def end(self, expected: Sequence[Expected]) -> None:
        """Wait for the batch and hold its entries against what they should be."""
        outcome = self._look() or self._flight.landed(self._ticket, HANG_SEC)
        demand_entries(finished(_hung(outcome, self._title), self._title), expected, self._title)

    def _failure_once_let_go(self) -> str:
        """Answer every item, and say what came to nothing: often it explains what was seen before."""
        self.backend.delay_by(at_once)
        return first_failure(self._look() or self._flight.landed(self._ticket, HANG_SEC))

    def _look(self) -> Outcome | None:
        """Give what the batch came to, if it has ended."""
        for landing in self._flight.wait(0.0):
            self._ended = landing.outcome
        return self._ended

    def demand_started(self, keys: Sequence[int], most: int = 1, why: str = NOBODY_DIED) -> None:
        """Hold how often each of `keys` was asked against what is allowed."""
        demand_started(self.backend.starts(), keys, self._title, most, why)


@contextmanager
def playing(
    submission: Submission,
    title: str,
    rng: Random,
    stages: Sequence[Stage],
    items: Sequence[object],
    delay: Delay,
) -> Iterator[Scene]:
    """Start a batch, with a server planted for it."""
    with planted(submission.rendezvous(SOCKET_NAME), rng, delay) as backend, submission.flight() as flight:
        ticket = flight.start("run", list(stages), list(items))
        yield Scene(backend, flight, ticket, title)


def _hung(outcome: Outcome, title: str) -> Outcome:
    assert not isinstance(outcome, TimedOut), (
        f"{title}: run() hangs: it has not returned after {outcome.timeout_sec:g} s"
    )
    return outcome


def held(_: int) -> None:
    """Hold every item until it is released."""


def at_once(_: int) -> float:
    """Answer every item at once."""
    return 0.0


def under_way(least: int) -> Callable[[Backend], bool]:
    """Tell whether so many items are under way."""
    return lambda backend: len(backend.waiting()) >= least


def gone(*keys: int) -> Callable[[Backend], bool]:
    """Tell whether none of `keys` is under way any more."""
    return lambda backend: not set(keys) & set(backend.waiting())
