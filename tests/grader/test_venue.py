"""Where a grading runs: Docker where it can, practice where it must, and never practice by accident."""

import os

import pytest

from grader.venue import DEFAULT_IMAGE, IMAGE_VARIABLE, VenueChoice, available_cores, default_image, find_venue
from harness.errors import EngineUnavailable, SandboxFailed
from harness.sandbox.roles import Isolation


@pytest.fixture
def _no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent/docker.sock")


@pytest.mark.usefixtures("_no_engine")
def test_without_an_engine_it_is_practice_and_one_line_says_so_and_where_to_get_docker() -> None:
    venue = find_venue(VenueChoice.AUTO, "takehome:dev")
    assert venue.isolation is Isolation.NONE
    assert venue.image_digest is None
    assert venue.notice is not None
    assert "Practice, not a verdict" in venue.notice
    assert "https://" in venue.notice
    assert "\n" not in venue.notice


@pytest.mark.usefixtures("_no_engine")
def test_who_asks_for_docker_gets_no_practice_instead() -> None:
    with pytest.raises(EngineUnavailable):
        find_venue(VenueChoice.DOCKER, "takehome:dev")


@pytest.mark.usefixtures("_no_engine")
def test_who_asks_for_practice_gets_it() -> None:
    assert find_venue(VenueChoice.LOCAL, "takehome:dev").isolation is Isolation.NONE


@pytest.mark.docker
@pytest.mark.parametrize("choice", [VenueChoice.AUTO, VenueChoice.DOCKER])
def test_an_engine_without_the_image_is_a_fault_to_mend_not_a_reason_for_practice(choice: VenueChoice) -> None:
    with pytest.raises(SandboxFailed, match="make image"):
        find_venue(choice, "takehome:no-such-tag")


@pytest.mark.docker
def test_with_engine_and_image_it_is_docker_and_the_image_is_known_by_its_content(image: str) -> None:
    venue = find_venue(VenueChoice.AUTO, image)
    assert venue.isolation is Isolation.DOCKER
    assert venue.notice is None
    assert venue.image_digest is not None
    assert venue.image_digest.startswith("sha256:")
    assert venue.cores


def test_the_image_is_the_variables_or_the_projects(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(IMAGE_VARIABLE, raising=False)
    assert default_image() == DEFAULT_IMAGE
    monkeypatch.setenv(IMAGE_VARIABLE, "registry/other:1")
    assert default_image() == "registry/other:1"


def test_only_cores_that_this_process_may_use_are_available() -> None:
    if hasattr(os, "sched_getaffinity"):
        assert set(available_cores()) == os.sched_getaffinity(0)
    assert available_cores()
