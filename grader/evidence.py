"""What the grader role reports to the host when a grading ends: measurements and findings, no judgement.

The host reads it at the border of the control channel, so every model refuses unknown keys.
"""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field


class Frozen(BaseModel):
    """A border model: immutable, and strict about its keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class CheckStatus(StrEnum):
    """How one check ended. `error` is ours: the check itself broke."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"
    ERROR = "error"


class CheckEvidence(Frozen):
    """One check as pytest saw it; `message` names the property that failed and may carry hostile text."""

    id: str
    status: CheckStatus
    message: str = ""
    duration_sec: float = 0.0


class Interval(Frozen):
    """An estimate with its confidence interval, as plain ratios (1.0 means equal to the reference)."""

    estimate: float
    low: float
    high: float
    confidence: float


class BarStatus(StrEnum):
    """How one bar's measurement ended, before any threshold is applied."""

    MEASURED = "measured"
    SUBJECT_FAILED = "subject_failed"
    NOT_MEASURED = "not_measured"
    ERROR = "error"


class BarEvidence(Frozen):
    """One bar as measured: candidate over reference, smaller is better.

    `launches` holds one list per launch of paired ratios candidate/reference, one entry a round.
    `candidate_sec` and `reference_sec` hold the raw samples of the same shape, in `unit`.
    `noise` is the standard error of the log of the estimate, over launches.
    """

    id: str
    status: BarStatus
    message: str = ""
    unit: str = "s"
    ratio: Interval | None = None
    noise: float | None = None
    launches: list[list[float]] = Field(default_factory=list)
    candidate: list[list[float]] = Field(default_factory=list)
    reference: list[list[float]] = Field(default_factory=list)
    voided_rounds: int = 0
    duration_sec: float = 0.0


class ControlEvidence(Frozen):
    """The reference measured against itself: what this machine's noise does to a ratio that is 1.0 by construction."""

    bar: str
    ratio: Interval


class ResourceEvidence(Frozen):
    """What one side used over the whole grading, from the container's own accounting."""

    side: str
    cpu_sec: float | None = None
    memory_peak_mb: float | None = None


class Finding(Frozen):
    """Something a person should look at, with advice; never decides a verdict by itself."""

    kind: str
    text: str
    advice: str


class Timing(Frozen):
    """Where the grading's wall time went, in seconds."""

    total_sec: float
    candidate_sec: float
    reference_sec: float


class MachineEvidence(Frozen):
    """The machine as the grader role saw it."""

    cpu_model: str
    cores: int
    memory_mb: int
    kernel: str
    python: str
    governor: str | None = None
    load_before: float | None = None
    load_after: float | None = None


class Evidence(Frozen):
    """Everything one grading learned."""

    checks: list[CheckEvidence]
    bars: list[BarEvidence]
    control: ControlEvidence | None = None
    resources: list[ResourceEvidence] = Field(default_factory=list)
    findings: list[Finding] = Field(default_factory=list)
    timing: Timing
    machine: MachineEvidence
    fault: str | None = None
