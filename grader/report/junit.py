"""Show a result as JUnit XML: one test case for each check and bar, and one for the verdict.

| what happened                           | element      |
| --------------------------------------- | ------------ |
| required, failed                        | `<failure>`  |
| required bar inconclusive, any error    | `<error>`    |
| optional and failed, or not measured    | `<skipped>`  |

The case `verdict` fails or errs whenever the verdict is not a pass, so a reader that knows nothing else is right.
"""

from xml.etree import ElementTree as ET

from grader.bar_verdict import BarVerdict
from grader.evidence import CheckStatus
from grader.report import escape, wording
from grader.result import BarResult, CheckResult, Result
from grader.verdict import Verdict


def render(result: Result) -> str:
    """Give the result as an XML document."""
    suite = ET.Element(
        "testsuite", name=escape.line(f"takehome.{result.challenge.slug}"), timestamp=result.started_at.isoformat()
    )
    for check in result.checks:
        _add(suite, "checks", escape.line(check.id), check.duration_sec, _check_ending(check))
    for bar in result.bars:
        _add(suite, "bars", escape.line(bar.id), bar.duration_sec, _bar_ending(bar))
    total_sec = result.timing.total_sec if result.timing else 0.0
    _add(suite, "verdict", "verdict", total_sec, _verdict_ending(result))
    for noun in ("failure", "error", "skipped"):
        plural = noun if noun == "skipped" else f"{noun}s"
        suite.set(plural, str(len(suite.findall(f"testcase/{noun}"))))
    suite.set("tests", str(len(suite.findall("testcase"))))
    suite.set("time", f"{total_sec:.3f}")
    root = ET.Element("testsuites")
    root.append(suite)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _add(suite: ET.Element, group: str, name: str, seconds: float, ending: tuple[str, str] | None) -> None:
    case = ET.SubElement(suite, "testcase", classname=f"{suite.get('name')}.{group}", name=name, time=f"{seconds:.3f}")
    if ending is not None:
        element, message = ending
        ET.SubElement(case, element, message=escape.line(message.partition("\n")[0])).text = escape.block(message)


def _check_ending(check: CheckResult) -> tuple[str, str] | None:
    message = check.message or check.title
    match check.status:
        case CheckStatus.PASSED:
            return None
        case CheckStatus.FAILED:
            return ("failure", message) if check.required else ("skipped", f"optional, and failed: {message}")
        case CheckStatus.SKIPPED | CheckStatus.ERROR:
            return "error", message


def _bar_ending(bar: BarResult) -> tuple[str, str] | None:
    message = f"{wording.bar_word(bar)}: {_measured(bar)}{wording.bar_note(bar)}"
    match bar.verdict:
        case BarVerdict.PASS:
            return None
        case BarVerdict.ERROR:
            return "error", message
        case BarVerdict.NOT_MEASURED:
            return "skipped", message
        case BarVerdict.FAIL if bar.required:
            return "failure", message
        case BarVerdict.INCONCLUSIVE if bar.required:
            return "error", message
        case BarVerdict.FAIL | BarVerdict.INCONCLUSIVE:
            return "skipped", f"optional: {message}"


def _measured(bar: BarResult) -> str:
    if bar.ratio is None:
        return ""
    return f"{wording.ratio(bar.ratio.estimate)} ({wording.interval(bar)}) against {wording.ratio(bar.pass_)}, "


def _verdict_ending(result: Result) -> tuple[str, str] | None:
    told = "\n".join(
        [
            escape.line(wording.headline(result)),
            wording.decided_by(result),
            *wording.caveats(result),
            *result.faults,
            *wording.next_steps(result),
        ]
    )
    match result.verdict:
        case Verdict.PASS:
            return None
        case Verdict.FAIL:
            return "failure", told
        case Verdict.INCONCLUSIVE | Verdict.ERROR:
            return "error", told
