"""Which of this machine's cores are halves of one physical core."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

SYSTEM: Final = Path("/sys/devices/system/cpu")


def siblings(system: Path = SYSTEM) -> Mapping[int, frozenset[int]]:
    """Give for each core those that share its physical core, itself among them, as the kernel lists them.

    Empty where the system does not say.
    """
    lists = (path.read_text("ascii") for path in system.glob("cpu[0-9]*/topology/thread_siblings_list"))
    groups = [frozenset(read_cpuset(text)) for text in lists if text.strip()]
    return {core: group for group in groups for core in group}


def read_cpuset(text: str) -> Iterator[int]:
    """Read the kernel's list of cores, `0-3,8`; raises ValueError for anything else."""
    for part in text.strip().split(","):
        first, _, last = part.partition("-")
        yield from range(int(first), int(last or first) + 1)
