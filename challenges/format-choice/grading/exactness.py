"""Compare plain values exactly: 1 is neither 1.0 nor True, -0.0 is not 0.0, and NaN equals NaN."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sized
from itertools import islice

SHOWN_CHARS, SHOWN_MOST_CHARS = 160, 640
"""A value is shown whole up to so many characters; each part of a longer one is shortened, and it ends at so many."""

PART_CHARS, LISTED, LEVELS = 24, 6, 6
"""Of a longer part the beginning is shown, of more entries the first, and of what lies deeper how deep it is."""


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
    """Show a value: whole where that is short, or else each of its parts shortened, so that none hides the others."""
    text = repr(value)
    if len(text) > SHOWN_CHARS:
        text = _short(value, LEVELS)
    return text if len(text) <= SHOWN_MOST_CHARS else text[:SHOWN_MOST_CHARS] + "…"


def _short(value: object, levels: int) -> str:
    match value:
        case dict() | list() if value and not levels:
            return f"… {_depth(value)} deep"
        case dict():
            pairs = islice(value.items(), LISTED + 1)
            return "{" + _listed([f"{_short(key, 0)}: {_short(each, levels - 1)}" for key, each in pairs], value) + "}"
        case list():
            return "[" + _listed([_short(each, levels - 1) for each in value[: LISTED + 1]], value) + "]"
        case str() | bytes() if len(value) > PART_CHARS:
            return f"{value[: PART_CHARS // 2]!r}… ({len(value)} {'characters' if isinstance(value, str) else 'bytes'})"
    return repr(value)


def _depth(value: object) -> int:
    within = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if within is None else 1 + max(map(_depth, within), default=0)


def _listed(parts: list[str], whole: Sized) -> str:
    """Join the first parts, of which there may be one more than is shown of others."""
    more = len(whole) > LISTED + 1
    return ", ".join(parts[:LISTED] if more else parts) + (f", … {len(whole)} in all" if more else "")


def _first(found: Iterable[str | None]) -> str | None:
    return next((each for each in found if each is not None), None)
