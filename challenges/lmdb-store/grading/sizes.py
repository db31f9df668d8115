"""The bars that count bytes: on disk for each row, and in memory amid a long scan."""

from itertools import count
from typing import Any

import pytest
from answers import CALL_SEC
from columns import Table, build, draw_table
from footprints import blocks_mb
from tables import LARGE_FOLDER
from turns import Pair, both, taken
from workload import VALUE_BYTES

from grader.plugin.facade import PairedLaunch, SubjectFacade

FOLDERS = count()

SIZED_ROWS = 20_000
SIZED_BATCH = 2_000


def bytes_per_entry(launch: PairedLaunch) -> Pair:
    """Load rows in random order and give the bytes on disk for each."""
    table = draw_table(launch.rng, SIZED_ROWS, VALUE_BYTES)
    folder = f"sized-{next(FOLDERS)}"

    def run(side: SubjectFacade, _seed: int) -> float:
        before_mb = blocks_mb(side.disk)
        build(side, folder, table, SIZED_BATCH)
        return (blocks_mb(side.disk) - before_mb) * 1024 * 1024 / SIZED_ROWS

    sizes = taken(launch, 1, run)
    launch.fresh()  # what was counted is all that is left: there is nothing in memory, nor in /tmp
    for side in both(launch, 0):
        side.value("hold", folder)
        scanned = side.value("scan_rows", None, None, None, False)
        side.value("remove", folder)
        assert scanned == table.scanned(None, None, None, False), "what was loaded is not there"
    return sizes


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
