"""Show one result, or several side by side, as one HTML page that loads nothing and runs nothing.

Every string that the template shows passes through `escape`, whoever it came from, and then through the template
engine's own escaping; the page forbids scripts and requests besides.
"""

from collections.abc import Sequence
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from grader.comparison import letters, side_by_side
from grader.report import chart, escape, wording
from grader.result import Result

TEMPLATE: Final = "page.html.j2"
CHART_PX: Final = 420


def render(results: Sequence[Result]) -> str:
    """Give the page; raises UsageError where the results are not of one challenge and version."""
    comparison = side_by_side(results)
    measured = [bar for result in results for bar in result.bars]
    return (
        _environment()
        .get_template(TEMPLATE)
        .render(
            comparison=comparison,
            lettered=list(zip(letters(), results, strict=False)),
            challenge=results[0].challenge,
            titles={item.id: item.title for result in results for item in [*result.checks, *result.bars]},
            axis=chart.axis_over(measured),
            confidence=wording.confidence(measured),
            mark=chart.mark,
            wide=CHART_PX,
            wording=wording,
        )
    )


def render_one(result: Result) -> str:
    """Give the page of one result."""
    return render([result])


def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("grader", "report"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_harmless,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["block"] = _block
    made.filters["px"] = _px
    return made


def _harmless(value: object) -> object:
    """Make one harmless line of a string; what is markup already was made by the template."""
    return escape.line(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _block(text: str) -> Markup:
    return Markup.escape(escape.block(text))


def _px(place: float) -> str:
    return f"{place * CHART_PX:.1f}"
