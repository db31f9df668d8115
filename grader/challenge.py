"""A challenge as its `challenge.toml` declares it; unknown keys are faults."""

import re
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

Slug = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=64)]


class Declared(BaseModel):
    """A part of `challenge.toml`: immutable, and strict about its keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class DeclaredLimits(Declared):
    """What each subject may use, and how long a grading may last."""

    memory_mb: int = Field(512, ge=32, le=16384)
    pids: int = Field(64, ge=8, le=4096)
    tmpfs_mb: int = Field(16, ge=1, le=4096)
    shm_mb: int = Field(1, ge=1, le=4096)
    disk_mb: int = Field(0, ge=0, le=16384)
    open_files: int = Field(256, ge=64, le=65536)
    cores: int = Field(1, ge=1, le=2)
    call_timeout_sec: float = Field(10.0, gt=0, le=300)
    grading_timeout_sec: float = Field(300.0, gt=0, le=3600)


class Graded(Declared):
    """What a check and a bar have in common; a failure of one that is not required costs its weight, not the pass."""

    id: Slug
    title: str
    required: bool = True
    weight: float = Field(1.0, ge=0)


class Check(Graded):
    """A property the submission has or lacks; `id` names the function `test_<id>` in `grading/test_behaviour.py`.

    A failure of one that is `timed`, and so depends on clocks, does not count where the reference, on busy cores, fails
    it as well.
    """

    timed: bool = False


class Bar(Graded):
    """A ratio to the reference; `id` names the function `test_<id>` in `grading/test_bars.py`.

    The submission passes at or below `pass`, with distinction at or below `distinction`. What is `counted`, such as
    bytes, is no time: only its own spread counts against it, not how noisy times are on this machine. What needs
    several `cores`, the subjects' and then the grader's own for making load, is measured only while these are free.
    """

    pass_: float = Field(alias="pass", gt=1.0)
    distinction: float = Field(1.10, gt=1.0)
    control: bool = False
    counted: bool = False
    cores: int = Field(1, ge=1)

    @model_validator(mode="after")
    def _control_is_timed(self) -> "Bar":
        if self.control and self.counted:
            raise ValueError("control shows the noise of times, so a counted bar can't carry it")
        return self

    @model_validator(mode="after")
    def _distinction_is_harder(self) -> "Bar":
        if self.distinction >= self.pass_:
            raise ValueError("distinction must be below pass")
        return self


class Challenge(Declared):
    """One challenge; the folder's name is its slug and is not repeated in the file."""

    version: int = Field(ge=1)
    title: str
    summary: str
    area: str
    minutes: int = Field(ge=1)
    entry_point: str = "solution.py"
    limits: DeclaredLimits = DeclaredLimits()
    checks: list[Check] = Field(min_length=1)
    bars: list[Bar] = Field(default_factory=list)

    @model_validator(mode="after")
    def _ids_are_unique(self) -> "Challenge":
        ids = [item.id for item in self.items]
        twice = sorted({id_ for id_ in ids if ids.count(id_) > 1})
        if twice:
            raise ValueError(f"ids used twice: {', '.join(twice)}")
        many = [bar.id for bar in self.bars if bar.cores > max(self.limits.cores, 2)]
        if many:
            raise ValueError(f"bars on more cores than subjects and grader have: {', '.join(many)}")
        if self.bars and sum(bar.control for bar in self.bars) != 1:
            raise ValueError("exactly one bar must have control = true")
        return self

    @property
    def items(self) -> tuple[Graded, ...]:
        """Every check, then every bar: all that has an id."""
        return (*self.checks, *self.bars)


def function_name(id_: str) -> str:
    """Name the test function of a check or bar: `hit-lookup` is `test_hit_lookup`."""
    return "test_" + re.sub("-", "_", id_)


def driver_path(challenge: Path) -> Path:
    """Where a challenge's driver lies: the folder of a package, or else a file."""
    package = challenge / "driver"
    return package if package.is_dir() else challenge / "driver.py"


def grading_folder(challenge: Path) -> Path:
    """Where the trusted side of a challenge lives."""
    return challenge / "grading"
