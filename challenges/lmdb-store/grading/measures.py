"""The bars that are no duels: latency beside a writer, parallel scans, bytes on disk and in memory."""

import time
from collections.abc import Callable
from functools import cache
from itertools import count
from random import Random
from typing import Any

import numpy as np
import pytest
from answers import CALL_SEC
from columns import Key, Table, build, columns_of, digest, draw_table
from footprints import blocks_mb
from numpy.typing import NDArray
from workload import BESIDE_TENANT, FOLDER, ROWS, VALUE_BYTES

from grader.plugin.facade import PairedLaunch, SubjectFacade

Pair = tuple[float, float]
FOLDERS = count()


def both(launch: PairedLaunch, number: int) -> tuple[SubjectFacade, SubjectFacade]:
    """Give both sides, in an order that alternates."""
    sides = launch.candidate, launch.reference
    return sides if (launch.number + number) % 2 else (sides[1], sides[0])


def taken(launch: PairedLaunch, times: int, run: Callable[[SubjectFacade, int], float]) -> Pair:
    """Run both sides so many times in turn, with equal seeds, and give the least of each."""
    least = {id(launch.candidate): float("inf"), id(launch.reference): float("inf")}
    for number in range(times):
        seed = launch.rng.getrandbits(32)
        for side in both(launch, number):
            least[id(side)] = min(least[id(side)], run(side, seed))
    return least[id(launch.candidate)], least[id(launch.reference)]


# ---- latency beside a writer

GETS = 150
PAUSE_SEC = 0.001
"""Between gets, so that they meet every stage of several batches."""

WRITTEN_ROWS = 60_000
"""In order: sorting so many holds the interpreter for longer than all else, and that is not what is looked at."""

STORED_AT_LEAST = 2
"""Batches while keys are got: the gets go on until then, or there was nothing for them to be measured beside."""

MORE_GETS = 15
LONGEST_SEC = 8.0
SLOWEST_WRITER = 5.0
"""How much longer than the reference's a batch may take on average: a writer may not stand back for lookups."""

RUNS = 1
P99 = 0.99


def latency(table: Table, launch: PairedLaunch) -> Pair:
    """Time single gets while another thread puts large batches, and give the 99th percentile."""
    written = [columns_of(sorted(draw_table(launch.rng, WRITTEN_ROWS, VALUE_BYTES).rows))]
    batch_sec: dict[int, float] = {}

    def run(side: SubjectFacade, seed: int) -> float:
        rng = Random(seed)
        side.value("hold", FOLDER)
        side.value("start_writing", written)
        began = time.monotonic()
        seconds = _gets(side, rng.choices(table.order, k=GETS), table)
        while (stored := _stored(side)) < STORED_AT_LEAST and time.monotonic() - began < LONGEST_SEC:
            seconds += _gets(side, rng.choices(table.order, k=MORE_GETS), table)
        elapsed_sec = time.monotonic() - began
        went_on = side.value("stop_writing", timeout_sec=CALL_SEC)
        side.value("let_go")
        assert went_on is True, "put_many failed while keys were read on another thread"
        assert stored, (
            f"in {elapsed_sec:.0f} s, in which single keys were got, put_many on another thread stored not one batch "
            f"of {WRITTEN_ROWS} rows: a writer does not wait for lookups"
        )
        batch_sec[id(side)] = elapsed_sec / stored
        return sorted(seconds)[int(P99 * len(seconds))]

    result = taken(launch, RUNS, run)
    mine, theirs = batch_sec[id(launch.candidate)], batch_sec[id(launch.reference)]
    assert mine <= SLOWEST_WRITER * theirs, (
        f"while single keys were got, put_many on another thread took {mine:.1f} s for each batch of {WRITTEN_ROWS} "
        f"rows, and the reference's {theirs:.1f} s: more than {SLOWEST_WRITER:.0f} times as long"
    )
    return result


def _gets(side: SubjectFacade, keys: list[Key], table: Table) -> list[float]:
    """Get keys one by one, and give how long each took."""
    seconds = []
    for key in keys:
        value, took = side.timed_call("get_one", list(key), timeout_sec=CALL_SEC)
        assert value == table.values[key], "get gave another value during a bulk write"
        seconds.append(took)
        time.sleep(PAUSE_SEC)
    return seconds


def _stored(side: SubjectFacade) -> int:
    stored = side.value("batches_written")
    assert isinstance(stored, int), "the driver's answer has the wrong shape"
    return stored


# ---- parallel scans

PARALLEL_RUNS, SERIAL_RUNS = 8, 4
"""Short ones: the more often, the likelier both cores were free, and quick, for one of them on each side."""

WORKERS = 2

SERIAL_ROWS = 5_000
"""Of each scan of the fold in one process: as many as the bar of scans has, where slowness costs."""

_parallel: dict[int, tuple[Pair, Pair]] = {}


