"""Hold the hash map's SPEC.md to what is graded: nobody is graded on what it does not say."""

from __future__ import annotations

import re
import tomllib
from fnmatch import fnmatch

import pytest

from tests.challenges.loading import CHALLENGES, Import

FOLDER = CHALLENGES / "hashmap"
SPEC = (FOLDER / "SPEC.md").read_text(encoding="utf-8")
CHALLENGE = tomllib.loads((FOLDER / "challenge.toml").read_text(encoding="utf-8"))


def rows(heading: str) -> list[list[str]]:
    """Read the table under a heading, without its head."""
    section = SPEC.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def names(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def test_every_check_is_told() -> None:
    assert [names(row[0])[0] for row in rows("What is checked")] == [check["id"] for check in CHALLENGE["checks"]]


def test_every_bar_is_told_with_its_thresholds() -> None:
    told = [(names(row[0])[0], float(row[2][:-1]), float(row[3][:-1])) for row in rows("What is measured")]
    assert told == [(bar["id"], bar["pass"], bar.get("distinction", 1.10)) for bar in CHALLENGE["bars"]]


def test_allowed_modules_are_told(grading: Import) -> None:
    allowed = grading("allowed_imports").ALLOWED
    told = rows("Not allowed: a native mapping in disguise")
    assert sorted(name for row in told for name in names(row[0])) == sorted(allowed)
    for modules, what in told:
        for module in names(modules):
            if allowed[module]:
                assert set(names(what)) == allowed[module]


def test_refused_names_are_told(grading: Import) -> None:
    forbidden, imports = grading("forbidden_names"), grading("allowed_imports")
    whole = SPEC.partition("## Not allowed")[2].partition("## What is checked")[0]
    told = set(names(whole))
    assert set(forbidden.NAMES) <= told
    assert told >= forbidden.FIXED
    for module, refused in imports.REFUSED.items():
        assert all(any(fnmatch(name, pattern) for pattern in told) for name in refused), module
    frames = re.compile(r"^(f|tb|gi|cr|ag)_")
    assert {name for name in forbidden.ATTRIBUTES if not frames.match(name)} <= told


def test_limits_are_told(grading: Import) -> None:
    limits = CHALLENGE["limits"]
    for text in (
        f"{limits['memory_mb']} MiB of memory",
        f"{limits['pids']} processes",
        f"{limits['tmpfs_mb']} MiB of temp",
    ):
        assert text in SPEC
    assert f"{grading('large').BUILD_TIMEOUT_SEC:g} s for building it" in SPEC
    large, kinds = grading("large"), grading("kinds")
    assert (large.SLOWER_FOR_EACH, large.SMALLER) == (5, 2**14)
    assert "at most five times as much as in a map of 2¹⁴" in SPEC
    assert kinds.SLOWER == 10
    assert kinds.ENTRIES[0] <= 10_000
    assert "at most ten times as long as one of ints" in SPEC
    assert f"longer than {grading('source_rule').MAX_SOURCE_BYTES // 1024} KiB" in SPEC
    assert f"1/{grading('large').GROWN // grading('large').LEFT} of the entries" in SPEC


@pytest.mark.parametrize("name", ["bulk-insert", "hit-lookup", "miss-lookup", "churn", "string-keys", "iteration"])
def test_sizes_are_told(grading: Import, name: str) -> None:
    workload = grading("workload")
    superscripts = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
    class_ = getattr(workload, "".join(part.capitalize() for part in name.split("-")))
    (what,) = (row[1] for row in rows("What is measured") if names(row[0]) == [name])
    for attribute in ("KEYS", "ENTRIES", "LOOKUPS", "EXCHANGES", "WORDS"):
        number = getattr(class_, attribute, None)
        if number is not None:
            factor = 3 if number % 3 == 0 else 1
            power = f"2{(number // factor).bit_length() - 1}"
            assert (f"{factor} · " if factor > 1 else "") + power[0] + power[1:].translate(superscripts) in what
