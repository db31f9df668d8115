"""Scratch folders: gone afterwards, and those of killed processes before the next."""

import json
import os
import tempfile
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from grader.errors import StorageFailed
from grader.scratch import OWNER_FILE, PREFIX, scratch_folder, sweep_scratch
from harness.sandbox.owner import current_owner

pytestmark = pytest.mark.usefixtures("temporary")


def test_the_scratch_folder_is_gone_afterwards_whatever_happens(temporary: Path) -> None:
    with pytest.raises(ZeroDivisionError), scratch_folder() as scratch:
        (scratch / "file").write_text(str(1 / 0))
    assert list(temporary.iterdir()) == []


def test_what_a_killed_process_left_is_swept_and_nothing_else(temporary: Path) -> None:
    mine = current_owner()
    owners = {"dead": replace(mine, pid=2**22 + 1, started=1), "mine": mine}
    for name, owner in owners.items():
        folder = temporary / f"{PREFIX}{name}"
        folder.mkdir()
        (folder / OWNER_FILE).write_text(json.dumps(asdict(owner)))
    (temporary / f"{PREFIX}unsigned").mkdir()
    (temporary / f"{PREFIX}file").write_text("")
    sweep_scratch()
    assert sorted(path.name.removeprefix(PREFIX) for path in temporary.iterdir()) == ["file", "mine", "unsigned"]


def test_without_a_place_for_temporary_files_the_disk_is_blamed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/nonexistent")
    with pytest.raises(StorageFailed, match="TMPDIR"), scratch_folder():
        pass


def test_a_folder_of_ours_names_this_process(temporary: Path) -> None:
    with scratch_folder() as scratch:
        assert scratch.parent == temporary
        assert json.loads((scratch / OWNER_FILE).read_text())["pid"] == os.getpid()
