"""The nouns of a sandbox: who runs (subjects), within which limits, and what the accounting says of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, Protocol


class Side(StrEnum):
    """Whose solution a subject runs."""

    CANDIDATE = "candidate"
    REFERENCE = "reference"


@dataclass(frozen=True, order=True)
class Subject:
    """One worker: a side and the number of its launch. Two subjects share nothing but the core."""

    side: Side
    launch: int

    def __str__(self) -> str:
        return f"{self.side}-{self.launch}"

    @classmethod
    def parse(cls, text: str) -> "Subject":
        """Read `candidate-3`; raises ValueError on anything else."""
        side, _, launch = text.partition("-")
        if not (launch.isascii() and launch.isdigit()):
            raise ValueError(f"not a subject: {text!r}")
        return cls(Side(side), int(launch))


class Isolation(StrEnum):
    """How far a subject is kept from what judges it."""

    DOCKER = "docker"
    NONE = "none"


class State(StrEnum):
    """Where a subject's process is in its life."""

    RUNNING = "running"
    PAUSED = "paused"
    EXITED = "exited"


@dataclass(frozen=True)
class Limits:
    """What each subject may use; the same for both sides."""

    memory_mb: int = 512
    pids: int = 64
    tmpfs_mb: int = 16
    cores: int = 1
    shm_mb: int = 1
    open_files: int = 256
    disk_mb: int = 0


@dataclass(frozen=True)
class Stats:
    """A subject as the kernel accounts for it; `None` where this machine does not tell.

    `tasks` are the threads of all its processes together.
    """

    state: State
    exit_code: int | None = None
    signal: int | None = None
    oom_killed: bool = False
    cpu_sec: float | None = None
    memory_mb: float | None = None
    memory_peak_mb: float | None = None
    throttled_sec: float | None = None
    file_mb: float | None = None
    read_mb: float | None = None
    processes: int | None = None
    tasks: int | None = None


@dataclass(frozen=True)
class Staged:
    """The folders of one grading, on the host, each checked and safe to copy."""

    submission: Path
    reference: Path
    driver: Path
    grading: Path


class SubjectControl(Protocol):
    """What whoever measures may ask of the sandbox: the three requests of the control channel."""

    def hand_over(
        self, pause: Sequence[Subject], resume: Sequence[Subject], watch: Sequence[Subject] = ()
    ) -> list[Stats]:
        """Freeze some subjects, thaw others and read the accounting of those to `watch`, in the order given.

        Whoever is frozen or thawed is read while frozen; on return none of those to `pause` executes an instruction.
        """

    def restart(self, subjects: Sequence[Subject], hash_seed: int) -> None:
        """End whatever each subject left behind and start it afresh, with `PYTHONHASHSEED=hash_seed`."""

    def stats(self, subjects: Sequence[Subject]) -> list[Stats]:
        """Read the accounting of each subject, in the order given."""


class Sandbox(SubjectControl, Protocol):
    """A place where one grading runs; `start` and `stop` bracket everything else."""

    isolation: Isolation

    def start(self) -> BinaryIO:
        """Start the grader role (subjects start at their first `restart`) and return its control stream, unbuffered."""

    def grader_log(self) -> str:
        """Give the capped tail of what the grader printed to stderr, for an error message."""

    def stop(self) -> None:
        """End and remove everything that was started. Safe to call twice, and from a signal handler's thread."""
