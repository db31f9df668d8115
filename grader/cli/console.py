"""Where the command writes: answers to standard output, everything else to standard error."""

import json
import os
import sys
from dataclasses import dataclass
from enum import StrEnum
from typing import TextIO

from rich.console import Console
from rich.text import Text

PIPE_COLUMNS = 160
"""Width of what goes into a file or a log: a row of the widest table."""


class Style(StrEnum):
    """How a line is meant; a Rich style."""

    PLAIN = ""
    GOOD = "green"
    BAD = "bold red"
    DOUBT = "yellow"
    QUIET = "dim"


class PipedConsole(Console):
    """A console whose reader may be a file, or go away, as in `takehome list | head`."""

    @classmethod
    def on(cls, stream: TextIO) -> "PipedConsole":
        """Write to `stream`; where it is no terminal, tables need not fit one."""
        width = None if stream.isatty() or "COLUMNS" in os.environ else PIPE_COLUMNS
        return cls(file=stream, highlight=False, width=width)

    def on_broken_pipe(self) -> None:
        """Leave it to `main`: Rich would exit with 1, which here means that a submission fails."""
        raise BrokenPipeError


@dataclass(frozen=True)
class Screen:
    """The two streams of one command. With `as_json`, standard output is for one JSON document alone."""

    as_json: bool
    out: Console
    err: Console

    @classmethod
    def of_process(cls, as_json: bool) -> "Screen":
        """Write to this process's streams as they are now."""
        return cls(as_json, PipedConsole.on(sys.stdout), PipedConsole.on(sys.stderr))

    def answer(self, text: str, style: Style = Style.PLAIN) -> None:
        """Print a line of the answer; never markup, so text in brackets stays text."""
        if not self.as_json:
            self.out.print(Text(text, style=style.value), soft_wrap=True)

    def note(self, text: str, style: Style = Style.PLAIN) -> None:
        """Print a line beside the answer."""
        self.err.print(Text(text, style=style.value), soft_wrap=True)

    def document(self, value: object) -> None:
        """Print the answer as JSON, where that was asked for."""
        if self.as_json:
            sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=True, allow_nan=False) + "\n")
            sys.stdout.flush()
