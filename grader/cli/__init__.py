"""The command line: one file a command, and the only place that knows of exit codes."""

from grader.cli.app import main

__all__ = ["main"]
