"""The machine a grading ran on, as far as it tells: numbers of two machines are never compared without it."""

import os
import platform
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

UNKNOWN: Final = "unknown"

CPUINFO: Final = Path("/proc/cpuinfo")
MEMINFO: Final = Path("/proc/meminfo")
GOVERNOR: Final = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")

MODEL_KEYS: Final = ("model name", "Model", "Hardware", "cpu model", "uarch")
"""What `/proc/cpuinfo` calls the model: x86, then ARM boards, MIPS and RISC-V."""


@dataclass(frozen=True)
class Machine:
    """What decides how fast code runs here; `None`, 0 or `unknown` where this system does not say."""

    cpu_model: str
    cores: int
    memory_mb: int
    kernel: str
    python: str
    governor: str | None = None
    load_before: float | None = None
    load_after: float | None = None


def read_machine(load_before: float | None = None) -> Machine:
    """Describe this machine; `load_before` is what `read_load` said before the work began."""
    return Machine(
        cpu_model=parse_cpu_model(_text(CPUINFO)) or platform.processor() or platform.machine() or UNKNOWN,
        cores=os.cpu_count() or 1,
        memory_mb=parse_memory_mb(_text(MEMINFO)) or _physical_memory_mb(),
        kernel=f"{platform.system()} {platform.release()}".strip() or UNKNOWN,
        python=f"{platform.python_implementation()} {platform.python_version()}",
        governor=_text(GOVERNOR).strip() or None,
        load_before=load_before,
        load_after=read_load(),
    )


def read_load() -> float | None:
    """Give the load average of the last minute: how many wanted to run, of which the grading itself is about two."""
    try:
        return os.getloadavg()[0]
    except OSError:
        return None


def parse_cpu_model(cpuinfo: str) -> str | None:
    """Find the CPU's name in the text of `/proc/cpuinfo`."""
    for key in MODEL_KEYS:
        found = re.search(rf"^{key}\s*:\s*(\S.*)$", cpuinfo, re.MULTILINE)
        if found:
            return " ".join(found[1].split())
    return None


def parse_memory_mb(meminfo: str) -> int | None:
    """Find the machine's memory in the text of `/proc/meminfo`; inside a container that is still the machine's."""
    found = re.search(r"^MemTotal:\s*(\d+) kB$", meminfo, re.MULTILINE)
    return int(found[1]) // 1024 if found else None


def _physical_memory_mb() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 1024**2
    except (OSError, ValueError):
        return 0


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", errors="replace")
    except OSError:
        return ""
