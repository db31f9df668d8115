"""Judge evidence by a challenge's bars: pure functions, and one table for the verdict of the whole.

What each check and bar says for the whole; the most severe of them is the verdict:

    check   passed                                 pass           bar   pass                     pass
            failed                                 fail                 fail                     fail
            missing, skipped, twice, broken        error                inconclusive             inconclusive
                                                                        not measured             inconclusive
                                                                        missing, twice, broken   error

One that is not required says pass wherever the table says fail or inconclusive, and error where it says error. Besides:

    a fault of the grading, unknown ids, unsound numbers      error
    a timed check that the reference fails on busy cores too  error
    a grading of selected ids only                            inconclusive, at best: it is never a pass

Severity is pass < inconclusive < fail < error. A failed check counts whether or not bars were measured. An error
outranks a fail because when anything of ours broke, we no longer know that the failure was the candidate's; it is never
a pass either, so nobody gains by causing one.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from grader.bar_verdict import BarVerdict, JudgedBar, control_noise, judge_bar, missing_bar
from grader.challenge import Bar, Challenge, Check
from grader.evidence import BarEvidence, CheckEvidence, CheckStatus, Evidence, Finding
from grader.findings import implausible
from grader.soundness import control_fault, id_faults, number_faults


class Verdict(StrEnum):
    """What a grading says of a submission; in order of severity."""

    PASS = "pass"  # noqa: S105
    INCONCLUSIVE = "inconclusive"
    FAIL = "fail"
    ERROR = "error"

    @property
    def severity(self) -> int:
        """Place in the order pass, inconclusive, fail, error."""
        return list(Verdict).index(self)


SAYS_OF_CHECK = {
    CheckStatus.PASSED: Verdict.PASS,
    CheckStatus.FAILED: Verdict.FAIL,
    CheckStatus.SKIPPED: Verdict.ERROR,
    CheckStatus.ERROR: Verdict.ERROR,
}

SAYS_OF_BAR = {
    BarVerdict.PASS: Verdict.PASS,
    BarVerdict.FAIL: Verdict.FAIL,
    BarVerdict.INCONCLUSIVE: Verdict.INCONCLUSIVE,
    BarVerdict.NOT_MEASURED: Verdict.INCONCLUSIVE,
    BarVerdict.ERROR: Verdict.ERROR,
}


@dataclass(frozen=True)
class JudgedCheck:
    """A check with how it ended; where the grader never reported it, that is an error."""

    check: Check
    status: CheckStatus
    message: str
    duration_sec: float

    @property
    def says(self) -> Verdict:
        """What this check alone says of the submission."""
        return excused(SAYS_OF_CHECK[self.status], self.check.required)


@dataclass(frozen=True)
class Judgement:
    """A verdict with all it rests on; `decided_by` names the checks and bars that say what the verdict says.

    It is empty for a pass, and where `faults` decided.
    """

    verdict: Verdict
    decided_by: tuple[str, ...]
    checks: tuple[JudgedCheck, ...]
    bars: tuple[JudgedBar, ...]
    findings: tuple[Finding, ...]
    faults: tuple[str, ...]


def excused(says: Verdict, required: bool) -> Verdict:
    """Soften what an optional check or bar says: only our own errors still count."""
    return says if required or says is Verdict.ERROR else Verdict.PASS


def judge(challenge: Challenge, evidence: Evidence, selected: Collection[str] = ()) -> Judgement:
    """Judge a grading's evidence; `selected` names the ids that were to run, and is empty when all were.

    What was not selected is not expected, and is left out of the judgement.
    """
    wanted = set(selected)
    control = control_fault(challenge, evidence)
    faults = _faults(challenge, evidence, control, wanted)
    checks = _judge_checks(_picked(challenge.checks, wanted), evidence)
    noise = None if control else control_noise(evidence.control)

    def judged(bar: Bar, measured: BarEvidence) -> JudgedBar:
        return judge_bar(bar, measured, noise)

    bars = _judge_bars(_picked(challenge.bars, wanted), evidence, judged)
    says = {judged.check.id: judged.says for judged in checks}
    says |= {judged.bar.id: excused(SAYS_OF_BAR[judged.verdict], judged.bar.required) for judged in bars}
    verdict = _verdict(says, faults, partial=bool(wanted))
    decided_by = tuple(id_ for id_, word in says.items() if word is verdict and verdict is not Verdict.PASS)
    findings = (*evidence.findings, *implausible(bars))
    return Judgement(verdict, decided_by, checks, bars, findings, faults)


def _verdict(says: Mapping[str, Verdict], faults: Sequence[str], *, partial: bool) -> Verdict:
    words = list(says.values())
    if faults:
        words.append(Verdict.ERROR)
    if partial or not words:
        words.append(Verdict.INCONCLUSIVE)
    return max(words, key=lambda word: word.severity)


def _faults(challenge: Challenge, evidence: Evidence, control: str | None, wanted: set[str]) -> tuple[str, ...]:
    unknown = wanted - {item.id for item in challenge.items}
    return (
        *([evidence.fault] if evidence.fault is not None else []),
        *(f"{id_!r} was selected, but the challenge does not have it" for id_ in sorted(unknown)),
        *id_faults(challenge, evidence),
        *([control] if control else []),
        *number_faults(evidence),
    )


Item = TypeVar("Item", Check, Bar)


def _picked(items: Sequence[Item], wanted: set[str]) -> list[Item]:
    return [item for item in items if not wanted or item.id in wanted]


def _judge_checks(checks: Sequence[Check], evidence: Evidence) -> tuple[JudgedCheck, ...]:
    reports: dict[str, list[CheckEvidence]] = {check.id: [] for check in checks}
    for report in evidence.checks:
        reports.get(report.id, []).append(report)
    return tuple(_judge_check(check, reports[check.id]) for check in checks)


def _judge_check(check: Check, reports: Sequence[CheckEvidence]) -> JudgedCheck:
    if len(reports) != 1:
        problem = "was reported more than once" if reports else "never reported how it ended"
        return JudgedCheck(check, CheckStatus.ERROR, f"the check {problem}", 0.0)
    report = reports[0]
    return JudgedCheck(check, report.status, report.message, report.duration_sec)


def _judge_bars(
    bars: Sequence[Bar], evidence: Evidence, judged: Callable[[Bar, BarEvidence], JudgedBar]
) -> tuple[JudgedBar, ...]:
    reports: dict[str, list[BarEvidence]] = {bar.id: [] for bar in bars}
    for report in evidence.bars:
        reports.get(report.id, []).append(report)
    return tuple(
        judged(bar, reports[bar.id][0]) if len(reports[bar.id]) == 1 else missing_bar(bar, len(reports[bar.id]))
        for bar in bars
    )
