"""What this machine lacks for a grading that can be trusted, and what to do about each thing.

`take_readings` looks; `diagnose` judges, and is pure.
"""

import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from docker import DockerClient

from grader.venue import GET_DOCKER, available_cores
from harness.errors import HarnessError
from harness.machine import Machine, read_machine
from harness.sandbox.docker_engine import connect, engine_faults, require_image

OLDEST_PYTHON = (3, 11)

LEAST_MEMORY_MB = 4096
"""The grader's container at its limit, and two of the usual subjects at theirs at any one time."""

LEAST_DISK_MB = 1024
"""Temporary files, volumes and logs of one grading, with room; the image is there already, or needs as much again."""

BUSY_LOAD = 0.5
"""Load a core beyond which other work is likely to meet a measurement."""

STEADY_GOVERNORS = frozenset({"performance"})


class Health(StrEnum):
    """How one thing stands: fine, a risk to the figures, or missing."""

    OK = "ok"
    RISK = "risk"
    MISSING = "missing"


@dataclass(frozen=True)
class Diagnosis:
    """One thing looked at; `advice` is empty where nothing need be done."""

    name: str
    health: Health
    found: str
    advice: str = ""


@dataclass(frozen=True)
class EngineReadings:
    """What the Docker engine says of itself; `image_fault` is None where the image is there."""

    version: str
    cores: int
    memory_mb: int
    can_pin: bool
    can_limit_memory: bool
    can_limit_pids: bool
    image_fault: str | None


@dataclass(frozen=True)
class Readings:
    """All that was looked at; `engine` is a sentence where none answers."""

    python: tuple[int, int, int]
    machine: Machine
    usable_cores: int
    engine: EngineReadings | str
    image: str
    free_disk_mb: int


def take_readings(image: str) -> Readings:
    """Look at this machine and its engine."""
    return Readings(
        python=sys.version_info[:3],
        machine=read_machine(),
        usable_cores=len(available_cores()),
        engine=_engine(image),
        image=image,
        free_disk_mb=shutil.disk_usage(tempfile.gettempdir()).free // 1024**2,
    )


def diagnose(readings: Readings) -> list[Diagnosis]:
    """Judge every reading."""
    return [
        _python(readings),
        *_docker(readings),
        _cores(readings),
        _memory(readings),
        _load(readings),
        _governor(readings),
        _disk(readings),
    ]


def _engine(image: str) -> EngineReadings | str:
    try:
        client = connect()
    except HarnessError as error:
        return str(error)
    try:
        with engine_faults("ask the engine about itself"):
            info = client.api.info()
        return EngineReadings(
            version=str(info.get("ServerVersion", "unknown")),
            cores=int(info.get("NCPU", 0)),
            memory_mb=int(info.get("MemTotal", 0)) // 1024**2,
            can_pin=bool(info.get("CPUSet")),
            can_limit_memory=bool(info.get("MemoryLimit")),
            can_limit_pids=bool(info.get("PidsLimit")),
            image_fault=_image_fault(client, image),
        )
    except HarnessError as error:
        return str(error)
    finally:
        client.close()


def _image_fault(client: DockerClient, image: str) -> str | None:
    try:
        require_image(client, image)
    except HarnessError as error:
        return str(error)
    return None


def _python(readings: Readings) -> Diagnosis:
    found = ".".join(map(str, readings.python))
    if readings.python[:2] >= OLDEST_PYTHON:
        return Diagnosis("python", Health.OK, found)
    return Diagnosis("python", Health.MISSING, found, f"install Python {'.'.join(map(str, OLDEST_PYTHON))} or later")


def _docker(readings: Readings) -> Iterator[Diagnosis]:
    engine = readings.engine
    if isinstance(engine, str):
        yield Diagnosis(
            "docker", Health.MISSING, engine, f"without it grading is practice only; get it at {GET_DOCKER}"
        )
        return
    yield Diagnosis("docker", Health.OK, f"engine {engine.version}")
    if engine.image_fault is None:
        yield Diagnosis("image", Health.OK, readings.image)
    else:
        yield Diagnosis("image", Health.MISSING, engine.image_fault, "run `make image`")
    for name, can in (
        ("cpuset", engine.can_pin),
        ("memory limit", engine.can_limit_memory),
        ("pids limit", engine.can_limit_pids),
    ):
        advice = "" if can else "use an engine whose kernel has this control group"
        found = "supported" if can else "not supported by the engine"
        yield Diagnosis(name, Health.OK if can else Health.MISSING, found, advice)


def _cores(readings: Readings) -> Diagnosis:
    cores = readings.usable_cores if isinstance(readings.engine, str) else readings.engine.cores
    if cores >= 2:
        return Diagnosis("cores", Health.OK, str(cores))
    advice = "give the machine, or the engine's, a second core: now the grader disturbs what it measures"
    return Diagnosis("cores", Health.RISK, str(cores), advice)


def _memory(readings: Readings) -> Diagnosis:
    memory_mb = readings.machine.memory_mb if isinstance(readings.engine, str) else readings.engine.memory_mb
    if memory_mb >= LEAST_MEMORY_MB:
        return Diagnosis("memory", Health.OK, f"{memory_mb} MiB")
    return Diagnosis("memory", Health.RISK, f"{memory_mb} MiB", f"give the engine at least {LEAST_MEMORY_MB} MiB")


def _load(readings: Readings) -> Diagnosis:
    load = readings.machine.load_after
    if load is None:
        return Diagnosis("load", Health.OK, "this system does not say")
    if load <= BUSY_LOAD * max(1, readings.machine.cores):
        return Diagnosis("load", Health.OK, f"{load:.2f}")
    return Diagnosis("load", Health.RISK, f"{load:.2f}", "stop other work first, or expect inconclusive bars")


def _governor(readings: Readings) -> Diagnosis:
    governor = readings.machine.governor
    if governor is None:
        return Diagnosis("governor", Health.OK, "this system does not say")
    if governor in STEADY_GOVERNORS:
        return Diagnosis("governor", Health.OK, governor)
    advice = "`cpupower frequency-set -g performance` keeps the clock steady; bars are ratios, so this is no must"
    return Diagnosis("governor", Health.RISK, governor, advice)


def _disk(readings: Readings) -> Diagnosis:
    found = f"{readings.free_disk_mb} MiB free for temporary files"
    if readings.free_disk_mb >= LEAST_DISK_MB:
        return Diagnosis("disk", Health.OK, found)
    return Diagnosis("disk", Health.MISSING, found, f"free {LEAST_DISK_MB} MiB, or point TMPDIR to where there are")
