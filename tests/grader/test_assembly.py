"""A result tells everything a grading learned, whole and broken."""

import math

import pytest

from grader.assembly import MESSAGE_CHARS, assemble, assemble_fault, takehome_version
from grader.bar_verdict import BarVerdict
from grader.evidence import CheckStatus, Evidence
from grader.result_file import validate
from grader.verdict import Verdict
from harness.sandbox.roles import Isolation
from tests.grader.gradings import bar, challenge, check, circumstances, evidence, hostile_result, result


def test_a_whole_grading() -> None:
    made = result()
    assert (made.verdict, made.score, made.decided_by, made.faults) == (Verdict.PASS, 100.0, [], [])
    assert (made.challenge.slug, made.challenge.version) == ("small", 1)
    assert (made.submission.name, made.submission.files, made.submission.size_bytes) == ("candidate-7", 1, 10)
    assert made.takehome_version == takehome_version() != "not installed"
    assert [found.id for found in made.checks] == ["agreement", "polish"]
    lookup = made.bars[0]
    assert (lookup.verdict, lookup.distinguished, lookup.pass_, lookup.control) == (BarVerdict.PASS, True, 3.0, True)
    assert lookup.launches == [[1.0, 1.0], [1.0]]
    assert made.control is not None
    assert made.control.floor == pytest.approx(math.expm1(0.005))
    assert made.machine is not None
    assert made.machine.cpu_model == "A CPU"
    validate(made.model_dump(mode="json"))


def test_json_uses_the_words_of_the_challenge() -> None:
    plain = result().model_dump(mode="json")
    assert plain["bars"][0]["pass"] == 3.0
    assert plain["schema_version"] == 1
    assert plain["started_at"] == "2024-05-06T07:08:09Z"


@pytest.mark.parametrize(("isolation", "practice"), [(Isolation.DOCKER, False), (Isolation.NONE, True)])
def test_without_isolation_it_is_practice(isolation: Isolation, practice: bool) -> None:
    assert result(isolation=isolation).practice is practice


def test_a_grading_without_evidence_is_our_error() -> None:
    made = assemble_fault(circumstances(), challenge(), "no engine answers")
    assert (made.verdict, made.score, made.faults) == (Verdict.ERROR, None, ["no engine answers"])
    assert (made.checks, made.bars, made.machine, made.timing) == ([], [], None, None)
    validate(made.model_dump(mode="json"))


@pytest.mark.parametrize(
    "broken",
    [
        evidence(timing={"total_sec": math.nan, "candidate_sec": math.inf, "reference_sec": 0.0}),
        evidence(bars=[bar("lookup", math.nan), bar("memory", duration_sec=math.inf)]),
        evidence(checks=[check("agreement").model_copy(update={"duration_sec": math.inf}), check("polish")]),
        evidence(control={"bar": "lookup", "ratio": {"estimate": 1, "low": math.nan, "high": 1, "confidence": 0.9}}),
        evidence(checks=[], bars=[]),
        evidence(machine={**evidence().machine.model_dump(), "load_before": math.nan}),
    ],
)
def test_evidence_that_cannot_be_believed_still_makes_a_result(broken: Evidence) -> None:
    made = assemble(circumstances(), challenge(), broken)
    assert made.verdict is Verdict.ERROR
    validate(made.model_dump(mode="json"))


def test_a_bar_whose_measurement_broke_keeps_its_message_and_no_ratio() -> None:
    made = result(of=evidence(bars=[bar("lookup", math.nan, message="odd"), bar("memory")]))
    assert (made.bars[0].ratio, made.bars[0].launches, made.bars[0].message) == (None, [], "odd")
    assert made.bars[0].reason.startswith("the measurement cannot be believed")


def test_texts_are_cut_and_made_writable() -> None:
    long = evidence(checks=[check("agreement", CheckStatus.FAILED, "x" * 10_000), check("polish")])
    assert len(result(of=long).checks[0].message) == MESSAGE_CHARS
    made = hostile_result()
    made.model_dump_json().encode("utf-8")
    validate(made.model_dump(mode="json"))


def test_a_selection_is_told() -> None:
    only = evidence(checks=[check("agreement")], bars=[], control=None)
    made = result(of=only, selected=("agreement",))
    assert (made.selected, made.verdict, made.bars) == (["agreement"], Verdict.INCONCLUSIVE, [])
