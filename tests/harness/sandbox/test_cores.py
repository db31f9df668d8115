"""Who runs on which core."""

import pytest

from harness.sandbox.cores import Cores, cpuset, split_cores


@pytest.mark.parametrize(("available", "wanted", "cores"), [
    ([0, 1], 1, Cores((1,), (0,))),
    ([0, 1], 2, Cores((0, 1), (0,))),
    ([0], 1, Cores((0,), (0,))),
    ([0], 2, Cores((0,), (0,))),
    ([7, 2, 4, 2], 1, Cores((7,), (2, 4))),
    ([0, 1, 2, 3], 2, Cores((2, 3), (0, 1))),
])  # fmt: skip
def test_subjects_get_the_last_cores_and_the_grader_the_rest(available, wanted, cores):
    assert split_cores(available, wanted) == cores


NEIGHBOURS = {core: frozenset({core, core ^ 1}) for core in range(8)}
"""Halves of one physical core are numbered 0 and 1, 2 and 3, and so on."""

FAR = {core: frozenset({core, core ^ 4}) for core in range(8)}
"""Halves of one physical core are numbered 0 and 4, 1 and 5, and so on."""


@pytest.mark.parametrize(("available", "wanted", "siblings", "cores"), [
    (range(4), 1, NEIGHBOURS, Cores((3,), (0, 1))),
    (range(4), 2, NEIGHBOURS, Cores((1, 3), (0, 2))),
    (range(8), 2, NEIGHBOURS, Cores((5, 7), (0, 1, 2, 3))),
    (range(8), 2, FAR, Cores((6, 7), (0, 1, 4, 5))),
    (range(2), 1, NEIGHBOURS, Cores((1,), (0,))),
    (range(2), 2, NEIGHBOURS, Cores((0, 1), (0,))),
    ([0, 2], 1, NEIGHBOURS, Cores((2,), (0,))),
])  # fmt: skip
def test_halves_of_one_core_are_kept_from_each_other_while_there_are_others(available, wanted, siblings, cores):
    assert split_cores(available, wanted, siblings) == cores


def test_whether_they_are_apart_is_told():
    assert split_cores([0, 1], 1).apart
    assert not split_cores([0, 1], 2).apart
    assert not split_cores([0], 1).apart


def test_no_core_at_all_is_refused():
    with pytest.raises(ValueError, match="no core"):
        split_cores([], 1)


def test_cores_are_written_as_the_kernel_reads_them():
    assert cpuset([3, 0]) == "0,3"
