"""The public tests: a beginning, run in process by `takehome test` or pytest. The grading checks far more."""

from datetime import UTC, datetime
from decimal import Decimal

import pyarrow as pa
import pytest
import solution
from solution import FormatError

CALL = {
    "id": 2**64 - 1,
    "method": "order.put",
    "deadline_ms": None,
    "trace": b"\x00\xff",
    "caller": {"name": "shop", "zone": None, "weight": 0.5},
    "args": [{"name": "lines", "value": [1, 1.0, True, None, "é", b"", [[]]]}],
    "tags": {"region": "north"},
}

EVENT_1 = {
    "id": 1,
    "at": 1_700_000_000_000_000,
    "kind": "buy",
    "user": "ann",
    "amount": 5,
    "session": "s1",
    "place": {"lat": 48.1, "lon": 11.6},
}

EVENT_2 = {
    "id": 2,
    "at": 1_700_000_000_000_001,
    "kind": "gift",
    "account": "bob",
    "amount": 2**40,
    "place": {"lat": 48.1, "lon": 11.6, "accuracy": 12},
    "currency": "USD",
    "tags": ["new"],
    "device": {"os": "linux", "build": 7},
}


def known(events):
    return [{key: value for key, value in event.items() if key != "unknown"} for event in events]


def test_a_call_comes_back_as_it_was():
    again = solution.decode_call(solution.encode_call(CALL))
    assert repr(again) == repr(CALL)


def test_a_cut_call_is_refused():
    data = solution.encode_call(CALL)
    for length in range(len(data)):
        with pytest.raises(FormatError):
            solution.decode_call(data[:length])


def test_version_2_reads_version_1():
    (event,) = known(solution.decode_events(2, solution.encode_events(1, [EVENT_1])))
    assert event == {
        "id": 1,
        "at": 1_700_000_000_000_000,
        "kind": "buy",
        "account": "ann",
        "amount": 5,
        "place": {"lat": 48.1, "lon": 11.6, "accuracy": None},
        "currency": "EUR",
        "tags": [],
        "device": None,
    }


def test_version_1_reads_version_2():
    (event,) = known(solution.decode_events(1, solution.encode_events(2, [EVENT_2])))
    assert event == {
        "id": 2,
        "at": 1_700_000_000_000_001,
        "kind": 4,
        "user": "bob",
        "amount": 2**40,
        "session": None,
        "place": {"lat": 48.1, "lon": 11.6},
    }


def test_what_version_1_does_not_know_passes_through_it():
    seen = solution.decode_events(1, solution.encode_events(2, [EVENT_2]))
    seen[0]["amount"] = 6
    (event,) = known(solution.decode_events(2, solution.encode_events(1, seen)))
    assert event == {**EVENT_2, "amount": 6}


def test_a_changed_log_is_refused():
    log = bytearray(solution.encode_events(1, [EVENT_1, EVENT_1]))
    log[len(log) // 2] ^= 1
    with pytest.raises(FormatError):
        solution.decode_events(1, bytes(log))


TABLE = pa.table(
    {
        "at": pa.array([0, None, 5], pa.timestamp("us", tz="Europe/Berlin")),
        "price": pa.array([Decimal("1.10"), Decimal("-0.01"), None], pa.decimal128(18, 4)),
        "city": ["Köln", None, ""],
        "count": pa.array([1, 2, None], pa.int32()),
    }
)


def test_columns_come_back_as_they_were(tmp_path):
    path = str(tmp_path / "table")
    solution.write_table(path, TABLE)
    assert solution.read_columns(path, ["city", "at"]).equals(TABLE.select(["city", "at"]))
    with pytest.raises(KeyError):
        solution.read_columns(path, ["nothing"])


def test_an_archive_is_scanned(tmp_path):
    path = str(tmp_path / "archive")
    solution.write_archive(path, TABLE.schema, iter(TABLE.to_batches(max_chunksize=2)))
    whole = pa.Table.from_batches(solution.scan_archive(path, TABLE.column_names, []))
    assert whole.equals(TABLE)
    where = [("at", "<", datetime(2000, 1, 1, tzinfo=UTC)), ("price", ">=", Decimal("1.1"))]
    (batch,) = solution.scan_archive(path, ["city"], where)
    assert batch.to_pydict() == {"city": ["Köln"]}


def test_a_cut_archive_is_refused(tmp_path):
    path = tmp_path / "archive"
    solution.write_archive(str(path), TABLE.schema, iter(TABLE.to_batches()))
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(FormatError):
        list(solution.scan_archive(str(path), ["city"], []))
