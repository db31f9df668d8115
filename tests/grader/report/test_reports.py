"""Each format tells the same result, and hostile text in it is only text."""

import io
import json
import re
import unicodedata
import xml.etree.ElementTree as ET
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from rich.console import Console

from grader.evidence import BarStatus, CheckStatus, Evidence, ResourceEvidence
from grader.report import escape, html, junit, markdown, terminal, wording
from grader.report import json as json_report
from grader.result import Result
from harness.sandbox.roles import Isolation
from tests.grader.gradings import HOSTILE, bar, check, evidence, hostile_result, result

COLOUR = re.compile(r"\x1b\[[0-9;]*m")
"""All that Rich may write to a terminal besides text."""

FAILED = evidence(
    checks=[check("agreement", CheckStatus.FAILED, "popped the wrong value"), check("polish")],
    bars=[bar(id_, status=BarStatus.NOT_MEASURED, ratio=None) for id_ in ("lookup", "memory")],
)
SLOW = evidence(bars=[bar("lookup", 4.5), bar("memory", 2.0, 0.1)])


def shown(of: Result, *, colour: bool = False, width: int = 120) -> str:
    """Print a result as a terminal would get it."""
    written = io.StringIO()
    console = Console(file=written, force_terminal=colour, width=width, color_system="truecolor" if colour else None)
    console.print(terminal.render(of))
    return written.getvalue()


def test_the_verdict_comes_first() -> None:
    assert shown(result()).splitlines()[0].strip() == "PASS: small, candidate-7, score 100 of 100"
    assert shown(result(of=FAILED)).splitlines()[0].strip().startswith("FAIL: small")
    assert shown(result(of=FAILED)).splitlines()[1] == "decided by agreement"


def test_what_failed_is_told_with_what_to_do() -> None:
    text = shown(result(of=FAILED))
    assert "popped the wrong value" in text
    assert "agreement: make the property hold that its message names" in text
    assert "measured once every required check passes" in text
    slow = shown(result(of=SLOW))
    assert re.search(r"lookup +fail +4\.50. +4\.455 to 4\.545 +3\.00. +-81\.1", slow)
    assert (
        "get from 4.50\N{MULTIPLICATION SIGN} to 3.00\N{MULTIPLICATION SIGN} of the reference, which is 33% less"
        in slow
    )
    assert "memory: too close to call" in slow
    assert "interval: at least 99.0% confidence" in slow
    assert "noise floor: 0.50% (the reference against itself on lookup: 0.995 to 1.005)" in slow


def test_a_bar_whose_cores_were_busy_says_so_and_asks_for_a_quieter_machine() -> None:
    busy = bar("lookup", status=BarStatus.NOT_MEASURED, ratio=None, message="it needs 2 cores, and others had them")
    text = shown(result(of=evidence(bars=[busy, bar("memory")])))
    assert text.splitlines()[0].strip().startswith("INCONCLUSIVE")
    assert "it was not measured: it needs 2 cores, and others had them" in text
    assert "Bars that need several cores are measured where these are free" in text


def test_what_several_checks_and_bars_have_in_common_is_said_once() -> None:
    why = "could not be loaded: importing it raised SyntaxError: invalid syntax (solution.py, line 3)"
    checks = [check(id_, CheckStatus.FAILED, why) for id_ in ("agreement", "polish")]
    waiting = [
        bar(id_, status=BarStatus.NOT_MEASURED, ratio=None, message="required checks did not pass: agreement")
        for id_ in ("lookup", "memory")
    ]
    made = result(of=evidence(checks=checks, bars=waiting))
    for text in (shown(made), markdown.render(made), html.render_one(made)):
        assert text.count("SyntaxError") == 1
        assert text.count("as in agreement") == 1
    assert "agreement: mend what its message names, which fails 1 more, then grade again." in shown(made)
    assert "lookup, memory: it was not measured: required checks did not pass: agreement" in shown(made)


def test_a_pass_has_nothing_to_do() -> None:
    assert wording.next_steps(result()) == []
    assert "What to do next" not in shown(result())


def test_what_each_side_used_says_what_for() -> None:
    used = [
        ResourceEvidence(side="candidate", cpu_sec=16.0, memory_peak_mb=193.0),
        ResourceEvidence(side="reference", cpu_sec=None, memory_peak_mb=None),
    ]
    text = shown(result(of=evidence(resources=used)))
    assert "candidate, checks and bars: CPU 16.0 s, peak memory 193 MiB" in text
    assert "reference, bars only: CPU unknown, peak memory unknown" in text


