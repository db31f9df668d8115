r"""Make hostile text harmless for the place where it is shown.

All that came from a submission passes through here: its name, its messages, its file names. What could steer a
terminal, hide or reorder text (controls, ANSI escapes, bidirectional marks, zero-width characters, line separators,
lone surrogates) is shown as a backslash escape such as `\x1b`, so that a reader sees it was there. Each format then
escapes its own syntax.
"""

import html
import re
import string
import unicodedata

UNSAFE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode categories that steer, hide or have no agreed look."""

LINE_CHARS = 500
"""Longest single line shown; the result file holds the rest."""

BLOCK_LINES = 20
"""Most lines shown of a text that may have several."""

STACKED_MARKS = 2
"""Combining marks kept on one character; languages need two, and a tower of them paints over other lines."""

HARMLESS = frozenset("-+.,;%?=()'")
"""Punctuation that is structure in Markdown only at the beginning of a line or after a bracket, where it never is."""

MARKDOWN_SYNTAX = {ord(mark): f"&#{ord(mark)};" for mark in string.punctuation if mark not in HARMLESS}
"""A character reference is never structure in Markdown, so nothing can open a link, a tag, a cell or an emphasis."""

BARE_ADDRESS = re.compile(r"(?<=www)\.", re.IGNORECASE)
"""What sites turn into a link without any mark of syntax."""


def line(text: str, limit: int = LINE_CHARS) -> str:
    """Show `text` as one harmless line of at most `limit` characters."""
    flat = re.sub(r"\s+", " ", _clipped(text, limit)).strip()
    return _clipped(_visible(flat), limit)


def block(text: str) -> str:
    """Show `text` as harmless lines, at most BLOCK_LINES of them."""
    lines = text.replace("\r\n", "\n").expandtabs(4).split("\n")
    shown = [_clipped(_visible(_clipped(row, LINE_CHARS)), LINE_CHARS) for row in lines[:BLOCK_LINES]]
    return "\n".join([*shown, *(["…"] if len(lines) > BLOCK_LINES else [])])


def markup(text: str) -> str:
    """Show `text` as one line inside XML or HTML, in an element or a quoted attribute."""
    return html.escape(line(text), quote=True)


def markdown(text: str) -> str:
    """Show `text` as one line inside Markdown, also in a table's cell, but not at the beginning of a line."""
    return BARE_ADDRESS.sub("&#46;", line(text).translate(MARKDOWN_SYNTAX))


def markdown_code(text: str) -> str:
    """Show hostile `text` inside Markdown as code, where no site turns names or addresses into links."""
    return f"<code>{markdown(text)}</code>"


def _clipped(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _visible(text: str) -> str:
    shown: list[str] = []
    marks = 0
    for character in text:
        category = unicodedata.category(character)
        marks = marks + 1 if category in {"Mn", "Me"} else 0
        unsafe = category in UNSAFE or marks > STACKED_MARKS
        shown.append(_escape(character) if unsafe else character)
    return "".join(shown)


def _escape(character: str) -> str:
    number = ord(character)
    if number <= 0xFF:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number <= 0xFFFF else f"\\U{number:08x}"
