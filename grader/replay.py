"""Grade the same files again as a result says they were graded, and say what came out otherwise. Pure.

The seed gives the same inputs, not the same times: checks must end alike, and a bar may change its word only where it
was near its threshold.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from grader.challenge import Challenge
from grader.errors import UsageError
from grader.report import wording
from grader.result import Result


@dataclass(frozen=True)
class Difference:
    """A check or a bar that ended otherwise the second time."""

    id: str
    before: str
    after: str


def require_same_challenge(result: Result, challenge: Challenge) -> None:
    """Refuse to replay what the challenge of today would grade otherwise; raises UsageError."""
    then, now = result.challenge.version, challenge.version
    if then != now:
        slug = result.challenge.slug
        raise UsageError(
            f"the result is of {slug} version {then} and this is version {now}: check out that version first"
        )


def require_same_files(result: Result, digest: str) -> None:
    """Refuse other files than the ones that were graded; raises UsageError."""
    if (then := result.submission.digest) != digest:
        raise UsageError(f"these are not the files that were graded: their digest is {digest}, the result's {then}")


def differences(before: Result, after: Result) -> list[Difference]:
    """Give every check and bar that ended otherwise, in order."""
    return list(_differences(dict(_words(before)), dict(_words(after))))


def _words(result: Result) -> Iterator[tuple[str, str]]:
    yield from ((check.id, wording.check_word(check)) for check in result.checks)
    yield from ((bar.id, wording.bar_word(bar)) for bar in result.bars)


def _differences(before: dict[str, str], after: dict[str, str]) -> Iterator[Difference]:
    for id_ in dict.fromkeys([*before, *after]):
        then, now = before.get(id_, "absent"), after.get(id_, "absent")
        if then != now:
            yield Difference(id_, then, now)
