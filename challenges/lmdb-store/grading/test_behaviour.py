"""The behaviour checks: one function for each `[[checks]]` of challenge.toml."""

import crashes
import endings
import faults
import footprints
import ordering
import parallel
import processes
import snapshots
from replaying import demand
from sequences import hunt

from grader.plugin.facade import SubjectFacade
from grader.source_marks import demand_nothing_of_ours
from harness.unforeseen import Unforeseen

EXAMPLES = 60


def test_names_no_judge(submission: SubjectFacade) -> None:
    demand_nothing_of_ours(submission.source)


def test_agrees_with_model(submission: SubjectFacade, fresh_seed: int) -> None:
    demand(submission, "stores share state", ordering.two_stores(Unforeseen(fresh_seed)), ordering.FOLDERS)
    hunt(submission, "operations are answered wrongly", fresh_seed, EXAMPLES)


def test_key_order(submission: SubjectFacade, fresh_seed: int) -> None:
    demand(submission, "keys do not sort as tuples do", ordering.every_key(Unforeseen(fresh_seed)), ordering.FOLDERS)


def test_ranges(submission: SubjectFacade, fresh_seed: int) -> None:
    for operations in ordering.ranges(Unforeseen(fresh_seed)):
        demand(submission, "a range, a limit or a prefix is wrong", operations, ordering.FOLDERS)


def test_snapshots(submission: SubjectFacade, fresh_seed: int) -> None:
    rng = Unforeseen(fresh_seed)
    for operations in [*snapshots.within_a_process(rng), snapshots.of_many_rows(rng)]:
        demand(submission, "a scan does not give the state of when it was begun", operations, ordering.FOLDERS)
    snapshots.across_processes(submission, Unforeseen(fresh_seed))


def test_nobody_waits(submission: SubjectFacade, fresh_seed: int) -> None:
    for operations in snapshots.nobody_waits(Unforeseen(fresh_seed)):
        demand(submission, "readers and the writer get into each other's way", operations, ordering.FOLDERS)


def test_bad_input(submission: SubjectFacade, fresh_seed: int) -> None:
    for operations in faults.bad_input(Unforeseen(fresh_seed)):
        demand(submission, "bad input is not refused as a whole", operations, ordering.FOLDERS)


def test_closing(submission: SubjectFacade, fresh_seed: int) -> None:
    endings.closing(submission, Unforeseen(fresh_seed))


def test_forks(submission: SubjectFacade, fresh_seed: int) -> None:
    endings.forks(submission, Unforeseen(fresh_seed))


def test_processes(submission: SubjectFacade, fresh_seed: int) -> None:
    processes.look_and_write(submission, Unforeseen(fresh_seed))


def test_map_growth(submission: SubjectFacade, fresh_seed: int) -> None:
    footprints.map_growth(submission, Unforeseen(fresh_seed))


def test_space_reuse(submission: SubjectFacade, fresh_seed: int) -> None:
    footprints.space_reuse(submission, Unforeseen(fresh_seed))


def test_killed_reader(submission: SubjectFacade, fresh_seed: int) -> None:
    footprints.killed_reader(submission, Unforeseen(fresh_seed))


def test_crash_safety(submission: SubjectFacade, fresh_seed: int) -> None:
    rng = Unforeseen(fresh_seed)
    submission.value("reset", [])
    crashes.kill_children(submission, rng)
    crashes.kill_containers(submission, rng)


def test_full_disk(submission: SubjectFacade, fresh_seed: int) -> None:
    faults.full_disk(submission, Unforeseen(fresh_seed))


def test_bounded_memory(submission: SubjectFacade) -> None:
    footprints.bounded_memory(submission)


def test_parallel_scan(submission: SubjectFacade, fresh_seed: int) -> None:
    rng = Unforeseen(fresh_seed)
    parallel.of_ranges(submission, rng)
    parallel.results(submission)
    parallel.of_new_folds(submission)
    parallel.of_odd_folds(submission)
    parallel.of_very_many(submission)
    parallel.in_one_state(submission, rng)
    parallel.with_workers_held_up(submission, rng)
    parallel.while_rows_come_and_go(submission, rng)
    parallel.amid_constant_writes(submission)