def test_an_error_is_ours_and_sends_nobody_to_fix_a_submission() -> None:
    broken = result(of=evidence(fault="the engine went away", checks=[check("agreement", CheckStatus.FAILED)]))
    assert len(wording.next_steps(broken)) == 1
    assert "says nothing about the submission" in shown(broken)
    assert "the engine went away" in shown(broken)


@pytest.mark.parametrize(
    ("changes", "told"), [({"isolation": Isolation.NONE}, "practice"), ({"selected": ("lookup",)}, "a part")]
)
def test_what_does_not_count_says_so_everywhere(changes: dict[str, Any], told: str) -> None:
    of = evidence(checks=[], bars=[bar("lookup")]) if "selected" in changes else evidence()
    made = result(of=of, **changes)
    assert told in shown(made)
    assert told in markdown.render(made)
    assert "verdict" in junit.render(made)


def test_findings_are_shown_with_advice() -> None:
    found = {"kind": "worked_while_paused", "text": "it worked", "advice": "Look at it."}
    made = result(of=evidence(findings=[found]))
    for text in (shown(made), markdown.render(made).replace("&#95;", "_").replace("&#58;", ":")):
        assert "worked_while_paused: it worked. Look at it." in text


def test_json_is_the_result_in_ascii() -> None:
    made = hostile_result()
    text = json_report.render(made)
    assert text.isascii()
    assert not any(unicodedata.category(character) == "Cc" for character in text.replace("\n", ""))
    assert json.loads(text) == made.model_dump(mode="json")


ELEMENTS = {
    "agreement": {CheckStatus.FAILED: "failure", CheckStatus.ERROR: "error", CheckStatus.SKIPPED: "error"},
    "polish": {CheckStatus.FAILED: "skipped", CheckStatus.ERROR: "error", CheckStatus.SKIPPED: "error"},
}


@pytest.mark.parametrize("id_", ELEMENTS)
@pytest.mark.parametrize("status", list(CheckStatus))
def test_junit_says_how_each_check_ended(id_: str, status: CheckStatus) -> None:
    statuses = {"agreement": CheckStatus.PASSED, "polish": CheckStatus.PASSED, id_: status}
    made = result(of=evidence(checks=[check(name, state, "why") for name, state in statuses.items()]))
    case = ET.fromstring(junit.render(made)).find(f".//testcase[@name='{id_}']")
    assert case is not None
    element = ELEMENTS[id_].get(status)
    assert [child.tag for child in case] == ([] if element is None else [element])


BAR_CASES: list[tuple[dict[str, Any], str | None, str | None]] = [
    ({}, None, None),
    ({"ratio": None}, "error", "error"),
    ({"status": BarStatus.NOT_MEASURED, "ratio": None}, "skipped", "skipped"),
    ({"status": BarStatus.SUBJECT_FAILED, "ratio": None}, "failure", "skipped"),
    ({"estimate": 9.0}, "failure", "skipped"),
    ({"estimate": 2.5, "spread": 0.5}, "error", "skipped"),
]


@pytest.mark.parametrize(("changes", "required", "optional"), BAR_CASES)
def test_junit_says_how_each_bar_ended(changes: dict[str, Any], required: str | None, optional: str | None) -> None:
    made = result(of=evidence(bars=[bar("lookup", **changes), bar("memory", **changes)]))
    root = ET.fromstring(junit.render(made))
    for id_, element in (("lookup", required), ("memory", optional)):
        case = root.find(f".//testcase[@name='{id_}']")
        assert case is not None
        assert [child.tag for child in case] == ([] if element is None else [element])


@pytest.mark.parametrize(
    ("of", "element"),
    [(evidence(), None), (FAILED, "failure"), (evidence(fault="x"), "error"), (evidence(control=None), "error")],
)
def test_junit_says_the_verdict_and_counts(of: Evidence, element: str | None) -> None:
    root = ET.fromstring(junit.render(result(of=of)))
    suite = root.find("testsuite")
    assert suite is not None
    case = suite.find("testcase[@name='verdict']")
    assert case is not None
    assert [child.tag for child in case] == ([] if element is None else [element])
    for noun, plural in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
        assert suite.get(plural) == str(len(suite.findall(f"testcase/{noun}")))
    assert suite.get("tests") == str(len(suite.findall("testcase"))) == "5"


