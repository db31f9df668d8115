"""Load a challenge's own code as the sandbox does: grading modules by name from their folder, a driver beside a solution."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
CHALLENGES = ROOT / "challenges"
SOLUTIONS = ROOT / "reference_solutions"

Import = Callable[[str], ModuleType]


@contextmanager
def importing_from(*folders: Path) -> Iterator[Import]:
    """Import by name from `folders` first, and forget what came from there in the end."""
    before = set(sys.modules)
    sys.path[:0] = map(str, folders)
    try:
        yield importlib.import_module
    finally:
        del sys.path[: len(folders)]
        for name in set(sys.modules) - before:
            if str(getattr(sys.modules[name], "__file__", None)).startswith(tuple(map(str, folders))):
                del sys.modules[name]


@pytest.fixture(scope="module")
def grading() -> Iterator[Import]:
    """Import a module of the hash map's grading folder."""
    with importing_from(CHALLENGES / "hashmap" / "grading") as import_:
        yield import_


@pytest.fixture(scope="module")
def reference_driver() -> Iterator[ModuleType]:
    """Load the hash map's driver beside the reference."""
    with importing_from(CHALLENGES / "hashmap", SOLUTIONS / "hashmap" / "reference") as import_:
        yield import_("driver")
