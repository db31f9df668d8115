"""Profiles of the kinds of work that the checks' stories tell of, as plain data for the wire."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace


@dataclass(frozen=True)
class Profile:
    """SPEC.md's profile, field by field."""

    tasks: int
    wall_sec: float
    cpu_sec: float
    slowest_sec: float
    gil_free: float | None = 0.0
    argument_bytes: int = 200
    result_bytes: int = 50
    arguments_pickle: bool = True
    results_pickle: bool = True
    may_die: bool = False
    cores: int = 2

    @property
    def wire(self) -> dict[str, object]:
        """Give it as the driver takes it."""
        return asdict(self)


Stage = list[object]
"""The name of one of the driver's functions, and a profile for it."""


def stage(function: str, profile: Profile) -> Stage:
    """Describe a stage as the driver takes it."""
    return [function, profile.wire]


def brief(tasks: int) -> Profile:
    """Describe so little work that nothing but inline makes sense (rule 5)."""
    return Profile(tasks, 1e-6, 1e-6, 2e-6)


def waits(tasks: int) -> Profile:
    """Describe waiting, enough of it that only threads make sense (rule 6, from 64 items on)."""
    return Profile(tasks, 0.02, 0.0002, 0.03)


def computes(tasks: int) -> Profile:
    """Describe pure Python, enough of it that only processes make sense (rule 8, from 32 items on)."""
    return Profile(tasks, 0.1, 0.1, 0.15)


def lets_go(tasks: int) -> Profile:
    """Describe native code with large arguments, for which only threads make sense (rule 9, from 16 items on)."""
    return Profile(tasks, 0.015, 0.015, 0.02, gil_free=1.0, argument_bytes=2_000_000)


def uneven(profile: Profile) -> Profile:
    """Let one item take far longer than the others (rule 4)."""
    return replace(profile, slowest_sec=20 * profile.wall_sec)


def dangerous(tasks: int) -> Profile:
    """Describe native code that may end its process (rule 3)."""
    return Profile(tasks, 0.01, 0.01, 0.02, gil_free=None, may_die=True)


def unpicklable(profile: Profile) -> Profile:
    """Say of a profile that its results cannot be pickled (rule 3)."""
    return replace(profile, results_pickle=False)
