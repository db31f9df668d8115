"""Put results of one challenge side by side, and say where one submission measurably leads. Pure.

Every ratio was measured against the same reference in its own grading, so ratios compare across machines and days;
times do not, and are not compared. A difference is claimed only when two intervals do not overlap and the estimates
lie further apart than either machine's noise floor: with intervals that overlap, neither is ahead.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from grader.errors import UsageError
from grader.report import wording
from grader.result import BarResult, Result

RESULTS_MOST = 26
"""Columns are named A to Z; nobody reads more side by side."""


@dataclass(frozen=True)
class BarRow:
    """One bar of every result, in their order; `leader` is the place of the one ahead of all that were measured."""

    id: str
    bars: tuple[BarResult | None, ...]
    leader: int | None


@dataclass(frozen=True)
class CheckRow:
    """How one check ended in every result, in their order; an empty word where a result does not have it."""

    id: str
    words: tuple[str, ...]


@dataclass(frozen=True)
class Comparison:
    """Results side by side, with whatever keeps them from being comparable in full."""

    results: tuple[Result, ...]
    checks: tuple[CheckRow, ...]
    bars: tuple[BarRow, ...]
    warnings: tuple[str, ...]

    def to_plain(self) -> dict[str, object]:
        """Give the comparison as JSON's types."""
        return {
            "challenge": self.results[0].challenge.slug,
            "submissions": [_about(result) for result in self.results],
            "checks": [{"id": row.id, "words": list(row.words)} for row in self.checks],
            "bars": [
                {
                    "id": row.id,
                    "leader": row.leader,
                    "verdicts": [None if bar is None else wording.bar_word(bar) for bar in row.bars],
                    "ratios": [bar.ratio.model_dump() if bar and bar.ratio else None for bar in row.bars],
                }
                for row in self.bars
            ],
            "warnings": list(self.warnings),
        }


def compare(results: Sequence[Result]) -> Comparison:
    """Compare two results or more; raises UsageError where they are not of one challenge and version."""
    if not 2 <= len(results) <= RESULTS_MOST:
        raise UsageError(f"give from 2 to {RESULTS_MOST} results to compare")
    return side_by_side(results)


def side_by_side(results: Sequence[Result]) -> Comparison:
    """Put results side by side, one alone too; raises UsageError as `compare` does."""
    if not 1 <= len(results) <= RESULTS_MOST:
        raise UsageError(f"give from 1 to {RESULTS_MOST} results to show")
    for one, other in pairwise(results):
        if (one.challenge.slug, one.challenge.version) != (other.challenge.slug, other.challenge.version):
            raise UsageError(f"results of {_edition(one)} and {_edition(other)} cannot be compared")
    return Comparison(tuple(results), tuple(_checks(results)), tuple(_bars(results)), tuple(_warnings(results)))


def ahead(mine: BarResult, theirs: BarResult, floor: float) -> bool:
    """Tell whether `mine` is measurably the smaller ratio; `floor` is the larger noise floor, as a logarithm.

    What is counted, such as bytes, owes nothing to the noise of times: there the intervals alone decide.
    """
    if mine.ratio is None or theirs.ratio is None:
        return False
    apart = math.log(theirs.ratio.estimate / mine.ratio.estimate)
    return mine.ratio.high < theirs.ratio.low and (mine.counted or apart > floor)


def _checks(results: Sequence[Result]) -> Iterator[CheckRow]:
    found = [{check.id: wording.check_word(check) for check in result.checks} for result in results]
    for id_ in dict.fromkeys(id_ for words in found for id_ in words):
        yield CheckRow(id_, tuple(words.get(id_, "") for words in found))


def _bars(results: Sequence[Result]) -> Iterator[BarRow]:
    found = [{bar.id: bar for bar in result.bars} for result in results]
    floor = max(math.log1p(result.control.floor) if result.control else 0.0 for result in results)
    for id_ in dict.fromkeys(id_ for bars in found for id_ in bars):
        row = tuple(bars.get(id_) for bars in found)
        yield BarRow(id_, row, _leader(row, floor))


def _leader(bars: Sequence[BarResult | None], floor: float) -> int | None:
    """Give the place of the bar that is ahead of every other that was measured; alone nobody is ahead."""
    measured = {place: bar for place, bar in enumerate(bars) if bar is not None and bar.ratio is not None}
    for place, mine in measured.items():
        others = [bar for other, bar in measured.items() if other != place]
        if others and all(ahead(mine, bar, floor) for bar in others):
            return place
    return None


def _warnings(results: Sequence[Result]) -> Iterator[str]:
    for letter, result in zip(letters(), results, strict=False):
        yield from (f"{letter} is {caveat}" for caveat in wording.caveats(result))
        if result.control is None and any(bar.ratio is not None for bar in result.bars):
            yield f"{letter} has no control, so the noise of its machine is not known"
    if len({result.submission.digest for result in results}) < len(results):
        yield "some of these are gradings of the very same files"
    if len({result.image_digest for result in results}) > 1:
        yield "they were graded with different images: other versions of Python or of packages may move a ratio"


def letters() -> Iterator[str]:
    """Name the results by letters, from A on."""
    return map(chr, range(ord("A"), ord("A") + RESULTS_MOST))


def _edition(result: Result) -> str:
    return f"{result.challenge.slug} version {result.challenge.version}"


def _about(result: Result) -> dict[str, object]:
    return {
        "name": result.submission.name,
        "digest": result.submission.digest,
        "verdict": result.verdict.value,
        "score": result.score,
        "decided_by": list(result.decided_by),
    }
