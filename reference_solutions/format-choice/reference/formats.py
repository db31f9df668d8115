"""The public workloads: two formats for each job, of which predictions.toml says how they compare.

`python formats.py` measures them on your machine. Each ratio is the first format's number divided by the second's.
"""

import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

import events_pb2
import msgpack
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

REPEATS = 5
JOBS = {
    "rpc": "MessagePack, with the names of fields : JSON",
    "events": "Protobuf : MessagePack, with the names of fields",
    "interchange": "Arrow's file format, mapped : Parquet, zstd",
    "archive": "Parquet, zstd : Arrow's file format, zstd",
}


def measure(job: str, seed: int) -> dict[str, float]:
    """Measure one job; gives ratios."""
    rng = Random(seed)
    return {"rpc": _rpc, "events": _events, "interchange": _interchange, "archive": _archive}[job](rng)


def _shortest(function: Callable[[], object]) -> float:
    taken = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        function()
        taken.append(time.perf_counter() - began)
    return min(taken)


# ---- calls: 500 of them, one at a time


def _call(rng: Random) -> dict[str, object]:
    return {
        "id": rng.getrandbits(53),
        "method": f"{rng.choice(('user', 'order', 'stock'))}.{rng.choice(('get', 'put', 'list'))}",
        "deadline_ms": rng.randrange(60_000),
        "caller": {"name": f"service-{rng.randrange(50)}", "zone": "eu-west-1", "weight": rng.random()},
        "args": [{"name": name, "value": rng.randrange(10**6)} for name in ("count", "since", "price")],
        "tags": {"region": "north", "tenant": str(rng.randrange(100))},
    }


def _rpc(rng: Random) -> dict[str, float]:
    calls = [_call(rng) for _ in range(500)]
    packed = [msgpack.packb(call) for call in calls]
    texts = [json.dumps(call).encode() for call in calls]
    return {
        "size": sum(map(len, packed)) / sum(map(len, texts)),
        "encode": _shortest(lambda: [msgpack.packb(call) for call in calls])
        / _shortest(lambda: [json.dumps(call).encode() for call in calls]),
        "decode": _shortest(lambda: [msgpack.unpackb(each) for each in packed])
        / _shortest(lambda: [json.loads(each) for each in texts]),
    }


# ---- events: 2,000 in one piece


def _event(rng: Random, number: int) -> dict[str, object]:
    return {
        "id": rng.getrandbits(62),
        "at": 1_700_000_000_000_000 + number * 40_000,
        "kind": rng.randrange(5),
        "account": f"user-{rng.randrange(5000)}",
        "amount": rng.randrange(100_000),
        "place": {"lat": rng.uniform(-90, 90), "lon": rng.uniform(-180, 180)},
        "currency": rng.choice(("EUR", "USD")),
        "tags": rng.sample(("new", "mobile", "sale"), rng.randrange(3)),
    }


def _as_protobuf(events: list[dict[str, object]]) -> bytes:
    segment = events_pb2.SegmentV2()
    for event in events:
        segment.events.add(**event)
    return segment.SerializeToString()


def _from_protobuf(data: bytes) -> list[dict[str, object]]:
    return [
        {
            "id": event.id,
            "at": event.at,
            "kind": event.kind,
            "account": event.account,
            "amount": event.amount,
            "place": {"lat": event.place.lat, "lon": event.place.lon},
            "currency": event.currency,
            "tags": list(event.tags),
        }
        for event in events_pb2.SegmentV2.FromString(data).events
    ]


def _events(rng: Random) -> dict[str, float]:
    events = [_event(rng, number) for number in range(2000)]
    protobuf, packed = _as_protobuf(events), msgpack.packb(events)
    return {
        "size": len(protobuf) / len(packed),
        "encode": _shortest(lambda: _as_protobuf(events)) / _shortest(lambda: msgpack.packb(events)),
        "decode": _shortest(lambda: _from_protobuf(protobuf)) / _shortest(lambda: msgpack.unpackb(packed)),
    }


# ---- a table handed over: ten columns of 200,000 floats that are rounded to cents; one column is read and summed


def _interchange(rng: Random) -> dict[str, float]:
    numbers = np.random.default_rng(rng.getrandbits(32))
    table = pa.table({f"c{n}": numbers.integers(0, 10**6, 200_000) / 100 for n in range(10)})
    with _folder() as folder:
        arrow, parquet = f"{folder}/arrow", f"{folder}/parquet"

        def read_arrow() -> float:
            with pa.memory_map(arrow) as source:
                return float(pa.ipc.open_file(source).read_all()["c7"].to_numpy().sum())

        writing = _shortest(lambda: _write_arrow(table, arrow, None)) / _shortest(
            lambda: _write_parquet(table, parquet)
        )
        return {
            "size": Path(arrow).stat().st_size / Path(parquet).stat().st_size,
            "write": writing,
            "read": _shortest(read_arrow)
            / _shortest(lambda: pq.read_table(parquet, columns=["c7"], use_threads=False)["c7"].to_numpy().sum()),
        }


# ---- rows at rest: 200,000 readings; two columns are scanned


def _archive(rng: Random) -> dict[str, float]:
    numbers = np.random.default_rng(rng.getrandbits(32))
    rows = 200_000
    cities = pa.array([f"city number {n}" for n in range(40)])
    table = pa.table(
        {
            "at": pa.array(1_700_000_000_000_000 + np.arange(rows) * 10**6, pa.timestamp("us", tz="UTC")),
            "city": cities.take(pa.array(numbers.integers(0, 40, rows))),
            "degrees": numbers.integers(-200, 400, rows) / 10,
            "pressure": numbers.integers(9500, 10500, rows),
            "rain": pa.array(numbers.integers(0, 50, rows), mask=numbers.random(rows) < 0.7),
        }
    )
    with _folder() as folder:
        arrow, parquet = f"{folder}/arrow", f"{folder}/parquet"

        def scan_arrow() -> object:
            with pa.memory_map(arrow) as source:
                options = pa.ipc.IpcReadOptions(included_fields=[1, 3], use_threads=False)
                return pa.ipc.open_file(source, options=options).read_all()

        writing = _shortest(lambda: _write_parquet(table, parquet)) / _shortest(
            lambda: _write_arrow(table, arrow, "zstd")
        )
        return {
            "size": Path(parquet).stat().st_size / Path(arrow).stat().st_size,
            "write": writing,
            "projection": _shortest(lambda: pq.read_table(parquet, columns=["city", "pressure"], use_threads=False))
            / _shortest(scan_arrow),
        }


def _write_arrow(table: pa.Table, path: str, compression: str | None) -> None:
    options = pa.ipc.IpcWriteOptions(compression=compression, use_threads=False)
    with pa.OSFile(path, "wb") as sink, pa.ipc.new_file(sink, table.schema, options=options) as writer:
        writer.write_table(table)


def _write_parquet(table: pa.Table, path: str) -> None:
    pq.write_table(table, path, compression="zstd")


def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(dir="/dev/shm")


if __name__ == "__main__":
    for name, pair in JOBS.items():
        sys.stdout.write(f"[{name}]  {pair}\n")
        for key, value in measure(name, 1).items():
            sys.stdout.write(f"{key} = {value:.2f}\n")
