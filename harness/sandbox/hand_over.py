"""Hand the core from some subjects to others, in the one order in which nobody's work falls beside a reading."""

from collections.abc import Sequence
from typing import Protocol

from harness.sandbox.roles import Stats, Subject


class Freezes(Protocol):
    """What can freeze subjects, thaw them and read their accounting."""

    def pause(self, subjects: Sequence[Subject]) -> None:
        """Freeze `subjects`; on return none of them executes another instruction."""

    def resume(self, subjects: Sequence[Subject]) -> None:
        """Thaw `subjects`."""

    def stats(self, subjects: Sequence[Subject]) -> list[Stats]:
        """Read the accounting of each subject, in the order given."""


def in_turn(
    sandbox: Freezes, pause: Sequence[Subject], resume: Sequence[Subject], watch: Sequence[Subject]
) -> list[Stats]:
    """Freeze some, read the accounting of those to `watch`, and only then thaw others."""
    if pause:
        sandbox.pause(pause)
    found = sandbox.stats(watch) if watch else []
    if resume:
        sandbox.resume(resume)
    return found
