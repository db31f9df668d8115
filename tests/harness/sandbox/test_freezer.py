"""The freezer's files: frozen means wholly frozen, one that has ended needs nothing, and who may not write has none."""

import pytest

from harness.errors import SandboxFailed
from harness.sandbox import freezer as module
from harness.sandbox.freezer import Freezer, freezer_v1, freezer_v2


@pytest.fixture
def group_v2(tmp_path):
    (tmp_path / "cgroup.freeze").write_text("0\n")
    (tmp_path / "cgroup.events").write_text("populated 1\nfrozen 1\n")
    return tmp_path


def test_the_first_version_is_frozen_by_a_word(tmp_path):
    (tmp_path / "freezer.state").write_text("THAWED\n")
    freezer = freezer_v1(tmp_path)
    freezer.pause()
    assert (tmp_path / "freezer.state").read_text().strip() == "FROZEN"
    freezer.resume()
    assert (tmp_path / "freezer.state").read_text().strip() == "THAWED"


def test_the_second_version_is_frozen_by_a_number(group_v2):
    freezer = freezer_v2(group_v2)
    freezer.pause()
    assert (group_v2 / "cgroup.freeze").read_text().strip() == "1"
    freezer.resume()
    assert (group_v2 / "cgroup.freeze").read_text().strip() == "0"


def test_a_group_that_does_not_freeze_is_our_failure(group_v2, monkeypatch):
    monkeypatch.setattr(module, "FREEZE_LIMIT_SEC", 0.02)
    (group_v2 / "cgroup.events").write_text("populated 1\nfrozen 0\n")
    with pytest.raises(SandboxFailed, match="did not freeze"):
        freezer_v2(group_v2).pause()


def test_a_group_that_has_ended_needs_nothing(tmp_path):
    gone = tmp_path / "gone"
    freezer = Freezer(gone / "cgroup.freeze", "1", "0", gone / "cgroup.events", "frozen 1")
    freezer.pause()
    freezer.resume()


@pytest.mark.parametrize("make", [freezer_v1, freezer_v2])
def test_without_the_right_to_write_there_is_no_freezer(tmp_path, make):
    assert make(tmp_path) is None
