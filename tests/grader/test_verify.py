"""What a verification plans, and how its rows come together."""

from dataclasses import replace
from pathlib import Path

import pytest

from grader.catalogue import load_entry
from grader.cli.matrix import bar_lines
from grader.cli.verify import exit_code
from grader.dead_zone import Margin
from grader.errors import UsageError
from grader.expectation_match import Agreement
from grader.known import SolutionKind, known_solutions
from grader.verdict import Verdict
from grader.verify import Plan, Row, Verification, plan, selection, summarize
from tests.grader.tally import SLUG, solution, write_tally


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_tally(tmp_path)


def planned(root: Path, pattern: str | None = None, runs: int = 1, quick: bool = False) -> list[Plan]:
    return plan(root, load_entry(root, SLUG), pattern, runs, quick)


def row(solution: str, ratio: float = 1.0, agreement: Agreement = Agreement.EXPECTED, **changes: object) -> Row:
    kind = SolutionKind(solution.partition("/")[0])
    verdict = Verdict.PASS if kind in {SolutionKind.REFERENCE, SolutionKind.ACCEPTED} else Verdict.FAIL
    margin = Margin("bulk", ratio, 3.0, units=50.0 if ratio < 3.0 else -50.0)
    made = Row(SLUG, solution, kind, 1, 7, verdict, (), agreement, (), (margin,), 1.5)
    return replace(made, **changes)  # type: ignore[arg-type]


def test_every_known_solution_is_planned_as_often_as_asked(root: Path) -> None:
    plans = planned(root, runs=2)
    assert [(found.solution.name, found.run) for found in plans] == [
        ("starter", 1),
        ("starter", 2),
        ("reference", 1),
        ("reference", 2),
        ("accepted/recount", 1),
        ("accepted/recount", 2),
        ("rejected/forgetful", 1),
        ("rejected/forgetful", 2),
        ("rejected/slow", 1),
        ("rejected/slow", 2),
    ]
    assert {found.selected for found in plans} == {()}


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("rejected/*", ["rejected/forgetful", "rejected/slow"]),
        ("slow", ["rejected/slow"]),
        ("re*", ["reference", "accepted/recount", "rejected/forgetful", "rejected/slow"]),
    ],
)
def test_a_pattern_picks_by_whole_name_or_last_part(root: Path, pattern: str, names: list[str]) -> None:
    assert [found.solution.name for found in planned(root, pattern)] == names


def test_a_pattern_that_names_nothing_is_a_usage_error(root: Path) -> None:
    with pytest.raises(UsageError, match="frobnicate"):
        planned(root, "frobnicate")


def test_a_quick_run_looks_only_at_what_the_expectation_names(root: Path) -> None:
    entry = load_entry(root, SLUG)
    looked = {found.name: selection(entry.challenge, found) for found in known_solutions(root, entry)}
    assert looked == {
        "starter": ("adds-up", "empty"),
        "reference": (),
        "accepted/recount": ("bulk", "again"),
        "rejected/forgetful": ("adds-up",),
        "rejected/slow": ("bulk", "again"),
    }


def test_a_quick_run_of_one_bar_measures_the_control_bar_too(root: Path) -> None:
    expect = solution(root, "rejected/slow") / "expect.toml"
    expect.write_text(expect.read_text().replace('["bulk", "again"]', '["again"]'))
    toml = root / "challenges" / SLUG / "challenge.toml"
    toml.write_text(toml.read_text().replace("required = false", "required = true"))
    (slow,) = planned(root, "slow", quick=True)
    assert slow.selected == ("again", "bulk")


def test_rows_come_together_with_the_bars_dead_zone(root: Path) -> None:
    plans = planned(root)
    rows = [
        row("starter"),
        row("reference", 1.0),
        row("accepted/recount", 1.6),
        row("rejected/forgetful"),
        row("rejected/slow", 20.0),
    ]
    (verification,) = summarize(plans, rows)
    assert verification.complete
    assert verification.faults == ()
    (zone,) = verification.separations
    assert (zone.slowest_sound, zone.fastest_slow) == (("accepted/recount", 1.6), ("rejected/slow", 20.0))
    assert list(bar_lines(verification)) == [
        "bulk                 accepted/recount 1.600 | bar 3.00 | rejected/slow 20.000"
    ]


def test_an_interrupted_verification_says_so(root: Path) -> None:
    (verification,) = summarize(planned(root), [row("starter")])
    assert not verification.complete
    assert verification.to_plain()["complete"] is False


def test_what_is_wrong_is_listed_with_solution_and_run(root: Path) -> None:
    wrong = row("rejected/slow", 3.1, Agreement.UNEXPECTED, reasons=("was not caught by bulk",), run=4)
    (verification,) = summarize(planned(root), [wrong])
    assert verification.faults[0] == "rejected/slow, run 4: was not caught by bulk"
    assert "factor of 1.03" in verification.faults[1]


@pytest.mark.parametrize(
    ("agreements", "code"),
    [
        ([Agreement.EXPECTED, Agreement.EXPECTED], 0),
        ([Agreement.EXPECTED, Agreement.UNEXPECTED], 1),
        ([Agreement.EXPECTED, Agreement.INCONCLUSIVE], 4),
        ([Agreement.INCONCLUSIVE, Agreement.UNEXPECTED], 1),
        ([Agreement.UNEXPECTED, Agreement.ERROR], 3),
    ],
)
def test_the_exit_code_tells_our_faults_from_the_challenges(agreements: list[Agreement], code: int) -> None:
    rows = tuple(row("reference", agreement=agreement) for agreement in agreements)
    assert exit_code([Verification(SLUG, rows, (), complete=True)]) == code


def test_a_bar_without_its_distance_is_a_fault_though_every_grading_went_well(root: Path) -> None:
    verifications = summarize(planned(root), [row("accepted/recount", 2.9)])
    assert exit_code(verifications) == 1
