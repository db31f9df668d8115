"""What the kernel charged to a container, read from wherever this machine shows it. Pure: texts in, numbers out.

Memory now is what is charged less the pages of files: what is left (heaps, stacks, tmpfs, kernel objects) belongs to
the subject alone, while a page of the interpreter is charged to whichever container happened to touch it first. The
peak is the kernel's own watermark, with such pages: less those, a subject could lower its peak by reading files.
Pages of files alone are told too: of a file that nobody had in memory, they are what the subject read, by any call,
and still has in memory. What came from disks, whatever became of it, is told where the kernel counts it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

MIB: Final = 1024**2


@dataclass(frozen=True)
class Account:
    """The numbers of one container; `None` where the kernel does not keep them."""

    cpu_sec: float | None = None
    memory_mb: float | None = None
    memory_peak_mb: float | None = None
    throttled_sec: float | None = None
    oom_kills: int | None = None
    frozen: bool | None = None
    processes: int | None = None
    file_mb: float | None = None
    tasks: int | None = None
    read_mb: float | None = None


V1_FILES: Final = (
    "cpuacct/cpuacct.usage",
    "cpu/cpu.stat",
    "memory/memory.usage_in_bytes",
    "memory/memory.max_usage_in_bytes",
    "memory/memory.stat",
    "memory/memory.oom_control",
    "freezer/freezer.state",
    "freezer/cgroup.procs",
    "freezer/tasks",
    "blkio/blkio.throttle.io_service_bytes_recursive",
)
"""`controller/file`: each controller has a hierarchy of its own."""

V2_FILES: Final = (
    "cpu.stat",
    "memory.current",
    "memory.peak",
    "memory.stat",
    "memory.events",
    "cgroup.events",
    "cgroup.procs",
    "cgroup.threads",
    "io.stat",
)


def account_v1(files: Mapping[str, str]) -> Account:
    """Read the files that `V1_FILES` names; one that is missing leaves its numbers `None`."""
    cpu = keyed(files.get("cpu/cpu.stat", ""))
    memory = keyed(files.get("memory/memory.stat", ""))
    state = files.get("freezer/freezer.state")
    return Account(
        cpu_sec=_scaled(number(files.get("cpuacct/cpuacct.usage")), 1e9),
        memory_mb=_without_files(number(files.get("memory/memory.usage_in_bytes")), memory, "total_"),
        memory_peak_mb=_scaled(number(files.get("memory/memory.max_usage_in_bytes")), MIB),
        throttled_sec=_scaled(cpu.get("throttled_time"), 1e9),
        oom_kills=keyed(files.get("memory/memory.oom_control", "")).get("oom_kill"),
        frozen=None if state is None else state.strip() == "FROZEN",
        processes=_lines(files.get("freezer/cgroup.procs")),
        file_mb=_files_of(memory, "total_"),
        tasks=_lines(files.get("freezer/tasks")),
        read_mb=_scaled(_read_v1(files.get("blkio/blkio.throttle.io_service_bytes_recursive", "")), MIB),
    )


def account_v2(files: Mapping[str, str]) -> Account:
    """Read the files that `V2_FILES` names; `memory.peak` came with Linux 5.19, and what is missing is `None`."""
    cpu, memory = keyed(files.get("cpu.stat", "")), keyed(files.get("memory.stat", ""))
    frozen = keyed(files.get("cgroup.events", "")).get("frozen")
    return Account(
        cpu_sec=_scaled(cpu.get("usage_usec"), 1e6),
        memory_mb=_without_files(number(files.get("memory.current")), memory, ""),
        memory_peak_mb=_scaled(number(files.get("memory.peak")), MIB),
        throttled_sec=_scaled(cpu.get("throttled_usec"), 1e6),
        oom_kills=keyed(files.get("memory.events", "")).get("oom_kill"),
        frozen=None if frozen is None else frozen == 1,
        processes=_lines(files.get("cgroup.procs")),
        file_mb=_files_of(memory, ""),
        tasks=_lines(files.get("cgroup.threads")),
        read_mb=_scaled(_read_v2(files.get("io.stat")), MIB),
    )


def account_of_engine(stats: Mapping[str, Any]) -> Account:
    """Read what the engine's own stats request answers, where its files are on another machine."""
    cpu, memory = stats.get("cpu_stats") or {}, stats.get("memory_stats") or {}
    detail = memory.get("stats") or {}
    prefix = "total_" if "total_inactive_file" in detail else ""
    return Account(
        cpu_sec=_scaled((cpu.get("cpu_usage") or {}).get("total_usage"), 1e9),
        memory_mb=_without_files(memory.get("usage"), detail, prefix),
        memory_peak_mb=_scaled(memory.get("max_usage"), MIB),
        throttled_sec=_scaled((cpu.get("throttling_data") or {}).get("throttled_time"), 1e9),
        file_mb=_files_of(detail, prefix),
    )


def keyed(text: str) -> dict[str, int]:
    """Read lines of `key number`; lines of any other form are left out."""
    pairs = (line.split() for line in text.splitlines())
    return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2 and pair[1].isdigit()}


def number(text: str | None) -> int | None:
    """Read a file of one number; `None` for anything else, such as `max`."""
    stripped = "" if text is None else text.strip()
    return int(stripped) if stripped.isdigit() else None


def _without_files(used: int | None, memory: Mapping[str, int], prefix: str) -> float | None:
    return None if used is None else max(used / MIB - (_files_of(memory, prefix) or 0.0), 0.0)


def _files_of(memory: Mapping[str, int], prefix: str) -> float | None:
    kinds = (memory.get(f"{prefix}inactive_file"), memory.get(f"{prefix}active_file"))
    return None if kinds == (None, None) else sum(kind or 0 for kind in kinds) / MIB


def _read_v1(text: str) -> int | None:
    """Sum lines of `device Read bytes`, of which there are none where nothing is counted."""
    lines = (line.split() for line in text.splitlines())
    found = [int(line[2]) for line in lines if len(line) == 3 and line[1] == "Read" and line[2].isdigit()]
    return sum(found) if found else None


def _read_v2(text: str | None) -> int | None:
    """Sum lines of `device rbytes=bytes ...`, of which there are none as long as nothing was read."""
    words = () if text is None else text.split()
    found = [int(word.removeprefix("rbytes=")) for word in words if word.startswith("rbytes=")]
    return None if text is None else sum(found)


def _scaled(value: int | None, unit: float) -> float | None:
    return None if value is None else value / unit


def _lines(text: str | None) -> int | None:
    return None if text is None else len(text.split())
