"""The batches that bars time: fresh items for each turn, the same for both sides, and an oracle for every answer."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from random import Random
from typing import Protocol

import big_array
import numbers_oracle as oracle
from backend import Backend, planted
from profiles import Profile, stage
from replies import demand_numbers
from starts import demand_started

from harness.unforeseen import Unforeseen

CALL_SEC = 30.0
"""For one timed run; the slowest of them takes 1.5 s on one core."""

SOCKET_NAME = "planted"
SQUARINGS_A_SEC = 3.8e6
"""Slow machines do 2.7 million, fast ones 7: so items take what their profiles say, within a factor of two."""


class Side(Protocol):
    """What is needed of a subject."""

    def value(self, function: str, *args: object, timeout_sec: float | None = None) -> object:
        """Call a function of the driver."""

    def timed_call(self, function: str, *args: object, timeout_sec: float) -> tuple[object, float]:
        """Call a function of the driver, by the clock."""

    def rendezvous(self, name: str) -> Path:
        """Name a place for a socket."""


class Timed(Protocol):
    """One fresh batch: what a subject has beforehand, what it is asked, and how its answer is checked.

    All that is fresh comes with the question, and the whole answer with the reply: nothing can be done off the clock.
    """

    def prepare(self, side: Side) -> None:
        """Have a subject hold what is too large to send; nothing of the question is in it."""

    @property
    def question(self) -> tuple[str, tuple[object, ...]]:
        """Give the driver's function and its arguments."""

    def check(self, reply: object) -> None:
        """Hold the answer against the oracle's."""


class Unprepared:
    """A batch that comes with the question wholly."""

    def prepare(self, side: Side) -> None:
        """Do nothing."""


@dataclass(frozen=True)
class Squarings(Unprepared):
    """Pure Python that cannot be shortened."""

    squarings: list[oracle.Squaring]
    profile: Profile
    title: str

    @property
    def question(self) -> tuple[str, tuple[object, ...]]:
        """Give the items."""
        return "run_packed", ([stage("squarings", self.profile)], [each.item for each in self.squarings])

    def check(self, reply: object) -> None:
        """Check every result."""
        demand_numbers(reply, self._answers, self.title)

    @cached_property
    def _answers(self) -> list[int]:
        """Work the answers out once for both sides."""
        return [each.answer for each in self.squarings]


PURE_ITEMS = 48
SHORT_ITEMS = 6_000


def pure_python(rng: Random) -> Squarings:
    """Make few long items."""
    return _squarings(rng, items=PURE_ITEMS, item_sec=0.02, title="pure Python")


def short_tasks(rng: Random) -> Squarings:
    """Make many short items."""
    return _squarings(rng, items=SHORT_ITEMS, item_sec=0.0001, title="short items")


def _squarings(rng: Random, items: int, item_sec: float, title: str) -> Squarings:
    rounds = round(item_sec * SQUARINGS_A_SEC)
    base = [oracle.squaring(rng, rounds) for _ in range(min(items, 64))]
    fresh = [base[place % len(base)] for place in range(items)]
    squarings = [replace(each, root=rng.randrange(2, each.p * each.q)) for each in fresh]
    return Squarings(squarings, Profile(items, item_sec, item_sec, 1.3 * item_sec), title)


@dataclass(frozen=True)
class Compression(Unprepared):
    """Bytes to compress; whether that holds the GIL the profile does not say. A block is noise, then one byte often."""

    blocks: list[tuple[bytes, int]]
    profile: Profile
    rng: Random
    """Draws the places whose answers the oracle works out, once there is an answer, and nothing that is sent."""

    @property
    def question(self) -> tuple[str, tuple[object, ...]]:
        """Give what the blocks are made from: the rest would only take time on its way."""
        return "run_blocks", ([stage("compressed", self.profile)], list(map(list, self.blocks)), COMPRESSED_BYTES)

    def check(self, reply: object) -> None:
        """Check some results wholly, and the form of all."""
        entries = reply[1] if isinstance(reply, list) and len(reply) == 2 and isinstance(reply[1], list) else []
        digests = [entry[1] for entry in entries if isinstance(entry, list) and len(entry) == 2]
        assert len(digests) == len(self.blocks), "compression: there are not as many results as items"
        known = [each for each in digests if isinstance(each, bytes) and len(each) == 32]
        assert len(set(known)) == len(self.blocks), "compression: not every result is a digest of its own"
        for place in self._checked:
            assert digests[place] == _compressed(*self.blocks[place]), f"compression: item {place} has a wrong result"

    @cached_property
    def _checked(self) -> list[int]:
        """Draw once for both sides."""
        return self.rng.sample(range(len(self.blocks)), COMPRESSED_CHECKED)


COMPRESSED_BYTES = 4_000_000
NOISE_BYTES = 100_000
COMPRESSED_ITEMS = 24
COMPRESSED_CHECKED = 3
SEED_BITS = 128


def compression(rng: Random) -> Compression:
    """Make blocks that begin with noise and go on with one byte: much to move for the time they take."""
    sixteen = bytes(number % 16 for number in range(256))
    noise = [rng.randbytes(NOISE_BYTES).translate(sixteen) for _ in range(COMPRESSED_ITEMS)]
    blocks = [(each, rng.randrange(256)) for each in noise]
    profile = Profile(
        COMPRESSED_ITEMS, 0.008, 0.008, 0.012, gil_free=None, argument_bytes=COMPRESSED_BYTES, result_bytes=100
    )
    return Compression(blocks, profile, Unforeseen(rng.getrandbits(SEED_BITS)))


