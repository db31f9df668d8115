"""The words of the interface: what comes in, what goes out."""

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


class Unportable(Exception):
    """Stands for an exception that did not survive the way from another process: its class's name and its message."""
