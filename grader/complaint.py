"""What is wrong with a challenge: which file, which key, what is wrong and what to do about it."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class Severity(StrEnum):
    """Whether a challenge can be used in spite of a complaint."""

    FAULT = "fault"
    WARNING = "warning"


@dataclass(frozen=True, order=True)
class Complaint:
    """One thing wrong; `key` is a place inside the file (`bars[2].pass`, a function), or empty for the whole file."""

    path: Path
    key: str
    problem: str
    advice: str
    severity: Severity = Severity.FAULT

    def __str__(self) -> str:
        place = f"{self.path}: {self.key}" if self.key else str(self.path)
        return f"{place}: {self.problem}; {self.advice}"

    def to_plain(self) -> dict[str, str]:
        """Give the complaint as JSON's types."""
        return {
            "path": str(self.path),
            "key": self.key,
            "problem": self.problem,
            "advice": self.advice,
            "severity": self.severity.value,
        }
