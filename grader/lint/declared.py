"""Rules on what `challenge.toml` says, beyond what its model already refuses."""

from collections.abc import Iterator

from grader.complaint import Complaint
from grader.errors import IntakeRefused
from grader.intake.name import parse_name
from grader.lint.target import Target


def declared_complaints(target: Target) -> Iterator[Complaint]:
    """Complain about weights, requirements, texts and the entry point."""
    if target.entry is None:
        return
    path, challenge = target.folder / "challenge.toml", target.entry.challenge
    if not any(item.weight for item in challenge.items):
        yield Complaint(path, "weight", "every weight is zero, so there is no score", "give something a weight")
    if not any(check.required for check in challenge.checks):
        yield Complaint(path, "checks", "no check is required, so a wrong solution passes", "make one required")
    for key in ("title", "summary", "area"):
        if not getattr(challenge, key).strip():
            yield Complaint(path, key, "this is empty", "say it in a few words")
    for kind, items in (("checks", challenge.checks), ("bars", challenge.bars)):
        for place, item in enumerate(items):
            if not item.title.strip():
                yield Complaint(path, f"{kind}[{place}].title", "this is empty", "name the property in a few words")
    if not _is_python_file(challenge.entry_point):
        problem = f"{challenge.entry_point!r} is no path of a Python file inside a submission"
        yield Complaint(path, "entry_point", problem, "write a relative path such as solution.py")


def _is_python_file(entry_point: str) -> bool:
    try:
        return "/".join(parse_name(entry_point)) == entry_point and entry_point.endswith(".py")
    except IntakeRefused:
        return False
