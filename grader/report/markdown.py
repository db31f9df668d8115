"""Show a result as Markdown, as CI systems show it in the summary of a step."""

from collections.abc import Iterator, Sequence

from grader.report import wording
from grader.report.escape import markdown, markdown_code
from grader.result import BarResult, CheckResult, Result


def render(result: Result) -> str:
    """Give the result as Markdown; hostile texts stand in code, as character references."""
    return "\n".join(_lines(result)) + "\n"


def _lines(result: Result) -> Iterator[str]:
    yield f"## {markdown(f'{result.verdict.value.upper()}: {result.challenge.slug}')}"
    yield ""
    score = "no score" if result.score is None else f"score {result.score:g} of 100"
    yield f"{markdown_code(result.submission.name)}, {score}, isolation {markdown(result.isolation.value)}"
    if result.decided_by:
        yield from ("", markdown_code(wording.decided_by(result)))
    for caveat in wording.caveats(result):
        yield from ("", f"**{markdown(caveat)}**")
    for fault in result.faults:
        yield from ("", markdown_code(fault))
    if result.checks:
        rows = (_check(check, result.checks) for check in result.checks)
        yield from ("", *_table(("check", "verdict", "property", "message"), rows))
    if result.bars:
        columns = ("bar", "verdict", "ratio", "interval", "pass", "margin in noise", "why")
        yield from ("", *_table(columns, map(_bar, result.bars)))
        if sure := wording.confidence(result.bars):
            yield from ("", markdown(f"intervals: {sure}"))
        yield from ("", markdown(wording.noise_floor(result)))
    yield from _list(
        "For a person to look at", [f"{found.kind}: {found.text}. {found.advice}" for found in result.findings]
    )
    yield from _list("What to do next", wording.next_steps(result))


def _table(columns: Sequence[str], rows: Iterator[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(columns)} |"
    yield f"|{' --- |' * len(columns)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def _check(check: CheckResult, among: Sequence[CheckResult]) -> tuple[str, ...]:
    title = check.title if check.required else f"{check.title} (optional)"
    message = wording.check_message(check, among)
    told = markdown_code(message) if message else ""
    return markdown(check.id), markdown(wording.check_word(check)), markdown(title), told


def _bar(bar: BarResult) -> tuple[str, ...]:
    note = wording.bar_note(bar)
    return (
        markdown(bar.id if bar.required else f"{bar.id} (optional)"),
        markdown(wording.bar_word(bar)),
        "" if bar.ratio is None else markdown(wording.ratio(bar.ratio.estimate)),
        markdown(wording.interval(bar)),
        markdown(wording.ratio(bar.pass_)),
        markdown(wording.margin(bar)),
        markdown_code(note) if note else "",
    )


def _list(title: str, items: Sequence[str]) -> Iterator[str]:
    if items:
        yield from ("", f"### {title}", "", *(f"- {markdown_code(item)}" for item in items))
