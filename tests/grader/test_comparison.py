"""A lead is claimed only where intervals and noise allow it, and only between results of one challenge."""

import json

import pytest

from grader.comparison import compare
from grader.errors import UsageError
from grader.evidence import BarEvidence, CheckStatus, ControlEvidence
from grader.result import Result
from harness.sandbox.roles import Isolation
from tests.grader.gradings import bar, check, evidence, interval, result


def graded(lookup: BarEvidence, floor: float = 0.005) -> Result:
    control = ControlEvidence(bar="lookup", ratio=interval(1.0, floor))
    return result(of=evidence(bars=[lookup, bar("memory")], control=control))


def leaders(*results: Result) -> dict[str, int | None]:
    return {row.id: row.leader for row in compare(results).bars}


def test_the_clearly_smaller_ratio_leads_wherever_it_stands() -> None:
    fast, slow = graded(bar("lookup", 1.0)), graded(bar("lookup", 1.2))
    assert leaders(fast, slow) == {"lookup": 0, "memory": None}
    assert leaders(slow, slow, fast) == {"lookup": 2, "memory": None}


def test_intervals_that_overlap_give_no_leader() -> None:
    assert leaders(graded(bar("lookup", 1.0, 0.1)), graded(bar("lookup", 1.15, 0.1)))["lookup"] is None


def test_a_difference_within_the_noise_of_either_machine_gives_no_leader() -> None:
    quiet, noisy = graded(bar("lookup", 1.0)), graded(bar("lookup", 1.2), floor=0.3)
    assert leaders(quiet, noisy)["lookup"] is None
    assert leaders(noisy, quiet)["lookup"] is None


def test_what_is_counted_owes_nothing_to_the_noise_of_times() -> None:
    control = ControlEvidence(bar="lookup", ratio=interval(1.0, 0.3))
    timed = [result(of=evidence(bars=[bar("lookup"), bar("memory", ratio)], control=control)) for ratio in (1.0, 1.1)]
    counted = [
        each.model_copy(update={"bars": [one.model_copy(update={"counted": True}) for one in each.bars]})
        for each in timed
    ]
    assert leaders(*timed)["memory"] is None
    assert leaders(*counted)["memory"] == 0


def test_ahead_of_one_is_not_ahead_of_all() -> None:
    one, same, slow = (graded(bar("lookup", ratio)) for ratio in (1.0, 1.001, 1.5))
    assert leaders(one, same, slow)["lookup"] is None


def test_what_was_not_measured_is_not_beaten_and_does_not_keep_others_from_it() -> None:
    failed = result(of=evidence(checks=[check("agreement", CheckStatus.FAILED), check("polish")], bars=[]))
    assert leaders(failed, graded(bar("lookup", 1.0)), graded(bar("lookup", 1.2)))["lookup"] == 1
    compared = compare([graded(bar("lookup", 1.0)), failed])
    assert {row.leader for row in compared.bars} == {None}
    assert [row.words for row in compared.checks] == [("pass", "fail"), ("pass", "pass")]


@pytest.mark.parametrize("change", [{"slug": "other"}])
def test_results_of_different_challenges_are_refused(change: dict[str, str]) -> None:
    with pytest.raises(UsageError, match="small version 1 and other version 1 cannot be compared"):
        compare([result(), result(**change)])


@pytest.mark.parametrize("count", [0, 1, 27])
def test_one_alone_or_very_many_are_refused(count: int) -> None:
    with pytest.raises(UsageError, match="from 2 to 26"):
        compare([result()] * count)


def test_what_keeps_results_from_comparing_is_said() -> None:
    practice = result(isolation=Isolation.NONE, image_digest=None)
    warnings = compare([result(), practice]).warnings
    assert any(warning.startswith("B is practice") for warning in warnings)
    assert any("very same files" in warning for warning in warnings)
    assert any("different images" in warning for warning in warnings)
    assert any("A has no control" in warning for warning in compare([result(of=evidence(control=None))] * 2).warnings)


def test_the_plain_form_is_json() -> None:
    plain = compare([graded(bar("lookup", 1.0)), graded(bar("lookup", 1.2))]).to_plain()
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain
