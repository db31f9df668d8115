"""The bars: one function for each `[[bars]]` of challenge.toml."""

from collections.abc import Callable
from functools import partial

import beside_writer
import loads
import on_two_cores
import pytest
import sizes
import tables
import workload
from columns import Table, build

from grader.plugin.facade import SubjectFacade
from harness.duel.round import Workload

Duel = Callable[[Workload], None]
Measure = Callable[..., None]


@pytest.fixture(scope="module")
def _seeds() -> list[int]:
    """Remember one seed for the tables of this grading."""
    return []


@pytest.fixture
def small(submission: SubjectFacade, reference: SubjectFacade, fresh_seed: int, _seeds: list[int]) -> Table:
    """Give the table of most bars; each side has stored it."""
    if not _seeds:
        _seeds.append(fresh_seed)
        for side in (submission, reference):
            build(side, workload.FOLDER, tables.small_table(fresh_seed))
    return tables.small_table(_seeds[0])


@pytest.fixture(scope="module")
def _large_seeds() -> list[int]:
    return []


@pytest.fixture
def large(submission: SubjectFacade, reference: SubjectFacade, fresh_seed: int, _large_seeds: list[int]) -> Table:
    """Give the table of a long scan; each side has stored it."""
    if not _large_seeds:
        _large_seeds.append(fresh_seed)
        for side in (submission, reference):
            build(side, tables.LARGE_FOLDER, tables.large_table(fresh_seed))
    return tables.large_table(_large_seeds[0])


def test_gets(duel: Duel, small: Table) -> None:
    duel(workload.Gets(small))


def test_get_many(duel: Duel, small: Table) -> None:
    duel(workload.GetMany(small))


def test_get_p99(measure: Measure, small: Table) -> None:
    measure(partial(beside_writer.latency, small))


def test_forward_scan(duel: Duel, small: Table) -> None:
    duel(workload.Scan(small, reverse=False))


def test_reverse_scan(duel: Duel, small: Table) -> None:
    duel(workload.Scan(small, reverse=True))


def test_bulk_load(duel: Duel) -> None:
    duel(loads.BulkLoad())


def test_parallel_scan_time(measure: Measure, small: Table) -> None:
    measure(partial(on_two_cores.parallel_scan, small))


def test_parallel_share(measure: Measure, small: Table) -> None:
    measure(partial(on_two_cores.parallel_share, small), unit="share")


def test_bytes_per_entry(measure: Measure) -> None:
    measure(sizes.bytes_per_entry, unit="bytes")


def test_memory(measure: Measure, large: Table) -> None:
    measure(partial(sizes.memory, large), unit="MiB")
