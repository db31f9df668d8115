"""`takehome new` and `takehome lint`: a challenge begun lints, and a broken one is told everything at once."""

from pathlib import Path

from tests.grader.cli.conftest import Takehome


def test_a_new_challenge_lints_without_a_fault(takehome: Takehome, root: Path) -> None:
    said = takehome("new", "my-own")
    assert said.code == 0
    assert str(root / "challenges" / "my-own") in said.out
    linted = takehome("lint", "my-own")
    assert linted.code == 0, linted.out
    assert "my-own: 0 faults" in linted.out


def test_a_new_challenge_is_listed(takehome: Takehome) -> None:
    takehome("new", "my-own", "--json")
    assert "my-own" in takehome("list").out


def test_new_refuses_a_name_that_is_taken_or_no_slug(takehome: Takehome) -> None:
    for name in ("tally", "My Own", "../up"):
        said = takehome("new", name)
        assert said.code == 2
        assert "Traceback" not in said.err


def test_lint_tells_everything_at_once_and_fails(takehome: Takehome, root: Path) -> None:
    challenge = root / "challenges" / "tally"
    (challenge / "GUIDE.md").unlink()
    (challenge / "driver.py").write_text("def add_up(:\n")
    said = takehome("lint", "tally")
    assert said.code == 1
    assert "GUIDE.md" in said.out
    assert "driver.py: line 1" in said.out


def test_lint_as_json_is_one_document_of_complaints(takehome: Takehome, root: Path) -> None:
    (root / "challenges" / "tally" / "GUIDE.md").unlink()
    document = takehome("lint", "--json").document()
    assert isinstance(document, list)
    assert {"path", "key", "problem", "advice", "severity"} == set(document[0])
    assert "challenges/tally/GUIDE.md" in [complaint["path"] for complaint in document]
