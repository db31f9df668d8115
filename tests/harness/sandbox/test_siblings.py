"""Halves of one physical core are known by the kernel's lists."""

from pathlib import Path

import pytest

from harness.sandbox.siblings import read_cpuset, siblings


def test_halves_of_one_core_are_told(tmp_path: Path) -> None:
    for core, listed in enumerate(("0,2", "1,3", "0,2", "1,3", "")):
        topology = tmp_path / f"cpu{core}" / "topology"
        topology.mkdir(parents=True)
        (topology / "thread_siblings_list").write_text(f"{listed}\n")
    (tmp_path / "cpufreq").mkdir()
    even, odd = frozenset({0, 2}), frozenset({1, 3})
    assert siblings(tmp_path) == {0: even, 1: odd, 2: even, 3: odd}


def test_a_system_that_does_not_say_has_none(tmp_path: Path) -> None:
    assert siblings(tmp_path / "nothing") == {}


@pytest.mark.parametrize(
    ("text", "cores"), [("0\n", [0]), ("0-1", [0, 1]), ("0,4", [0, 4]), ("0-2,8,10-11\n", [0, 1, 2, 8, 10, 11])]
)
def test_the_kernels_lists_are_read(text: str, cores: list[int]) -> None:
    assert list(read_cpuset(text)) == cores
