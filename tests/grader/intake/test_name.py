"""Which names a submission's files may have."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.errors import IntakeRefused
from grader.intake import limits
from grader.intake.name import folded, parse_name


@pytest.mark.parametrize(
    ("raw", "parts"),
    [
        ("solution.py", ("solution.py",)),
        ("./a/./b//c.py", ("a", "b", "c.py")),
        ("a/", ("a",)),
        ("", ()),
        (".", ()),
        (".gitignore", (".gitignore",)),
        ("with space.txt", ("with space.txt",)),
        ("console.py", ("console.py",)),
        ("com.py", ("com.py",)),
        ("é" * 127, ("é" * 127,)),
        ("...x", ("...x",)),
    ],
)
def test_ordinary_names(raw: str, parts: tuple[str, ...]) -> None:
    assert parse_name(raw) == parts


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        ("/etc/passwd", "absolute"),
        ("//x", "absolute"),
        ("../x", "leads out"),
        ("a/../../x", "leads out"),
        ("a/..", "leads out"),
        ("a\\b", "has \\\\ in its name"),
        ("C:x", "has : in its name"),
        ("a\0b", "cannot be seen"),
        ("a\nb", "cannot be seen"),
        ("a\x1b[31m", "cannot be seen"),
        ("a\u202eyp.x", "cannot be seen"),
        ("a\u200bb", "cannot be seen"),
        ("a\udcffb", "cannot be seen"),
        ("a\u00a0b", "cannot be seen"),
        ("CON", "Windows"),
        ("lib/nul.py", "Windows"),
        ("Com1.tar.gz", "Windows"),
        ("x ", "space"),
        (" x", "space"),
        ("x.", "dot"),
        ("...", "dot"),
        ("x" * 256, "more than 255 bytes"),
        ("é" * 128, "more than 255 bytes"),
        ("/".join("a" * (limits.DEPTH + 1)), "deep"),
        ("/".join(["a" * 200] * 6), "more than 1024 bytes"),
    ],
)
def test_refused_names_say_what_to_do(raw: str, told: str) -> None:
    with pytest.raises(IntakeRefused, match=told) as refused:
        parse_name(raw)
    text = str(refused.value)
    assert text.isprintable()
    assert any(advice in text for advice in ("rename", "remove", "shorten", "shorter", "flatten", "relative to"))


@given(st.text())
def test_a_parsed_name_stays_below_and_survives_the_round_trip(raw: str) -> None:
    try:
        parts = parse_name(raw)
    except IntakeRefused:
        return
    assert not {"", ".", ".."} & set(parts)
    assert all("/" not in part and part.isprintable() for part in parts)
    assert parse_name("/".join(parts)) == parts


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("README.md", "readme.MD"),
        ("stra\u00dfe", "STRASSE"),
        ("\u00e9", "e\u0301"),
        ("\ufb01x", "fix"),
        ("\u212a", "k"),
    ],
)
def test_names_that_some_system_takes_for_one_fold_together(one: str, other: str) -> None:
    assert folded((one,)) == folded((other,))


@given(st.text())
def test_folding_is_stable(name: str) -> None:
    assert folded(folded((name,))) == folded((name,))
