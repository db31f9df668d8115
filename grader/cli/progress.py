"""Show progress on standard error: a live bar on a terminal, plain lines anywhere else."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as LiveProgress
from rich.text import Text

from harness.control.messages import Progress

Show = Callable[[Progress], None]

STEP_CHARS = 60
"""A step has one line; what it says of itself is cut to fit."""

LAUNCH = "launch"
"""The phase that tells of launches within the step under way; every other phase begins a step."""


@contextmanager
def showing(console: Console, title: str) -> Iterator[Show]:
    """Give a function that shows one step of progress; `title` says what all the steps are part of."""
    if not console.is_terminal:
        yield PlainLines(console, title)
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[step]}", markup=False),
        TimeElapsedColumn(),
    )
    with LiveProgress(*columns, console=console, transient=True) as live:
        yield LiveBar(live, title)


class LiveBar:
    """One moving bar for the whole, with the step under way beside it."""

    def __init__(self, live: LiveProgress, title: str) -> None:
        self._live = live
        self._task = live.add_task(title, total=None, step="")

    def __call__(self, step: Progress) -> None:
        """Move the bar; a launch changes only the words beside it."""
        if step.phase == LAUNCH:
            self._live.update(self._task, step=f"{named(step)}, launch {step.done + 1} of {step.total}")
        else:
            self._live.update(self._task, completed=step.done, total=step.total or None, step=named(step))


class PlainLines:
    """One line a step, for logs: seconds since the start, how many are done, and which begins."""

    def __init__(self, console: Console, title: str) -> None:
        self._console = console
        self._title = title
        self._began = time.monotonic()

    def __call__(self, step: Progress) -> None:
        """Print a line, unless it is only another launch of the same step."""
        if step.phase == LAUNCH:
            return
        count = f" {step.done + 1}/{step.total}" if step.total else ""
        elapsed_sec = time.monotonic() - self._began
        line = f"[{elapsed_sec:5.1f} s] {self._title}{count}: {named(step)}"
        self._console.print(Text(line), soft_wrap=True)


def named(step: Progress) -> str:
    """Name a step on one line; whatever cannot be printed safely is replaced."""
    text = step.id or step.text or step.phase
    return "".join(char if char.isprintable() else "?" for char in text)[:STEP_CHARS]
