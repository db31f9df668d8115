"""A result is written whole or not at all, fits the published schema, and comes back as it was."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from grader import result_file
from grader.errors import GraderError, ResultInvalid, ResultUnwritable, UsageError
from grader.result_file import SCHEMA_FILE, read_result, schema_text, validate, write_result, write_whole
from tests.grader.gradings import evidence, hostile_result, result

SCHEMA = Path(result_file.__file__).with_name(SCHEMA_FILE)


def test_the_published_schema_is_current() -> None:
    assert SCHEMA.read_text("utf-8") == schema_text(), "run `python -m grader.result_file`"


def test_a_result_comes_back_as_it_was(tmp_path: Path) -> None:
    for made in (result(), hostile_result(), result(of=evidence(fault="broken"))):
        write_result(made, tmp_path / "deep" / "er" / "result.json")
        assert read_result(tmp_path / "deep" / "er" / "result.json") == made
        assert [child.name for child in (tmp_path / "deep" / "er").iterdir()] == ["result.json"]


def test_writing_again_replaces_and_anybody_may_read(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    path.write_text("old")
    write_result(result(seed=8), path)
    assert read_result(path).seed == 8
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


WRITE_ON_A_SMALL_DISK = """
import pathlib, resource, sys
from grader.result_file import read_result, write_result

made, target = map(pathlib.Path, sys.argv[1:])
result = read_result(made)
resource.setrlimit(resource.RLIMIT_FSIZE, (1024, 1024))
try:
    write_result(result, target)
except Exception as error:
    print(type(error).__name__, error)
"""
"""In a process of its own, none of whose files may grow beyond a kilobyte, as on a full disk."""


def test_a_full_disk_leaves_the_old_file_and_nothing_half(tmp_path: Path) -> None:
    made, path = tmp_path / "made.json", tmp_path / "full" / "result.json"
    write_result(result(), made)
    path.parent.mkdir()
    path.write_text("old")
    command = [sys.executable, "-c", WRITE_ON_A_SMALL_DISK, str(made), str(path)]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert said.startswith("ResultUnwritable ")
    assert "free the disk" in said
    assert not issubclass(ResultUnwritable, UsageError)
    assert path.read_text() == "old"
    assert [child.name for child in path.parent.iterdir()] == ["result.json"]


def test_a_place_that_cannot_be_written_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(GraderError, match="cannot write"):
        write_result(result(), tmp_path / "file" / "result.json")
    (tmp_path / "result.json").mkdir()
    with pytest.raises(ResultUnwritable):
        write_result(result(), tmp_path / "result.json")
    assert sorted(child.name for child in tmp_path.iterdir()) == ["file", "result.json"]


def test_an_interruption_leaves_no_half_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_whole(tmp_path / "result.json", "new")
    assert list(tmp_path.iterdir()) == []


def plain() -> dict[str, Any]:
    """Give a result as JSON's types."""
    values: dict[str, Any] = result().model_dump(mode="json")
    return values


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("verdict",), "triumph"),
        (("score",), 101),
        (("seed",), "7"),
        (("surprise",), 1),
        (("bars", 0, "pass"), "3"),
        (("bars", 0, "ratio", "low"), 0),
        (("checks", 0, "surprise"), 1),
        (("submission", "digest"), None),
        (("schema_version",), 2),
    ],
)
def test_the_schema_and_the_reader_refuse_what_does_not_fit(
    tmp_path: Path, place: tuple[str | int, ...], value: object
) -> None:
    values = plain()
    inner: Any = values
    for part in place[:-1]:
        inner = inner[part]
    inner[place[-1]] = value
    with pytest.raises(ResultInvalid):
        validate(values)
    path = tmp_path / "result.json"
    path.write_text(json.dumps(values))
    with pytest.raises(ResultInvalid, match=r"result\.json"):
        read_result(path)


def test_every_key_is_needed() -> None:
    values = plain()
    for key in values:
        missing = {name: value for name, value in values.items() if name != key}
        with pytest.raises(ResultInvalid):
            validate(missing)


def test_the_message_names_the_place() -> None:
    values = plain()
    values["bars"][1]["pass"] = "2"
    with pytest.raises(ResultInvalid, match=r"bars\[1\]\.pass"):
        validate(values)


@pytest.mark.parametrize(
    "text", ["", "[]", "null", "{", '{"schema_version": 1}', "[" * 100_000, "\xff", "1" * 5000, '"\\ud800"', "NaN"]
)
def test_what_is_no_result_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "result.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(ResultInvalid):
        read_result(path)


def test_numbers_that_json_does_not_have_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    path.write_text(json.dumps({**plain(), "score": float("nan")}))
    with pytest.raises(ResultInvalid):
        read_result(path)


def test_missing_and_oversized_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ResultInvalid, match="cannot read"):
        read_result(tmp_path / "nowhere.json")
    huge = tmp_path / "huge.json"
    with huge.open("wb") as file:
        file.truncate(result_file.RESULT_BYTES + 1)
    with pytest.raises(ResultInvalid, match="larger"):
        read_result(huge)
