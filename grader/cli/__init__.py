"""The command line: one file a command, and the only place that knows of exit codes."""

__all__ = ["main"]


def main() -> None:
    """Run the command that the process was started with.

    All that it takes is imported here and no sooner: `multiprocessing` imports the main module anew in every process
    that a solution spawns under `takehome test`, and this package with it.
    """
    from grader.cli import app  # noqa: PLC0415

    app.main()
