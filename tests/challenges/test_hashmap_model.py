"""Hold the oracle of the hash map's replays against Python's own dict, and the reference against the oracle."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any

import pytest

from harness.outcome import Crashed, Finished, Outcome, TimedOut

Import = Callable[[str], ModuleType]

DICT_AS_SOLUTION = '''
from reprlib import recursive_repr


class HashMap(dict):
    __hash__ = None

    def __init__(self, items=()):
        super().__init__(items)

    def copy(self):
        return HashMap(self)

    @recursive_repr("HashMap({...})")
    def __repr__(self):
        return f"HashMap({super().__repr__()})"
'''


@pytest.fixture(scope="module")
def dict_driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    """Load the driver beside a map that is a dict."""
    from tests.challenges.conftest import CHALLENGES, importing_from  # noqa: PLC0415

    folder = tmp_path_factory.mktemp("dict")
    (folder / "solution.py").write_text(DICT_AS_SOLUTION)
    with importing_from(CHALLENGES / "hashmap", folder) as import_:
        yield import_("driver")
