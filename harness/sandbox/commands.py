"""What the roles run."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Commands:
    """The program of each role and its arguments; a test puts small programs here."""

    grader: tuple[str, ...]
    subject: tuple[str, ...]


def role_commands(python: str) -> Commands:
    """Give the real ones. `-P` keeps the working folder, and `-s` the user's own packages, off the path."""
    return Commands(
        grader=(python, "-P", "-s", "-m", "grader.session"),
        subject=(python, "-P", "-s", "-m", "harness.worker"),
    )
