"""Run every rule over one challenge or all of them."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from grader.catalogue import load_entry, slugs
from grader.complaint import Complaint
from grader.errors import CatalogueFault, UnknownChallenge
from grader.lint.declared import declared_complaints
from grader.lint.files import file_complaints
from grader.lint.functions import function_complaints
from grader.lint.solutions import orphan_complaints, solution_complaints
from grader.lint.spec import spec_complaints
from grader.lint.target import Target

RULES: tuple[Callable[[Target], Iterator[Complaint]], ...] = (
    declared_complaints,
    file_complaints,
    function_complaints,
    spec_complaints,
    solution_complaints,
)


def lint(root: Path, slug: str | None = None) -> list[Complaint]:
    """Complain about one challenge of `root`, or about all; paths are relative to `root`, faults come first.

    A challenge whose complaints are all warnings can be used. Raises UnknownChallenge where there is nothing to see.
    """
    root = root.resolve()
    complaints: list[Complaint] = []
    names = slugs(root) if slug is None else [slug]
    if not names:
        raise UnknownChallenge(f"there are no challenges in {root}; begin one with `takehome new SLUG`")
    for name in names:
        complaints.extend(_inspect(root, name))
    if slug is None:
        complaints.extend(orphan_complaints(root))
    shown = {replace(complaint, path=_relative(complaint.path, root)) for complaint in complaints}
    return sorted(shown, key=lambda complaint: (complaint.severity, complaint))


def _inspect(root: Path, slug: str) -> Iterator[Complaint]:
    entry = None
    try:
        entry = load_entry(root, slug)
    except CatalogueFault as fault:
        yield from fault.complaints
    target = Target(root, slug, root / "challenges" / slug, entry)
    for rule in RULES:
        yield from rule(target)


def _relative(path: Path, root: Path) -> Path:
    return path.relative_to(root) if path.is_relative_to(root) else path
