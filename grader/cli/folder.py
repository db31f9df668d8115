"""A candidate's folder: the marker that names its challenge, and how to tell the challenge without it."""

import json
import tomllib
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from grader.catalogue import slugs
from grader.errors import UsageError

MARKER = ".takehome.toml"


class Marker(BaseModel):
    """What `takehome start` leaves in the folder."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    challenge: str


def write_marker(folder: Path, slug: str) -> None:
    """Note in `folder` which challenge it is for."""
    note = "# Written by `takehome start`; tells the other commands which challenge this is."
    (folder / MARKER).write_text(f"{note}\nchallenge = {json.dumps(slug)}\n", encoding="utf-8")


def challenge_of(folder: Path, named: str | None, root: Path) -> str:
    """Tell which challenge `folder` is for: as named, else by its marker, else by the names of the folders it is in.

    Raises UsageError where it does not exist, and with the list of challenges where none of these says.
    """
    if not folder.exists():
        raise UsageError(f"{folder} does not exist; give the folder or archive of the solution")
    if named is not None:
        return named
    marker = _read_marker(folder / MARKER)
    if marker is not None:
        return marker
    known = set(slugs(root))
    for place in (folder.resolve(), *folder.resolve().parents):
        if place.name in known:
            return place.name
    raise UsageError(
        f"cannot tell which challenge {folder} is for; name it with --challenge SLUG. "
        f"There are: {', '.join(sorted(known)) or 'none'}"
    )


def require_folder(folder: Path) -> None:
    """Refuse what is not a folder."""
    if not folder.is_dir():
        raise UsageError(f"{folder} is no folder; give the one that holds the solution")


def _read_marker(path: Path) -> str | None:
    if not path.is_file():
        return None
    try:
        return Marker.model_validate(tomllib.loads(path.read_text(encoding="utf-8"))).challenge
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, ValidationError) as error:
        raise UsageError(f'{path} cannot be read; write challenge = "SLUG" into it, or remove it') from error
