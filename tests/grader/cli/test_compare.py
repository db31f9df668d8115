"""`takehome compare`, as an interviewer uses it."""

from pathlib import Path

from grader.report.wording import TIMES
from grader.result_file import write_result
from tests.grader.cli.conftest import Takehome
from tests.grader.gradings import bar, evidence, hostile_result, result


def written(folder: Path, lookup: float) -> Path:
    write_result(result(of=evidence(bars=[bar("lookup", lookup), bar("memory")])), folder / "result.json")
    return folder


def test_who_is_ahead_is_marked_and_said(takehome: Takehome, tmp_path: Path) -> None:
    said = takehome("compare", written(tmp_path / "one", 1.3), written(tmp_path / "two", 1.0))
    assert said.code == 0
    assert f"1.30{TIMES}  1.287 to 1.313" in said.out
    assert f"1.00{TIMES}* 0.990 to 1.010" in said.out
    assert "B is measurably ahead on lookup" in said.out
    assert "nobody is ahead of all others on memory" in said.out


def test_files_and_folders_are_read_alike(takehome: Takehome, tmp_path: Path) -> None:
    folder = written(tmp_path / "one", 1.3)
    document = takehome("compare", folder, folder / "result.json", "--json").document()
    assert isinstance(document, dict)
    assert [row["leader"] for row in document["bars"]] == [None, None]


def test_hostile_texts_are_harmless(takehome: Takehome, tmp_path: Path) -> None:
    write_result(hostile_result(), tmp_path / "hostile" / "result.json")
    said = takehome("compare", tmp_path / "hostile", written(tmp_path / "one", 1.3))
    assert said.code == 0
    assert "\x1b" not in said.out + said.err


def test_what_is_no_result_is_a_usage_error_that_names_the_file(takehome: Takehome, tmp_path: Path) -> None:
    (tmp_path / "notes.json").write_text("{}")
    said = takehome("compare", written(tmp_path / "one", 1.3), tmp_path / "notes.json")
    assert said.code == 2
    assert "notes.json" in said.err
    assert said.out == ""
