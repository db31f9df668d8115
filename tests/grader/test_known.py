"""Known solutions are found by folder, and each `expect.toml` names only what can happen."""

from pathlib import Path

import pytest

from grader.catalogue import Entry, load_entry
from grader.errors import CatalogueFault
from grader.faulty_copy import laid_out
from grader.known import SolutionKind, known_solutions, solutions_folder
from grader.scaffold import scaffold
from grader.verdict import Verdict


@pytest.fixture
def entry(tmp_path: Path) -> Entry:
    """Make a challenge with known solutions."""
    scaffold(tmp_path, "primes")
    return load_entry(tmp_path, "primes")


def expect(tmp_path: Path, text: str) -> None:
    """Replace the expectation of one rejected solution."""
    (solutions_folder(tmp_path, "primes") / "rejected" / "slow-loops" / "expect.toml").write_text(text)


def test_the_folder_is_the_expectation(tmp_path: Path, entry: Entry) -> None:
    found = known_solutions(tmp_path, entry)
    assert [(solution.kind, solution.name, solution.expectation.verdict) for solution in found] == [
        (SolutionKind.STARTER, "starter", Verdict.FAIL),
        (SolutionKind.REFERENCE, "reference", Verdict.PASS),
        (SolutionKind.ACCEPTED, "accepted/segmented", Verdict.PASS),
        (SolutionKind.ACCEPTED, "accepted/whole-sieve", Verdict.PASS),
        (SolutionKind.REJECTED, "rejected/counts-the-limit", Verdict.FAIL),
        (SolutionKind.REJECTED, "rejected/misses-squares", Verdict.FAIL),
        (SolutionKind.REJECTED, "rejected/slow-loops", Verdict.FAIL),
    ]
    for solution in found:
        with laid_out(solution) as folder:
            assert (folder / "solution.py").is_file()
    assert found[0].expectation.may_fail == ("edges", "agreement", "count-speed")
    assert found[-1].expectation.fails == ("count-speed",)
    assert found[-1].expectation.why


def test_litter_is_no_solution(tmp_path: Path, entry: Entry) -> None:
    before = known_solutions(tmp_path, entry)
    (solutions_folder(tmp_path, "primes") / "accepted" / "__pycache__").mkdir()
    (solutions_folder(tmp_path, "primes") / "rejected" / "README.md").write_text("")
    assert known_solutions(tmp_path, entry) == before


def test_what_may_fail_besides_is_read(tmp_path: Path, entry: Entry) -> None:
    expect(tmp_path, 'verdict = "fail"\nfails = ["edges"]\nmay_fail = ["agreement"]\nwhy = "x"')
    assert known_solutions(tmp_path, entry)[-1].expectation.may_fail == ("agreement",)


@pytest.mark.parametrize(
    ("text", "key", "told"),
    [
        ('verdict = "pass"\nfails = ["edges"]\nwhy = "x"', "verdict", "fail"),
        ('fails = ["edges"]\nwhy = "x"', "verdict", "required"),
        ('verdict = "fail"\nfails = []\nwhy = "x"', "fails", "at least 1"),
        ('verdict = "fail"\nfails = ["edges"]', "why", "required"),
        ('verdict = "fail"\nfails = ["edges"]\nwhy = ""', "why", "at least 1"),
        ('verdict = "fail"\nfails = ["edges"]\nwhy = "x"\nmay-fail = []', "may-fail", "nothing is called this"),
        ('verdict = "fail"\nfails = ["edge"]\nwhy = "x"', "fails[0]", "no check or bar is called 'edge'"),
        (
            'verdict = "fail"\nfails = ["edges"]\nmay_fail = ["count_speed"]\nwhy = "x"',
            "may_fail[0]",
            "no check or bar is called",
        ),
        ('verdict = "fail"\nfails = ["edges"]\nmay_fail = ["edges"]\nwhy = "x"', "may_fail", "is in fails too"),
        ('verdict = "fail"\nfails = ["edges", "edges"]\nwhy = "x"', "fails", "listed twice"),
        ('verdict = "fail"\nfails = ["edges", "count-speed"]\nwhy = "x"', "fails", "both cannot happen"),
        ("verdict = ", "", "not TOML"),
    ],
)
def test_each_fault_of_an_expectation(tmp_path: Path, entry: Entry, text: str, key: str, told: str) -> None:
    expect(tmp_path, text)
    with pytest.raises(CatalogueFault) as refused:
        known_solutions(tmp_path, entry)
    complaints = refused.value.complaints
    assert any(complaint.key == key and told in complaint.problem for complaint in complaints), complaints
    assert {complaint.path.name for complaint in complaints} == {"expect.toml"}


def test_failing_only_what_is_optional_is_no_failure(tmp_path: Path) -> None:
    scaffold(tmp_path, "primes")
    declared = tmp_path / "challenges" / "primes" / "challenge.toml"
    declared.write_text(declared.read_text().replace('id = "count-speed"', 'id = "count-speed"\nrequired = false'))
    with pytest.raises(CatalogueFault, match="none of these is required"):
        known_solutions(tmp_path, load_entry(tmp_path, "primes"))


def test_every_faulty_expectation_is_told(tmp_path: Path, entry: Entry) -> None:
    for name in ("slow-loops", "misses-squares"):
        (solutions_folder(tmp_path, "primes") / "rejected" / name / "expect.toml").unlink()
    with pytest.raises(CatalogueFault) as refused:
        known_solutions(tmp_path, entry)
    assert [complaint.path.parent.name for complaint in refused.value.complaints] == ["misses-squares", "slow-loops"]
