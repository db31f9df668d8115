"""Challenges, evidence and results for tests: small, sound, and easy to spoil in one place."""

import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from grader.assembly import Circumstances, assemble
from grader.challenge import Challenge
from grader.evidence import (
    BarEvidence,
    BarStatus,
    CheckEvidence,
    CheckStatus,
    ControlEvidence,
    Evidence,
    Interval,
    MachineEvidence,
    ResourceEvidence,
    Timing,
)
from grader.intake import Intake
from grader.result import Result
from harness.sandbox.roles import Isolation

HOSTILE = (
    "\x1b[31mred\x1b]8;;http://x\x07 [bold]b[/] <script>&\"' | `*_# \u202e\u200b\ud800\x00\r\n| a | b |\n</testsuite>"
)
"""One text with an attack on every format."""


def challenge(**changes: Any) -> Challenge:
    """Declare a challenge with two checks and two bars, the last of each optional."""
    values: dict[str, Any] = {
        "version": 1,
        "title": "Small",
        "summary": "A small challenge",
        "area": "tests",
        "minutes": 10,
        "checks": [
            {"id": "agreement", "title": "Agrees with the model", "weight": 3},
            {"id": "polish", "title": "Has a repr", "required": False},
        ],
        "bars": [
            {"id": "lookup", "title": "Lookup", "pass": 3.0, "control": True, "weight": 4},
            {"id": "memory", "title": "Memory", "pass": 2.0, "required": False, "weight": 2},
        ],
    }
    return Challenge.model_validate(values | changes)


def interval(estimate: float, spread: float = 0.01, confidence: float = 0.99) -> Interval:
    """Put an interval of `spread`, in logarithms, around an estimate."""
    return Interval(
        estimate=estimate,
        low=estimate * math.exp(-spread),
        high=estimate * math.exp(spread),
        confidence=confidence,
    )


def check(id_: str, status: CheckStatus = CheckStatus.PASSED, message: str = "") -> CheckEvidence:
    """Report a check."""
    return CheckEvidence(id=id_, status=status, message=message, duration_sec=0.5)


def bar(id_: str, estimate: float = 1.0, spread: float = 0.01, **changes: Any) -> BarEvidence:
    """Report a bar as measured."""
    values: dict[str, Any] = {
        "id": id_,
        "status": BarStatus.MEASURED,
        "ratio": interval(estimate, spread),
        "noise": spread / 2,
        "launches": [[estimate, estimate], [estimate]],
        "candidate": [[estimate, estimate], [estimate]],
        "reference": [[1.0, 1.0], [1.0]],
        "duration_sec": 1.5,
    }
    return BarEvidence.model_validate(values | changes)


def evidence(**changes: Any) -> Evidence:
    """Report a grading in which everything passed with distinction."""
    values: dict[str, Any] = {
        "checks": [check("agreement"), check("polish")],
        "bars": [bar("lookup"), bar("memory")],
        "control": ControlEvidence(bar="lookup", ratio=interval(1.0, 0.005)),
        "resources": [ResourceEvidence(side="candidate", cpu_sec=1.0, memory_peak_mb=20.0)],
        "timing": Timing(total_sec=9.0, candidate_sec=3.0, reference_sec=3.0),
        "machine": MachineEvidence(cpu_model="A CPU", cores=2, memory_mb=4096, kernel="6.1", python="3.12"),
    }
    return Evidence.model_validate(values | changes)


def circumstances(**changes: Any) -> Circumstances:
    """Describe a grading in Docker of a submission of one file."""
    values: dict[str, Any] = {
        "slug": "small",
        "submission": "candidate-7",
        "intake": Intake(Path("/nowhere"), "sha256:" + "0" * 64, 1, 10),
        "isolation": Isolation.DOCKER,
        "image_digest": "sha256:" + "1" * 64,
        "seed": 7,
        "started_at": datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC),
    }
    return Circumstances(**(values | changes))


def result(*, of: Evidence | None = None, **changes: Any) -> Result:
    """Make the result of a grading with the given evidence and circumstances."""
    return assemble(circumstances(**changes), challenge(), of or evidence())


def hostile_result() -> Result:
    """Make a result with hostile text everywhere that a submission has a say."""
    spoiled = evidence(
        checks=[check("agreement", CheckStatus.FAILED, HOSTILE), check("polish", CheckStatus.ERROR, HOSTILE)],
        bars=[
            bar("lookup", status=BarStatus.SUBJECT_FAILED, ratio=None, message=HOSTILE),
            bar("memory", 9.0, message=HOSTILE, unit=HOSTILE),
        ],
        findings=[{"kind": HOSTILE, "text": HOSTILE, "advice": HOSTILE}],
        fault=HOSTILE,
    )
    taken = Intake(Path("/nowhere"), "sha256:" + "0" * 64, 1, 10, ignored=(HOSTILE,))
    return result(of=spoiled, submission=HOSTILE, intake=taken)
