"""Everything we make on an engine carries two labels, so that we find it again, and a later start finds what we left."""

import time
from collections.abc import Mapping
from typing import Final

from docker import APIClient
from docker.errors import APIError, NotFound

from harness.sandbox.docker_engine import engine_faults
from harness.sandbox.owner import Owner, current_owner, is_gone, process_start

GRADING_LABEL: Final = "takehome.grading"
OWNER_LABEL: Final = "takehome.owner"

REMOVAL_LIMIT_SEC: Final = 30.0
"""How long another's removal of the same container may take before we say so."""

REMOVAL_POLL_SEC: Final = 0.05

CONFLICT: Final = 409


def labels(grading: str) -> dict[str, str]:
    """Label what grading `grading` of this process makes."""
    return {GRADING_LABEL: grading, OWNER_LABEL: current_owner().to_text()}


def sweep(api: APIClient) -> list[str]:
    """Remove what gradings whose process is gone left behind, and give the gradings' ids."""
    here = current_owner()
    swept: set[str] = set()
    with engine_faults("look for leftovers of earlier gradings"):
        found = [*api.containers(all=True, filters={"label": OWNER_LABEL}), *_volumes(api, OWNER_LABEL)]
    for thing in found:
        marks = thing.get("Labels") or {}
        if _is_abandoned(marks, here):
            swept.add(marks.get(GRADING_LABEL, ""))
    for grading in swept:
        remove_grading(api, grading)
    return sorted(swept)


def remove_grading(api: APIClient, grading: str) -> None:
    """Remove every container and volume of one grading."""
    label = f"{GRADING_LABEL}={grading}"
    with engine_faults(f"list what grading {grading} started"):
        containers = api.containers(all=True, filters={"label": label})
    for container in containers:
        remove_container(api, container["Id"])
    with engine_faults(f"list the volumes of grading {grading}"):
        volumes = _volumes(api, label)
    for volume in volumes:
        _remove_volume(api, volume["Name"])


def containers_of(api: APIClient, grading: str) -> list[str]:
    """List the containers of one grading, running or not."""
    with engine_faults(f"list what grading {grading} started"):
        return [str(container["Id"]) for container in api.containers(all=True, filters={"label": f"{GRADING_LABEL}={grading}"})]


def remove_container(api: APIClient, container: str) -> None:
    """End and remove a container, paused or not; it is gone on return, even where somebody else is removing it too."""
    deadline = time.monotonic() + REMOVAL_LIMIT_SEC
    with engine_faults("remove a container"):
        while True:
            try:
                api.remove_container(container, force=True, v=True)
            except NotFound:
                return
            except APIError as error:
                if error.status_code != CONFLICT or time.monotonic() > deadline:
                    raise
                time.sleep(REMOVAL_POLL_SEC)
            else:
                return


def _remove_volume(api: APIClient, name: str) -> None:
    with engine_faults(f"remove volume {name}"):
        try:
            api.remove_volume(name)
        except NotFound:
            return


def _volumes(api: APIClient, label: str) -> list[Mapping[str, dict[str, str]]]:
    return api.volumes(filters={"label": label})["Volumes"] or []


def _is_abandoned(marks: Mapping[str, str], here: Owner) -> bool:
    try:
        owner = Owner.parse(marks[OWNER_LABEL])
    except (KeyError, ValueError):
        return False
    return is_gone(owner, here, process_start)
