"""The behaviour checks: one function for each `[[checks]]` of challenge.toml."""

import dying
import failing
import leftovers
import ordering
import overlapping
import plan_rules
import predicting
from stage_play import Submission

from grader.source_marks import demand_nothing_of_ours
from harness.unforeseen import Unforeseen


def test_names_no_judge(submission: Submission) -> None:
    demand_nothing_of_ours(submission.source)


def test_results_in_order(submission: Submission, fresh_seed: int) -> None:
    rng = Unforeseen(fresh_seed)
    ordering.demand_right_results(submission, rng)
    ordering.demand_order(submission, rng)
    ordering.demand_as_planned(submission, rng)


def test_plan_choices(submission: Submission, fresh_seed: int) -> None:
    profiles = list(plan_rules.profiles(Unforeseen(fresh_seed)))
    wire = [profile.wire for profile in profiles]
    replies = submission.value("plans", wire)
    assert isinstance(replies, list), "plan() does not answer"
    assert len(replies) == len(profiles), "plan() does not answer for every profile"
    for profile, reply in zip(profiles, replies, strict=True):
        plan = plan_rules.read_plan(reply)
        assert not isinstance(plan, str), f"{plan}, for {profile}"
        broken = plan_rules.broken_rule(profile, plan)
        assert broken is None, f"plan() breaks {broken}; {profile}"
    assert submission.value("plans", wire[::-1]) == replies[::-1], "plan() gives other plans for equal profiles"


def test_exceptions(submission: Submission, fresh_seed: int) -> None:
    failing.demand_failures_in_place(submission, Unforeseen(fresh_seed))


def test_unpicklable(submission: Submission, fresh_seed: int) -> None:
    failing.demand_pickling_is_minded(submission, Unforeseen(fresh_seed))


def test_worker_death(submission: Submission, fresh_seed: int) -> None:
    dying.demand_only_its_own_item(submission, Unforeseen(fresh_seed))


def test_no_deadlock(submission: Submission, fresh_seed: int) -> None:
    dying.demand_no_hang(submission, Unforeseen(fresh_seed))


def test_straggler(submission: Submission, fresh_seed: int) -> None:
    overlapping.demand_no_one_waits_for_a_straggler(submission, Unforeseen(fresh_seed))


def test_bounded_workers(submission: Submission, fresh_seed: int) -> None:
    overlapping.demand_bounded_waiting(submission, Unforeseen(fresh_seed))


def test_pipeline_overlaps(submission: Submission, fresh_seed: int) -> None:
    overlapping.demand_overlapping_stages(submission, Unforeseen(fresh_seed))


def test_memory_bounded(submission: Submission, reference: Submission, fresh_seed: int) -> None:
    leftovers.demand_bounded_memory(submission, reference, Unforeseen(fresh_seed))


def test_pools_closed(submission: Submission, reference: Submission, fresh_seed: int) -> None:
    leftovers.demand_closed_pools(submission, reference, Unforeseen(fresh_seed))


def test_predictions(
    submission: Submission, reference: predicting.Reference, subject_cores: int, fresh_seed: int
) -> None:
    predicting.demand_right(submission.source, reference, subject_cores, Unforeseen(fresh_seed))
