"""Find the challenges: every folder of `challenges/` is one, and the folder's name is its slug."""

import difflib
import os
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from grader.challenge import Challenge, Slug
from grader.complaint import Complaint
from grader.declaration import read_declaration
from grader.errors import CatalogueFault, UnknownChallenge

ROOT_VARIABLE = "TAKEHOME_ROOT"
SLUG_RULE = "lower-case words joined by hyphens, at most 64 characters"


@dataclass(frozen=True)
class Entry:
    """One challenge, and the folder it came from."""

    slug: str
    folder: Path
    challenge: Challenge


def is_slug(text: str) -> bool:
    """Tell whether `text` can name a challenge."""
    try:
        TypeAdapter(Slug).validate_python(text)
    except ValidationError:
        return False
    return True


def challenges_folder(root: Path) -> Path:
    """Where the challenges of `root` live."""
    return root / "challenges"


def find_root(start: Path | None = None) -> Path:
    """Find the folder that holds `challenges/`: TAKEHOME_ROOT, else `start` or above it, else this package's own home.

    `start` is the working directory unless given.
    """
    named = os.environ.get(ROOT_VARIABLE)
    if named:
        root = Path(named).expanduser().resolve()
        if not challenges_folder(root).is_dir():
            raise UnknownChallenge(f"{ROOT_VARIABLE} is {root}, which has no folder challenges; correct it or unset it")
        return root
    here = (start or Path.cwd()).resolve()
    home = Path(__file__).resolve().parent.parent
    for folder in (here, *here.parents, home):
        if challenges_folder(folder).is_dir():
            return folder
    raise UnknownChallenge(f"no folder challenges in {here} or above it; set {ROOT_VARIABLE} to one that has it")


def slugs(root: Path) -> list[str]:
    """List the challenges of `root` by name, without reading them."""
    folder = challenges_folder(root)
    if not folder.is_dir():
        return []
    return sorted(child.name for child in folder.iterdir() if child.is_dir() and _counts(child.name))


def _counts(name: str) -> bool:
    return not name.startswith((".", "__"))


def load_catalogue(root: Path) -> tuple[Entry, ...]:
    """Read every challenge of `root`; raises CatalogueFault with every fault of every one."""
    entries: list[Entry] = []
    complaints: list[Complaint] = []
    for slug in slugs(root):
        try:
            entries.append(load_entry(root, slug))
        except CatalogueFault as fault:
            complaints.extend(fault.complaints)
    if complaints:
        raise CatalogueFault(complaints)
    return tuple(entries)


def load_entry(root: Path, slug: str) -> Entry:
    """Read one challenge; the faults of others do not matter to it."""
    known = slugs(root)
    if slug not in known:
        raise UnknownChallenge(_unknown(slug, known))
    folder = challenges_folder(root) / slug
    complaints = []
    if not is_slug(slug):
        complaints.append(Complaint(folder, "", "the folder's name is no slug", f"rename the folder: {SLUG_RULE}"))
    try:
        challenge = read_declaration(folder / "challenge.toml", Challenge)
    except CatalogueFault as fault:
        raise CatalogueFault([*complaints, *fault.complaints]) from None
    if complaints:
        raise CatalogueFault(complaints)
    return Entry(slug, folder, challenge)


def _unknown(slug: str, known: list[str]) -> str:
    if not known:
        return f"there is no challenge {slug!r}; there are none at all"
    near = difflib.get_close_matches(slug, known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(known)}"
    return f"there is no challenge {slug!r}; {hint}"
