"""Freeze and thaw a control group through the kernel's own files: a hundred times as fast as asking the engine.

It is the freezer that the engine's pause uses, so no signal or timer of what is frozen can undo it, and the engine
thaws a group that it is told to kill. It needs the engine on this machine and the right to write there: with an engine
elsewhere, or for a user who may only talk to it, the engine does it (docs/decisions/0007).
"""

import errno
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from harness.errors import SandboxFailed

GONE: Final = frozenset({errno.ENOENT, errno.ENODEV})
"""What reading and writing a group's files comes to once its last process has ended."""

FREEZE_LIMIT_SEC: Final = 10.0
"""A process freezes when it next leaves the kernel: within a millisecond, but for a disk that hangs."""

POLL_SEC: Final = 0.0001


@dataclass(frozen=True)
class Freezer:
    """The files of one group: what is written, and what `state` shows once all of the group is frozen."""

    switch: Path
    freeze: str
    thaw: str
    state: Path
    frozen: str

    def pause(self) -> None:
        """Freeze the group; on return none of it executes another instruction. One that has ended needs nothing."""
        deadline = time.monotonic() + FREEZE_LIMIT_SEC
        while self._write(self.freeze) and not self._is_frozen():  # the first version forgets a fork under way
            if time.monotonic() > deadline:
                raise SandboxFailed(
                    f"the kernel did not freeze {self.switch.parent.name} within {FREEZE_LIMIT_SEC:g} s"
                )
            time.sleep(POLL_SEC)

    def resume(self) -> None:
        """Thaw the group. One that has ended needs nothing."""
        self._write(self.thaw)

    def _is_frozen(self) -> bool:
        try:
            return self.frozen in self.state.read_text("ascii").splitlines()
        except OSError as error:
            if error.errno in GONE:
                return True
            raise

    def _write(self, word: str) -> bool:
        """Write, and tell whether the group was still there."""
        try:
            self.switch.write_text(word, "ascii")
        except OSError as error:
            if error.errno in GONE:
                return False
            raise SandboxFailed(f"could not write {self.switch}: {error.strerror}") from error
        return True


def freezer_v1(group: Path) -> Freezer | None:
    """Make the freezer of a group in the freezer hierarchy; `None` where this process may not write it."""
    return _writable(Freezer(group / "freezer.state", "FROZEN", "THAWED", group / "freezer.state", "FROZEN"))


def freezer_v2(group: Path) -> Freezer | None:
    """Make the freezer of a group of the unified hierarchy; `None` where this process may not write it."""
    return _writable(Freezer(group / "cgroup.freeze", "1", "0", group / "cgroup.events", "frozen 1"))


def _writable(freezer: Freezer) -> Freezer | None:
    return freezer if os.access(freezer.switch, os.W_OK) else None
