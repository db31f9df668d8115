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


def test_whether_they_are_apart_is_told():
    assert split_cores([0, 1], 1).apart
    assert not split_cores([0, 1], 2).apart
    assert not split_cores([0], 1).apart


def test_no_core_at_all_is_refused():
    with pytest.raises(ValueError, match="no core"):
        split_cores([], 1)


def test_cores_are_written_as_the_kernel_reads_them():
    assert cpuset([3, 0]) == "0,3"
