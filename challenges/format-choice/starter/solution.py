"""Four jobs for data in bytes. SPEC.md says what each must do; NOTES.md is yours too."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa
from pyarrow import csv


class FormatError(ValueError):
    """The data is damaged, cut short, hostile, or of another format."""


# ---- rpc: small nested messages


def encode_call(call: dict[str, Any]) -> bytes:
    """Encode one call."""
    return json.dumps(call, default=lambda value: {"hex": value.hex()}).encode()


def decode_call(data: bytes) -> dict[str, Any]:
    """Decode one call; FormatError for anything that is none."""
    return json.loads(data, object_hook=lambda found: bytes.fromhex(found["hex"]) if "hex" in found else found)


# ---- events: a log whose schema evolves


def encode_events(version: int, events: list[dict[str, Any]]) -> bytes:  # noqa: ARG001  it should not be ignored
    """Encode one segment of a log, as `version` of the schema knows its events."""
    return b"".join(json.dumps(event).encode() + b"\n" for event in events)


def decode_events(version: int, data: bytes) -> list[dict[str, Any]]:  # noqa: ARG001
    """Decode a log of any number of segments of both versions, as `version` of the schema knows its events."""
    return [json.loads(line) for line in data.splitlines()]


# ---- interchange: a table handed from process to process


def write_table(path: str, table: pa.Table) -> None:
    """Write a table to a file."""
    csv.write_csv(table, path)


def read_columns(path: str, names: list[str]) -> pa.Table:
    """Give some columns of the file, in this order, without copying or reading more than them."""
    return csv.read_csv(path).select(names)


# ---- archive: rows at rest

Condition = tuple[str, str, Any]
"""Column, one of == < <= > >=, value."""


def write_archive(path: str, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> None:
    """Write batches to a file, as they come: all of them may be more than memory holds."""
    csv.write_csv(pa.Table.from_batches(batches, schema), path)


def scan_archive(path: str, columns: list[str], where: list[Condition]) -> Iterator[pa.RecordBatch]:
    """Give some columns of the rows that fulfil all conditions, batch by batch, in the order they were written."""
    if where:
        raise NotImplementedError
    yield from csv.read_csv(path).select(columns).to_batches()
