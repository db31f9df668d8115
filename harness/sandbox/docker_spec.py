"""What each role's container may do, written out as the engine wants it. Pure: everything here is data about limits.

Candidate and reference containers differ in one mount, and in nothing they can see.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from docker.types import LogConfig, Mount, Ulimit

from harness.sandbox.commands import Commands
from harness.sandbox.cores import Cores, cpuset
from harness.sandbox.disk_device import UNREACHED_BYTES_A_SEC
from harness.sandbox.docker_volumes import STAGE, Volumes
from harness.sandbox.roles import Limits, Side

GRADER_USER: Final = "10000:10000"
SUBJECT_USER: Final = "10001:10001"

GRADER_LIMITS: Final = Limits(memory_mb=2048, pids=256, tmpfs_mb=64, open_files=4096)
"""Memory for the oracle's models, the longest frames several times over and all samples; files for many connections."""

GRADER_DATA_MB: Final = 1536
"""Less than its memory, so that an answer made to grow in our hands ends in a MemoryError, which a check that looks at
it can be told by, and not in the kernel's ending the grading."""

TMPFS_INODES: Final = 4096
"""A file of 4 KiB each fills the largest usual /tmp."""

DISK: Final = "/data"
"""The real disk: a side's own folder in its subjects, a folder for each side in the grader."""

SUBJECT_LOG: Final = {"max-size": "64k", "max-file": "1"}
"""A subject that floods its standard output fills 64 KiB of disk, again and again."""

MIB: Final = 1024**2


@dataclass(frozen=True)
class Setup:
    """What all containers of one grading have in common."""

    volumes: Volumes
    limits: Limits
    cores: Cores
    commands: Commands
    counted_device: str | None = None


@dataclass(frozen=True)
class ContainerSpec:
    """What `create_container` is given: its own keywords, and those of its host config."""

    container: Mapping[str, Any]
    host: Mapping[str, Any]


def subject_spec(setup: Setup, side: Side, door: str, hash_seed: int) -> ContainerSpec:
    """Describe the container of one subject, which will connect to the socket called `door`."""
    limits, volumes = setup.limits, setup.volumes
    environment = {
        "TAKEHOME_SOCKET": f"/sockets/{door}",
        "TAKEHOME_SUBMISSION": "/submission",
        "TAKEHOME_DRIVER": "/driver",
        "PYTHONHASHSEED": str(hash_seed),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    mounts = [
        _mount(volumes, "/submission", volumes.solution(side), read_only=True),
        _mount(volumes, "/driver", volumes.driver, read_only=True),
        _mount(volumes, "/sockets", volumes.sockets(side), read_only=True),
    ]
    if limits.disk_mb:
        environment["TAKEHOME_DISK"] = DISK
        mounts.append(_mount(volumes, DISK, volumes.disk(side), read_only=False))
    return ContainerSpec(
        container=_container("subject", setup.commands.subject, SUBJECT_USER, environment),
        host={
            **_confinement(limits),
            **_counted(setup.counted_device if limits.disk_mb else None),
            "cpuset_cpus": cpuset(setup.cores.subject),
            "mounts": mounts,
            "log_config": LogConfig(type="json-file", config=SUBJECT_LOG),
        },
    )


def grader_spec(setup: Setup) -> ContainerSpec:
    """Describe the grader's container: confined like a subject's, for its code is ours but its libraries are many."""
    volumes = setup.volumes
    environment = {
        "TAKEHOME_SOCKETS": "/sockets",
        "TAKEHOME_GRADING": "/grading",
        "TAKEHOME_SUBMISSION": "/submission",
        "PYTHONDONTWRITEBYTECODE": "1",
        "ARROW_DEFAULT_MEMORY_POOL": "system",  # its own reserves a gigabyte, which counts as data
    }
    mounts = [
        _mount(volumes, "/submission", volumes.solution(Side.CANDIDATE), read_only=True),
        _mount(volumes, "/grading", volumes.grading, read_only=True),
        *(_mount(volumes, f"/sockets/{side.value}", volumes.sockets(side), read_only=False) for side in Side),
    ]
    if setup.limits.disk_mb:
        environment["TAKEHOME_DISKS"] = DISK
        mounts += [_mount(volumes, f"{DISK}/{side.value}", volumes.disk(side), read_only=True) for side in Side]
    return ContainerSpec(
        container={**_container("grader", setup.commands.grader, GRADER_USER, environment), "stdin_open": True},
        host={
            **_confinement(GRADER_LIMITS, Ulimit(name="data", soft=GRADER_DATA_MB * MIB, hard=GRADER_DATA_MB * MIB)),
            "cpuset_cpus": cpuset(setup.cores.both),
            "mounts": mounts,
            "log_config": LogConfig(type="none"),
        },
    )


def stager_spec(setup: Setup) -> ContainerSpec:
    """Describe a container that is never started: the engine copies files into volumes through a container only."""
    volumes = setup.volumes
    filled = (*volumes.staged, *(volumes.disks if setup.limits.disk_mb else ()))
    mounts = [_mount(volumes, f"{STAGE}/{name}", name, read_only=False) for name in filled]
    return ContainerSpec(container={"command": ["true"]}, host={"network_mode": "none", "mounts": mounts})


def _container(hostname: str, command: tuple[str, ...], user: str, environment: Mapping[str, str]) -> dict[str, Any]:
    """Name what runs and as whom.

    A disabled network is a namespace with a loopback of its own, which the runtime makes alone. The engine's network
    called none adds names (`localhost`), but takes twice as long to start, and engines of 20.10 get stuck for good
    where containers leave it side by side (moby issue 46661).
    """
    return {
        "command": list(command),
        "user": user,
        "hostname": hostname,
        "environment": dict(environment),
        "working_dir": "/tmp",
        "network_disabled": True,
    }


def _mount(volumes: Volumes, target: str, name: str, *, read_only: bool) -> Mount:
    """Mount a volume; should the engine find it missing and make it, then with our labels."""
    labels = volumes.mark.labels()
    return Mount(target, name, type="volume", read_only=read_only, no_copy=True, labels=labels)


def _counted(device: str | None) -> dict[str, Any]:
    """Have the kernel count what is read from a device."""
    return {"device_read_bps": [{"Path": device, "Rate": UNREACHED_BYTES_A_SEC}]} if device else {}


def _confinement(limits: Limits, *further: Ulimit) -> dict[str, Any]:
    """Deny everything a role has no need of; memory includes both tmpfs mounts, and there is no swap."""
    largest_file = max(limits.tmpfs_mb, limits.shm_mb, limits.disk_mb) * MIB
    return {
        "network_mode": "none",
        "read_only": True,
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
        "ipc_mode": "private",
        "pids_limit": limits.pids,
        "mem_limit": limits.memory_mb * MIB,
        "memswap_limit": limits.memory_mb * MIB,
        "tmpfs": {"/tmp": f"size={limits.tmpfs_mb}m,nr_inodes={TMPFS_INODES},mode=1777,noexec,nosuid,nodev"},
        "shm_size": limits.shm_mb * MIB,
        "init": True,
        "ulimits": [
            Ulimit(name="nofile", soft=limits.open_files, hard=limits.open_files),
            Ulimit(name="core", soft=0, hard=0),
            Ulimit(name="fsize", soft=largest_file, hard=largest_file),
            *further,
        ],
    }
