"""Put a result together from what was graded, under which circumstances, and what was judged."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version

from grader.bar_verdict import JudgedBar, control_noise
from grader.challenge import Challenge
from grader.evidence import BarEvidence, BarStatus, ControlEvidence, Evidence, Interval
from grader.intake import Intake
from grader.result import (
    BarResult,
    CheckResult,
    ControlResult,
    GradedChallenge,
    GradedSubmission,
    RecordedFinding,
    RecordedInterval,
    RecordedMachine,
    RecordedTiming,
    Result,
    SideResources,
)
from grader.score import score
from grader.soundness import control_fault, finite
from grader.verdict import JudgedCheck, Judgement, Verdict, judge
from harness.sandbox.roles import Isolation

MESSAGE_CHARS = 4000
"""Longest text kept from a submission; enough for a sentence and an example, and no way to bloat a result."""


@dataclass(frozen=True)
class Circumstances:
    """All that a result tells and the evidence does not; `selected` names the ids that were to run, empty for all."""

    slug: str
    submission: str
    intake: Intake
    isolation: Isolation
    image_digest: str | None
    seed: int
    started_at: datetime
    selected: tuple[str, ...] = ()


def assemble(circumstances: Circumstances, challenge: Challenge, evidence: Evidence) -> Result:
    """Judge the evidence of a grading and make its result."""
    judgement = judge(challenge, evidence, circumstances.selected)
    sound_control = None if control_fault(challenge, evidence) else evidence.control
    return _result(
        circumstances,
        challenge,
        judgement,
        control=_control(sound_control),
        resources=[SideResources.model_validate(finite(side)) for side in evidence.resources],
        timing=RecordedTiming.model_validate(finite(evidence.timing)),
        machine=RecordedMachine.model_validate(finite(evidence.machine)),
    )


def assemble_fault(circumstances: Circumstances, challenge: Challenge, fault: str) -> Result:
    """Make the result of a grading that broke before it had any evidence: an error, ours."""
    judgement = Judgement(Verdict.ERROR, (), (), (), (), (fault,))
    return _result(circumstances, challenge, judgement)


def _result(
    circumstances: Circumstances,
    challenge: Challenge,
    judgement: Judgement,
    *,
    control: ControlResult | None = None,
    resources: Iterable[SideResources] = (),
    timing: RecordedTiming | None = None,
    machine: RecordedMachine | None = None,
) -> Result:
    return Result(
        takehome_version=takehome_version(),
        challenge=GradedChallenge(slug=circumstances.slug, version=challenge.version, title=challenge.title),
        submission=_submission(circumstances),
        image_digest=circumstances.image_digest,
        isolation=circumstances.isolation,
        practice=circumstances.isolation is Isolation.NONE,
        seed=circumstances.seed,
        started_at=circumstances.started_at,
        selected=list(circumstances.selected),
        verdict=judgement.verdict,
        decided_by=list(judgement.decided_by),
        score=score(judgement),
        faults=[_text(fault) for fault in judgement.faults],
        checks=[_check(judged) for judged in judgement.checks],
        bars=[_bar(judged) for judged in judgement.bars],
        control=control,
        resources=list(resources),
        findings=[
            RecordedFinding(kind=_text(found.kind), text=_text(found.text), advice=_text(found.advice))
            for found in judgement.findings
        ],
        timing=timing,
        machine=machine,
    )


def _submission(circumstances: Circumstances) -> GradedSubmission:
    intake = circumstances.intake
    return GradedSubmission(
        name=_text(circumstances.submission),
        digest=intake.digest,
        files=intake.files,
        size_bytes=intake.bytes,
        ignored=[_text(name) for name in intake.ignored],
    )


def _check(judged: JudgedCheck) -> CheckResult:
    return CheckResult(
        id=judged.check.id,
        title=judged.check.title,
        required=judged.check.required,
        weight=judged.check.weight,
        status=judged.status,
        says=judged.says,
        message=_text(judged.message),
        duration_sec=_duration(judged.duration_sec),
    )


def _bar(judged: JudgedBar) -> BarResult:
    bar = judged.bar
    told = judged.evidence or BarEvidence(id=bar.id, status=BarStatus.ERROR)
    return BarResult(
        id=bar.id,
        title=bar.title,
        required=bar.required,
        weight=bar.weight,
        pass_=bar.pass_,
        distinction=bar.distinction,
        control=bar.control,
        counted=bar.counted,
        verdict=judged.verdict,
        distinguished=judged.distinguished,
        reason=_text(judged.reason),
        message=_text(told.message),
        unit=_text(told.unit),
        ratio=_interval(told.ratio) if told.ratio else None,
        noise=judged.noise,
        margin=judged.margin,
        launches=told.launches,
        candidate=told.candidate,
        reference=told.reference,
        voided_rounds=told.voided_rounds,
        duration_sec=_duration(told.duration_sec),
    )


def _interval(interval: Interval) -> RecordedInterval:
    return RecordedInterval(**interval.model_dump())


def _control(control: ControlEvidence | None) -> ControlResult | None:
    noise = control_noise(control)
    if control is None or noise is None:
        return None
    return ControlResult(bar=control.bar, ratio=_interval(control.ratio), floor=math.expm1(noise.floor))


def _duration(seconds: float) -> float:
    return seconds if math.isfinite(seconds) else 0.0


def _text(text: str) -> str:
    """Cut a text to its limit, and make it one that UTF-8 can write."""
    writable = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return writable if len(writable) <= MESSAGE_CHARS else writable[: MESSAGE_CHARS - 1] + "…"


def takehome_version() -> str:
    """Give the version of this package as installed."""
    try:
        return version("takehome")
    except PackageNotFoundError:
        return "not installed"
