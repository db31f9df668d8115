"""The known solutions of a challenge, and what each of them should get: the folder's name is the expectation.

| folder                                       | must                                  |
| -------------------------------------------- | ------------------------------------- |
| challenges/<slug>/starter/                   | fail, by whichever check or bar       |
| reference_solutions/<slug>/reference/        | pass                                  |
| reference_solutions/<slug>/accepted/<name>/  | pass                                  |
| reference_solutions/<slug>/rejected/<name>/  | fail exactly as its expect.toml says  |
| reference_solutions/<slug>/bases/<name>/     | nothing: faults are put into it       |

A rejected solution is whole, or another one (`based_on`) with a fault put in: `fault.patch`, a unified diff. What it is
when it is graded, `grader.faulty_copy` makes of the two.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Literal

from pydantic import Field

from grader.catalogue import Entry
from grader.challenge import Challenge, Declared
from grader.complaint import Complaint
from grader.declaration import read_declaration
from grader.errors import CatalogueFault
from grader.verdict import Verdict

EXPECT_FILE = "expect.toml"
PATCH_FILE = "fault.patch"


class SolutionKind(StrEnum):
    """Where a known solution lives, which is what it must get."""

    STARTER = "starter"
    REFERENCE = "reference"
    ACCEPTED = "accepted"
    REJECTED = "rejected"


class DeclaredExpectation(Declared):
    """The `expect.toml` of a rejected solution."""

    verdict: Literal["fail"]
    fails: list[str] = Field(min_length=1)
    may_fail: list[str] = Field(default_factory=list)
    why: str = Field(min_length=1)
    based_on: str | None = Field(default=None, min_length=1)


@dataclass(frozen=True)
class Expectation:
    """What a known solution must get: every id of `fails` fails, and no other but those of `may_fail`."""

    verdict: Verdict
    fails: tuple[str, ...] = ()
    may_fail: tuple[str, ...] = ()
    why: str = ""


@dataclass(frozen=True)
class KnownSolution:
    """One folder whose verdict is known beforehand; `name` is its path below the solutions, such as `rejected/slow`.

    Where there is a `base`, the solution is that folder with this one's patch applied.
    """

    slug: str
    kind: SolutionKind
    name: str
    folder: Path
    expectation: Expectation
    base: Path | None = None


def solutions_folder(root: Path, slug: str) -> Path:
    """Where the known solutions of a challenge live."""
    return root / "reference_solutions" / slug


def known_solutions(root: Path, entry: Entry) -> tuple[KnownSolution, ...]:
    """List the known solutions of a challenge: starter, reference, accepted, rejected; each kind by name.

    Raises CatalogueFault with every fault of every `expect.toml`. Which solutions there should be is for lint to say.
    """
    solutions, complaints = survey(root, entry)
    if complaints:
        raise CatalogueFault(complaints)
    return solutions


def survey(root: Path, entry: Entry) -> tuple[tuple[KnownSolution, ...], tuple[Complaint, ...]]:
    """List the known solutions whose expectation can be read, and the faults of the others."""
    home = solutions_folder(root, entry.slug)
    passes = Expectation(Verdict.PASS)
    every_id = tuple(item.id for item in entry.challenge.items)
    fails = Expectation(Verdict.FAIL, may_fail=every_id, why="the starter solves nothing yet")
    solutions: list[KnownSolution] = []
    complaints: list[Complaint] = []

    def add(kind: SolutionKind, name: str, folder: Path, expectation: Expectation, base: Path | None = None) -> None:
        solutions.append(KnownSolution(entry.slug, kind, name, folder, expectation, base))

    if (entry.folder / "starter").is_dir():
        add(SolutionKind.STARTER, "starter", entry.folder / "starter", fails)
    if (home / "reference").is_dir():
        add(SolutionKind.REFERENCE, "reference", home / "reference", passes)
    for folder in solution_folders(home / "accepted"):
        add(SolutionKind.ACCEPTED, f"accepted/{folder.name}", folder, passes)
    for folder in solution_folders(home / "rejected"):
        try:
            expectation, base = read_expectation(folder / EXPECT_FILE, entry.challenge)
            add(SolutionKind.REJECTED, f"rejected/{folder.name}", folder, expectation, base)
        except CatalogueFault as fault:
            complaints.extend(fault.complaints)
    return tuple(solutions), tuple(complaints)


def solution_folders(parent: Path) -> list[Path]:
    """List the solutions in a folder by name, without the litter."""
    if not parent.is_dir():
        return []
    return sorted(child for child in parent.iterdir() if child.is_dir() and not child.name.startswith((".", "__")))


def read_expectation(path: Path, challenge: Challenge) -> tuple[Expectation, Path | None]:
    """Read an `expect.toml`, and give the folder that the solution is based on, if any.

    Raises CatalogueFault where it names something that the challenge, or its solutions, have not.
    """
    declared = read_declaration(path, DeclaredExpectation)
    complaints = [
        *_unknown_ids(path, declared, challenge),
        *_contradictions(path, declared, challenge),
        *_baseless(path, declared),
    ]
    if complaints:
        raise CatalogueFault(complaints)
    base = None if declared.based_on is None else _base(path, declared.based_on)
    return Expectation(Verdict.FAIL, tuple(declared.fails), tuple(declared.may_fail), declared.why), base


def _base(path: Path, based_on: str) -> Path:
    """Name the folder of another solution of the same challenge, seen from an `expect.toml`."""
    return path.parents[2] / based_on


def _baseless(path: Path, declared: DeclaredExpectation) -> list[Complaint]:
    """Insist that a patch and what it is for come together, and that this is whole."""
    patch = path.parent / PATCH_FILE
    if declared.based_on is None:
        problem, advice = "nothing says what it is for", f'set based_on in {EXPECT_FILE}, such as to "reference"'
        return [Complaint(patch, "", problem, advice)] if patch.exists() else []
    base = _base(path, declared.based_on)
    if not re.fullmatch(r"reference|(accepted|bases|rejected)/[^/.][^/]*", declared.based_on) or not base.is_dir():
        problem = f"there is no solution {declared.based_on!r}"
        return [Complaint(path, "based_on", problem, "name one, such as reference or accepted/<name>")]
    if (base / PATCH_FILE).exists():
        problem, advice = f"{declared.based_on} is a patch itself", "name what that one is based on"
        return [Complaint(path, "based_on", problem, advice)]
    return [] if patch.is_file() else [Complaint(patch, "", "the file is missing", "write it, or remove based_on")]


def _unknown_ids(path: Path, declared: DeclaredExpectation, challenge: Challenge) -> list[Complaint]:
    known = {item.id for item in challenge.items}
    return [
        Complaint(path, f"{key}[{place}]", f"no check or bar is called {id_!r}", "use an id of challenge.toml")
        for key, ids in (("fails", declared.fails), ("may_fail", declared.may_fail))
        for place, id_ in enumerate(ids)
        if id_ not in known
    ]


def _contradictions(path: Path, declared: DeclaredExpectation, challenge: Challenge) -> list[Complaint]:
    complaints = [
        Complaint(path, "may_fail", f"{id_!r} is in fails too", "keep it in one of them")
        for id_ in sorted(set(declared.fails) & set(declared.may_fail))
    ]
    for key, ids in (("fails", declared.fails), ("may_fail", declared.may_fail)):
        if len(set(ids)) != len(ids):
            complaints.append(Complaint(path, key, "an id is listed twice", "list each once"))
    required = {item.id for item in challenge.items if item.required}
    required_checks = {check.id for check in challenge.checks if check.required}
    bars = {bar.id for bar in challenge.bars}
    if not required & set(declared.fails):
        problem = "none of these is required, so the verdict would be a pass"
        complaints.append(Complaint(path, "fails", problem, "name a required check or bar"))
    if required_checks & set(declared.fails) and bars & set(declared.fails):
        problem = "bars are not measured when a required check fails, so both cannot happen"
        complaints.append(Complaint(path, "fails", problem, "name only the checks"))
    return complaints
