"""`takehome new`: begin a challenge of your own."""

from typing import Annotated

import typer

from grader.catalogue import find_root
from grader.cli.console import Screen
from grader.cli.exit_code import ExitCode
from grader.cli.options import Json
from grader.scaffold import Scaffold, scaffold

Slug = Annotated[str, typer.Argument(metavar="SLUG", help="What to call it: lower-case words joined by hyphens.")]


def new_challenge(slug: Slug, as_json: Json = False) -> ExitCode:
    """Write a small, complete challenge to begin from."""
    screen = Screen.of_process(as_json)
    made = scaffold(find_root(), slug)
    screen.document(_plain(slug, made))
    screen.answer(
        f"{made.challenge} holds the challenge, {made.solutions} its known solutions: {len(made.files)} files."
    )
    screen.answer(f"Change them, then run `takehome lint {slug}` and `takehome verify {slug}`.")
    return ExitCode.PASS


def _plain(slug: str, made: Scaffold) -> dict[str, object]:
    return {
        "challenge": slug,
        "folder": str(made.challenge),
        "solutions": str(made.solutions),
        "files": [str(path) for path in made.files],
    }