def parallel_scan(table: Table, launch: PairedLaunch) -> Pair:
    """Give the wall time of a parallel scan."""
    _parallel[launch.number] = _both_scans(table, launch)
    return _parallel[launch.number][0]


def parallel_share(table: Table, launch: PairedLaunch) -> Pair:
    """Give the wall time of a parallel scan as a share of the same fold's in one process, over scans of 5,000 rows."""
    (mine, theirs), (my_serial, their_serial) = _parallel.pop(launch.number, None) or _both_scans(table, launch)
    return mine / my_serial, theirs / their_serial


def _both_scans(table: Table, launch: PairedLaunch) -> tuple[Pair, Pair]:
    for side in both(launch, 0):
        side.value("hold", FOLDER)
        side.value("fold_parallel", 0, None, None, WORKERS, timeout_sec=CALL_SEC)

    def ask(function: str, question: Callable[[int], tuple[Any, ...]]) -> Callable[[SubjectFacade, int], float]:
        def run(side: SubjectFacade, seed: int) -> float:
            rng = Random(seed)
            place, salt = rng.randrange(len(table.order) // 20), rng.getrandbits(32)
            parts, took = side.timed_call(function, salt, *question(place), timeout_sec=CALL_SEC)
            _check_parts(parts, table, place, salt)
            return took

        return run

    def whole(place: int) -> tuple[Any, ...]:
        return list(table.order[place]), [BESIDE_TENANT], WORKERS

    def pieces(place: int) -> tuple[Any, ...]:
        return ([*map(list, table.order[place::SERIAL_ROWS]), [BESIDE_TENANT]],)

    return (
        taken(launch, PARALLEL_RUNS, ask("fold_parallel", whole)),
        taken(launch, SERIAL_RUNS, ask("fold_serial", pieces)),
    )


def _check_parts(parts: Any, table: Table, place: int, salt: int) -> None:
    digests = [part for part in parts if part is not None]
    keys = [tuple(key) for first, last, _, _ in digests for key in (first, last)]
    assert keys == sorted(keys), "the parts of a parallel scan are not in order"
    assert (keys[0], keys[-1]) == (table.order[place], table.order[-1]), "a parallel scan does not cover its range"
    found = sum(rows for _, _, rows, _ in digests), sum(total for _, _, _, total in digests)
    right = len(table.order) - place, int((_digests(table)[place:] ^ np.uint64(salt)).sum())
    assert found == right, "a parallel scan lost rows, gave them twice, or gave others"


_known: dict[int, NDArray[np.uint64]] = {}


def _digests(table: Table) -> NDArray[np.uint64]:
    """Give what each row adds, in order, before the salt goes in; their sum stays far below 2**64."""
    if id(table) not in _known:
        _known[id(table)] = np.array([digest(key, table.values[key]) for key in table.order], np.uint64)
    return _known[id(table)]


# ---- bytes on disk

SIZED_ROWS = 20_000
SIZED_BATCH = 2_000


def bytes_per_entry(launch: PairedLaunch) -> Pair:
    """Load rows in random order and give the bytes on disk for each."""
    table = draw_table(launch.rng, SIZED_ROWS, VALUE_BYTES)

    def run(side: SubjectFacade, _seed: int) -> float:
        folder = f"sized-{next(FOLDERS)}"
        build(side, folder, table, SIZED_BATCH)
        size = blocks_mb(side.disk / folder) * 1024 * 1024 / SIZED_ROWS
        side.value("hold", folder)
        scanned = side.value("scan_rows", None, None, None, False)
        side.value("remove", folder)
        assert scanned == table.scanned(None, None, None, False), "what was loaded is not there"
        return size

    return taken(launch, 1, run)


# ---- memory


LARGE_FOLDER = "large"
LARGE_ROWS = 200_000


def memory(table: Table, launch: PairedLaunch) -> Pair:
    """Give the memory that is no cache of files, with a scan of everything half way through, in a fresh process."""
    launch.fresh()

    def run(side: SubjectFacade, _seed: int) -> float:
        side.value("hold", LARGE_FOLDER)
        half = len(table.order) // 2
        [last] = _list(side.value("scan_halfway", None, None, half, timeout_sec=CALL_SEC))
        key = table.order[half - 1]
        assert last == [*key, table.values[key]], "a scan half way through gave another row"
        stats = side.stats()
        side.value("drop_scan")
        side.value("let_go")  # its copy is the largest there is, and every launch has one
        if stats.memory_mb is None:
            pytest.skip("not measured here: this sandbox does not tell a subject's memory")
        return stats.memory_mb

    return taken(launch, 1, run)


def _list(answer: object) -> list[Any]:
    assert isinstance(answer, list), "the answer has the wrong shape"
    return answer


@cache
def small_table(seed: int) -> Table:
    """Draw what most bars' stores hold."""
    return draw_table(Random(seed), ROWS, VALUE_BYTES)


@cache
def large_table(seed: int) -> Table:
    """Draw what a long scan goes through."""
    return draw_table(Random(seed), LARGE_ROWS, VALUE_BYTES)
