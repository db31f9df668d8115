"""The grader's own refusals and faults; what a submission does wrong while it runs is never one of these.

Each says whose fault it is. Only the command line turns them into exit codes: a `UsageError` into 2, any other into 3.
"""

from collections.abc import Iterable

from grader.complaint import Complaint


class GraderError(Exception):
    """Root of every error of the grader. On its own it is ours, or the machine's: exit code 3."""


class UsageError(GraderError):
    """Whoever gave the command can put it right: exit code 2."""


class CatalogueFault(UsageError):
    """The challenge's author wrote something wrong; `complaints` holds every fault found, not only the first."""

    def __init__(self, complaints: Iterable[Complaint]) -> None:
        self.complaints = tuple(complaints)
        super().__init__("\n".join(str(complaint) for complaint in self.complaints))


class UnknownChallenge(UsageError):
    """The user asked for a challenge that is not there."""


class IntakeRefused(UsageError):
    """The submission cannot be taken in as handed in; the message tells its author what to do."""


class ScaffoldRefused(UsageError):
    """The author asked for a new challenge under a name that cannot be used."""


class ResultInvalid(UsageError):
    """A file that was handed in as a result is not one; where we wrote it ourselves it is `ResultUnwritable`."""


class StorageFailed(GraderError):
    """The machine's disk refused us: full, read-only or broken."""


class ResultUnwritable(StorageFailed):
    """The result could not be written whole, so nothing was written."""
