"""Take turns: both sides run the same fresh batch, one just after the other, in an order that alternates."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from random import Random
from typing import Protocol

from backend import Backend
from counting import Census, Counted, demand_ended
from workload import CALL_SEC, Side, Timed

from harness.duel.paired import paired
from harness.unforeseen import Unforeseen

SEED_BITS = 128


class Accounted(Side, Counted, Protocol):
    """A subject that can be called, and whose accounting can be read."""


class Launch(Protocol):
    """One launch of a bar, in which each side is one process, unless it asks for fresh ones."""

    number: int
    rng: Random

    def fresh(self) -> None:
        """Start both sides afresh."""

    @property
    def candidate(self) -> Accounted:
        """The submission's subject."""

    @property
    def reference(self) -> Accounted:
        """The reference's."""


@dataclass(frozen=True)
class Turn:
    """What one run took, by the grader's clock and the container's accounting, and what it answered."""

    wall_sec: float
    cpu_sec: float
    before_mb: float | None
    peak_mb: float | None
    reply: object


@dataclass(frozen=True)
class Turns:
    """All turns of both sides in one launch."""

    candidate: list[Turn]
    reference: list[Turn]

    def wall(self) -> tuple[float, float]:
        """Give the time of each side, turn by turn."""
        return paired([turn.wall_sec for turn in self.candidate], [turn.wall_sec for turn in self.reference])


Batches = Callable[[Random], Timed]
Serve = Callable[[Side, int], AbstractContextManager[Backend]]


def take_turns(launch: Launch, batches: Batches, times: int) -> Turns:
    """Run fresh batches so many times on each side; a turn's batch is made once for both, and so they answer alike."""
    last: dict[int, Timed] = {}

    def made(_side: Side, seed: int) -> AbstractContextManager[Timed]:
        if seed not in last:
            last.clear()
            last[seed] = batches(Unforeseen(seed))
        return nullcontext(last[seed])

    turns = _turns(launch, made, times)
    for mine, theirs in zip(turns.candidate, turns.reference, strict=True):
        assert mine.reply == theirs.reply, "not every result is the one that the reference gave for the same item"
    return turns


def take_served_turns(launch: Launch, batches: Callable[[Random, Backend], Timed], serve: Serve, times: int) -> Turns:
    """Do the same with a server planted for each run."""
    return _turns(launch, lambda side, seed: _Served(serve, side, Unforeseen(seed), batches), times)


class _Served:
    """A batch whose items ask a server that lives as long as the batch is in use."""

    def __init__(self, serve: Serve, side: Side, rng: Random, batches: Callable[[Random, Backend], Timed]) -> None:
        self._serving = serve(side, rng.getrandbits(SEED_BITS))
        self._rng = rng
        self._batches = batches

    def __enter__(self) -> Timed:
        return self._batches(self._rng, self._serving.__enter__())

    def __exit__(self, *fault: object) -> None:
        self._serving.__exit__(None, None, None)


def _turns(launch: Launch, batches: Callable[[Side, int], AbstractContextManager[Timed]], times: int) -> Turns:
    turns = Turns([], [])
    sides = [(launch.candidate, turns.candidate), (launch.reference, turns.reference)]
    usual = Census(launch.reference.stats().processes, threads=None)  # libraries of items may have some
    for number in range(times):
        seed = launch.rng.getrandbits(SEED_BITS)
        for side, taken in sides if (launch.number + number) % 2 == 0 else reversed(sides):
            with batches(side, seed) as batch:
                _demand_fresh_start(side, usual)
                taken.append(_turn(side, batch))
    for side, _ in sides:
        side.value("rest")
    return turns


def _demand_fresh_start(side: Accounted, usual: Census) -> None:
    """Wait until what the run before has started is gone, as it has to be: a run starts its own processes."""
    side.value("open_files")  # any call thaws it, and only what is thawed can end
    demand_ended(side, usual, "before a timed run")


def _turn(side: Accounted, batch: Timed) -> Turn:
    batch.prepare(side)
    function, arguments = batch.question
    before = side.stats()
    reply, wall_sec = side.timed_call(function, *arguments, timeout_sec=CALL_SEC)
    after = side.stats()
    batch.check(reply)
    return Turn(
        wall_sec=wall_sec,
        cpu_sec=(after.cpu_sec or 0.0) - (before.cpu_sec or 0.0),
        before_mb=before.memory_mb,
        peak_mb=after.memory_peak_mb,
        reply=reply,
    )
