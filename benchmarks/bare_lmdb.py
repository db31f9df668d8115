"""How near the store's reference comes to the machine: its lookups and scans beside bare loops over py-lmdb.

docker run --rm -v "$PWD":/w:ro -w /w takehome:dev python3 benchmarks/bare_lmdb.py [--rows 100000]

Two kinds of bare loops: *raw* ones work on keys that are bytes already, in one transaction, and decode nothing, which
no store of tuples can; *keyed* ones do what a careful programmer would write in place, with a codec of two lines and a
transaction for each call where the store has one. Each figure is the best of several turns, taken one after another.
"""

import argparse
import shutil
import struct
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from random import Random
from typing import Any

REFERENCE = Path(__file__).parent.parent / "reference_solutions" / "lmdb-store" / "reference"
TURNS = 9
LOOKUPS = 20_000
VALUE_BYTES = 48
TENANTS = 10
NUMBERS_BYTES = 12
GOALS = {"get": 0.8, "get_many": 0.8, "scan": 0.7, "reverse scan": 0.7}
"""Of the keyed loop of the same name."""

Run = Callable[[], None]

pack, unpack = struct.Struct(">qI").pack, struct.Struct(">qI").unpack


class Bare:
    """The loops over py-lmdb, on the reference's own environment."""

    def __init__(self, environment: Any, rows: list[tuple[Any, bytes]], rng: Random) -> None:
        self.environment = environment
        self.asked = [key for key, _ in rng.sample(rows, LOOKUPS)]
        tenants = {key[0] for key, _ in rows}
        self.before = {tenant: tenant.encode() + b"\0\1" for tenant in tenants}
        self.after = {tenant: tenant.encode() + b"\0\2" for tenant in tenants}
        self.names = {prefix: name for table in (self.before, self.after) for name, prefix in table.items()}
        self.raw = [self.encode(key) for key in self.asked]

    def encode(self, key: Any) -> bytes:
        """Encode a key."""
        tenant, ts, seq = key
        return (self.after if ts >= 0 else self.before)[tenant] + pack(ts, seq)

    def raw_get(self) -> None:
        """Get in one transaction."""
        with self.environment.begin() as txn:
            for key in self.raw:
                txn.get(key)

    def keyed_get(self) -> None:
        """Get in a transaction each."""
        begin, encode = self.environment.begin, self.encode
        for key in self.asked:
            with begin() as txn:
                txn.get(encode(key))

    def raw_get_many(self) -> None:
        """Get with getmulti."""
        with self.environment.begin() as txn:
            txn.cursor().getmulti(self.raw)

    def keyed_get_many(self) -> None:
        """Get in one transaction."""
        encode = self.encode
        with self.environment.begin() as txn:
            drain([txn.get(encode(key)) for key in self.asked])

    def raw_scan(self, reverse: bool) -> None:
        """Scan without looking."""
        with self.environment.begin() as txn:
            drain(txn.cursor().iterprev() if reverse else txn.cursor().iternext())

    def keyed_scan(self, reverse: bool) -> None:
        """Scan and decode row by row."""
        drain(self._decoded(reverse))

    def _decoded(self, reverse: bool) -> Iterator[Any]:
        names = self.names
        with self.environment.begin() as txn:
            for key, value in txn.cursor().iterprev() if reverse else txn.cursor().iternext():
                ts, seq = unpack(key[-NUMBERS_BYTES:])
                yield (names[key[:-NUMBERS_BYTES]], ts, seq), value


def main() -> None:
    """Fill a store, measure, and print a table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rows", type=int, default=100_000)
    count = options.parse_args().rows
    sys.path.insert(0, str(REFERENCE))
    from solution import Store  # type: ignore[import-not-found]  # noqa: PLC0415

    folder = tempfile.mkdtemp()
    try:
        rng = Random(1)
        rows = draw(rng, count)
        with Store.open(folder) as store:
            store.put_many(rows)
            show(measured(store, Bare(store._environment, rows, rng), count))
    finally:
        shutil.rmtree(folder)


def draw(rng: Random, count: int) -> list[tuple[Any, bytes]]:
    """Draw rows."""
    return [
        (
            (f"tenant-{rng.randrange(TENANTS):03d}", rng.randrange(-(2**40), 2**40), rng.getrandbits(32)),
            rng.randbytes(VALUE_BYTES),
        )
        for _ in range(count)
    ]


def measured(store: Any, bare: Bare, count: int) -> dict[str, dict[str, float]]:
    """Take turns, and give the least nanoseconds for each row or lookup, by what was done and who did it."""

    def get() -> None:
        for key in bare.asked:
            store.get(key)

    runs: dict[str, tuple[int, dict[str, Run]]] = {
        "get": (LOOKUPS, {"raw": bare.raw_get, "keyed": bare.keyed_get, "store": get}),
        "get_many": (
            LOOKUPS,
            {
                "raw": bare.raw_get_many,
                "keyed": bare.keyed_get_many,
                "store": lambda: drain(store.get_many(bare.asked)),
            },
        ),
    }
    for name, reverse in (("scan", False), ("reverse scan", True)):
        runs[name] = count, _scans(store, bare, reverse)
    best: dict[str, dict[str, float]] = {}
    for _ in range(TURNS):
        for name, (size, each) in runs.items():
            for who, run in each.items():
                began = time.perf_counter()
                run()
                taken = (time.perf_counter() - began) / size * 1e9
                best.setdefault(name, {})[who] = min(taken, best.get(name, {}).get(who, taken))
    return best


def _scans(store: Any, bare: Bare, reverse: bool) -> dict[str, Run]:
    return {
        "raw": lambda: bare.raw_scan(reverse),
        "keyed": lambda: bare.keyed_scan(reverse),
        "store": lambda: drain(store.scan(reverse=reverse)),
    }


def drain(rows: Iterable[object]) -> None:
    """Use everything up."""
    deque(rows, maxlen=0)


def show(best: dict[str, dict[str, float]]) -> None:
    """Print what each took, and how the store compares."""
    print(f"{'ns each':14}{'raw':>8}{'keyed':>8}{'store':>8}{'of raw':>10}{'of keyed':>10}{'goal':>8}")
    for name, taken in best.items():
        raw, keyed, mine = taken["raw"], taken["keyed"], taken["store"]
        print(f"{name:14}{raw:8.0f}{keyed:8.0f}{mine:8.0f}{raw / mine:10.2f}{keyed / mine:10.2f}{GOALS[name]:8.2f}")


if __name__ == "__main__":
    main()
