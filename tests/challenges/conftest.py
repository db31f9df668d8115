"""The hash map challenge's own code, loaded."""

from collections.abc import Iterator
from types import ModuleType

import pytest

from tests.challenges.loading import CHALLENGES, SOLUTIONS, Import, driver_beside, importing_from


@pytest.fixture(scope="module")
def grading() -> Iterator[Import]:
    """Import a module of the hash map's grading folder."""
    with importing_from(CHALLENGES / "hashmap" / "grading") as import_:
        yield import_


@pytest.fixture(scope="module")
def reference_driver() -> ModuleType:
    """Load the hash map's driver beside the reference."""
    return driver_beside("hashmap", SOLUTIONS / "hashmap" / "reference")
