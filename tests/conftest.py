"""What every test may rely on: a Docker engine where one answers, the project's image, and nothing left behind."""

import os
import time
from collections.abc import Iterator
from typing import NoReturn

import pytest
from docker import DockerClient

from harness.errors import EngineUnavailable
from harness.sandbox.docker_engine import connect
from harness.sandbox.docker_leftovers import OWNER_LABEL
from harness.sandbox.owner import Owner, current_owner, is_gone, process_start

IMAGE = os.environ.get("TAKEHOME_IMAGE", "takehome:dev")
DOCKER_REQUIRED = os.environ.get("TAKEHOME_REQUIRE_DOCKER") == "1"

REMOVAL_GRACE_SEC = 10.0
"""The engine takes a moment to remove a container; another session's next start may be about to sweep what it left."""


@pytest.fixture(scope="session")
def engine() -> Iterator[DockerClient | None]:
    """Connect to the Docker engine; `None` where none answers."""
    try:
        client = connect()
    except EngineUnavailable:
        yield None
        return
    yield client
    client.close()


def miss_engine() -> NoReturn:
    """End a test that needs the engine."""
    if DOCKER_REQUIRED:
        pytest.fail("no Docker engine answers, and TAKEHOME_REQUIRE_DOCKER=1 requires one")
    pytest.skip("no Docker engine answers")


@pytest.fixture(autouse=True)
def _engine_for_docker_tests(request: pytest.FixtureRequest) -> None:
    """Skip a docker test where no engine answers, or fail it where one is required."""
    if request.node.get_closest_marker("docker") is not None and request.getfixturevalue("engine") is None:
        miss_engine()


@pytest.fixture(scope="session")
def image(engine: DockerClient | None) -> str:
    """Name the project's image, which must have been built."""
    if engine is None:
        miss_engine()
    if not engine.images.list(name=IMAGE):
        pytest.fail(f"the engine has no image {IMAGE}: run make image")
    return IMAGE


@pytest.fixture(scope="session", autouse=True)
def _nothing_left_behind(engine: DockerClient | None) -> Iterator[None]:
    """Fail at the end if a grading of this session left a container or volume on the engine."""
    start = current_owner()
    yield
    if engine is None:
        return
    deadline = time.monotonic() + REMOVAL_GRACE_SEC
    while (left := _leftovers(engine, start)) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert not left, f"left on the engine: {', '.join(left)}"


def _leftovers(engine: DockerClient, start: Owner) -> list[str]:
    """Name what this process made, and what a process that is gone made since `start`."""
    everything = {"label": OWNER_LABEL}
    found = [(thing["Id"][:12], thing["Labels"]) for thing in engine.api.containers(all=True, filters=everything)]
    found += [(thing["Name"], thing["Labels"]) for thing in engine.api.volumes(filters=everything)["Volumes"] or []]
    owners = [(name, Owner.parse(labels[OWNER_LABEL])) for name, labels in found]
    return [name for name, owner in owners if owner.pid == start.pid or _died_since(owner, start)]


def _died_since(owner: Owner, start: Owner) -> bool:
    return owner.since_unix_sec >= start.since_unix_sec and is_gone(owner, current_owner(), process_start)
