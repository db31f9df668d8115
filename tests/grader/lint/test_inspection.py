"""Lint finds each thing that can be wrong with a challenge, and all of them at once."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from grader.complaint import Complaint, Severity
from grader.errors import UnknownChallenge
from grader.lint import lint
from grader.scaffold import scaffold

CHALLENGE = Path("challenges/primes")
SOLUTIONS = Path("reference_solutions/primes")
SEGMENTED = SOLUTIONS / "accepted" / "segmented"
SLOW = SOLUTIONS / "rejected" / "slow-loops"
ORPHAN = Path("reference_solutions/primed")
TOML = CHALLENGE / "challenge.toml"
BEHAVIOUR = CHALLENGE / "grading" / "test_behaviour.py"

Spoil = Callable[[Path], object]


def remove(path: Path) -> Spoil:
    """Remove a file."""
    return lambda root: (root / path).unlink()


def write(path: Path, text: str) -> Spoil:
    """Write a file, and the folders it needs."""

    def spoil(root: Path) -> None:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)

    return spoil


def add(path: Path, text: str) -> Spoil:
    """Append to a file."""
    return lambda root: (root / path).write_text((root / path).read_text() + text)


def edit(path: Path, old: str, new: str) -> Spoil:
    """Replace text that must be there."""

    def spoil(root: Path) -> None:
        text = (root / path).read_text()
        assert old in text
        (root / path).write_text(text.replace(old, new))

    return spoil


def rename(old: Path, new: Path) -> Spoil:
    """Rename a folder."""
    return lambda root: (root / old).rename(root / new)


def package(text: str) -> Spoil:
    """Make the driver a package, whose own module says `text`."""

    def spoil(root: Path) -> None:
        (root / CHALLENGE / "driver").mkdir()
        (root / CHALLENGE / "driver.py").rename(root / CHALLENGE / "driver" / "parts.py")
        (root / CHALLENGE / "driver" / "__init__.py").write_text(text)

    return spoil


CASES: list[tuple[Spoil, Path, str, str]] = [
    *((remove(CHALLENGE / name), CHALLENGE / name, "", "missing") for name in (
        "SPEC.md", "GUIDE.md", "driver.py", "starter/solution.py", "starter/test_public.py", "starter/NOTES.md",
        "grading/test_behaviour.py", "grading/test_bars.py", "challenge.toml",
    )),
    (write(CHALLENGE / "GUIDE.md", " \n"), CHALLENGE / "GUIDE.md", "", "the file is empty"),
    (write(BEHAVIOUR, "def test_edges(:\n"), BEHAVIOUR, "line 1", "this is not Python"),
    (write(CHALLENGE / "grading" / "oracle.py", "x ="), CHALLENGE / "grading" / "oracle.py", "line 1", "not Python"),
    (write(CHALLENGE / "grading" / "nul.py", "x\0"), CHALLENGE / "grading" / "nul.py", "", "Python"),
    (edit(BEHAVIOUR, "def test_edges", "def test_edge"), BEHAVIOUR, "test_edges", "has no test function"),
    (edit(BEHAVIOUR, "def test_edges", "def test_edge"), BEHAVIOUR, "test_edge", "no check of challenge.toml"),
    (add(BEHAVIOUR, "\ndef test_edges(): pass\n"), BEHAVIOUR, "test_edges", "defined twice"),
    (edit(BEHAVIOUR, "def test_edges", "async def test_edges"), BEHAVIOUR, "test_edges", "a coroutine"),
    (
        edit(BEHAVIOUR, "def test_edges", "@pytest.mark.parametrize('x', [1, 2])\ndef test_edges"),
        BEHAVIOUR, "test_edges", "several tests, but an id is one",
    ),
    (add(BEHAVIOUR, "\nclass TestMore:\n    pass\n"), BEHAVIOUR, "TestMore", "tests in a class"),
    (
        edit(CHALLENGE / "grading" / "test_bars.py", "test_count_speed", "test_speed"),
        CHALLENGE / "grading" / "test_bars.py", "test_count_speed", "the bar 'count-speed' has no test function",
    ),
    (write(CHALLENGE / "driver.py", "def _hidden(): pass"), CHALLENGE / "driver.py", "", "no public function"),
    (package("from .parts import _hidden"), CHALLENGE / "driver/__init__.py", "", "no public function"),
    (package(""), CHALLENGE / "driver/__init__.py", "", "the file is empty"),
    (edit(TOML, 'title = "Primes"', 'title = " "'), TOML, "title", "empty"),
    (edit(TOML, 'title = "Count below several million"', 'title = ""'), TOML, "bars[0].title", "empty"),
    (edit(TOML, "minutes", "minuets"), TOML, "minuets", "nothing is called this"),
    (edit(TOML, "version = 1", "version = 1\nversion = 1"), TOML, "", "this is not TOML"),
    (edit(TOML, 'id = "agreement"', 'id = "edges"'), TOML, "", "ids used twice: edges"),
    (edit(TOML, "minutes", 'entry_point = "../x.py"\nminutes'), TOML, "entry_point", "no path of a Python file"),
    (edit(TOML, "minutes", 'entry_point = "./solution.py"\nminutes'), TOML, "entry_point", "no path of a Python file"),
    (edit(TOML, "minutes", 'entry_point = "run.sh"\nminutes'), TOML, "entry_point", "no path of a Python file"),
    (edit(CHALLENGE / "SPEC.md", "count-speed", "speed"), CHALLENGE / "SPEC.md", "count-speed", "no table row"),
    (edit(CHALLENGE / "SPEC.md", "4.0\N{MULTIPLICATION SIGN}", "4.1\N{MULTIPLICATION SIGN}"),
     CHALLENGE / "SPEC.md", "count-speed", "another pass ratio than 4.0"),
    (edit(CHALLENGE / "SPEC.md", "1.1\N{MULTIPLICATION SIGN}", "1.2\N{MULTIPLICATION SIGN}"),
     CHALLENGE / "SPEC.md", "count-speed", "another distinction ratio than 1.1"),
    (edit(CHALLENGE / "SPEC.md", "4.0\N{MULTIPLICATION SIGN} | 1.1\N{MULTIPLICATION SIGN}", "fast | faster"),
     CHALLENGE / "SPEC.md", "count-speed", "does not state the pass ratio 4.0"),
    (rename(SOLUTIONS / "reference", SOLUTIONS / "referense"), SOLUTIONS / "reference", "", "there is no reference"),
    (rename(SOLUTIONS / "reference", SOLUTIONS / "referense"), SOLUTIONS / "referense", "", "nothing else"),
    (remove(SOLUTIONS / "reference" / "NOTES.md"), SOLUTIONS / "reference" / "NOTES.md", "", "missing"),
    (remove(SEGMENTED / "solution.py"), SEGMENTED, "", "no solution.py"),
    (remove(SLOW / "solution.py"), SLOW, "", "no solution.py"),
    (write(SEGMENTED / "expect.toml", ""), SEGMENTED / "expect.toml", "", "sound"),
    (remove(SLOW / "expect.toml"), SLOW / "expect.toml", "", "missing"),
    (
        edit(SLOW / "expect.toml", "count-speed", "speed"),
        SLOW / "expect.toml", "fails[0]", "no check or bar is called 'speed'",
    ),
    (write(ORPHAN / "reference" / "solution.py", ""), ORPHAN, "", "there is no challenge"),
    (rename(CHALLENGE, Path("challenges/Primes")), Path("challenges/Primes"), "", "no slug"),
]  # fmt: skip


@pytest.mark.parametrize(("spoil", "path", "key", "told"), CASES)
def test_each_fault_is_found(tmp_path: Path, spoil: Spoil, path: Path, key: str, told: str) -> None:
    scaffold(tmp_path, "primes")
    assert faults(lint(tmp_path)) == []
    spoil(tmp_path)
    found = [complaint for complaint in faults(lint(tmp_path)) if (complaint.path, complaint.key) == (path, key)]
    assert any(told in complaint.problem for complaint in found), faults(lint(tmp_path))
    assert all(complaint.advice for complaint in found)


def test_a_driver_may_be_a_package(tmp_path: Path) -> None:
    scaffold(tmp_path, "primes")
    package("from .parts import count as count\n")(tmp_path)
    assert faults(lint(tmp_path)) == []


def faults(complaints: list[Complaint]) -> list[Complaint]:
    """Leave the warnings out."""
    return [complaint for complaint in complaints if complaint.severity is Severity.FAULT]


def test_everything_is_told_at_once(tmp_path: Path) -> None:
    scaffold(tmp_path, "primes")
    spoiled = {
        CHALLENGE / "GUIDE.md": remove(CHALLENGE / "GUIDE.md"),
        CHALLENGE / "SPEC.md": edit(CHALLENGE / "SPEC.md", "count-speed", "speed"),
        CHALLENGE / "driver.py": write(CHALLENGE / "driver.py", "def"),
        BEHAVIOUR: edit(BEHAVIOUR, "def test_edges", "def test_edge"),
        SEGMENTED: remove(SEGMENTED / "solution.py"),
        SLOW / "expect.toml": remove(SLOW / "expect.toml"),
        ORPHAN: write(ORPHAN / "reference" / "solution.py", ""),
    }
    for spoil in spoiled.values():
        spoil(tmp_path)
    assert {complaint.path for complaint in faults(lint(tmp_path))} == set(spoiled)


def test_zero_weights_and_no_required_check(tmp_path: Path) -> None:
    scaffold(tmp_path, "primes")
    toml = tmp_path / TOML
    zero = toml.read_text().replace("weight = 2.0", "weight = 0.0").replace('id = "edges"', 'id = "edges"\nweight = 0')
    toml.write_text(zero)
    assert [complaint.key for complaint in faults(lint(tmp_path))] == ["weight"]
    toml.write_text(
        zero.replace("weight = 0.0", "weight = 1.0\nrequired = false").replace("weight = 0\n", "required = false\n")
    )
    assert "checks" in [complaint.key for complaint in faults(lint(tmp_path))]


def test_too_few_known_solutions_are_warnings(tmp_path: Path) -> None:
    scaffold(tmp_path, "primes")
    rejected = tmp_path / SOLUTIONS / "rejected"
    (rejected / "slow-loops").rename(tmp_path / "aside")
    (tmp_path / SOLUTIONS / "accepted" / "segmented").rename(tmp_path / "beside")
    warnings = lint(tmp_path)
    assert [(complaint.path.name, complaint.key, complaint.severity) for complaint in warnings] == [
        ("accepted", "", Severity.WARNING),
        ("rejected", "", Severity.WARNING),
        ("rejected", "count-speed", Severity.WARNING),
    ]
    assert "1 of at least 2" in warnings[0].problem
    assert "2 of at least 10" in warnings[1].problem
    assert "nobody knows that it can fail" in warnings[2].problem


def test_a_patch_that_does_not_fit_is_a_fault(tmp_path: Path) -> None:
    scaffold(tmp_path, "primes")
    base = tmp_path / SOLUTIONS / "accepted" / "whole-sieve" / "solution.py"
    base.write_text(base.read_text().replace("isqrt(limit - 1) + 1", "isqrt(limit) + 1"))
    (complaint,) = faults(lint(tmp_path))
    assert complaint.path == SOLUTIONS / "rejected" / "misses-squares" / "fault.patch"
    assert "does not fit whole-sieve" in complaint.problem


def test_one_cause_is_told_once(tmp_path: Path) -> None:
    scaffold(tmp_path, "primes")
    (tmp_path / CHALLENGE / "starter" / "solution.py").unlink()
    shutil.rmtree(tmp_path / SOLUTIONS / "rejected")
    assert [(complaint.path.name, complaint.severity) for complaint in lint(tmp_path)] == [
        ("solution.py", Severity.FAULT),
        ("rejected", Severity.WARNING),
    ]


def test_one_challenge_alone(tmp_path: Path) -> None:
    scaffold(tmp_path, "primes")
    scaffold(tmp_path, "other")
    (tmp_path / "challenges" / "other" / "SPEC.md").unlink()
    (tmp_path / "reference_solutions" / "orphan").mkdir()
    assert faults(lint(tmp_path, "primes")) == []
    assert {str(complaint.path) for complaint in faults(lint(tmp_path))} == {
        "challenges/other/SPEC.md",
        "reference_solutions/orphan",
    }
    with pytest.raises(UnknownChallenge):
        lint(tmp_path, "nowhere")


def test_an_empty_root_is_told(tmp_path: Path) -> None:
    with pytest.raises(UnknownChallenge, match="takehome new"):
        lint(tmp_path)


def test_a_challenge_without_bars_needs_no_bars_file(tmp_path: Path) -> None:
    scaffold(tmp_path, "primes")
    toml = tmp_path / TOML
    toml.write_text(toml.read_text().split("[[bars]]")[0])
    (tmp_path / CHALLENGE / "grading" / "test_bars.py").unlink()
    slow = tmp_path / SOLUTIONS / "rejected" / "slow-loops" / "expect.toml"
    slow.write_text(slow.read_text().replace("count-speed", "edges"))
    assert faults(lint(tmp_path)) == []


def test_nothing_of_a_challenge_is_run(tmp_path: Path) -> None:
    scaffold(tmp_path, "primes")
    for path in [*(tmp_path / CHALLENGE).rglob("*.py"), *(tmp_path / SOLUTIONS).rglob("*.py")]:
        path.write_text(path.read_text() + f"\nopen({str(tmp_path / 'ran')!r}, 'w')\n")
    lint(tmp_path)
    assert not (tmp_path / "ran").exists()
    assert not list(tmp_path.rglob("__pycache__"))


def test_complaints_are_plain(tmp_path: Path) -> None:
    scaffold(tmp_path, "primes")
    (tmp_path / CHALLENGE / "SPEC.md").unlink()
    found = lint(tmp_path)[0]
    assert found.to_plain() == {
        "path": "challenges/primes/SPEC.md",
        "key": "",
        "problem": "the file is missing",
        "advice": "say what the candidate is asked to build, or copy it from `takehome new`",
        "severity": "fault",
    }
    assert str(found).startswith("challenges/primes/SPEC.md: the file is missing; say what")
