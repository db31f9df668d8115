"""What lint looks at: one challenge's folders, and its declaration where that can be read."""

from dataclasses import dataclass
from pathlib import Path

from grader.catalogue import Entry
from grader.known import solutions_folder


@dataclass(frozen=True)
class Target:
    """One challenge under inspection; `entry` is None where `challenge.toml` is at fault."""

    root: Path
    slug: str
    folder: Path
    entry: Entry | None

    @property
    def solutions(self) -> Path:
        """Where its known solutions live."""
        return solutions_folder(self.root, self.slug)

    @property
    def entry_point(self) -> str:
        """The file that a submission must have; the default where the declaration cannot be read."""
        return self.entry.challenge.entry_point if self.entry else "solution.py"
