"""One grading in progress, inside the grader role: what was asked, who is running, and the evidence so far."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from grader.challenge import Bar, Challenge, Check
from grader.evidence import BarEvidence, CheckEvidence, CheckStatus, ControlEvidence, Finding
from grader.plugin.core_watch import CoreWatch
from harness.roster import Roster
from harness.unforeseen import Unforeseen


@dataclass
class Run:
    """The state that hooks and fixtures share; evidence is keyed by id, in the order in which it came."""

    challenge: Challenge
    seed: int
    select: frozenset[str]
    with_bars: bool
    roster: Roster
    source: Path
    tell: Callable[[str, str, int, int, str], None]
    subject_cores: int
    watch: CoreWatch
    checks: dict[str, CheckEvidence] = field(default_factory=dict)
    bars: dict[str, BarEvidence] = field(default_factory=dict)
    control: ControlEvidence | None = None
    findings: list[Finding] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def rng(self, purpose: str) -> Random:
        """Give a stream of randomness that depends on the grading's seed and `purpose` alone."""
        return Unforeseen(f"{self.seed}:{purpose}")

    def selected_checks(self) -> list[Check]:
        """List the checks that this grading runs, in the challenge's order."""
        return [check for check in self.challenge.checks if not self.select or check.id in self.select]

    def selected_bars(self) -> list[Bar]:
        """List the bars that this grading measures, in the challenge's order."""
        if not self.with_bars:
            return []
        return [bar for bar in self.challenge.bars if not self.select or bar.id in self.select]

    def failed_checks(self) -> list[str]:
        """Name the required checks that ran and did not pass; while there are any, no bar is worth measuring."""
        required = {check.id for check in self.challenge.checks if check.required}
        return [id_ for id_, found in self.checks.items() if id_ in required and found.status is not CheckStatus.PASSED]
