"""The verdict's table, its order of severity, and that nothing but whole, sound, good evidence is a pass."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.bar_verdict import BarVerdict
from grader.evidence import BarEvidence, BarStatus, CheckStatus, ControlEvidence, Evidence
from grader.verdict import Verdict, judge
from tests.grader.gradings import bar, challenge, check, evidence, interval

CHALLENGE = challenge()


def test_all_passed_is_a_pass() -> None:
    judgement = judge(CHALLENGE, evidence())
    assert (judgement.verdict, judgement.decided_by, judgement.faults) == (Verdict.PASS, (), ())


@pytest.mark.parametrize(
    ("id_", "status", "verdict"),
    [
        ("agreement", CheckStatus.PASSED, Verdict.PASS),
        ("agreement", CheckStatus.FAILED, Verdict.FAIL),
        ("agreement", CheckStatus.SKIPPED, Verdict.ERROR),
        ("agreement", CheckStatus.ERROR, Verdict.ERROR),
        ("polish", CheckStatus.PASSED, Verdict.PASS),
        ("polish", CheckStatus.FAILED, Verdict.PASS),
        ("polish", CheckStatus.SKIPPED, Verdict.ERROR),
        ("polish", CheckStatus.ERROR, Verdict.ERROR),
    ],
)
def test_one_check_decides(id_: str, status: CheckStatus, verdict: Verdict) -> None:
    statuses = {"agreement": CheckStatus.PASSED, "polish": CheckStatus.PASSED, id_: status}
    judgement = judge(CHALLENGE, evidence(checks=[check(name, status) for name, status in statuses.items()]))
    assert judgement.verdict is verdict
    assert judgement.decided_by == (() if verdict is Verdict.PASS else (id_,))


@pytest.mark.parametrize(
    ("changes", "required", "optional"),
    [
        ({}, Verdict.PASS, Verdict.PASS),
        ({"ratio": interval(9.0)}, Verdict.FAIL, Verdict.PASS),
        ({"ratio": interval(3.0, 0.5)}, Verdict.INCONCLUSIVE, Verdict.PASS),
        ({"status": BarStatus.SUBJECT_FAILED, "ratio": None}, Verdict.FAIL, Verdict.PASS),
        ({"status": BarStatus.NOT_MEASURED, "ratio": None}, Verdict.INCONCLUSIVE, Verdict.PASS),
        ({"status": BarStatus.ERROR, "ratio": None}, Verdict.ERROR, Verdict.ERROR),
        ({"ratio": None}, Verdict.ERROR, Verdict.ERROR),
    ],
)
def test_one_bar_decides(changes: dict[str, Any], required: Verdict, optional: Verdict) -> None:
    spoiled = judge(CHALLENGE, evidence(bars=[bar("lookup", **changes), bar("memory")]))
    assert spoiled.verdict is required
    assert spoiled.decided_by == (() if required is Verdict.PASS else ("lookup",))
    assert judge(CHALLENGE, evidence(bars=[bar("lookup"), bar("memory", **changes)])).verdict is optional


def test_a_failed_check_fails_though_no_bar_was_measured() -> None:
    unmeasured = [bar(id_, status=BarStatus.NOT_MEASURED, ratio=None) for id_ in ("lookup", "memory")]
    judgement = judge(
        CHALLENGE, evidence(checks=[check("agreement", CheckStatus.FAILED), check("polish")], bars=unmeasured)
    )
    assert (judgement.verdict, judgement.decided_by) == (Verdict.FAIL, ("agreement",))


def test_our_error_outranks_a_fail() -> None:
    checks = [check("agreement", CheckStatus.FAILED), check("polish", CheckStatus.ERROR)]
    judgement = judge(CHALLENGE, evidence(checks=checks))
    assert (judgement.verdict, judgement.decided_by) == (Verdict.ERROR, ("polish",))


@pytest.mark.parametrize(
    "changes",
    [
        {"checks": []},
        {"checks": [check("agreement")]},
        {"checks": [check("agreement"), check("polish"), check("polish")]},
        {"checks": [check("agreement"), check("polish"), check("surprise")]},
        {"checks": [check("agreement"), check("polish"), check("lookup")]},
        {"bars": []},
        {"bars": [bar("lookup")]},
        {"bars": [bar("lookup"), bar("lookup"), bar("memory")]},
        {"bars": [bar("lookup"), bar("memory"), bar("surprise")]},
        {"fault": "the engine went away"},
        {"fault": ""},
        {"control": ControlEvidence(bar="surprise", ratio=interval(1.0))},
        {"control": ControlEvidence(bar="lookup", ratio=interval(float("nan")))},
        {"timing": {"total_sec": float("inf"), "candidate_sec": 0.0, "reference_sec": 0.0}},
        {"resources": [{"side": "candidate", "cpu_sec": float("nan")}]},
        {"bars": [bar("lookup", duration_sec=float("nan")), bar("memory")]},
    ],
)
def test_evidence_that_does_not_add_up_is_an_error(changes: dict[str, Any]) -> None:
    assert judge(CHALLENGE, evidence(**changes)).verdict is Verdict.ERROR


def test_what_is_reported_twice_is_an_error_of_its_own_and_of_the_whole() -> None:
    twice = evidence(checks=[check("agreement"), *[check("polish")] * 2], bars=[*[bar("lookup")] * 2, bar("memory")])
    judgement = judge(CHALLENGE, twice)
    assert [judged.status for judged in judgement.checks] == [CheckStatus.PASSED, CheckStatus.ERROR]
    assert [judged.verdict for judged in judgement.bars] == [BarVerdict.ERROR, BarVerdict.PASS]
    assert judgement.decided_by == ("polish", "lookup")
    assert len(judgement.faults) == 2
    unselected = judge(CHALLENGE, twice, {"agreement", "memory"})
    assert (unselected.verdict, unselected.decided_by) == (Verdict.ERROR, ())


def test_a_fault_is_told_and_decides_without_ids() -> None:
    judgement = judge(CHALLENGE, evidence(fault="the engine went away"))
    assert (judgement.decided_by, judgement.faults) == ((), ("the engine went away",))


def test_without_a_control_no_bar_is_claimed() -> None:
    judgement = judge(CHALLENGE, evidence(control=None))
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert {judged.verdict for judged in judgement.bars} == {BarVerdict.INCONCLUSIVE}


def test_a_selection_is_judged_alone_and_is_never_a_pass() -> None:
    only = evidence(checks=[check("agreement")], bars=[], control=None)
    assert judge(CHALLENGE, only).verdict is Verdict.ERROR
    judgement = judge(CHALLENGE, only, {"agreement"})
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert [judged.check.id for judged in judgement.checks] == ["agreement"]
    assert judgement.bars == ()
    failed = evidence(checks=[check("agreement", CheckStatus.FAILED)], bars=[])
    assert judge(CHALLENGE, failed, {"agreement"}).verdict is Verdict.FAIL


def test_what_was_reported_beside_a_selection_does_not_count() -> None:
    spoiled = evidence(checks=[check("agreement"), check("polish", CheckStatus.ERROR)])
    assert judge(CHALLENGE, spoiled, {"agreement"}).verdict is Verdict.INCONCLUSIVE


def test_a_selection_of_unknown_ids_is_an_error() -> None:
    assert judge(CHALLENGE, evidence(), {"surprise"}).verdict is Verdict.ERROR


STATUSES = st.sampled_from(list(CheckStatus))


@st.composite
def some_bar(draw: st.DrawFn, id_: str) -> BarEvidence:
    """Draw a bar's evidence, sound or not."""
    numbers = st.sampled_from([0.2, 1.0, 1.05, 1.9, 2.0, 2.9, 3.0, 3.1, 50.0, float("nan"), float("inf"), -1.0])
    return bar(
        id_,
        draw(numbers),
        draw(st.sampled_from([0.0, 0.01, 0.2])),
        status=draw(st.sampled_from(list(BarStatus))),
        **draw(st.sampled_from([{}, {"ratio": None}, {"noise": None}, {"launches": []}, {"candidate": [[]]}])),
    )


