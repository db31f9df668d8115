"""Margins between known solutions and bars: a bar stands in a dead zone where no known solution lives. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

THIN_MARGIN = 3.0
"""Units of noise: below three standard errors the same solution may get another verdict tomorrow."""

SEPARATION = 1.25
"""Known solutions keep at least this factor away from a bar, on either side."""


class Shore(StrEnum):
    """On which side of a bar a known solution must lie."""

    SOUND = "sound"
    SLOW = "too slow"


@dataclass(frozen=True)
class Margin:
    """How far one bar's ratio lies from its pass threshold; `units` of noise, positive on the passing side."""

    bar: str
    ratio: float
    threshold: float
    units: float
    required: bool = True

    @property
    def thin(self) -> bool:
        """Whether this required bar is too close to call."""
        return self.required and abs(self.units) < THIN_MARGIN


@dataclass(frozen=True)
class Sounding:
    """One known solution's margin to a bar, with the side on which it must lie."""

    solution: str
    shore: Shore
    margin: Margin


@dataclass(frozen=True)
class Separation:
    """The dead zone of one bar: the slowest sound solution below it and the fastest too-slow one above it."""

    bar: str
    threshold: float
    slowest_sound: tuple[str, float] | None
    fastest_slow: tuple[str, float] | None
    faults: tuple[str, ...]


def separations(soundings: Iterable[Sounding]) -> list[Separation]:
    """Measure every bar's dead zone over all gradings of one challenge, in the order in which bars first appear."""
    by_bar: dict[str, list[Sounding]] = {}
    for sounding in soundings:
        by_bar.setdefault(sounding.margin.bar, []).append(sounding)
    return [_separation(bar, found) for bar, found in by_bar.items()]


def _separation(bar: str, soundings: list[Sounding]) -> Separation:
    threshold = soundings[0].margin.threshold
    sound = [(found.solution, found.margin.ratio) for found in soundings if found.shore is Shore.SOUND]
    slow = [(found.solution, found.margin.ratio) for found in soundings if found.shore is Shore.SLOW]
    slowest = max(sound, key=lambda item: item[1], default=None)
    fastest = min(slow, key=lambda item: item[1], default=None)
    faults = []
    if slowest is not None and threshold / slowest[1] < SEPARATION:
        faults.append(_too_near(bar, threshold, slowest, Shore.SOUND))
    if fastest is not None and fastest[1] / threshold < SEPARATION:
        faults.append(_too_near(bar, threshold, fastest, Shore.SLOW))
    return Separation(bar, threshold, slowest, fastest, tuple(faults))


def _too_near(bar: str, threshold: float, solution: tuple[str, float], shore: Shore) -> str:
    name, ratio = solution
    sound = shore is Shore.SOUND
    factor = threshold / ratio if sound else ratio / threshold
    return (
        f"{bar}: {name} ({shore}) measures {ratio:.3f} against the bar at {threshold:.2f}, a factor of {factor:.2f}; "
        f"it must {'clear' if sound else 'miss'} the bar by {SEPARATION:g}"
    )
