"""The words that every format shares: the headline, how numbers are written, and what to do next."""

from collections.abc import Iterable, Iterator, Sequence
from math import floor

from grader.bar_verdict import BarVerdict
from grader.evidence import CheckStatus
from grader.result import BarResult, CheckResult, Result, SideResources
from grader.verdict import Verdict

TIMES = "×"  # noqa: RUF001

PRACTICE = "practice, not a verdict: it ran without Docker, so nothing kept the submission from its judges"
PARTIAL = "a part only: it ran selected checks and bars, so it cannot be a pass"


def headline(result: Result) -> str:
    """Say the verdict, the score and how far it counts, in one line; the submission's name is hostile."""
    score = "" if result.score is None else f", score {result.score:g} of 100"
    label = " (practice)" if result.practice else ""
    return f"{result.verdict.value.upper()}{label}: {result.challenge.slug}, {result.submission.name}{score}"


def decided_by(result: Result) -> str:
    """Say which checks and bars made the verdict; empty for a pass, and where none did."""
    return f"decided by {', '.join(result.decided_by)}" if result.decided_by else ""


def caveats(result: Result) -> list[str]:
    """Say what keeps the verdict from counting."""
    return [*([PRACTICE] if result.practice else []), *([PARTIAL] if result.selected else [])]


def ratio(value: float) -> str:
    """Write a ratio to the reference."""
    return f"{value:.2f}{TIMES}" if value < 100 else f"{value:.0f}{TIMES}"


def interval(bar: BarResult) -> str:
    """Write a bar's confidence interval."""
    return "" if bar.ratio is None else f"{bar.ratio.low:.3f} to {bar.ratio.high:.3f}"


def confidence(bars: Iterable[BarResult]) -> str:
    """Say how sure the least sure of the intervals is, rounded down; empty where there is none."""
    least = min((bar.ratio.confidence for bar in bars if bar.ratio is not None), default=None)
    return "" if least is None else f"at least {floor(1000 * least) / 10:.1f}% confidence"


def margin(bar: BarResult) -> str:
    """Write how many standard errors lie between the estimate and the bar; positive is the good side."""
    return "" if bar.margin is None else f"{bar.margin:+.1f}"


def bar_word(bar: BarResult) -> str:
    """Write a bar's verdict; distinction is a pass too."""
    return "distinction" if bar.distinguished else bar.verdict.value.replace("_", " ")


def check_word(check: CheckResult) -> str:
    """Write how a check ended."""
    return {"passed": "pass", "failed": "fail"}.get(check.status.value, check.status.value)


def check_message(check: CheckResult, among: Sequence[CheckResult]) -> str:
    """Give what a check says, which is hostile; where an earlier one of `among` says the same, only that."""
    if not check.message or check.status is CheckStatus.PASSED:
        return ""
    first = next(other for other in among if other.message == check.message)
    return check.message if first.id == check.id else f"as in {first.id}"


def bar_notes(bars: Iterable[BarResult]) -> list[str]:
    """Say why bars have their verdicts, once where several have one reason; the messages in it are hostile."""
    told = _by_text((bar_note(bar), bar.id) for bar in bars)
    return [f"{', '.join(ids)}: {note}" for note, ids in told.items() if note]


def _by_text(told: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Gather the ids of which the same is told, in their order."""
    gathered: dict[str, list[str]] = {}
    for text, id_ in told:
        gathered.setdefault(text, []).append(id_)
    return gathered


def bar_note(bar: BarResult) -> str:
    """Say why a bar has its verdict, where that is not plain; the message in it is hostile."""
    if bar.verdict is BarVerdict.PASS:
        return ""
    return f"{bar.reason}: {bar.message}" if bar.message else bar.reason


def used(side: SideResources) -> str:
    """Say what one side used and for what: only the candidate is put to the checks, so the two are no comparison."""
    cpu = "unknown" if side.cpu_sec is None else f"{side.cpu_sec:.1f} s"
    memory = "unknown" if side.memory_peak_mb is None else f"{side.memory_peak_mb:.0f} MiB"
    work = "checks and bars" if side.side == "candidate" else "bars only"
    return f"{side.side}, {work}: CPU {cpu}, peak memory {memory}"


def noise_floor(result: Result) -> str:
    """Say how far from equal this machine measures two equal things."""
    if result.control is None:
        return "noise floor: not known, no control was run"
    low, high = result.control.ratio.low, result.control.ratio.high
    return (
        f"noise floor: {result.control.floor:.2%} "
        f"(the reference against itself on {result.control.bar}: {low:.3f} to {high:.3f})"
    )


def next_steps(result: Result) -> list[str]:
    """Say what to do about everything that kept this from being a pass, most important first."""
    return list(dict.fromkeys(_steps(result)))


def _steps(result: Result) -> Iterator[str]:
    if result.verdict is Verdict.ERROR:
        yield (
            "Something of ours broke, so this says nothing about the submission: run `takehome doctor` and grade again;"
            " if it stays, give the result file to whoever runs the gradings."
        )
        return
    yield from _check_steps(result.checks)
    for bar in result.bars:
        yield from _bar_step(bar, checked=all(check.status is not CheckStatus.FAILED for check in result.checks))
    if result.selected:
        yield "Grade without a selection to get a verdict."
    if result.practice:
        yield "Grade with Docker to get a verdict that counts; `takehome doctor` says what is missing."


def _check_steps(checks: Iterable[CheckResult]) -> Iterator[str]:
    failed = _by_text((check.message, check.id) for check in checks if check.status is CheckStatus.FAILED)
    for first, *others in failed.values():
        if others:
            yield f"{first}: mend what its message names, which fails {len(others)} more, then grade again."
        else:
            yield f"{first}: make the property hold that its message names, then run `takehome grade` again."


def _bar_step(bar: BarResult, *, checked: bool) -> Iterator[str]:
    match bar.verdict:
        case BarVerdict.FAIL:
            yield _failed_bar_step(bar)
        case BarVerdict.INCONCLUSIVE:
            yield (
                f"{bar.id}: too close to call on this machine; close what else runs and grade again, "
                "or get clearly below the bar."
            )
        case BarVerdict.NOT_MEASURED:
            yield (
                "Bars that need several cores are measured where these are free; end what else runs and grade again."
                if checked
                else "Bars that were not measured are measured once every required check passes."
            )
        case BarVerdict.PASS | BarVerdict.ERROR:
            pass


def _failed_bar_step(bar: BarResult) -> str:
    if bar.ratio is None:
        return f"{bar.id}: the submission broke under this bar's load; make it answer rightly before making it fast."
    here, there = bar.ratio.estimate, bar.pass_
    return (
        f"{bar.id}: get from {ratio(here)} to {ratio(there)} of the reference, which is {1 - there / here:.0%} less; "
        "`takehome bench` measures it while you work."
    )
