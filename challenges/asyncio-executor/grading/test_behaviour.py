"""The behaviour checks: one function for each `[[checks]]` of challenge.toml."""

import cancelling
import crowds
import door
import dying
import leftovers
import limits
import nesting
import outcomes
import places
import shutdowns
import timing_out
import told_once
from stage import Subject

from grader.plugin.facade import SubjectFacade
from grader.source_marks import demand_nothing_of_ours
from harness.unforeseen import Unforeseen


def test_names_no_judge(submission: SubjectFacade) -> None:
    demand_nothing_of_ours(submission.source)


def test_loop_answers(submission: Subject) -> None:
    places.demand_answers(submission)


def test_kinds_run_where_told(submission: Subject) -> None:
    places.demand_places(submission)
    places.demand_processes(submission)


def test_concurrency_limits(submission: Subject, fresh_seed: int) -> None:
    limits.demand_concurrency(submission, Unforeseen(fresh_seed))
    limits.demand_separation(submission)
    limits.demand_full_lanes(submission, Unforeseen(fresh_seed))
    limits.demand_progress(submission, Unforeseen(fresh_seed))


def test_bounded_queue(submission: Subject) -> None:
    limits.demand_bounded_queue(submission)
    limits.demand_room_after_children(submission)
    door.demand_first_come(submission)


def test_exceptions(submission: Subject) -> None:
    outcomes.demand_exceptions(submission)


def test_map(submission: Subject) -> None:
    outcomes.demand_map(submission)


def test_context_variables(submission: Subject) -> None:
    places.demand_contexts(submission)


def test_jobs_are_kept_alive(submission: Subject) -> None:
    leftovers.demand_kept_alive(submission)


def test_cancel(submission: Subject) -> None:
    cancelling.demand_cancel(submission)
    cancelling.demand_stopped_at_start(submission)
    told_once.demand_told_once(submission)


def test_timeouts(submission: Subject) -> None:
    timing_out.demand_timeouts(submission)


def test_process_death(submission: Subject) -> None:
    dying.demand_survival(submission)


def test_nested_at_full_load(submission: Subject) -> None:
    nesting.demand_nested(submission)
    nesting.demand_nested_map(submission)
    nesting.demand_nested_crowd(submission)
    nesting.demand_nested_cancel(submission)
    nesting.demand_nested_cancelled_once(submission)
    nesting.demand_nested_beside_queue(submission)
    nesting.demand_nested_outlived(submission)
    nesting.demand_nested_survived(submission)


def test_drain(submission: Subject) -> None:
    shutdowns.demand_drain(submission)
    shutdowns.demand_scope(submission)


def test_no_drain(submission: Subject) -> None:
    shutdowns.demand_no_drain(submission)
    shutdowns.demand_cancelled_once(submission)


def test_shutdown_deadline(submission: Subject) -> None:
    shutdowns.demand_deadline(submission)
    shutdowns.demand_later_deadline(submission)
    shutdowns.demand_later_patience(submission)


def test_no_leaks(submission: Subject) -> None:
    leftovers.demand_no_leaks(submission)


def test_stats(submission: Subject) -> None:
    crowds.demand_stats(submission)


def test_ten_thousand_jobs(submission: Subject) -> None:
    crowds.demand_crowd(submission)
