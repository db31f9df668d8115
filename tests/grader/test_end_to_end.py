"""The command from one end to the other: a real challenge, a real grader role, real subjects."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from grader.result_file import read_result
from grader.verdict import Verdict
from tests.grader.tally import SLUG, solution, write_tally

LIMIT_SEC = 240.0
"""A dozen launches of two bars and a control, on a machine that is busy with other tests."""

LOCAL = pytest.param("local", id="local")
DOCKER = pytest.param("docker", id="docker", marks=pytest.mark.docker)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = write_tally(tmp_path / "root")
    monkeypatch.setenv("TAKEHOME_ROOT", str(folder))
    return folder


def takehome(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "grader.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_SEC, check=False)


@pytest.mark.parametrize("sandbox", [LOCAL, DOCKER])
def test_a_right_solution_is_graded_whole_and_every_report_is_written(sandbox: str, root: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    reports = (
        "--junit",
        tmp_path / "junit.xml",
        "--markdown",
        tmp_path / "summary.md",
        "--html",
        tmp_path / "page.html",
    )
    ended = takehome("grade", solution(root, "reference"), "-o", out, "--sandbox", sandbox, *reports)
    result = read_result(out / "result.json")
    assert result.verdict in {Verdict.PASS, Verdict.INCONCLUSIVE}, ended.stderr  # as noisy as this machine is just now
    assert ended.returncode == (0 if result.verdict is Verdict.PASS else 4)
    assert [check.status for check in result.checks] == ["passed", "passed"]
    assert all(bar.ratio is not None and bar.launches for bar in result.bars)
    assert result.control is not None
    assert result.challenge.slug == SLUG
    assert result.practice is (sandbox == "local")
    assert ("Practice, not a verdict" in ended.stderr) is (sandbox == "local")
    benchmarks = json.loads((out / "benchmarks.json").read_text())["benchmarks"]
    assert {found["name"].partition("[")[0] for found in benchmarks}
    assert len(ET.parse(tmp_path / "junit.xml").findall(".//testcase")) == 5
    assert "tally" in (tmp_path / "summary.md").read_text()
    assert "tally" in (tmp_path / "page.html").read_text()
    assert "bulk" in ended.stdout


def test_a_grading_is_replayed_from_its_result(root: Path, tmp_path: Path) -> None:
    wrong, then, now = solution(root, "rejected/forgetful"), tmp_path / "then", tmp_path / "now"
    takehome("grade", wrong, "-o", then, "--sandbox", "local")
    again = takehome("regrade", then, wrong, "-o", now, "--sandbox", "local")
    assert again.returncode == 1, again.stderr
    assert "the verdict is the same: fail" in again.stdout
    assert read_result(now / "result.json").seed == read_result(then / "result.json").seed
    over = takehome("regrade", then, wrong, "-o", then, "--sandbox", "local")
    assert (over.returncode, over.stdout) == (2, "")
    assert "would be replaced" in over.stderr
    (wrong / "solution.py").write_text("total = sum\n")
    other = takehome("regrade", then, wrong, "-o", now, "--sandbox", "local")
    assert other.returncode == 2
    assert "not the files that were graded" in other.stderr


@pytest.mark.parametrize("sandbox", [LOCAL, DOCKER])
def test_a_wrong_solution_fails_by_its_check_and_no_bar_is_measured(sandbox: str, root: Path, tmp_path: Path) -> None:
    wrong = solution(root, "rejected/forgetful")
    ended = takehome("grade", wrong, "-o", tmp_path, "--sandbox", sandbox, "--json", "--seed", "5")
    assert ended.returncode == 1, ended.stderr
    result: dict[str, Any] = json.loads(ended.stdout)
    assert result == json.loads((tmp_path / "result.json").read_text())
    assert result["decided_by"] == ["adds-up"]
    assert result["seed"] == 5
    assert [bar["verdict"] for bar in result["bars"]] == ["not_measured", "not_measured"]


def test_verify_says_of_each_known_solution_whether_it_got_what_it_should(root: Path) -> None:
    ended = takehome("verify", SLUG, "--quick", "--only", "[sf]*", "--sandbox", "local", "--json")
    (verification,) = json.loads(ended.stdout)
    rows = {row["solution"]: row for row in verification["rows"]}
    assert list(rows) == ["starter", "rejected/forgetful", "rejected/slow"]
    assert rows["starter"]["verdict"] == rows["rejected/forgetful"]["verdict"] == "fail"
    assert rows["starter"]["agreement"] == rows["rejected/forgetful"]["agreement"] == "expected"
    assert rows["rejected/slow"]["margins"][0]["ratio"] > 5
    assert verification["complete"]


def test_verify_notices_a_solution_that_is_not_what_its_folder_says(root: Path) -> None:
    (solution(root, "rejected/forgetful") / "solution.py").write_text("def total(numbers):\n    return sum(numbers)\n")
    ended = takehome("verify", SLUG, "--quick", "--only", "forgetful", "--sandbox", "local")
    assert ended.returncode == 1
    assert "rejected/forgetful, run 1: was not caught by adds-up" in ended.stdout


def test_bench_says_where_a_slow_solution_stands(root: Path) -> None:
    ended = takehome("bench", solution(root, "rejected/slow"), "--sandbox", "local")
    assert ended.returncode == 1, ended.stderr
    lines = ended.stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["bulk", "again"]
    assert all("over the bar by a factor of" in line for line in lines)


def test_doctor_tells_of_each_thing_and_its_exit_code_says_whether_one_is_missing() -> None:
    ended = takehome("doctor", "--json")
    found = {diagnosis["name"]: diagnosis for diagnosis in json.loads(ended.stdout)}
    assert {"python", "docker", "cores", "memory", "load", "governor", "disk"} <= set(found)
    missing = [diagnosis for diagnosis in found.values() if diagnosis["health"] == "missing"]
    assert ended.returncode == (3 if missing else 0)
    assert all(diagnosis["advice"] for diagnosis in missing)


def test_a_folder_that_cannot_be_written_is_told_before_and_not_after_the_grading(root: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    ended = takehome("grade", solution(root, "reference"), "-o", tmp_path / "file" / "out", "--sandbox", "local")
    assert ended.returncode == 2
    assert "starting" not in ended.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_protected_folder_is_told_before_the_grading(root: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir(mode=0o500)
    ended = takehome("grade", solution(root, "reference"), "-o", out, "--sandbox", "local")
    assert ended.returncode == 2
    assert "starting" not in ended.stderr


def test_an_interrupted_verification_tells_what_is_done_so_far(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    command = [sys.executable, "-m", "grader.cli", "verify", SLUG, "--sandbox", "local", "--json"]
    verify = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert verify.stderr is not None
    for line in verify.stderr:
        if "verify 2/5: tally reference: adds-up" in line:
            break
    verify.send_signal(signal.SIGINT)
    out, err = verify.communicate(timeout=LIMIT_SEC)
    assert verify.returncode == 130
    (verification,) = json.loads(out)
    assert [row["solution"] for row in verification["rows"]] == ["starter"]
    assert verification["complete"] is False
    assert "Stopped after 1 of 5 gradings" in err
    assert list(temporary.iterdir()) == []
