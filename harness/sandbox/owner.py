"""Who started a sandbox, written so that a later process can tell whether that one still lives.

A process id alone does not say: ids are used again, mean nothing after a reboot, and two containers may both hold a
process 7. So an owner also names the boot, the process namespace and the moment it started. A reader of another boot or
namespace cannot look the owner up, and waits until no grading could have lasted so long.
"""

import json
import os
import platform
import subprocess
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

ABANDONED_AFTER_SEC: Final = 2 * 3600.0
"""Twice the longest grading that a challenge may declare; clocks of two machines may differ by the rest."""

PROC: Final = Path("/proc")
STARTED_FIELD: Final = 19
"""Position of `starttime` in `/proc/<pid>/stat`, counted from the state, which follows the name in brackets."""

PS_TIMEOUT_SEC: Final = 10.0
"""It answers in milliseconds; a hang must not become ours."""

ENDED_STATES: Final = frozenset("ZXx")


@dataclass(frozen=True)
class Owner:
    """One process, on one boot of one machine; `started` tells it from a later process of the same id."""

    boot: str
    namespace: str
    pid: int
    started: str | None
    since_unix_sec: float

    def to_text(self) -> str:
        """Write it for a label or a file."""
        return json.dumps(asdict(self), separators=(",", ":"), sort_keys=True)

    @classmethod
    def parse(cls, text: str) -> "Owner":
        """Read what `to_text` wrote; raises ValueError on anything else."""
        try:
            plain = json.loads(text)
            return cls(
                boot=str(plain["boot"]),
                namespace=str(plain["namespace"]),
                pid=int(plain["pid"]),
                started=None if plain["started"] is None else str(plain["started"]),
                since_unix_sec=float(plain["since_unix_sec"]),
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"not an owner: {text!r}") from error


def current_owner() -> Owner:
    """Describe this process."""
    boot = _read(PROC / "sys/kernel/random/boot_id") or platform.node()
    try:
        namespace = str((PROC / "self/ns/pid").readlink())
    except OSError:
        namespace = ""
    return Owner(boot, namespace, os.getpid(), process_start(os.getpid()), time.time())


def is_gone(owner: Owner, here: Owner, start_of: Callable[[int], str | None]) -> bool:
    """Decide whether what `owner` left behind may be removed; `start_of` gives a living process's start."""
    if (owner.boot, owner.namespace) == (here.boot, here.namespace):
        started = start_of(owner.pid)
        return started is None or started != owner.started
    return here.since_unix_sec - owner.since_unix_sec > ABANDONED_AFTER_SEC


def process_start(pid: int) -> str | None:
    """Read when process `pid` started; `None` when there is no such process, or only its unreaped remains."""
    if (PROC / "self").exists():
        return parse_start(_read(PROC / str(pid) / "stat"))
    return start_by_ps(pid)


def parse_start(stat: str) -> str | None:
    """Find the start in the text of `/proc/<pid>/stat`; the name in brackets may itself hold brackets and spaces."""
    fields = stat.rpartition(")")[2].split()
    if len(fields) <= STARTED_FIELD or fields[0] in ENDED_STATES:
        return None
    return fields[STARTED_FIELD]


def start_by_ps(pid: int) -> str | None:
    """Ask `ps`, where there is no `/proc`."""
    asked = subprocess.run(
        ["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False, timeout=PS_TIMEOUT_SEC
    )
    return asked.stdout.strip() or None


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8", errors="replace").strip()
    except OSError:
        return ""
