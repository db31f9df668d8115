"""Progress on a terminal and in a log."""

import io

from rich.console import Console

from grader.cli.progress import STEP_CHARS, showing
from harness.control.messages import Progress


def shown(*steps: Progress, terminal: bool) -> str:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=terminal, width=120)
    with showing(console, "tally") as show:
        for step in steps:
            show(step)
    return stream.getvalue()


def step(id_: str, done: int = 0, phase: str = "grading", text: str = "") -> Progress:
    return Progress(phase, id_, done, 4, text)


def test_a_log_gets_one_line_a_step_and_none_a_launch() -> None:
    log = shown(step("order"), step("bulk", 1), step("bulk", 3, phase="launch"), terminal=False)
    lines = log.splitlines()
    assert [line.partition("] ")[2] for line in lines] == ["tally 1/4: order", "tally 2/4: bulk"]
    assert "\x1b" not in log


def test_a_terminal_gets_a_bar_with_the_step_and_its_launch() -> None:
    screen = shown(step("order"), step("bulk", 3, phase="launch"), terminal=True)
    assert "tally" in screen
    assert "0/4" in screen
    assert "bulk, launch 4 of 4" in screen


def test_a_step_without_a_name_is_told_by_its_text() -> None:
    log = shown(Progress("staging", "", 0, 0, "taking the submission in"), terminal=False)
    assert log.endswith("tally: taking the submission in\n")


def test_what_a_step_is_called_cannot_steer_the_terminal_or_fill_it() -> None:
    log = shown(step("\x1b[31m[bold]\n" + "x" * 500), terminal=False)
    assert "\x1b" not in log
    assert len(log.splitlines()) == 1
    assert "?[31m[bold]?x" in log
    assert len(log) < STEP_CHARS + 40
