"""The bars that count bytes: on disk for each row, and in memory amid a long scan."""

import os
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from answers import CALL_SEC
from columns import Table, build, draw_table
from footprints import blocks_mb
from tables import LARGE_FOLDER
from turns import Pair, both, taken
from workload import VALUE_BYTES

from grader.plugin.facade import PairedLaunch, SubjectFacade
from harness.unforeseen import Unforeseen

FOLDERS = count()

SIZED_ROWS = 20_000
SIZED_BATCH = 2_000


def bytes_per_entry(launch: PairedLaunch) -> Pair:
    """Load rows in random order and give the bytes on disk for each."""
    table = draw_table(launch.rng, SIZED_ROWS, VALUE_BYTES)
    folder = f"sized-{next(FOLDERS)}"

    def run(side: SubjectFacade, _seed: int) -> float:
        side.value("let_go")
        before = files_beside(side.disk, folder)
        build(side, folder, table, SIZED_BATCH)
        after = files_beside(side.disk, folder)
        changed = sorted(path for path in before | after if before.get(path) != after.get(path))
        assert not changed, (
            f"while a store was filled in a folder of its own, {', '.join(changed)[:200]!r} elsewhere on the disk came "
            "to be, changed or vanished: a store is its folder"
        )
        each = blocks_mb(side.disk / folder) * 1024 * 1024 / SIZED_ROWS
        assert each >= VALUE_BYTES, (
            f"a store of {SIZED_ROWS} rows takes {each:.1f} bytes on disk for each, fewer than the {VALUE_BYTES} "
            "random ones of its value: a store is its folder, and nothing of it is kept elsewhere"
        )
        return each

    sizes = taken(launch, run)
    launch.fresh()  # what was counted is all that is left: there is nothing in memory, nor in /tmp
    for side in both(launch, 0):
        side.value("hold", folder)
        scanned = side.value("scan_rows", None, None, None, False)
        side.value("remove", folder)
        assert scanned == table.scanned(None, None, None, False), "what was loaded is not there"
    return sizes


def files_beside(disk: Path, folder: str) -> dict[str, tuple[int, ...]]:
    """Tell of every file on a disk that is outside a folder what changes when somebody changes the file.

    Its blocks do not belong to that: a file system may take some back long after the file was written.
    """
    found = {}
    for parent, folders, names in os.walk(disk):
        if Path(parent) == disk and folder in folders:
            folders.remove(folder)
        for name in names:
            path = Path(parent) / name
            with suppress(OSError):  # it may be gone by now
                about = path.lstat()
                changes = about.st_ino, about.st_size, about.st_mtime_ns, about.st_ctime_ns
                found[str(path.relative_to(disk))] = changes
    return found


def memory(table: Table, launch: PairedLaunch) -> Pair:
    """Give the memory that is no cache of files, with a scan of everything half way through, in a fresh process."""
    launch.fresh()

    def run(side: SubjectFacade, seed: int) -> float:
        rng, rows = Unforeseen(seed), len(table.order)
        first, stop = rng.randrange(rows // 20), rows - rng.randint(1, rows // 20)
        taken = rng.randint(2 * rows // 5, 3 * rows // 5)
        side.value("hold", LARGE_FOLDER)
        lo, hi = list(table.order[first]), list(table.order[stop])
        [last] = _list(side.value("scan_halfway", lo, hi, taken, timeout_sec=CALL_SEC))
        key = table.order[first + taken - 1]
        assert last == [*key, table.values[key]], "a scan half way through gave another row"
        stats = side.stats()
        side.value("drop_scan")
        side.value("let_go")  # its copy is the largest there is, and every launch has one
        if stats.memory_mb is None:
            pytest.skip("not measured here: this sandbox does not tell a subject's memory")
        return stats.memory_mb

    return taken(launch, run)


def _list(answer: object) -> list[Any]:
    assert isinstance(answer, list), "the answer has the wrong shape"
    return answer
