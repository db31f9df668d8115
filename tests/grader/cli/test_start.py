"""Beginning a challenge: what is copied, and what is never overwritten."""

from pathlib import Path

import pytest

from grader.cli.folder import MARKER, challenge_of
from grader.errors import UsageError
from tests.grader.cli.conftest import Takehome


def test_start_copies_the_starter_the_spec_and_a_marker(takehome: Takehome, root: Path) -> None:
    said = takehome("start", "tally")
    assert said.code == 0
    names = sorted(path.name for path in Path("tally").iterdir())
    assert names == [MARKER, "NOTES.md", "SPEC.md", "solution.py", "test_public.py"]
    assert "SPEC.md" in said.out
    assert challenge_of(Path("tally"), None, root) == "tally"


def test_start_fills_an_empty_folder_that_is_there(takehome: Takehome, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert takehome("start", "tally", tmp_path / "empty").code == 0
    assert (tmp_path / "empty" / "solution.py").is_file()


def test_start_never_touches_a_folder_with_anything_in_it(takehome: Takehome, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "solution.py").write_text("my work")
    said = takehome("start", "tally", tmp_path / "mine")
    assert said.code == 2
    assert "not empty" in said.err
    assert [path.read_text() for path in (tmp_path / "mine").iterdir()] == ["my work"]


def test_start_refuses_a_file(takehome: Takehome, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert takehome("start", "tally", tmp_path / "file").code == 2


def test_start_suggests_the_challenge_that_was_meant(takehome: Takehome) -> None:
    said = takehome("start", "taly")
    assert said.code == 2
    assert "'tally'" in said.err
    assert not Path("taly").exists()


def test_start_as_json_names_the_files(takehome: Takehome) -> None:
    document = takehome("start", "tally", "--json").document()
    assert isinstance(document, dict)
    assert document["challenge"] == "tally"
    assert "solution.py" in document["files"]


def test_a_folder_that_cannot_be_written_is_no_traceback(takehome: Takehome, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    said = takehome("start", "tally", tmp_path / "file" / "below")
    assert said.code in {2, 3}
    assert "Traceback" not in said.err


@pytest.mark.parametrize("below", [".", "reference", "deep/er"])
def test_the_name_of_a_folder_above_tells_the_challenge(below: str, tmp_path: Path, root: Path) -> None:
    folder = tmp_path / "tally" / below
    folder.mkdir(parents=True)
    assert challenge_of(folder, None, root) == "tally"


def test_a_marker_outranks_the_folders_name_and_the_option_outranks_both(tmp_path: Path, root: Path) -> None:
    folder = tmp_path / "tally"
    folder.mkdir()
    (folder / MARKER).write_text('challenge = "other"\n')
    assert challenge_of(folder, None, root) == "other"
    assert challenge_of(folder, "third", root) == "third"


@pytest.mark.parametrize("text", ["", "challenge = 3", 'challenge = "x"\nmore = 1', "\x00", "challenge"])
def test_a_spoiled_marker_is_refused_by_name(text: str, tmp_path: Path, root: Path) -> None:
    (tmp_path / MARKER).write_text(text)
    with pytest.raises(UsageError, match=MARKER):
        challenge_of(tmp_path, None, root)


def test_without_any_hint_the_challenges_are_listed(tmp_path: Path, root: Path) -> None:
    with pytest.raises(UsageError, match="There are: tally"):
        challenge_of(tmp_path, None, root)
