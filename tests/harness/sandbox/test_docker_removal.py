"""A container is gone on return, though the engine first says that it can't remove it just now."""

import pytest
from docker.errors import APIError, NotFound

from harness.errors import SandboxFailed
from harness.sandbox import docker_leftovers
from harness.sandbox.docker_leftovers import remove_container

DYING = "Could not kill running container, cannot remove - Container is not running"


class Answer:
    """What the SDK asks of a response: its status."""

    def __init__(self, status):
        self.status_code = status


class Engine:
    """An engine that answers removals as it is told, and then that there is no such container."""

    def __init__(self, *statuses, why=DYING):
        self.statuses = list(statuses)
        self.why = why

    def remove_container(self, container, force, v):
        assert force
        assert v
        if not self.statuses:
            raise NotFound("no such container", response=Answer(404))
        if (status := self.statuses.pop(0)) >= 400:
            raise APIError("refused", response=Answer(status), explanation=self.why)


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch):
    monkeypatch.setattr(docker_leftovers, "REMOVAL_POLL_SEC", 0.0)


@pytest.mark.parametrize("statuses", [(204,), (), (409, 409, 204), (409,), (500, 204), (500, 409)])
def test_a_removal_that_is_refused_for_the_moment_is_asked_for_again(statuses):
    engine = Engine(*statuses)
    remove_container(engine, "some")
    assert engine.statuses == []


@pytest.mark.parametrize("status", [409, 500])
def test_one_that_is_refused_for_good_is_told(monkeypatch, status):
    monkeypatch.setattr(docker_leftovers, "REMOVAL_LIMIT_SEC", 0.0)
    with pytest.raises(SandboxFailed, match="could not remove a container: Could not kill"):
        remove_container(Engine(*[status] * 1000), "some")


@pytest.mark.parametrize("refusing", [Engine(400, 204), Engine(500, 204, why="no space left on device")])
def test_what_will_not_pass_is_told_at_once(refusing):
    with pytest.raises(SandboxFailed, match="could not remove a container"):
        remove_container(refusing, "some")
    assert refusing.statuses == [204]
