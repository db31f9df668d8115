"""Loops get the cores that nobody else has."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from harness.free_cores import free_cores

WINDOW_SEC = 0.1
BUSY_SEC = 20

pytestmark = pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system pins nothing to a core")


@pytest.fixture
def core() -> int:
    return max(os.sched_getaffinity(0))


@pytest.fixture
def busy(core: int) -> Iterator[None]:
    """Keep the core busy, for a limited time."""
    script = f"""
import os, time
os.sched_setaffinity(0, [{core}])
print("ready", flush=True)
end = time.monotonic() + {BUSY_SEC}
while time.monotonic() < end: pass
"""
    neighbour = subprocess.Popen([sys.executable, "-S", "-c", script], stdout=subprocess.PIPE)
    assert neighbour.stdout is not None
    assert neighbour.stdout.readline() == b"ready\n"
    yield
    neighbour.kill()
    neighbour.communicate()


def test_no_more_is_got_than_there_is(core: int) -> None:
    assert 0.05 < max(free_cores([[core]], WINDOW_SEC) for _ in range(5)) < 1.05


def test_several_loops_want_as_many_cores() -> None:
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        pytest.skip("this machine has one core")
    assert max(free_cores([cores[-2:]] * 2, WINDOW_SEC) for _ in range(10)) > 1.1


@pytest.mark.usefixtures("busy")
def test_what_a_neighbour_uses_is_not_free(core: int) -> None:
    found = sorted(free_cores([[core]], WINDOW_SEC) for _ in range(5))
    assert found[2] < 0.8


@pytest.mark.usefixtures("busy")
def test_a_loop_with_several_cores_takes_the_one_that_is_free(core: int) -> None:
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("this machine has one core")
    both, one = (
        sorted(free_cores([cores], WINDOW_SEC) for _ in range(7))[5]
        for cores in (sorted(os.sched_getaffinity(0)), [core])
    )
    assert both > one


def test_a_core_that_is_not_there_is_said() -> None:
    with pytest.raises(OSError, match="ended with status 1"):
        free_cores([[4096]], WINDOW_SEC)
