"""A submission far better than the reference is a question for a person."""

from grader.evidence import BarStatus
from grader.verdict import Verdict, judge
from tests.grader.gradings import bar, challenge, evidence


def test_more_than_three_times_faster_is_flagged_and_decides_nothing() -> None:
    judgement = judge(challenge(), evidence(bars=[bar("lookup", 0.3), bar("memory", 0.34)]))
    assert judgement.verdict is Verdict.PASS
    assert [found.kind for found in judgement.findings] == ["faster_than_plausible"]
    assert judgement.findings[0].text.startswith("lookup: ")
    assert judgement.findings[0].advice


def test_what_was_not_measured_is_not_flagged() -> None:
    unmeasured = bar("lookup", 0.1, status=BarStatus.NOT_MEASURED)
    assert judge(challenge(), evidence(bars=[unmeasured, bar("memory")])).findings == ()


def test_the_harness_findings_are_kept() -> None:
    finding = {"kind": "worked_while_paused", "text": "it worked", "advice": "look"}
    judgement = judge(challenge(), evidence(findings=[finding]))
    assert [found.kind for found in judgement.findings] == ["worked_while_paused"]
