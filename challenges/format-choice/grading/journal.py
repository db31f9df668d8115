"""What a journal holds, as the driver makes it from a seed: the answers to scans of it, of all its columns."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import generated
import numpy as np
import numpy.typing as npt
from replies import Subject, content, gave

ZONED = "timestamp[us, tz=Europe/Berlin]"
AMOUNT = "decimal128(18, 4)"
PART_ROWS = 65_536


@dataclass(frozen=True)
class Journal:
    """A generated archive: its seed, and how large it is."""

    seed: int
    rows: int
    noise: int

    @property
    def names(self) -> list[str]:
        """Name its columns."""
        first = ["number", "at", "account", "city", "note", "amount", "rate"]
        return [*first, *(f"noise{number}" for number in range(self.noise))]

    def written(self, subject: Subject, name: str, sizes: list[int]) -> bytes:
        """Have a subject archive it, in batches of these sizes, and give the file."""
        answer = subject.value("write_journal", name, self.seed, self.noise, sizes)
        gave(answer, f"write_archive of {self.rows:,} rows")
        return content(subject, name)

    def digests(self, names: list[str], first: int = 0, last: int | None = None) -> list[Any]:
        """Say what `scan_digests` answers of these columns, of the rows from `first` to before `last`."""
        last = self.rows if last is None else last
        return [last - first, [list(_digest(self.seed, name, first, last)) for name in names]]


def batches_of(rows: int, rows_a_batch: int) -> list[int]:
    """Give the sizes of batches of which all but the last have as many rows."""
    return [min(rows_a_batch, rows - first) for first in range(0, rows, rows_a_batch)]


@cache
def _digest(seed: int, name: str, first: int, last: int) -> tuple[str, int, int]:
    of_values = of_other = 0
    for at in range(first, last, PART_ROWS):
        values, other = _raw(seed, name, at, min(PART_ROWS, last - at))
        of_values, of_other = zlib.crc32(values, of_values), zlib.crc32(other, of_other)
    return kind_of(name), of_values, of_other


def kind_of(name: str) -> str:
    """Name a column's type."""
    kinds = {"at": ZONED, "account": "int32", "city": "string", "note": "string", "amount": AMOUNT, "rate": "double"}
    return kinds.get(name, "int64")


def _raw(seed: int, name: str, first: int, count: int) -> tuple[bytes, bytes]:
    """Give some rows of a column as raw values, and which are none, a byte each; or lengths of texts and the text."""
    if name in {"city", "note"}:
        return _raw_texts(list(_texts(seed, name, first, count)))
    return _numbers(seed, name, first, count).tobytes(), b"\1" * count


def _numbers(seed: int, name: str, first: int, count: int) -> npt.NDArray[Any]:
    match name:
        case "number":
            return np.arange(first, first + count)
        case "at":
            return generated.at(seed, first, count)
        case "account":
            return generated.account(seed, first, count).astype(np.int32)
        case "amount":
            return generated.amount(seed, first, count)
        case "rate":
            return generated.rate(seed, first, count)
        case _:
            return generated.noise(seed, int(name.removeprefix("noise")), first, count)


def _texts(seed: int, name: str, first: int, count: int) -> Iterator[bytes | None]:
    numbers = (generated.city if name == "city" else generated.note)(seed, first, count).tolist()
    words = [text.encode() for text in (generated.CITIES if name == "city" else generated.PHRASES)]
    return (None if number < 0 else words[number] for number in numbers)


def _raw_texts(texts: list[bytes | None]) -> tuple[bytes, bytes]:
    lengths = np.array([-1 if text is None else len(text) for text in texts], np.int32)
    return lengths.tobytes(), b"".join(text for text in texts if text is not None)
