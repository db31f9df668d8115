"""Begin a new challenge from templates: a small one that is complete, and that lint finds no fault with."""

import shutil
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Template

from grader.catalogue import SLUG_RULE, challenges_folder, is_slug
from grader.errors import ScaffoldRefused, StorageFailed
from grader.known import solutions_folder

SUFFIX = ".tmpl"
"""Keeps templates from being taken for the project's own Python."""


@dataclass(frozen=True)
class Scaffold:
    """What was written: the challenge, its known solutions, and every file."""

    challenge: Path
    solutions: Path
    files: tuple[Path, ...]


def scaffold(root: Path, slug: str) -> Scaffold:
    """Write a new challenge called `slug` below `root`; raises ScaffoldRefused where that name cannot be used."""
    if not is_slug(slug):
        raise ScaffoldRefused(f"{slug!r} cannot name a challenge; use {SLUG_RULE}")
    challenge, solutions = challenges_folder(root) / slug, solutions_folder(root, slug)
    for folder in (challenge, solutions):
        if folder.exists() or folder.is_symlink():
            raise ScaffoldRefused(f"{folder} exists already; choose another name, or remove it")
    values = {"slug": slug, "title": slug.replace("-", " ").capitalize()}
    templates = resources.files("grader").joinpath("templates")
    try:
        files = (
            *_fill(templates.joinpath("challenge"), challenge, values),
            *_fill(templates.joinpath("solutions"), solutions, values),
        )
    except OSError as error:
        for folder in (challenge, solutions):
            shutil.rmtree(folder, ignore_errors=True)
        raise StorageFailed(f"cannot write {error.filename}: {error.strerror}; nothing was kept") from error
    return Scaffold(challenge, solutions, files)


def _fill(templates: Traversable, target: Path, values: dict[str, str]) -> list[Path]:
    target.mkdir(parents=True)
    written = []
    for template in sorted(templates.iterdir(), key=lambda template: template.name):
        if template.is_dir():
            written.extend(_fill(template, target / template.name, values))
        elif template.name.endswith(SUFFIX):
            path = target / template.name.removesuffix(SUFFIX)
            path.write_text(Template(template.read_text("utf-8")).substitute(values), encoding="utf-8")
            written.append(path)
    return written