@st.composite
def some_evidence(draw: st.DrawFn) -> Evidence:
    """Draw evidence of every kind, including such as should never be."""
    checks = draw(st.lists(st.sampled_from(["agreement", "polish", "surprise"]), max_size=4))
    bars = draw(st.lists(st.sampled_from(["lookup", "memory", "surprise"]), max_size=4))
    control = draw(st.sampled_from([None, 0.005, 0.3, float("nan")]))
    return evidence(
        checks=[check(id_, draw(STATUSES)) for id_ in checks],
        bars=[draw(some_bar(id_)) for id_ in bars],
        control=None if control is None else ControlEvidence(bar="lookup", ratio=interval(1.0, control)),
        fault=draw(st.sampled_from([None, None, "broken"])),
    )


@given(some_evidence())
def test_a_pass_rests_on_every_required_item_once_and_good(found: Evidence) -> None:
    judgement = judge(CHALLENGE, found)
    if judgement.verdict is not Verdict.PASS:
        return
    assert found.fault is None
    assert found.control is not None
    assert sorted(report.id for report in found.checks) == ["agreement", "polish"]
    assert sorted(report.id for report in found.bars) == ["lookup", "memory"]
    assert next(r for r in found.checks if r.id == "agreement").status is CheckStatus.PASSED
    lookup = next(r for r in found.bars if r.id == "lookup")
    assert lookup.ratio is not None
    assert lookup.ratio.high <= 3.0


@given(some_evidence(), st.data())
def test_more_failure_never_makes_a_verdict_milder(found: Evidence, data: st.DataObject) -> None:
    before = judge(CHALLENGE, found).verdict
    worse = data.draw(worsened(found))
    assert judge(CHALLENGE, worse).verdict.severity >= before.severity


@st.composite
def worsened(draw: st.DrawFn, found: Evidence) -> Evidence:
    """Make a submission's evidence worse in one way, by no fault of ours."""
    checks = [
        report.model_copy(update={"status": CheckStatus.FAILED})
        if report.status is CheckStatus.PASSED and draw(st.booleans())
        else report
        for report in found.checks
    ]
    factor = draw(st.sampled_from([1.0, 1.01, 1.5, 30.0]))
    bars = [_slowed(report, factor) for report in found.bars]
    return found.model_copy(update={"checks": checks, "bars": bars})


def _slowed(report: BarEvidence, factor: float) -> BarEvidence:
    if report.ratio is None:
        return report
    ratio = report.ratio
    slower = {"estimate": ratio.estimate * factor, "low": ratio.low * factor, "high": ratio.high * factor}
    return report.model_copy(update={"ratio": ratio.model_copy(update=slower)})


@given(st.sampled_from(["checks", "bars"]), st.integers(0, 1))
def test_removing_any_evidence_is_never_a_pass(kind: str, place: int) -> None:
    whole = evidence()
    kept = [report for index, report in enumerate(getattr(whole, kind)) if index != place]
    assert judge(CHALLENGE, whole.model_copy(update={kind: kept})).verdict is Verdict.ERROR
