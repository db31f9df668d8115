"""Exit codes and messages of the command as a whole: one sentence, never a traceback."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from grader.cli.exit_code import ExitCode, of_error, of_verdict
from grader.errors import GraderError, IntakeRefused, StorageFailed
from grader.verdict import Verdict
from harness.errors import ControlLost, EngineUnavailable
from tests.grader.cli.conftest import Takehome

COMMANDS = ["list", "start", "test", "bench", "doctor", "grade", "compare", "verify", "lint", "new"]
TAKEHOME = (sys.executable, "-m", "grader.cli")


@pytest.mark.parametrize(
    ("verdict", "code"), [(Verdict.PASS, 0), (Verdict.FAIL, 1), (Verdict.ERROR, 3), (Verdict.INCONCLUSIVE, 4)]
)
def test_each_verdict_has_its_exit_code(verdict: Verdict, code: int) -> None:
    assert of_verdict(verdict) == code


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (IntakeRefused("a link"), 2),
        (GraderError("broken"), 3),
        (StorageFailed("full"), 3),
        (EngineUnavailable("gone"), 3),
        (ControlLost("gone"), 3),
    ],
)
def test_each_error_has_its_exit_code(error: GraderError, code: int) -> None:
    assert of_error(error) == code


@pytest.mark.parametrize(
    "arguments",
    [
        ["frobnicate"],
        ["grade", "--frobnicate"],
        ["grade", "a", "b"],
        ["start"],
        ["grade", "--seed", "many"],
        ["grade", "--seed", "-1"],
        ["verify", "--runs", "0"],
        ["grade", "--sandbox", "cloud"],
        ["grade", "nowhere"],
        ["bench", "nowhere"],
        ["test", "nowhere"],
        ["grade", "nowhere", "--challenge", "tally"],
        ["grade", "--challenge", "unknown"],
        ["verify", "unknown"],
        ["lint", "unknown"],
        ["compare"],
        ["compare", "nowhere", "nowhere"],
    ],
    ids=" ".join,
)
def test_a_mistake_in_the_command_is_exit_2_and_one_sentence(takehome: Takehome, arguments: list[str]) -> None:
    said = takehome(*arguments)
    assert said.code == 2, said.err
    assert said.out == ""
    assert said.err.startswith("takehome: ")
    assert "Traceback" not in said.err


def test_without_a_command_help_is_shown_and_it_is_a_usage_error(takehome: Takehome) -> None:
    said = takehome()
    assert said.code == 2
    assert "verify" in said.out


def test_help_lists_the_exit_codes(takehome: Takehome) -> None:
    said = takehome("--help")
    assert said.code == 0
    assert "4 inconclusive" in " ".join(said.out.split())


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_and_json(takehome: Takehome, command: str) -> None:
    said = takehome(command, "--help")
    assert said.code == 0
    assert "--json" in said.out


def test_an_error_is_json_too_where_json_was_asked_for(takehome: Takehome) -> None:
    said = takehome("grade", "nowhere", "--json")
    error = json.loads(said.out)["error"]
    assert error["exit_code"] == said.code == 2
    assert error["message"] in said.err


def test_list_shows_each_challenge(takehome: Takehome) -> None:
    said = takehome("list")
    assert said.code == 0
    assert "tally" in said.out
    assert "Add up a list of numbers." in said.out


def test_list_as_json_is_one_document(takehome: Takehome) -> None:
    document = takehome("list", "--json").document()
    assert isinstance(document, list)
    assert [found["slug"] for found in document] == ["tally"]
    assert document[0]["bars"] == ["bulk", "again"]


def test_a_broken_challenge_is_told_with_file_and_key(takehome: Takehome, root: Path) -> None:
    toml = root / "challenges" / "tally" / "challenge.toml"
    toml.write_text(toml.read_text().replace("minutes = 5", "minuets = 5"))
    said = takehome("list")
    assert said.code == 2
    assert "challenge.toml" in said.err
    assert "minuets" in said.err


def test_a_bug_of_ours_is_exit_3_with_the_traceback_in_a_file(
    takehome: Takehome, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("grader.cli.list.find_root", lambda: 1 / 0)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    said = takehome("list")
    assert said.code == ExitCode.INFRASTRUCTURE
    assert "Traceback" not in said.err
    found = re.search(r"its traceback is in (\S+)", said.err)
    assert found
    assert "ZeroDivisionError" in Path(found[1]).read_text()


def test_a_traceback_that_cannot_be_saved_does_not_hide_the_bug(
    takehome: Takehome, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("grader.cli.list.find_root", lambda: 1 / 0)
    monkeypatch.setattr("tempfile.tempdir", "/nonexistent")
    said = takehome("list")
    assert said.code == ExitCode.INFRASTRUCTURE
    assert "ZeroDivisionError" in said.err


def test_a_reader_that_goes_away_is_no_failed_submission(root: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    ended = subprocess.run([*TAKEHOME, "list"], stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert ended.returncode == 141
    assert ended.stderr == ""


def test_without_a_root_the_message_says_what_to_set(takehome: Takehome, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAKEHOME_ROOT", "/nonexistent")
    said = takehome("list")
    assert said.code == 2
    assert "TAKEHOME_ROOT" in said.err
