"""Run as `python -m harness.sandbox.launcher ORDERS COMMAND…`: put limits on this process and become COMMAND.

A program of its own rather than code between fork and exec, because that code runs in a copy of a process with threads.
It needs nothing but the standard library.

Theory of operation, for a subject started by root: the kernel holds root to no process limit, so the subject becomes a
user of its own, whom nobody else is. Then its limit counts only its own processes, it can signal none of ours, and all
it leaves behind is found by that user. Where such a user cannot read the interpreter (it lies in root's home), one
capability stays: to read, and nothing more where the system grants that. A subject started by anyone else
stays that user, and its process limit is the user's processes now, plus its own.
"""

import ctypes
import json
import os
import resource
import signal
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Final

PR_SET_PDEATHSIG: Final = 1
PR_SET_KEEPCAPS: Final = 8
PR_SET_NO_NEW_PRIVS: Final = 38
PR_CAP_AMBIENT: Final = 47
PR_CAP_AMBIENT_RAISE: Final = 2

CAP_DAC_OVERRIDE: Final = 1
CAP_DAC_READ_SEARCH: Final = 2

CAPABILITY_VERSION_3: Final = 0x20080522

LIMITS: Final = {
    "processes": resource.RLIMIT_NPROC,
    "address_space": resource.RLIMIT_AS,
    "file_size": resource.RLIMIT_FSIZE,
    "open_files": resource.RLIMIT_NOFILE,
    "core": resource.RLIMIT_CORE,
}


@dataclass(frozen=True)
class Orders:
    """What to become: `uid` `None` is who we are; `capability` is kept on the way; `limits` has keys of `LIMITS`."""

    parent: int
    cores: tuple[int, ...]
    limits: dict[str, int]
    uid: int | None = None
    capability: int | None = None

    def to_text(self) -> str:
        """Write them for the command line."""
        return json.dumps(asdict(self))

    @classmethod
    def parse(cls, text: str) -> "Orders":
        """Read what `to_text` wrote."""
        plain = json.loads(text)
        return cls(**{**plain, "cores": tuple(plain["cores"])})


def main() -> None:
    """Follow the orders, then become the command."""
    orders, command = Orders.parse(sys.argv[1]), sys.argv[2:]
    if orders.cores and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, orders.cores)
    for name, value in orders.limits.items():
        _limit(LIMITS[name], value)
    if orders.uid is not None:
        _become(orders.uid, orders.capability)
    if sys.platform == "linux":
        _die_with(orders.parent)
    os.execv(command[0], command)  # noqa: S606


def _limit(kind: int, value: int) -> None:
    """Lower a limit; a system that does not know it (macOS and address space) is left as it is."""
    hard = resource.getrlimit(kind)[1]
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    with suppress(ValueError, OSError):
        resource.setrlimit(kind, (value, value))


def _become(uid: int, capability: int | None) -> None:
    if capability is not None:
        _prctl(PR_SET_KEEPCAPS, 1)
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    if capability is not None:
        _keep_only(capability)
        _prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability)
    _prctl(PR_SET_NO_NEW_PRIVS, 1)


def _keep_only(capability: int) -> None:
    """Drop all capabilities but one, which is made inheritable so that it survives exec."""
    bit = 1 << capability
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    data = (ctypes.c_uint32 * 6)(bit, bit, bit, 0, 0, 0)
    if ctypes.CDLL(None, use_errno=True).capset(header, data) != 0:
        raise OSError(ctypes.get_errno(), "capset")


def _die_with(parent: int) -> None:
    """Have the kernel end this process with the thread that started it; after a change of user, for that undoes it."""
    _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def _prctl(option: int, *arguments: int) -> None:
    padded = [ctypes.c_ulong(argument) for argument in (*arguments, 0, 0, 0, 0)[:4]]
    if ctypes.CDLL(None, use_errno=True).prctl(option, *padded) != 0:
        raise OSError(ctypes.get_errno(), f"prctl {option}")


if __name__ == "__main__":
    main()
