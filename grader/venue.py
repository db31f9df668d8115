"""Where a grading runs: containers of the project's image, or plain subprocesses of this machine for practice."""

import os
from dataclasses import dataclass
from enum import StrEnum

from harness.errors import EngineUnavailable
from harness.sandbox.docker_engine import connect, engine_cores, require_image
from harness.sandbox.roles import Isolation

IMAGE_VARIABLE = "TAKEHOME_IMAGE"
DEFAULT_IMAGE = "takehome:dev"

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
