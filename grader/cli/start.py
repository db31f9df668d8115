"""`takehome start`: begin a challenge in a folder of your own."""

import shutil
from pathlib import Path
from typing import Annotated

import typer

from grader.catalogue import Entry, find_root, load_entry
from grader.cli.console import Screen
from grader.cli.exit_code import ExitCode
from grader.cli.folder import MARKER, write_marker
from grader.cli.options import Json
from grader.errors import StorageFailed, UsageError

SPEC = "SPEC.md"

Slug = Annotated[str, typer.Argument(metavar="SLUG", help="The challenge; `takehome list` names them.")]
Target = Annotated[Path | None, typer.Argument(metavar="[DIR]", help="Where to; by default into ./SLUG.")]


def start(slug: Slug, folder: Target = None, as_json: Json = False) -> ExitCode:
    """Copy a challenge's starter and its SPEC.md into an empty folder."""
    screen = Screen.of_process(as_json)
    entry = load_entry(find_root(), slug)
    target = folder or Path(slug)
    begin(entry, target)
    files = sorted(path.relative_to(target).as_posix() for path in target.rglob("*") if path.is_file())
    screen.document({"challenge": slug, "folder": str(target.resolve()), "files": files})
    screen.answer(f"{entry.challenge.title}: {target} holds {', '.join(name for name in files if name != MARKER)}.")
    screen.answer(f"Read {target / SPEC} first, write {target / entry.challenge.entry_point}, then:")
    for command, what in _next_steps(target):
        screen.answer(f"  {command:<32} {what}")
    return ExitCode.PASS


def begin(entry: Entry, target: Path) -> None:
    """Fill `target` with the starter, the spec and the marker; refuses a folder with anything in it."""
    starter = entry.folder / "starter"
    if not starter.is_dir():
        raise UsageError(f"{entry.slug} has no folder starter; `takehome lint {entry.slug}` says what else it lacks")
    if target.exists() and not target.is_dir():
        raise UsageError(f"{target} is a file; name a folder")
    if target.is_dir() and any(target.iterdir()):
        raise UsageError(f"{target} is not empty; name a new folder, so that nothing of yours is overwritten")
    try:
        shutil.copytree(starter, target, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__", ".*"))
        if (entry.folder / SPEC).is_file():
            shutil.copyfile(entry.folder / SPEC, target / SPEC)
        write_marker(target, entry.slug)
    except (OSError, shutil.Error) as error:
        raise StorageFailed(f"cannot write the starter into {target}: {error}") from error


def _next_steps(target: Path) -> list[tuple[str, str]]:
    return [
        (f"takehome test {target}", "runs the public tests, here, in one process"),
        (f"takehome bench {target}", "shows where you stand at each bar"),
        (f"takehome grade {target}", "the whole grading, as it will be graded"),
    ]
