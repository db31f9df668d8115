"""The behaviour checks: one function for each `[[checks]]` of challenge.toml."""

from pathlib import Path
from typing import Protocol

import archive_copies
import archive_damage
import archive_reading
import archive_scans
import calling
import event_damage
import eventing
import handing
import predicting
from replies import Subject

from grader.source_marks import demand_nothing_of_ours
from harness.unforeseen import Unforeseen


class Submission(Subject, Protocol):
    """The `submission` fixture."""

    source: Path


def test_names_no_judge(submission: Submission) -> None:
    demand_nothing_of_ours(submission.source)


def test_rpc_round_trip(submission: Submission, fresh_seed: int) -> None:
    calling.demand_round_trip(submission, Unforeseen(fresh_seed))


def test_rpc_hostile(submission: Submission, fresh_seed: int) -> None:
    calling.demand_hostile_input_is_refused(submission, Unforeseen(fresh_seed))


def test_events_round_trip(submission: Submission, fresh_seed: int) -> None:
    eventing.demand_round_trip(submission, Unforeseen(fresh_seed))


def test_events_evolve(submission: Submission, fresh_seed: int) -> None:
    eventing.demand_versions_read_each_other(submission, Unforeseen(fresh_seed))


def test_events_keep_unknown(submission: Submission, fresh_seed: int) -> None:
    eventing.demand_unknown_is_kept(submission, Unforeseen(fresh_seed))


def test_events_damage(submission: Submission, fresh_seed: int) -> None:
    event_damage.demand_damage_is_seen(submission, Unforeseen(fresh_seed))


def test_interchange_round_trip(submission: Submission, fresh_seed: int) -> None:
    handing.demand_round_trip(submission, Unforeseen(fresh_seed))


def test_interchange_one_column(submission: Submission, fresh_seed: int) -> None:
    handing.demand_one_column_is_read(submission, Unforeseen(fresh_seed))


def test_interchange_zero_copy(submission: Submission, fresh_seed: int) -> None:
    handing.demand_nothing_is_copied(submission, Unforeseen(fresh_seed))


def test_interchange_cut(submission: Submission, fresh_seed: int) -> None:
    handing.demand_cut_files_are_refused(submission, Unforeseen(fresh_seed))


def test_archive_round_trip(submission: Submission, fresh_seed: int) -> None:
    archive_copies.demand_round_trip(submission, Unforeseen(fresh_seed))


def test_archive_scan(submission: Submission, fresh_seed: int) -> None:
    archive_scans.demand_right_scans(submission, Unforeseen(fresh_seed))


def test_archive_bounded(submission: Submission, fresh_seed: int) -> None:
    archive_reading.demand_bounded_footprint(submission, Unforeseen(fresh_seed))


def test_archive_pushdown(submission: Submission, fresh_seed: int) -> None:
    archive_reading.demand_little_is_read(submission, Unforeseen(fresh_seed))


def test_archive_damage(submission: Submission, fresh_seed: int) -> None:
    archive_damage.demand_damage_is_seen(submission, Unforeseen(fresh_seed))


def test_predictions(submission: Submission, reference: predicting.Reference, fresh_seed: int) -> None:
    predicting.demand_right(submission.source, reference, Unforeseen(fresh_seed))
