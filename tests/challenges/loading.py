"""Load a challenge's own code as the sandbox does: grading modules by name, a driver beside a solution."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

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


def driver_beside(slug: str, solution: Path) -> ModuleType:
    """Load a challenge's driver as the worker does, beside the modules of `solution`; several can be loaded."""
    others = {name: sys.modules.pop(name) for name in ("driver", "solution") if name in sys.modules}
    with importing_from(CHALLENGES / slug, solution) as import_:
        driver = import_("driver")
    sys.modules.update(others)
    return driver
