"""Load the sound solutions: the reference and the accepted ones."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

SOLUTIONS = Path(__file__).parents[2] / "reference_solutions" / "hashmap"
SOUND = [SOLUTIONS / "reference", *sorted(path.parent for path in SOLUTIONS.glob("accepted/*/solution.py"))]


def load(folder: Path) -> type:
    spec = importlib.util.spec_from_file_location(f"hashmap_{folder.name.replace('-', '_')}", folder / "solution.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.HashMap


@pytest.fixture(params=SOUND, ids=lambda folder: folder.name)
def hash_map(request: pytest.FixtureRequest) -> type:
    return load(request.param)


@pytest.fixture
def sound() -> list[Path]:
    return SOUND
