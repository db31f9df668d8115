"""Plan batches of work and run them. SPEC.md says what is asked; NOTES.md and predictions.toml are yours to fill in."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Profile:
    """What is known about the items of one stage."""

    tasks: int
    wall_sec: float
    cpu_sec: float
    slowest_sec: float
    gil_free: float | None
    argument_bytes: int
    result_bytes: int
    arguments_pickle: bool
    results_pickle: bool
    may_die: bool
    cores: int


@dataclass(frozen=True)
class Plan:
    """How to run one stage."""

    kind: Literal["inline", "threads", "processes"]
    workers: int = 1
    chunk_size: int = 1


@dataclass(frozen=True)
class Stage:
    """A function that every item goes through."""

    function: Callable[[Any], Any]
    profile: Profile


@dataclass(frozen=True)
class Batch:
    """Items that go through one stage, or through several after each other."""

    stages: tuple[Stage, ...]
    items: Sequence[Any]


@dataclass(frozen=True)
class Failed:
    """The entry of an item that has no result."""

    error: BaseException


class WorkerDied(Exception):
    """The process that an item ran in ended before the item did."""


def plan(profile: Profile) -> Plan:
    """Choose how to run a stage."""
    raise NotImplementedError


def run(batch: Batch) -> list[Any]:
    """Run a batch and give the result of each item, or a `Failed`, in the order of the items."""
    raise NotImplementedError
