"""Small tables of plain values: every type, extremes, nulls, unicode; and the oracle of scans over them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random
from typing import Any

from hypothesis import strategies as st

Column = list[Any]
"""[name, type, values]: timestamps and dates are ints, decimals unscaled ints."""

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
INT64 = 2**63
US_OF_YEAR_1, US_OF_YEAR_9999 = -62_135_596_800_000_000, 253_402_300_799_999_999
DAY_US = 86_400_000_000
"""A day less at both ends, so that every zone's local time is a year that `datetime` knows."""


def _ints(bits: int, signed: bool = True) -> st.SearchStrategy[int]:
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    return st.integers(low, high) | st.sampled_from([low, high, 0])


def _decimals(precision: int) -> st.SearchStrategy[int]:
    most = 10**precision - 1
    return st.integers(-most, most) | st.sampled_from([most, -most, 0, 1, -1])


_times = st.integers(US_OF_YEAR_1 + DAY_US, US_OF_YEAR_9999 - DAY_US)

TYPES: dict[str, st.SearchStrategy[Any]] = {
    "int8": _ints(8),
    "int16": _ints(16),
    "int32": _ints(32),
    "int64": _ints(64),
    "uint8": _ints(8, signed=False),
    "uint16": _ints(16, signed=False),
    "uint32": _ints(32, signed=False),
    "uint64": _ints(64, signed=False),
    "float": st.floats(width=32),
    "double": st.floats() | st.sampled_from([-0.0, 5e-324, math.inf, math.nan]),
    "bool": st.booleans(),
    "string": texts | st.sampled_from(["", "\0", "e\u0301", "é", "\U0001f600"]),
    "binary": st.binary(max_size=8),
    "date32[day]": st.integers(-719_162, 2_932_896),
    "timestamp[us]": _times,
    "timestamp[us, tz=UTC]": _times,
    "timestamp[us, tz=Europe/Berlin]": _times,
    "timestamp[ms, tz=America/New_York]": st.integers(-(10**13), 10**13),
    "decimal128(4, 2)": _decimals(4),
    "decimal128(18, 4)": _decimals(18),
    "decimal128(38, 10)": _decimals(38),
}
NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="."), min_size=1, max_size=8)


@st.composite
def tables(draw: st.DrawFn, rows_most: int = 12) -> list[Column]:
    """Draw a table of one to six columns, also of no rows, and with columns of nothing but nulls."""
    names = draw(st.lists(NAMES, min_size=1, max_size=6, unique=True))
    rows = draw(st.integers(0, rows_most))
    columns = []
    for name in names:
        kind = draw(st.sampled_from(sorted(TYPES)))
        nulls = draw(st.sampled_from(["none", "some", "all"]))
        value = {"none": TYPES[kind], "some": st.none() | TYPES[kind], "all": st.none()}[nulls]
        columns.append([name, kind, draw(st.lists(value, min_size=rows, max_size=rows))])
    return columns


def everything(rows: list[int]) -> list[Column]:
    """Make a table of all types: ends of ranges, with nulls between."""
    ends: dict[str, list[Any]] = {
        "int8": [-128, 127],
        "int16": [-(2**15), 2**15 - 1],
        "int32": [-(2**31), 2**31 - 1],
        "int64": [-INT64, INT64 - 1],
        "uint8": [0, 255],
        "uint16": [0, 65535],
        "uint32": [0, 2**32 - 1],
        "uint64": [2**64 - 1, INT64],
        "float": [-0.0, math.nan],
        "double": [math.nan, 5e-324],
        "bool": [True, False],
        "string": ["", "日本語 \0 é"],
        "binary": [b"", b"\xff\0"],
        "date32[day]": [-719_162, 2_932_896],
        "decimal128(4, 2)": [-9999, 9999],
        "decimal128(18, 4)": [10**18 - 1, -1],
        "decimal128(38, 10)": [10**38 - 1, -(10**38) + 1],
    }
    for kind in TYPES:
        if kind.startswith("timestamp"):
            ends[kind] = [-1, 1_700_000_000_123]
    return [[f"all {kind}", kind, [[*ends[kind], None][n % 3] for n in rows]] for kind in TYPES]


