"""Whom a subject runs as without Docker: root gives each a user of its own, anyone else has only themselves to give."""

import os
import sys
import threading
from dataclasses import dataclass
from typing import Final

from harness.errors import SandboxFailed
from harness.sandbox.launcher import CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
from harness.sandbox.processes import all_processes, status_of

FIRST_UID: Final = 61184
LAST_UID: Final = 65519
"""The range that systemd sets aside for users who live as long as a service: nobody has an account or a file there."""

STRIDE: Final = 97
"""Two command lines that start together begin their search this far apart."""

KEPT_CAPABILITIES: Final = (None, CAP_DAC_READ_SEARCH, CAP_DAC_OVERRIDE)
"""Tried in this order until the subject's user can read the interpreter: nothing, then the right to read everything,
then the wider one that a container's root has instead."""

_taken: set[int] = set()
_lock = threading.Lock()


@dataclass(frozen=True)
class Users:
    """How to make users for subjects; without `own` there is none to make. `capability` is what they keep of root's."""

    own: bool
    capability: int | None = None


def is_root() -> bool:
    """Tell whether we may become somebody else."""
    return sys.platform == "linux" and os.geteuid() == 0


def take_uid() -> int:
    """Choose a user that nobody runs as."""
    count = LAST_UID - FIRST_UID + 1
    running = {status_of(process.pid).get("Uid") for process in all_processes()}
    with _lock:
        for step in range(count):
            uid = FIRST_UID + (os.getpid() * STRIDE + step) % count
            if uid not in running and uid not in _taken:
                _taken.add(uid)
                return uid
    raise SandboxFailed("every user set aside for subjects is taken")


def give_back(uid: int) -> None:
    """Let a user be chosen again, once none of its processes is left."""
    with _lock:
        _taken.discard(uid)
