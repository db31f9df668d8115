"""Compare plain values exactly: 1 is neither 1.0 nor True, -0.0 is not 0.0, and NaN equals NaN."""

from __future__ import annotations

import struct
from collections.abc import Iterable

SHOWN_CHARS = 160


def difference(given: object, wanted: object, path: str = "") -> str | None:
    """Say where two plain values differ first; `None` where they don't. The order of a dict's keys does not matter."""
    where = path or "the value"
    if type(given) is not type(wanted):
        return f"{where} is {shown(given)} ({type(given).__name__}) instead of {shown(wanted)}"
    if isinstance(given, float) and isinstance(wanted, float):
        same = struct.pack("<d", given) == struct.pack("<d", wanted) or (given != given and wanted != wanted)  # noqa: PLR0124
        return None if same else f"{where} is {given!r} instead of {wanted!r}"
    if isinstance(given, dict) and isinstance(wanted, dict):
        if given.keys() != wanted.keys():
            return f"{where} has the keys {shown(sorted(given, key=str))} instead of {shown(sorted(wanted, key=str))}"
        return _first(difference(given[key], wanted[key], f"{path}[{key!r}]") for key in wanted)
    if isinstance(given, list) and isinstance(wanted, list):
        if len(given) != len(wanted):
            return f"{where} has {len(given)} entries instead of {len(wanted)}"
        pairs = enumerate(zip(given, wanted, strict=True))
        return _first(difference(mine, right, f"{path}[{place}]") for place, (mine, right) in pairs)
    return None if given == wanted else f"{where} is {shown(given)} instead of {shown(wanted)}"


def shown(value: object) -> str:
    """Show a value, not all of it where it is long."""
    text = repr(value)
    return text if len(text) <= SHOWN_CHARS else text[:SHOWN_CHARS] + "…"


def _first(found: Iterable[str | None]) -> str | None:
    return next((each for each in found if each is not None), None)
