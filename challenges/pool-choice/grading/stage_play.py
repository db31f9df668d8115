"""What the stories share: a batch under way in the submission while the grader's planted server watches it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from random import Random
from typing import Protocol

from backend import Backend, Delay, planted
from profiles import Stage
from replies import Expected, demand_entries, finished

from harness.flight import Flight
from harness.outcome import Outcome, TimedOut
from harness.sandbox.roles import Stats

SOCKET_NAME = "planted"

HANG_SEC = 20.0
"""What nobody's fault takes so long: runs that take less than a second."""


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

    def expect(self, is_so: Callable[[Backend], bool], story: str) -> None:
        """Wait until something is so; `story` says what it means that it does not come to be."""
        assert self.backend.until(is_so, HANG_SEC), f"{self._title}: {story}"

    def end(self, expected: Sequence[Expected]) -> None:
        """Wait for the batch and hold its entries against what they should be."""
        outcome = _hung(self._flight.landed(self._ticket, HANG_SEC), self._title)
        demand_entries(finished(outcome, self._title), expected, self._title)

    def demand_started(self, keys: Sequence[int], most: int, why: str) -> None:
        """Hold how often each of `keys` was asked against what is allowed."""
        starts = self.backend.starts()
        for key in keys:
            assert starts[key] >= 1, f"{self._title}: an item has an entry, but its function was never run"
            assert starts[key] <= most, f"{self._title}: an item was run {starts[key]} times, {why}"


@contextmanager
def playing(
    submission: Submission,
    title: str,
    rng: Random,
    stages: Sequence[Stage],
    items: Callable[[Backend], Sequence[object]],
    delay: Delay,
) -> Iterator[Scene]:
    """Start a batch, with a server planted for it."""
    with planted(submission.rendezvous(SOCKET_NAME), rng, delay) as backend, submission.flight() as flight:
        ticket = flight.start("run", list(stages), list(items(backend)))
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
