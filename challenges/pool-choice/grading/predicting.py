"""Score `predictions.toml` against what the kinds take, measured in the reference's container by plain code of ours."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Protocol

KINDS = ("inline", "threads", "processes")
WORKLOADS = (
    "pure-python",
    "short-batch",
    "compression",
    "numpy-arrays",
    "big-argument",
    "waiting",
    "tiny-tasks",
)
WHATEVER_THE_CORES = ("short-batch", "waiting", "tiny-tasks")
"""Their winners are the same on one core."""

FILE = "predictions.toml"
FILE_BYTES_MOST = 64 * 1024

TIE = 1.2
"""Within this factor of the fastest, a kind is a winner too."""

FACTOR = 2.0
FACTOR_OF_SMALL = 5.0
SMALL = 0.1

WINNERS_NEEDED = 6
RATIOS_NEEDED = 11
SHORT_SEC = 0.15
"""What takes less is measured twice."""

SEED_BITS = 32
LONGEST_SEC = 20.0


class Reference(Protocol):
    """What is needed of the `reference` fixture."""

    def value(self, function: str, *args: object, timeout_sec: float | None = None) -> object:
        """Call a function of the driver."""

    def timed_call(self, function: str, *args: object, timeout_sec: float) -> tuple[object, float]:
        """Call a function of the driver, by the clock."""


@dataclass(frozen=True)
class Prediction:
    """What one table says."""

    winner: str
    threads: float
    processes: float


Seconds = Mapping[str, float]
"""What each kind took."""


@dataclass(frozen=True)
class Score:
    """How many predictions are right, and of which workloads they are not."""

    winners: int
    ratios: int
    wrong: tuple[str, ...]


def demand_right(source: Path, reference: Reference, cores: int, rng: Random) -> None:
    """Read, measure, compare."""
    predictions = read_predictions(source)
    if cores < 2:
        measured = {name: _measure(reference, name, rng) for name in WHATEVER_THE_CORES}
        scored = score(predictions, measured)
        assert scored.winners == len(measured), f"on one core, {FILE} is wrong on {', '.join(scored.wrong)}"
        return
    scored = score(predictions, {name: _measure(reference, name, rng) for name in WORKLOADS})
    enough = scored.winners >= WINNERS_NEEDED and scored.ratios >= RATIOS_NEEDED
    assert enough, (
        f"{FILE} is right on {scored.winners} of {len(WORKLOADS)} winners and {scored.ratios} of {2 * len(WORKLOADS)} "
        f"ratios; {WINNERS_NEEDED} and {RATIOS_NEEDED} are needed. It is wrong on: {', '.join(scored.wrong)}"
    )


def score(predictions: Mapping[str, Prediction], measured: Mapping[str, Seconds]) -> Score:
    """Compare predictions with measurements."""
    winners = ratios = 0
    wrong: list[str] = []
    for name, seconds in measured.items():
        predicted = predictions[name]
        wins = seconds[predicted.winner] <= TIE * min(seconds.values())
        near = [
            _is_near(getattr(predicted, kind), seconds["inline"] / seconds[kind]) for kind in ("threads", "processes")
        ]
        winners += wins
        ratios += sum(near)
        if not (wins and all(near)):
            wrong.append(name)
    return Score(winners, ratios, tuple(wrong))


def _is_near(predicted: float, measured: float) -> bool:
    factor = FACTOR_OF_SMALL if measured < SMALL else FACTOR
    return measured / factor <= predicted <= measured * factor


def read_predictions(source: Path) -> dict[str, Prediction]:
    """Read the submission's file, which is hostile; an AssertionError says what is wrong with it."""
    path = source / FILE
    assert path.is_file(), f"there is no {FILE}"
    raw = path.read_bytes()[: FILE_BYTES_MOST + 1]
    assert len(raw) <= FILE_BYTES_MOST, f"{FILE} is longer than {FILE_BYTES_MOST} bytes"
    try:
        tables = tomllib.loads(raw.decode())
    except (ValueError, RecursionError) as error:
        raise AssertionError(f"{FILE} is not TOML: {str(error)[:200]}") from None
    return {name: _prediction(name, tables.get(name)) for name in WORKLOADS}


def _prediction(name: str, table: object) -> Prediction:
    assert isinstance(table, dict), f"{FILE} has no table [{name}]"
    winner = table.get("winner")
    assert winner in KINDS, f"{FILE}: the winner of {name} must be one of {', '.join(KINDS)}"
    return Prediction(winner, _ratio(name, "threads", table), _ratio(name, "processes", table))


def _ratio(name: str, kind: str, table: Mapping[str, object]) -> float:
    value = table.get(kind)
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    assert is_number, f"{FILE}: {kind} of {name} must be a number"
    assert isinstance(value, (int, float))
    assert 0 < value < 1e9, f"{FILE}: {kind} of {name} must be above 0: how many times faster than inline it is"
    return float(value)


def _measure(reference: Reference, name: str, rng: Random) -> dict[str, float]:
    """Take the time of each kind; of short ones the shorter of two."""
    reference.value("hold_public", name, rng.getrandbits(SEED_BITS), timeout_sec=LONGEST_SEC)
    taken = {kind: _timed(reference, kind) for kind in KINDS}
    for kind, seconds in taken.items():
        if seconds < SHORT_SEC:
            taken[kind] = min(seconds, _timed(reference, kind))
    reference.value("rest", timeout_sec=LONGEST_SEC)
    return taken


def _timed(reference: Reference, kind: str) -> float:
    _, seconds = reference.timed_call("run_public", kind, timeout_sec=LONGEST_SEC)
    return seconds
