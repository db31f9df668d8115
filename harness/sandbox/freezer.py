"""Freeze and thaw a control group through the kernel's own files: a hundred times as fast as asking the engine.

It is the freezer that the engine's pause uses, so no signal or timer of what is frozen can undo it, and the engine
thaws a group that it is told to kill. It needs the engine on this machine and the right to write there: with an engine
elsewhere, or for a user who may only talk to it, the engine does it (docs/decisions/0007).
"""

import os
import time
from pathlib import Path
from typing import Final

from harness.errors import SandboxFailed
from harness.sandbox.kernel_file import KernelFile

FREEZE_LIMIT_SEC: Final = 10.0
"""A process freezes when it next leaves the kernel: within a millisecond, but for a disk that hangs."""

POLL_SEC: Final = 0.0001


class Freezer:
    """The files of one group: what is written, and the line that `state` shows once all of the group is frozen."""

    def __init__(self, switch: Path, freeze: str, thaw: str, state: Path, frozen: str) -> None:
        self._switch = KernelFile(switch, os.O_WRONLY)
        self._state = KernelFile(state)
        self._freeze = freeze
        self._thaw = thaw
        self._frozen = frozen

    def pause(self) -> None:
        """Freeze the group; on return none of it executes another instruction. One that has ended needs nothing."""
        deadline = time.monotonic() + FREEZE_LIMIT_SEC
        while self._write(self._freeze) and not self._is_frozen():  # the first version forgets a fork under way
            if time.monotonic() > deadline:
                group = self._switch.path.parent.name
                raise SandboxFailed(f"the kernel did not freeze {group} within {FREEZE_LIMIT_SEC:g} s")
            time.sleep(POLL_SEC)

    def resume(self) -> None:
        """Thaw the group. One that has ended needs nothing."""
        self._write(self._thaw)

    def close(self) -> None:
        """Close its files."""
        self._switch.close()
        self._state.close()

    def _is_frozen(self) -> bool:
        state = self._state.read()
        return state is None or self._frozen in state.splitlines()

    def _write(self, word: str) -> bool:
        """Write, and tell whether the group was still there."""
        try:
            return self._switch.write(word) is not None
        except OSError as error:
            raise SandboxFailed(f"could not write {self._switch.path}: {error.strerror}") from error


def freezer_v1(group: Path) -> Freezer | None:
    """Make the freezer of a group in the freezer hierarchy; `None` where this process may not write it."""
    switch = group / "freezer.state"
    return Freezer(switch, "FROZEN", "THAWED", switch, "FROZEN") if os.access(switch, os.W_OK) else None


def freezer_v2(group: Path) -> Freezer | None:
    """Make the freezer of a group of the unified hierarchy; `None` where this process may not write it."""
    switch = group / "cgroup.freeze"
    return Freezer(switch, "1", "0", group / "cgroup.events", "frozen 1") if os.access(switch, os.W_OK) else None
