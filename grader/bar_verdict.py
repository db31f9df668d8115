"""Judge one bar: the measured ratio lies on its good side, on its bad side, or nobody can tell.

Nothing is claimed unless two things hold: the whole interval lies on one side of the bar, and the estimate lies further
from the bar than this machine's noise floor reaches, which is how far the control's interval reaches from 1.0. A bar
that counts bytes instead of seconds is not moved by that noise, and has its own interval only.
All distances are between logarithms, so that twice as slow and twice as fast are equally far from equal.
"""

import math
from dataclasses import dataclass
from enum import StrEnum
from statistics import NormalDist

from grader.challenge import Bar
from grader.evidence import BarEvidence, BarStatus, ControlEvidence, Interval
from grader.soundness import bar_fault, believable

LEAST_NOISE = 1e-4
"""Standard error below which a log-ratio is not believed (0.01 %), so that a margin in units of noise stays finite."""


class BarVerdict(StrEnum):
    """What the measurement says of one bar."""

    PASS = "pass"  # noqa: S105
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    NOT_MEASURED = "not_measured"
    ERROR = "error"


@dataclass(frozen=True)
class ControlNoise:
    """What the control tells of this machine, in logarithms: how far its interval reaches from 1.0, and its error."""

    floor: float
    error: float


@dataclass(frozen=True)
class JudgedBar:
    """A bar with its verdict; `reason` is our sentence, `evidence` what can be believed, None where there is none.

    `noise` is the standard error of the log-ratio: the bar's own or the control's, whichever is larger. `margin` is the
    distance from the estimate to the pass bar in units of it, positive on the good side.
    """

    bar: Bar
    verdict: BarVerdict
    reason: str
    evidence: BarEvidence | None = None
    distinguished: bool = False
    noise: float | None = None
    margin: float | None = None


QUIET = ControlNoise(floor=0.0, error=0.0)
"""What counting makes of any machine."""


def control_noise(control: ControlEvidence | None) -> ControlNoise | None:
    """Read the noise floor off a sound control; None when no control was run."""
    if control is None:
        return None
    low, high = math.log(control.ratio.low), math.log(control.ratio.high)
    width = NormalDist().inv_cdf((1 + control.ratio.confidence) / 2)
    return ControlNoise(floor=max(abs(low), abs(high)), error=(high - low) / 2 / max(width, LEAST_NOISE))


def missing_bar(bar: Bar, reports: int) -> JudgedBar:
    """Judge a bar that was not reported exactly once."""
    problem = "was reported more than once" if reports else "never reported how it ended"
    return JudgedBar(bar, BarVerdict.ERROR, f"the bar {problem}")


def judge_bar(bar: Bar, evidence: BarEvidence, control: ControlNoise | None) -> JudgedBar:
    """Judge one bar by its evidence and this machine's noise."""
    fault = bar_fault(evidence)
    if fault is not None:
        return JudgedBar(bar, BarVerdict.ERROR, f"the measurement cannot be believed: {fault}", believable(evidence))
    match evidence.status:
        case BarStatus.ERROR:
            reason = "the measurement broke, through no fault of the submission"
            return JudgedBar(bar, BarVerdict.ERROR, reason, believable(evidence))
        case BarStatus.NOT_MEASURED:
            return JudgedBar(bar, BarVerdict.NOT_MEASURED, "it was not measured", believable(evidence))
        case BarStatus.SUBJECT_FAILED:
            reason = "the submission failed while it was measured"
            return JudgedBar(bar, BarVerdict.FAIL, reason, believable(evidence))
        case BarStatus.MEASURED:
            return _judge_measured(bar, evidence, control)


def _judge_measured(bar: Bar, evidence: BarEvidence, control: ControlNoise | None) -> JudgedBar:
    assert evidence.ratio is not None
    assert evidence.noise is not None
    control = QUIET if bar.counted else control
    noise = max(evidence.noise, LEAST_NOISE, control.error if control else 0.0)
    distance = math.log(bar.pass_ / evidence.ratio.estimate)
    verdict, reason = _claim(bar, evidence.ratio, abs(distance), control)
    return JudgedBar(
        bar,
        verdict,
        reason,
        evidence,
        distinguished=verdict is BarVerdict.PASS and evidence.ratio.high <= bar.distinction,
        noise=noise,
        margin=distance / noise,
    )


def _claim(bar: Bar, ratio: Interval, distance: float, control: ControlNoise | None) -> tuple[BarVerdict, str]:
    if control is None:
        return BarVerdict.INCONCLUSIVE, "no control was run, so this machine's noise is not known"
    if ratio.low <= bar.pass_ < ratio.high:
        return BarVerdict.INCONCLUSIVE, "the bar lies inside the interval"
    if control.floor > distance:
        return BarVerdict.INCONCLUSIVE, "the bar is nearer to the estimate than this machine's noise reaches"
    if ratio.high <= bar.pass_:
        return BarVerdict.PASS, "the whole interval is within the bar"
    return BarVerdict.FAIL, "the whole interval is beyond the bar"