@lru_cache(maxsize=COMPRESSED_CHECKED)
def _compressed(noise: bytes, filler: int) -> bytes:
    """Make a block as the driver does, and compress it, once for both sides."""
    return oracle.compressed(noise + bytes([filler]) * (COMPRESSED_BYTES - len(noise)))


@dataclass(frozen=True)
class BigArgument:
    """Parts of one array; `rng` draws those that are checked, once the answers are there, and nothing else."""

    batch: big_array.BigBatch
    rng: Random

    def prepare(self, side: Side) -> None:
        """Have the array made."""
        side.value("hold_big", *self.batch.made_of, timeout_sec=CALL_SEC)

    @property
    def question(self) -> tuple[str, tuple[object, ...]]:
        """Name the parts."""
        return "run_parts", self.batch.work

    def check(self, reply: object) -> None:
        """Check some results wholly, and the form of all."""
        big_array.demand_right_parts(reply, self.batch, self.rng)


def big_argument(rng: Random, seed: int) -> BigArgument:
    """Draw parts of the array that is made from `seed`."""
    return BigArgument(big_array.big_batch(rng, seed), Unforeseen(rng.getrandbits(SEED_BITS)))


@dataclass(frozen=True)
class Tiny(Unprepared):
    """Numbers to mix."""

    numbers: array[int]

    @property
    def question(self) -> tuple[str, tuple[object, ...]]:
        """Give the numbers."""
        profile = Profile(len(self.numbers), 2e-7, 2e-7, 1e-6, argument_bytes=10, result_bytes=10)
        return "run_numbers", ([stage("mixed", profile)], array("Q", self.numbers).tobytes())

    def check(self, reply: object) -> None:
        """Check every result."""
        demand_numbers(reply, self._answers, "tiny items")

    @cached_property
    def _answers(self) -> list[int]:
        """Work the answers out once for both sides."""
        return list(map(oracle.mixed, self.numbers))


TINY_ITEMS = 150_000


def tiny(rng: Random) -> Tiny:
    """Make very many numbers."""
    return Tiny(array("I", rng.randbytes(4 * TINY_ITEMS)))


@dataclass(frozen=True)
class Waiting(Unprepared):
    """Items that ask the planted server."""

    salts: list[int]
    backend: Backend

    @property
    def question(self) -> tuple[str, tuple[object, ...]]:
        """Give the items."""
        profile = Profile(len(self.salts), 0.02, 0.0002, 0.03)
        return "run_packed", (
            [stage("asked", profile)],
            [[SOCKET_NAME, key, salt] for key, salt in enumerate(self.salts)],
        )

    def check(self, reply: object) -> None:
        """Check every result, which nobody can know who has not waited, and that each item waited once."""
        token = self.backend.token
        most = self.backend.most_at_once
        assert most <= WAITING_MOST, f"waiting: {most} items were under way at once; {WAITING_MOST} is the most"
        demand_numbers(reply, [token(key) ^ salt for key, salt in enumerate(self.salts)], "waiting")
        demand_started(self.backend.starts(), range(len(self.salts)), "waiting")


@dataclass(frozen=True)
class Pipeline(Unprepared):
    """Items that ask the planted server for a number, and square it."""

    squarings: list[oracle.Squaring]
    backend: Backend

    @property
    def question(self) -> tuple[str, tuple[object, ...]]:
        """Give the items."""
        count, item_sec = len(self.squarings), PIPELINE_ITEM_SEC
        stages = [
            stage("asked_then_number", Profile(count, 0.02, 0.0002, 0.03)),
            stage("squarings", Profile(count, item_sec, item_sec, 1.3 * item_sec)),
        ]
        items = [[SOCKET_NAME, key, each.p * each.q, each.rounds] for key, each in enumerate(self.squarings)]
        return "run_packed", (stages, items)

    def check(self, reply: object) -> None:
        """Check every result, and that each item waited once."""
        answers = [
            oracle.squared(self.backend.token(key) % (each.p * each.q), each.p, each.q, each.rounds)
            for key, each in enumerate(self.squarings)
        ]
        demand_numbers(reply, answers, "a pipeline")
        demand_started(self.backend.starts(), range(len(self.squarings)), "a pipeline")


PIPELINE_ITEMS = 36
PIPELINE_ITEM_SEC = 0.025
WAITING_ITEMS = 320
WAITING_MOST = 64
WAIT_SEC = 0.02


def salts(rng: Random) -> list[int]:
    """Make what goes into the items that wait."""
    return [rng.getrandbits(60) for _ in range(WAITING_ITEMS)]


def pipeline_squarings(rng: Random) -> list[oracle.Squaring]:
    """Make the moduli; what is squared comes from the planted server."""
    return [oracle.squaring(rng, round(PIPELINE_ITEM_SEC * SQUARINGS_A_SEC)) for _ in range(PIPELINE_ITEMS)]


@contextmanager
def served(side: Side, seed: int) -> Iterator[Backend]:
    """Plant the server that answers after a wait; of one `seed` all answers are the same."""
    with planted(side.rendezvous(SOCKET_NAME), Unforeseen(seed), lambda _: WAIT_SEC) as backend:
        yield backend
