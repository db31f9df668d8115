"""`takehome report`: results as one HTML page to send or keep."""

from pathlib import Path
from typing import Annotated

import typer

from grader.cli.console import Screen
from grader.cli.exit_code import ExitCode
from grader.cli.options import Json
from grader.cli.results import Results, read_results
from grader.report import html
from grader.result_file import write_whole

Page = Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="Where to write the page.")]


def report(results: Results, output: Page = Path("report.html"), as_json: Json = False) -> ExitCode:
    """Write one HTML page of a result, or of several side by side; it loads nothing and runs nothing."""
    screen = Screen.of_process(as_json)
    write_whole(output, html.render(read_results(results)))
    screen.document({"page": str(output)})
    shown = "1 result" if len(results) == 1 else f"{len(results)} results side by side"
    screen.answer(f"{output} shows {shown}; open it in a browser.")
    return ExitCode.PASS
