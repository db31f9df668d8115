"""The result of one grading, as `result.json` holds it: versioned, strict, and complete enough to judge again.

Texts that came from a submission (its name, messages, findings) are kept as they came, cut to a length; whoever shows
them must escape them first (`grader.report.escape`).
"""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from grader.bar_verdict import BarVerdict
from grader.evidence import CheckStatus
from grader.verdict import Verdict
from harness.sandbox.roles import Isolation

SCHEMA_VERSION: Literal[1] = 1


class Recorded(BaseModel):
    """A part of a result: immutable, strict about its keys, and without numbers that JSON cannot write."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, validate_by_name=True, validate_by_alias=True,
        serialize_by_alias=True, json_schema_serialization_defaults_required=True,
    )  # fmt: skip


class GradedChallenge(Recorded):
    """Which challenge, and which version of it."""

    slug: str
    version: int
    title: str


class GradedSubmission(Recorded):
    """What was graded; two submissions with one digest are the same files. `ignored` was left out as litter."""

    name: str
    digest: str
    files: int
    size_bytes: int
    ignored: list[str] = Field(default_factory=list)


class RecordedInterval(Recorded):
    """An estimated ratio to the reference, with its confidence interval."""

    estimate: float = Field(gt=0)
    low: float = Field(gt=0)
    high: float = Field(gt=0)
    confidence: float = Field(gt=0, lt=1)


class GradedItem(Recorded):
    """What a check and a bar have in common, as the challenge declares it."""

    id: str
    title: str
    required: bool
    weight: float


class CheckResult(GradedItem):
    """One check: what it is, how it ended, and what it says of the submission (`says`) given whether it is required."""

    status: CheckStatus
    says: Verdict
    message: str
    duration_sec: float


class BarResult(GradedItem):
    """One bar: its thresholds, its measurement and its verdict.

    `reason` is our own sentence, `message` may be hostile. `noise` is the standard error of the ratio's logarithm, and
    `margin` the distance to the pass threshold in units of it, positive on the good side. What is `counted`, such as
    bytes, owes nothing to the noise of times. `launches` holds one list a launch of ratios, `candidate` and `reference`
    the raw samples of the same shape, in `unit`.
    """

    pass_: float = Field(alias="pass")
    distinction: float
    control: bool
    counted: bool
    verdict: BarVerdict
    distinguished: bool
    reason: str
    message: str
    unit: str
    ratio: RecordedInterval | None
    noise: float | None
    margin: float | None
    launches: list[list[float]]
    candidate: list[list[float]]
    reference: list[list[float]]
    voided_rounds: int
    duration_sec: float


class ControlResult(Recorded):
    """The reference against itself: `floor` is how far from 1.0 the interval reaches (0.01 is one per cent)."""

    bar: str
    ratio: RecordedInterval
    floor: float


class SideResources(Recorded):
    """What one side used over the whole grading, from the container's own accounting."""

    side: str
    cpu_sec: float | None
    memory_peak_mb: float | None


class RecordedFinding(Recorded):
    """Something for a person to look at, with advice; it decided nothing."""

    kind: str
    text: str
    advice: str


class RecordedTiming(Recorded):
    """Where the wall time of the grading went."""

    total_sec: float
    candidate_sec: float
    reference_sec: float


class RecordedMachine(Recorded):
    """The machine that graded."""

    cpu_model: str
    cores: int
    memory_mb: int
    kernel: str
    python: str
    governor: str | None
    load_before: float | None
    load_after: float | None


class Result(Recorded):
    """One grading. `selected` names the ids that ran, empty for all; a partial grading is never a pass.

    `decided_by` names the checks and bars that made the verdict, and `faults` what of ours went wrong, if anything did.
    `timing` and `machine` are None where the grading ended before anyone could tell.
    """

    schema_version: Literal[1] = SCHEMA_VERSION
    takehome_version: str
    challenge: GradedChallenge
    submission: GradedSubmission
    image_digest: str | None
    isolation: Isolation
    practice: bool
    seed: int
    started_at: datetime
    selected: list[str]
    verdict: Verdict
    decided_by: list[str]
    score: float | None = Field(ge=0, le=100)
    faults: list[str]
    checks: list[CheckResult]
    bars: list[BarResult]
    control: ControlResult | None
    resources: list[SideResources]
    findings: list[RecordedFinding]
    timing: RecordedTiming | None
    machine: RecordedMachine | None
