"""The arguments and options that several commands share, each declared once."""

from pathlib import Path
from typing import Annotated

import typer

from grader.venue import DEFAULT_IMAGE, IMAGE_VARIABLE, VenueChoice

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

Venue = Annotated[
    VenueChoice,
    typer.Option("--sandbox", help="Where to run: in Docker, on this machine for practice, or whichever works."),
]

Image = Annotated[
    str | None, typer.Option("--image", help=f"The image; by default ${IMAGE_VARIABLE} or {DEFAULT_IMAGE}.")
]

Seed = Annotated[
    int | None, typer.Option("--seed", min=0, max=2**63 - 1, help="Replay a grading; by default a secret one is drawn.")
]
