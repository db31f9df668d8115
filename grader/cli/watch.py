"""Watch work that takes long: progress on the screen, and a stop that cleans up."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from grader.cli.console import Screen
from grader.cli.progress import Show, showing
from grader.interruption import interruptible

STOPPING_NOTE = b"\nStopping: whatever was started is being removed ...\n"


@contextmanager
def watched(screen: Screen, title: str) -> Iterator[Show]:
    """Show the progress of what runs inside, and turn signals into `Interrupted`."""
    with interruptible(lambda: os.write(2, STOPPING_NOTE)), showing(screen.err, title) as show:
        yield show
