"""`takehome report`, as an interviewer uses it."""

from pathlib import Path

from grader.result_file import write_result
from tests.grader.cli.conftest import Takehome
from tests.grader.gradings import result


def test_a_page_is_written_where_it_was_asked_for(takehome: Takehome, tmp_path: Path) -> None:
    write_result(result(), tmp_path / "one" / "result.json")
    said = takehome("report", tmp_path / "one", "-o", tmp_path / "pages" / "one.html")
    assert said.code == 0
    assert "shows 1 result; open it" in said.out
    assert (tmp_path / "pages" / "one.html").read_text().startswith("<!DOCTYPE html>")
    assert takehome("report", tmp_path / "one", "--json").document() == {"page": "report.html"}


def test_what_is_no_result_or_cannot_be_written_is_one_sentence(takehome: Takehome, tmp_path: Path) -> None:
    write_result(result(), tmp_path / "result.json")
    assert takehome("report", tmp_path / "nowhere.json").code == 2
    said = takehome("report", tmp_path, "-o", tmp_path / "result.json" / "page.html")
    assert said.code == 3
    assert "cannot write" in said.err
