"""Hostile text is shown, and does nothing else."""

import unicodedata
import xml.etree.ElementTree as ET

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from grader.report import escape
from tests.grader.gradings import HOSTILE

ANY_TEXT = st.text(st.characters(codec=None)) | st.text(
    st.sampled_from([*"\x1b[]m8;;\\\a\x9b\r\n\t|`*_~#@:!<>&\"'(){}$-+=.0aw/ ", "\u202e", "\u2028", "\u0301", "\ud800"])
)

MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


def is_harmless(text: str) -> bool:
    """Tell whether no character of a line steers, hides or reorders."""
    return all(unicodedata.category(character) not in escape.UNSAFE for character in text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain words, 3.0", "plain words, 3.0"),
        ("na\u00efve \u65e5\u672c\u8a9e \U0001f600", "na\u00efve \u65e5\u672c\u8a9e \U0001f600"),
        ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
        ("a\x00b\x7fc\x9bd", "a\\x00b\\x7fc\\x9bd"),
        ("a\u202eb\u2066c", "a\\u202eb\\u2066c"),
        ("tag\U000e0041", "tag\\U000e0041"),
        ("\ud800", "\\ud800"),
        (" a\r\n\tb\u2028c ", "a b c"),
        ("e\u0301", "e\u0301"),
        ("e" + "\u0301" * 4, "e\u0301\u0301\\u0301\\u0301"),
        ("x" * 600, "x" * 499 + "\u2026"),
    ],
)
def test_a_line(text: str, shown: str) -> None:
    assert escape.line(text) == shown


@given(ANY_TEXT)
@example(HOSTILE)
def test_every_line_is_one_harmless_line(text: str) -> None:
    shown = escape.line(text)
    assert is_harmless(shown)
    assert len(shown) <= escape.LINE_CHARS
    assert len(shown.splitlines()) <= 1
    shown.encode("utf-8")


@given(ANY_TEXT)
@example(HOSTILE)
@example("\n" * 1000)
def test_every_block_is_a_few_harmless_lines(text: str) -> None:
    lines = escape.block(text).split("\n")
    assert len(lines) <= escape.BLOCK_LINES + 1
    assert all(is_harmless(row) and len(row) <= escape.LINE_CHARS for row in lines)


@given(ANY_TEXT)
@example(HOSTILE)
@example("]]>-->")
def test_markup_comes_back_as_text(text: str) -> None:
    root = ET.fromstring(f'<a b="{escape.markup(text)}">{escape.markup(text)}</a>')
    assert (root.text or "") == root.get("b") == escape.line(text)
    assert len(root) == 0


@given(ANY_TEXT)
@example(HOSTILE)
@example("[a](http://x) <b> ![x](y) `c` | d @someone #1 :smile: www.example.com $x$ ~~s~~ <!-- x")
def test_markdown_stays_one_cell_of_text(text: str) -> None:
    row = f"| {escape.markdown(text)} | {escape.markdown_code(text)} | end |"
    tokens = MARKDOWN.parse(f"| a | b | c |\n| --- | --- | --- |\n{row}\n")
    cells = [token for token in tokens if token.type == "inline"][3:]
    assert len(cells) == 3
    for cell in cells:
        kinds = [(child.type, child.content) for child in cell.children or [] if child.type != "text"]
        assert [kind for kind in kinds if kind[0] != "text_special"] in (
            [],
            [("html_inline", "<code>"), ("html_inline", "</code>")],
        )
    assert cells[2].content == "end"


@pytest.mark.parametrize("text", ["www.example.com", "WWW.x", "http://x", "a@b.c", "@someone", "#12", ":smile:", "$x$"])
def test_nothing_is_left_that_a_site_turns_into_something(text: str) -> None:
    shown = escape.markdown(text)
    assert not any(mark in shown.replace("&#", "") for mark in "@#:/$")
    assert "www." not in shown.lower()
