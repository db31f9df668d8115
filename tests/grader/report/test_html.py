"""The page tells what the result tells, and hostile text in it is only text."""

from html.parser import HTMLParser

import pytest
from hypothesis import example, given, settings

from grader.errors import UsageError
from grader.report import html
from grader.report.wording import TIMES
from grader.result import Result
from tests.grader.gradings import HOSTILE, bar, evidence, hostile_result, result
from tests.grader.report.test_reports import FAILED, HOSTILE_TEXT, SLOW, hostile_everywhere

VOID = {"meta", "br", "circle", "line"}


class Outline(HTMLParser):
    """The elements of a page with the names of their attributes, and all its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, tuple[str, ...]]] = []
        self.values: list[str] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, tuple(name for name, _ in attrs)))
        self.values += [value or "" for _, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def outline(*results: Result) -> Outline:
    parsed = Outline(html.render(results))
    assert parsed.open == []
    return parsed


def test_one_result_is_told_whole() -> None:
    text = outline(result(of=SLOW)).text
    for told in (
        "candidate-7",
        "fail",
        f"4.50{TIMES}",
        "4.455 to 4.545",
        "margin -81.1",
        "decided by",
        "noise floor",
        "at least 99.0% confidence",
        "candidate, checks and bars: CPU 1.0 s, peak memory 20 MiB",
    ):
        assert told in text
    assert "which is 33% less" in text
    assert "popped the wrong value" in outline(result(of=FAILED)).text


def test_several_stand_side_by_side_and_the_leader_is_marked() -> None:
    fast, slow = (result(of=evidence(bars=[bar("lookup", ratio), bar("memory")])) for ratio in (1.0, 1.3))
    page = outline(slow, fast)
    assert page.values.count("number lead") == 1
    assert f"1.30{TIMES}" in page.text
    assert "the very same files" in page.text


def test_a_result_without_any_bar_or_check_is_a_page_too() -> None:
    assert "the engine was lost" in outline(result(of=evidence(fault="the engine was lost", checks=[], bars=[]))).text


def test_results_of_different_challenges_make_no_page() -> None:
    with pytest.raises(UsageError, match="cannot be compared"):
        html.render([result(), result(slug="other")])


def test_it_loads_nothing_and_runs_nothing() -> None:
    page = html.render([result(of=SLOW), hostile_result()])
    assert "default-src 'none'" in page
    elements = Outline(page).elements
    assert not {tag for tag, _ in elements} & {"script", "link", "img", "iframe", "form", "a", "base"}
    assert not {name for _, names in elements for name in names} & {"src", "href", "style", "onload", "onclick"}


@settings(max_examples=60, deadline=None)
@given(HOSTILE_TEXT)
@example(HOSTILE.replace("\ud800", ""))
def test_hostile_text_makes_no_element(text: str) -> None:
    assert outline(hostile_everywhere(text)).elements == outline(hostile_everywhere("x" * len(text))).elements
