"""Everything made on an engine carries two labels, so that we find it again, and a later start finds what was left."""

import threading
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from docker import APIClient
from docker.errors import APIError, NotFound

from harness.errors import HarnessError, SandboxFailed
from harness.sandbox.docker_engine import engine_faults
from harness.sandbox.owner import Owner, current_owner, is_gone, process_start

GRADING_LABEL: Final = "takehome.grading"
OWNER_LABEL: Final = "takehome.owner"

REMOVAL_LIMIT_SEC: Final = 30.0
"""How long what stands in the way of a removal may last before we say so."""

REMOVAL_POLL_SEC: Final = 0.05

CONFLICT: Final = 409
SERVER_ERROR: Final = 500

ENDED: Final = "is not running"
"""Part of what the engine says, as an error of its own, where a container ends by itself as it is to be killed."""


@dataclass(frozen=True)
class Mark:
    """Whose a container or volume is: a grading, and the process that runs it."""

    grading: str
    owner: str

    @classmethod
    def of(cls, labels: Mapping[str, str]) -> "Mark | None":
        """Read the labels of a thing on the engine; `None` for what is not ours."""
        if GRADING_LABEL not in labels or OWNER_LABEL not in labels:
            return None
        return cls(labels[GRADING_LABEL], labels[OWNER_LABEL])

    def labels(self) -> dict[str, str]:
        """Give what to label a new thing with."""
        return {GRADING_LABEL: self.grading, OWNER_LABEL: self.owner}

    def filters(self) -> dict[str, list[str]]:
        """Give what selects exactly the things that carry this mark."""
        return {"label": [f"{key}={value}" for key, value in self.labels().items()]}

    def is_abandoned(self, here: Owner) -> bool:
        """Tell whether its owner is gone; an owner we cannot read is nobody's we know, and is left alone."""
        try:
            return is_gone(Owner.parse(self.owner), here, process_start)
        except ValueError:
            return False


@dataclass(frozen=True)
class Swept:
    """What a sweep did: gradings removed, and what the engine said of those it could not remove."""

    gradings: tuple[str, ...]
    stuck: tuple[str, ...]


def sweep(api: APIClient) -> Swept:
    """Remove what gradings whose process is gone left behind. What is stuck is told, and stops no new grading."""
    here = current_owner()
    everything = {"label": OWNER_LABEL}
    with engine_faults("look for leftovers of earlier gradings"):
        found = [*api.containers(all=True, filters=everything), *_volumes(api, everything)]
    marks = {Mark.of(thing.get("Labels") or {}) for thing in found}
    removed, stuck = [], []
    for mark in marks:
        if mark is None or not mark.is_abandoned(here):
            continue
        try:
            remove_marked(api, mark)
            removed.append(mark.grading)
        except SandboxFailed as error:
            stuck.append(str(error))
    return Swept(tuple(sorted(removed)), tuple(stuck))


def remove_marked(api: APIClient, mark: Mark) -> int:
    """Remove every container and volume that carries `mark`, and say how many there were."""
    containers = marked_containers(api, mark)
    for container in containers:
        remove_container(api, container)
    with engine_faults(f"list the volumes of grading {mark.grading}"):
        volumes = _volumes(api, mark.filters())
    for volume in volumes:
        _remove_volume(api, str(volume["Name"]))
    return len(containers) + len(volumes)


def marked_containers(api: APIClient, mark: Mark) -> list[str]:
    """List the containers that carry `mark`, running or not."""
    with engine_faults(f"list what grading {mark.grading} started"):
        return [str(container["Id"]) for container in api.containers(all=True, filters=mark.filters())]


def remove_container(api: APIClient, container: str) -> None:
    """End and remove a container, paused or not; it is gone on return, even where somebody else is removing it too."""
    deadline = time.monotonic() + REMOVAL_LIMIT_SEC
    with engine_faults("remove a container"):
        while not _removed(api, container, deadline):
            time.sleep(REMOVAL_POLL_SEC)


def remove_together(api: APIClient, containers: Iterable[str]) -> None:
    """Hurry a removal of many; what fails here, or finds the interpreter on its way out, is left to `remove_marked`."""
    threads = [threading.Thread(target=_remove_quietly, args=(api, each), daemon=True) for each in containers]
    with suppress(RuntimeError):
        for thread in threads:
            thread.start()
    for thread in threads:
        if thread.ident is not None:
            thread.join()


def _remove_quietly(api: APIClient, container: str) -> None:
    with suppress(HarnessError):
        remove_container(api, container)


def _removed(api: APIClient, container: str, deadline: float) -> bool:
    try:
        api.remove_container(container, force=True, v=True)
    except NotFound:
        return True
    except APIError as error:
        if not _passes(error) or time.monotonic() > deadline:
            raise
        return False
    return True


def _passes(error: APIError) -> bool:
    """Tell whether a refusal is one of the moment: another removes the container, or it has just ended by itself."""
    return error.status_code == CONFLICT or (error.status_code == SERVER_ERROR and ENDED in str(error.explanation))


def _remove_volume(api: APIClient, name: str) -> None:
    with engine_faults(f"remove volume {name}"):
        try:
            api.remove_volume(name)
        except NotFound:
            return


def _volumes(api: APIClient, filters: Mapping[str, object]) -> list[dict[str, object]]:
    found: list[dict[str, object]] | None = api.volumes(filters=dict(filters))["Volumes"]
    return found or []
