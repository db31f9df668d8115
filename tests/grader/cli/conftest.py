"""What tests of the command share: a root with one small challenge, and the command itself, in this process."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from grader.cli.app import run
from tests.grader.tally import write_tally


@dataclass(frozen=True)
class Said:
    """What one command came to."""

    code: int
    out: str
    err: str

    def document(self) -> object:
        """Read standard output, which must be one JSON document."""
        return json.loads(self.out)


Takehome = Callable[..., Said]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a root with the challenge `tally`, and work in a folder outside of it."""
    folder = write_tally(tmp_path / "root")
    monkeypatch.setenv("TAKEHOME_ROOT", str(folder))
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    return folder


@pytest.fixture
def takehome(root: Path, capsys: pytest.CaptureFixture[str]) -> Takehome:
    """Run a command in this process."""

    def call(*arguments: str | Path) -> Said:
        code = run([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return Said(code, out, err)

    return call
