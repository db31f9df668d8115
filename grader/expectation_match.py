"""Compare what a known solution got with what it should get. Pure.

A reference or an accepted solution must pass, a starter must fail, and a rejected one must fail by exactly the
checks and bars that its `expect.toml` names. None may lie so near to a bar that its verdict is luck.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from grader.bar_verdict import BarVerdict
from grader.dead_zone import THIN_MARGIN, Margin, Shore, Sounding
from grader.evidence import CheckStatus
from grader.known import KnownSolution, SolutionKind
from grader.result import Result
from grader.verdict import Verdict

SOUND = frozenset({SolutionKind.REFERENCE, SolutionKind.ACCEPTED})
"""The kinds that must pass."""


class Agreement(StrEnum):
    """How what happened compares with what should."""

    EXPECTED = "expected"
    UNEXPECTED = "unexpected"
    INCONCLUSIVE = "inconclusive"
    ERROR = "error"


@dataclass(frozen=True)
class Observed:
    """One grading, boiled down to what a comparison needs.

    `failed` and `unsettled` name checks and bars; `optional` says which of all are not required; `messages` are what
    those that failed say.
    """

    failed: frozenset[str] = frozenset()
    unsettled: frozenset[str] = frozenset()
    optional: frozenset[str] = frozenset()
    margins: tuple[Margin, ...] = ()
    errors: tuple[str, ...] = ()
    messages: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Comparison:
    """The outcome of a comparison, with a sentence for each thing that is not as it should be."""

    agreement: Agreement
    reasons: tuple[str, ...] = ()


def observe(result: Result) -> Observed:
    """Boil a result down; bars that were not measured because a required check failed are no open question."""
    failed_checks = {check.id for check in result.checks if check.status is CheckStatus.FAILED}
    failed_bars = {bar.id for bar in result.bars if bar.verdict is BarVerdict.FAIL}
    optional = {item.id for item in [*result.checks, *result.bars] if not item.required}
    unanswered = {BarVerdict.INCONCLUSIVE}
    if failed_checks <= optional:
        unanswered.add(BarVerdict.NOT_MEASURED)
    return Observed(
        failed=frozenset(failed_checks | failed_bars),
        unsettled=frozenset(bar.id for bar in result.bars if bar.verdict in unanswered),
        optional=frozenset(optional),
        margins=tuple(_margins(result)),
        errors=_errors(result) if result.verdict is Verdict.ERROR else (),
        messages={check.id: check.message for check in result.checks if check.message}
        | {bar.id: bar.message for bar in result.bars if bar.message},
    )


def compare(solution: KnownSolution, observed: Observed) -> Comparison:
    """Say whether a grading went as `solution` demands."""
    if observed.errors:
        return Comparison(Agreement.ERROR, observed.errors)
    wrong = (*_wrong_failures(solution, observed), *_thin_margins(solution, observed.margins))
    if wrong:
        return Comparison(Agreement.UNEXPECTED, wrong)
    questions = _open_questions(solution, observed)
    if questions:
        return Comparison(Agreement.INCONCLUSIVE, tuple(f"{id_} is inconclusive" for id_ in questions))
    return Comparison(Agreement.EXPECTED)


def soundings(solution: KnownSolution, margins: Iterable[Margin]) -> list[Sounding]:
    """Pick the margins that delimit a bar's dead zone: those of sound solutions, and of slow ones at their own bars."""
    if solution.kind in SOUND:
        return [Sounding(solution.name, Shore.SOUND, margin) for margin in margins]
    named = solution.expectation.fails
    return [Sounding(solution.name, Shore.SLOW, margin) for margin in margins if margin.bar in named]


def _wrong_failures(solution: KnownSolution, observed: Observed) -> tuple[str, ...]:
    match solution.kind:
        case SolutionKind.REFERENCE | SolutionKind.ACCEPTED:
            return tuple(_told(id_, observed) for id_ in sorted(observed.failed - observed.optional))
        case SolutionKind.STARTER:
            return () if observed.failed or observed.unsettled else ("passed, but a starter must fail",)
        case SolutionKind.REJECTED:
            named, tolerated = set(solution.expectation.fails), set(solution.expectation.may_fail)
            return (
                *(f"was not caught by {id_}" for id_ in sorted(named - observed.failed - observed.unsettled)),
                *(
                    f"failed {id_}, which expect.toml does not name"
                    for id_ in sorted(observed.failed - named - tolerated)
                ),
            )


def _told(id_: str, observed: Observed) -> str:
    message = observed.messages.get(id_, "")
    return f"failed {id_} but must pass" + (f": {message}" if message else "")


def _open_questions(solution: KnownSolution, observed: Observed) -> list[str]:
    """List what must be settled before anything can be claimed; where any failure will do, others may stay open."""
    match solution.kind:
        case SolutionKind.REFERENCE | SolutionKind.ACCEPTED:
            return sorted(observed.unsettled - observed.optional)
        case SolutionKind.STARTER:
            return [] if observed.failed else sorted(observed.unsettled)
        case SolutionKind.REJECTED:
            named, tolerated = set(solution.expectation.fails), set(solution.expectation.may_fail)
            return sorted(observed.unsettled - tolerated - (observed.optional - named))


def _thin_margins(solution: KnownSolution, margins: Sequence[Margin]) -> tuple[str, ...]:
    """Complain of bars too close to call, but for those where `may_fail` says that nothing is claimed."""
    return tuple(
        f"is {abs(margin.units):.1f} units of noise from {margin.bar} "
        f"({margin.ratio:.3f} against {margin.threshold:.2f}); under {THIN_MARGIN:g} is luck"
        for margin in margins
        if margin.thin and margin.bar not in solution.expectation.may_fail
    )


def _margins(result: Result) -> Iterable[Margin]:
    for bar in result.bars:
        if bar.margin is not None and bar.ratio is not None:
            yield Margin(bar.id, bar.ratio.estimate, bar.pass_, bar.margin, bar.required)


def _errors(result: Result) -> tuple[str, ...]:
    """Say what of ours broke: the grading as a whole, and each check or bar that did."""
    return (
        *result.faults,
        *(f"{check.id}: {check.message}" for check in result.checks if check.says is Verdict.ERROR),
        *(f"{bar.id}: {bar.reason}" for bar in result.bars if bar.verdict is BarVerdict.ERROR),
    ) or ("the grading ended in an error",)
