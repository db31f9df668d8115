"""The arguments and options that several commands share, each declared once."""

from pathlib import Path
from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print the answer as JSON, and nothing else on standard output.")]

Folder = Annotated[Path, typer.Argument(metavar="[DIR]", help="The folder of the solution.", show_default="here")]

ChallengeSlug = Annotated[
    str | None,
    typer.Option(
        "--challenge",
        metavar="SLUG",
        help="The challenge; by default `takehome start`'s note or a folder's name tells.",
    ),
]
