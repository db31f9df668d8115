"""Property tests without a clock, since a busy machine makes no property false; and signal handlers put back."""

import signal
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from grader.interruption import STOPPING

settings.register_profile("patient", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


@pytest.fixture(autouse=True)
def _handlers_put_back() -> Iterator[None]:
    """Undo what a test's interruption leaves on purpose: a process that was told to stop ignores further signals."""
    before = {signum: signal.getsignal(signum) for signum in STOPPING}
    yield
    for signum, handler in before.items():
        signal.signal(signum, handler)
