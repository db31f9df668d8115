"""Where a grading runs: containers of the project's image, or plain subprocesses of this machine for practice."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

from harness.errors import EngineUnavailable
from harness.sandbox.cores import Cores
from harness.sandbox.docker_engine import connect, engine_cores, require_image
from harness.sandbox.docker_sandbox import DockerSandbox
from harness.sandbox.local_sandbox import LocalSandbox
from harness.sandbox.roles import Isolation, Limits, Sandbox, Staged

IMAGE_VARIABLE = "TAKEHOME_IMAGE"
DEFAULT_IMAGE = "takehome:dev"

GRADING_ID_BYTES = 8
"""Gradings on one engine must not meet by chance."""

GET_DOCKER = "https://docs.docker.com/get-docker/"


class VenueChoice(StrEnum):
    """What whoever gave the command wants."""

    AUTO = "auto"
    DOCKER = "docker"
    LOCAL = "local"


@dataclass(frozen=True)
class Venue:
    """Where to grade; `image` and `image_digest` are None where no container is involved.

    `notice` is one line for the user where the venue makes the verdict mere practice.
    """

    isolation: Isolation
    cores: tuple[int, ...]
    image: str | None = None
    image_digest: str | None = None
    notice: str | None = None

    @contextmanager
    def sandbox(self, staged: Staged, limits: Limits, cores: Cores) -> Iterator[Sandbox]:
        """Give a sandbox for one grading, not started; whoever starts it stops it."""
        grading_id = secrets.token_hex(GRADING_ID_BYTES)
        if self.isolation is Isolation.NONE or self.image_digest is None:
            yield LocalSandbox(staged, limits, cores)
            return
        client = connect()
        try:
            yield DockerSandbox(client, self.image_digest, staged, limits, cores, grading_id)
        finally:
            client.close()


def default_image() -> str:
    """Name the image to grade with."""
    return os.environ.get(IMAGE_VARIABLE) or DEFAULT_IMAGE


def find_venue(choice: VenueChoice, image: str) -> Venue:
    """Choose where to grade; an engine without the image is a fault to mend, not a reason to do without isolation.

    Raises EngineUnavailable where Docker was asked for and no engine answers, SandboxFailed where the image is missing.
    """
    match choice:
        case VenueChoice.LOCAL:
            return _local("as asked")
        case VenueChoice.DOCKER:
            return _docker(image)
        case VenueChoice.AUTO:
            try:
                return _docker(image)
            except EngineUnavailable:
                return _local(f"no Docker engine answers; get Docker at {GET_DOCKER}")


def _docker(image: str) -> Venue:
    client = connect()
    try:
        return Venue(Isolation.DOCKER, engine_cores(client), image, require_image(client, image))
    finally:
        client.close()


def _local(reason: str) -> Venue:
    notice = f"Practice, not a verdict: the submission runs without isolation ({reason})."
    return Venue(Isolation.NONE, available_cores(), notice=notice)


def available_cores() -> tuple[int, ...]:
    """Name the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return tuple(sorted(os.sched_getaffinity(0)))
    return tuple(range(os.cpu_count() or 1))
