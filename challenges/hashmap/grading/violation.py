"""One thing that the source rule refuses."""

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Violation:
    """Where, what, and what to do instead; `what` may quote hostile names."""

    file: str
    line: int
    what: str
    advice: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.what} ({self.advice})"