def test_markdown_has_a_row_for_each_check_and_bar() -> None:
    text = markdown.render(result(of=SLOW))
    assert text.startswith("## FAIL&#58; small\n")
    assert "\n| agreement | pass | Agrees with the model |  |\n" in text
    assert re.search(r"\n\| lookup \| fail \| 4\.50. \| 4\.455 to 4\.545 \| 3\.00. \| -81\.1 \| <code>the whole", text)
    assert "99.0% confidence" in text


def hostile_everywhere(text: str) -> Result:
    """Make a result whose every text is hostile, as a file that somebody handed in may be."""

    def spoil(value: object, key: str = "") -> object:
        if key in {"isolation", "verdict", "status", "says", "started_at"}:
            return value
        if isinstance(value, dict):
            return {name: spoil(item, name) for name, item in value.items()}
        if isinstance(value, list):
            return [spoil(item) for item in value]
        return text if isinstance(value, str) else value

    found = {"kind": "k", "text": "t", "advice": "a"}
    sources = [SLOW, FAILED, evidence(fault="x", findings=[found], bars=[bar("lookup", 9.0, message="m")])]
    plain = result(of=sources[len(text) % 3]).model_dump(mode="json")
    plain["submission"]["ignored"] = plain["selected"] = ["x"]
    return Result.model_validate_json(json.dumps(spoil(plain)))


HOSTILE_TEXT = st.text(min_size=1, max_size=40) | st.lists(
    st.sampled_from([
        "\x1b[2J", "\x1b]0;t\x07", "[bold]", "[/]", "[link=http://x]", "\x9b", "<b>", "</testcase>", "]]>", "|", "\n",
        "\r", "`", "**", "[a](http://b)", "![i](x)", "&lt;", "\u202e", "--", "# ", "@a", "\x00", ":warning:",
    ]),
    min_size=1,
).map("".join)  # fmt: skip


@settings(max_examples=60)
@given(HOSTILE_TEXT)
@example(HOSTILE.replace("\ud800", ""))
def test_hostile_text_writes_nothing_to_a_terminal_but_text(text: str) -> None:
    made = hostile_everywhere(text)
    plain = shown(made)
    assert all(unicodedata.category(character) not in escape.UNSAFE for character in plain.replace("\n", ""))
    coloured = COLOUR.sub("", shown(made, colour=True))
    assert coloured == plain


@settings(max_examples=60)
@given(HOSTILE_TEXT)
@example(HOSTILE.replace("\ud800", ""))
def test_hostile_text_makes_no_element_of_xml(text: str) -> None:
    root = ET.fromstring(junit.render(hostile_everywhere(text)))
    assert {element.tag for element in root.iter()} <= {
        "testsuites", "testsuite", "testcase", "failure", "error", "skipped",
    }  # fmt: skip


@settings(max_examples=60)
@given(HOSTILE_TEXT)
@example(HOSTILE.replace("\ud800", ""))
def test_hostile_text_makes_no_structure_of_markdown(text: str) -> None:
    made = hostile_everywhere(text)
    parsed = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).parse(markdown.render(made))
    kinds = {token.type.removesuffix("_open").removesuffix("_close") for token in parsed}
    assert kinds <= {
        "heading", "paragraph", "inline", "table", "thead", "tbody", "tr", "th", "td", "bullet_list", "list_item",
    }  # fmt: skip
    rows = sum(token.type == "tr_open" for token in parsed)
    assert rows == len(made.checks) + len(made.bars) + bool(made.checks) + bool(made.bars)
    inner = [child for token in parsed for child in token.children or []]
    assert {child.content for child in inner if child.type == "html_inline"} <= {"<code>", "</code>"}
    assert {child.type for child in inner} <= {"text", "text_special", "html_inline", "strong_open", "strong_close"}


def test_a_narrow_terminal_loses_nothing() -> None:
    text = "".join(shown(result(of=SLOW), width=60).split())
    for word in ("lookup", "memory", "4.455to4.545", "-81.1", "thewholeintervalisbeyondthebar"):
        assert word in text
