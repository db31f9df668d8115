"""Score `predictions.toml` against what formats.py measures in the reference's container, by plain code of ours."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Protocol

RATIOS = {
    "rpc": ("size", "encode", "decode"),
    "events": ("size", "encode", "decode"),
    "interchange": ("size", "write", "read"),
    "archive": ("size", "write", "projection"),
}

FILE = "predictions.toml"
FILE_BYTES_MOST = 64 * 1024
FACTOR_OF_SIZE = 1.25
FACTOR_OF_TIME = 2.0
FACTOR_OF_SMALL = 4.0
SMALL = 0.1
"""Below it, a time is mostly that of opening a file."""

NEEDED = 10
SEED_BITS = 32
LONGEST_SEC = 20.0


class Reference(Protocol):
    """What is needed of the `reference` fixture."""

    def value(self, function: str, *args: object, timeout_sec: float | None = None) -> object:
        """Call a function of the driver."""


Ratios = Mapping[str, float]


def demand_right(source: Path, reference: Reference, rng: Random) -> None:
    """Read, measure, compare."""
    predicted = read_predictions(source)
    measured = {job: _measured(reference, job, rng.getrandbits(SEED_BITS)) for job in RATIOS}
    wrong = score(predicted, measured)
    right = sum(map(len, RATIOS.values())) - len(wrong)
    assert right >= NEEDED, (
        f"{FILE} is right on {right} of {right + len(wrong)} ratios; {NEEDED} are needed. "
        f"It is wrong on: {', '.join(wrong)}"
    )


def score(predicted: Mapping[str, Ratios], measured: Mapping[str, Ratios]) -> list[str]:
    """List the ratios that are wrong."""
    return [
        f"{job}.{name}"
        for job, ratios in measured.items()
        for name, ratio in ratios.items()
        if not _is_near(name, predicted[job][name], ratio)
    ]


def _is_near(name: str, predicted: float, measured: float) -> bool:
    factor = FACTOR_OF_SMALL if measured < SMALL else FACTOR_OF_TIME
    if name == "size":
        factor = FACTOR_OF_SIZE
    return measured / factor <= predicted <= measured * factor


def read_predictions(source: Path) -> dict[str, dict[str, float]]:
    """Read the submission's file, which is hostile; an AssertionError says what is wrong with it."""
    path = source / FILE
    assert path.is_file(), f"there is no {FILE}"
    raw = path.read_bytes()[: FILE_BYTES_MOST + 1]
    assert len(raw) <= FILE_BYTES_MOST, f"{FILE} is longer than {FILE_BYTES_MOST} bytes"
    try:
        tables = tomllib.loads(raw.decode())
    except (ValueError, RecursionError) as error:
        raise AssertionError(f"{FILE} is not TOML: {str(error)[:200]}") from None
    return {job: {name: _ratio(job, name, tables.get(job)) for name in names} for job, names in RATIOS.items()}


def _ratio(job: str, name: str, table: object) -> float:
    assert isinstance(table, dict), f"{FILE} has no table [{job}]"
    value = table.get(name)
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    assert is_number, f"{FILE}: {name} of {job} must be a number"
    assert isinstance(value, (int, float))
    assert 0 < value < 1e9, f"{FILE}: {name} of {job} must be above 0: a ratio"
    return float(value)


def _measured(reference: Reference, job: str, seed: int) -> dict[str, float]:
    told = reference.value("measure_formats", job, seed, timeout_sec=LONGEST_SEC)
    assert isinstance(told, list)
    return {name: float(value) for name, value in told}