def spans() -> list[Column]:
    """Make columns whose values lie 2**8, 2**16 or 2**32 apart, or one less or more: where packed widths end."""
    table: list[Column] = []
    for bits in (8, 16, 32):
        for span in (2**bits - 1, 2**bits, 2**bits + 1):
            numbers = [5, 5 + span, 7, None, -span, 0]
            table.append([f"int {span}", "int64", numbers])
            table.append([f"exact {span}", "int64", [7, 7 + span, 9, 8, None, 7]])
            table.append([f"below {span}", "int64", [-3, -3 - span, -4, None, -5, -3]])
            if bits < 32:
                table.append([f"date {span}", "date32[day]", [3, 3 + span, 4, None, 5, 3]])
            table.append([f"decimal {span}", "decimal128(18, 4)", [7, 7 + span, 9, 8, None, 7]])
            table.append([f"time {span}", "timestamp[us]", [10**15, 10**15 + span, 10**15, 10**15 + 1, None, 10**15]])
            if bits < 32:
                texts = ["x" * span, "", "y" * (span // 2), None, "z", ""]
                table.append([f"text {span}", "string", texts])
    return table


def powers() -> list[Column]:
    """Make columns whose greatest or least value is a power of two, or one more or less: where narrower types end."""
    table: list[Column] = []
    for bits in (7, 8, 15, 16, 31, 32):
        for end in (2**bits - 1, 2**bits, 2**bits + 1):
            for kind in ("int64", "timestamp[us]", "decimal128(18, 4)"):
                table += [[f"{kind} {end}", kind, [0, end, 5]], [f"{kind} {-end}", kind, [0, -end, None]]]
    return table


CLOSE = {
    "int32": (2**28, 2**5),
    "int64": (2**60, 2**8),
    "uint64": (2**63 + 2**60, 2**11),
    "decimal128(18, 4)": (10**17, 2**4),
    "decimal128(38, 10)": (10**37, 2**70),
}
"""By type: a number, and how far apart floats of its size are; those of single precision for int32."""

CLOSE_COLUMNS = 4
"""Of each type: floats round half of all bounds outwards, which only costs time."""


def close_together(rng: Random) -> list[Column]:
    """Make columns of numbers that lie closer together than floats of their size do, with nulls among them."""
    table: list[Column] = []
    for kind, (size, apart) in CLOSE.items():
        for number in range(CLOSE_COLUMNS):
            sign = -1 if number % 2 and not kind.startswith("u") else 1
            values = [sign * (size + rng.randrange(3 * apart)) for _ in range(3)]
            table.append([f"{kind} {number}", kind, [values[0], None, *values[1:]]])
    return table


ALIKE = (
    ("e\u0301", "é"),
    ("a", "A"),
    ("b", "b "),
    ("c", " c"),
    ("fi", "\ufb01"),
    ("ss", "ß"),
    ("k", "\u212a"),
    ("x/y", "x\\y"),
    ("0", "00"),
    ("n" * 200, "n" * 201),
)
"""Names that are not the same, though some would take one for the other."""


def alike() -> list[Column]:
    """Make columns whose names are alike."""
    return [[name, "int64", [number, None, -number]] for number, name in enumerate(sum(ALIKE, ()), start=1)]


def ones_alike() -> list[Column]:
    """Make columns with one name of each that are alike."""
    return [[name, "int64", [1, 2, 3]] for name, _ in ALIKE]


def long_texts() -> list[Column]:
    """Make columns of long texts that differ at their ends, and one of their numbers."""
    ends = (*range(1, 9), None)
    table: list[Column] = [["number", "int64", list(range(len(ends)))]]
    for length in LONG:
        for letter in ("p", "\U0010ffff"):
            texts = [None if end is None else f"{letter * length}{end}" for end in ends]
            table.append([f"{letter} {length}", "string", texts])
        blobs = [None if end is None else b"\xff" * length + bytes([end]) for end in ends]
        table.append([f"bytes {length}", "binary", blobs])
    return table


LONG = (40, 5000)
"""Longer than what some keep as the bounds of texts."""


def neighbours() -> list[Column]:
    """Make columns of times that lie one unit apart, also where a float of seconds can't tell them apart."""
    far = US_OF_YEAR_9999 - 10 * DAY_US
    table: list[Column] = []
    for kind in TYPES:
        if kind.startswith("timestamp"):
            ends = (-(10**13) + 7, 1_700_000_000_123) if "[ms" in kind else (-far // 5, 1_700_000_000_123_457, far)
            times = [end + step for end in ends for step in range(4)]
            table.append([kind, kind, times + [None] * (12 - len(times))])
    return table


CLOCKS_CHANGED = (1_711_846_800, 1_729_990_800, 1_710_054_000, 1_730_613_600)
"""When they did in 2024, in Berlin and in New York, in seconds."""

HOURS_TWICE = ((CLOCKS_CHANGED[1], "Europe/Berlin"), (CLOCKS_CHANGED[3], "America/New_York"))
"""When an hour came for the second time: within it, what clocks show does not tell which of two times is later."""


def around_clock_changes() -> list[Column]:
    """Make columns of times in summer and in winter, and about the hours that come twice and not at all."""
    steps = (-3_600, -1_800, -1, 0, 1_800, 3_600)
    times = [at + step for at in CLOCKS_CHANGED for step in steps] + [1_721_000_000, 1_706_000_000]
    return [
        [kind, kind, [time * (10**3 if "[ms" in kind else 10**6) for time in times]] for kind in TYPES if "tz=" in kind
    ]


def zeros() -> list[Column]:
    """Make columns of both zeros, and of each."""
    plus, minus = [0.0, None, 0.0], [-0.0, None, -0.0]
    table = [[f"{kind}s", kind, [-0.0, 0.0, 1.5]] for kind in ("float", "double")]
    table += [[f"plus {kind}", kind, plus] for kind in ("float", "double")]
    return table + [[f"minus {kind}", kind, minus] for kind in ("float", "double")]


@dataclass(frozen=True)
class Condition:
    """`column how value`, as the driver is told it and as the oracle compares it."""

    column: str
    how: str
    value: Any
    zone: int | str = 0
    """Of a time that is compared with a column that has one: minutes east of UTC, or a name."""

    def told(self, kind: str) -> list[Any]:
        """Give it as the driver takes it."""
        value = self.value
        if kind.startswith("timestamp"):
            microseconds = value * (1000 if "[ms" in kind else 1)
            value = ["time", microseconds, self.zone] if "tz=" in kind else ["local time", microseconds]
        elif kind.startswith("date32"):
            value = ["date", value]
        elif kind.startswith("decimal"):
            value = ["decimal", value, int(kind[:-1].split(",")[1])]
        return [self.column, self.how, value]

    def holds(self, value: Any) -> bool:
        """Say whether a row with this value is wanted; a null never is."""
        if value is None:
            return False
        return bool(
            {
                "==": value == self.value,
                "<": value < self.value,
                "<=": value <= self.value,
                ">": value > self.value,
                ">=": value >= self.value,
            }[self.how]
        )


HOWS = ("==", "<", "<=", ">", ">=")


def scanned(table: list[Column], names: list[str], where: list[Condition]) -> list[Column]:
    """Say what a scan gives."""
    by_name = {name: values for name, _, values in table}
    rows = range(len(table[0][2]))
    chosen = [row for row in rows if all(each.holds(by_name[each.column][row]) for each in where)]
    kinds = {name: kind for name, kind, _ in table}
    return [[name, kinds[name], [by_name[name][row] for row in chosen]] for name in names]
