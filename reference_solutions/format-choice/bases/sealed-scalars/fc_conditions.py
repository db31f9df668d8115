"""Conditions: which groups of rows cannot hold a row that fulfils one, and which rows of a group do."""

from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from fc_columns import is_text

_COMPARE: dict[str, Callable[..., Any]] = {
    "==": pc.equal,
    "<": pc.less,
    "<=": pc.less_equal,
    ">": pc.greater,
    ">=": pc.greater_equal,
}
_EPOCH = datetime(1970, 1, 1)
_EPOCH_UTC = datetime(1970, 1, 1, tzinfo=timezone.utc)
_UNIT = {"us": timedelta(microseconds=1), "ms": timedelta(milliseconds=1)}


class Condition:
    """One condition on one column."""

    def __init__(self, place: int, kind: pa.DataType, operator: str, value: Any) -> None:
        """Take a condition on the place-th column of the file."""
        if operator not in _COMPARE:
            raise ValueError(f"there is no operator {operator!r}")
        self.place = place
        self.operator = operator
        self._view: Callable[[pa.Array], pa.Array] = lambda array: array
        if pa.types.is_timestamp(kind):
            # of two times with zones Python subtracts the instants, with what their clocks showed then
            since = value - (_EPOCH if kind.tz is None else _EPOCH_UTC)
            self.key: Any = since // _UNIT[kind.unit]
            self._scalar = pa.scalar(self.key, pa.int64())
            self._view = lambda array: array.view(pa.int64())
        elif pa.types.is_date32(kind):
            self.key = value.toordinal() - date(1970, 1, 1).toordinal()
            self._scalar = pa.scalar(self.key, pa.int32())
            self._view = lambda array: array.view(pa.int32())
        elif pa.types.is_boolean(kind):
            self.key = int(value)
            self._scalar = pa.scalar(self.key, pa.uint8())
            self._view = lambda array: array.cast(pa.uint8())
        elif pa.types.is_decimal(kind):
            self.key = _unscaled(value, kind.scale)
            digits = tuple(int(digit) for digit in str(abs(self.key)))
            self._scalar = pa.scalar(Decimal((int(self.key < 0), digits, -kind.scale)), kind)
        elif is_text(kind):
            self.key = value.encode() if isinstance(value, str) else bytes(value)
            self._scalar = pa.scalar(self.key, pa.binary())
            if pa.types.is_string(kind):
                self._view = lambda array: array.cast(pa.binary())
        else:
            self.key = value
            self._scalar = pa.scalar(value, kind)

    def excludes(self, low: Any, high: Any) -> bool:
        """Say whether no value from low to high (None: not known) fulfils it."""
        key, operator = self.key, self.operator
        if low is not None and (key < low if operator in ("==", "<=") else operator == "<" and key <= low):
            return True
        return high is not None and (key > high if operator in ("==", ">=") else operator == ">" and key >= high)

    def rows(self, array: pa.Array) -> pa.Array:
        """Give which values fulfil it."""
        return _COMPARE[self.operator](self._view(array), self._scalar)


def _unscaled(value: Decimal, scale: int) -> int:
    sign, digits, exponent = value.as_tuple()
    number = int("".join(map(str, digits)))
    shift = int(exponent) + scale
    number = number * 10**shift if shift >= 0 else number // 10**-shift  # nothing but zeros goes
    return -number if sign else number
