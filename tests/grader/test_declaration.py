"""A TOML file is read as its model, or every fault of it is told with its key."""

from pathlib import Path

import pytest

from grader.challenge import Challenge
from grader.declaration import key_path, read_declaration
from grader.errors import CatalogueFault

SOUND = """
version = 1
title = "Small"
summary = "A small one"
area = "tests"
minutes = 10
[[checks]]
id = "agreement"
title = "Agrees"
[[bars]]
id = "lookup"
title = "Lookup"
pass = 3.0
control = true
"""


def faults(tmp_path: Path, text: str | bytes) -> list[tuple[str, str]]:
    """Read a challenge that is at fault; give each fault's key and problem."""
    path = tmp_path / "challenge.toml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(CatalogueFault) as refused:
        read_declaration(path, Challenge)
    assert all(complaint.path == path for complaint in refused.value.complaints)
    assert all(complaint.advice for complaint in refused.value.complaints)
    return [(complaint.key, complaint.problem) for complaint in refused.value.complaints]


def test_a_sound_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "challenge.toml"
    path.write_text(SOUND)
    read = read_declaration(path, Challenge)
    assert (read.title, read.bars[0].pass_, [item.id for item in read.items]) == ("Small", 3.0, ["agreement", "lookup"])


def test_every_fault_is_told_at_once(tmp_path: Path) -> None:
    spoiled = SOUND.replace("minutes = 10", "minuets = 10").replace("pass = 3.0", 'pass = "3"\nwieght = 1')
    spoiled = spoiled.replace('id = "agreement"', 'id = "Agree_ment"')
    assert sorted(key for key, _ in faults(tmp_path, spoiled)) == [
        "bars[0].pass",
        "bars[0].wieght",
        "checks[0].id",
        "minuets",
        "minutes",
    ]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("pass = 3.0", "pass = 1.05", "distinction must be below pass"),
        ("pass = 3.0", "pass = 0.9", "greater than 1"),
        ("pass = 3.0", "pass = inf", "finite"),
        ("control = true", "control = false", "exactly one bar must have control = true"),
        ('id = "lookup"', 'id = "agreement"', "ids used twice: agreement"),
        ("version = 1", "version = 0", "greater than or equal to 1"),
        ("version = 1", "version = 1\nversion = 2", "this is not TOML"),
        ("minutes = 10", "minutes = ", "this is not TOML"),
    ],
)
def test_each_fault_says_what_is_wrong(tmp_path: Path, old: str, new: str, told: str) -> None:
    found = faults(tmp_path, SOUND.replace(old, new))
    assert len(found) == 1
    assert told in found[0][1]


def test_a_file_that_is_no_text_or_not_there_is_a_fault(tmp_path: Path) -> None:
    assert faults(tmp_path, b"\xff")[0] == ("", "byte 0 is not UTF-8")
    with pytest.raises(CatalogueFault, match="the file is missing; write it"):
        read_declaration(tmp_path / "nowhere.toml", Challenge)
    with pytest.raises(CatalogueFault, match="cannot be read"):
        read_declaration(tmp_path, Challenge)


def test_places_are_written_as_an_author_thinks_of_them() -> None:
    assert key_path(("bars", 2, "pass")) == "bars[2].pass"
    assert key_path(()) == ""
