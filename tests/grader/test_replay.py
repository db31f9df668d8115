"""What came out otherwise is told, and only the same files under the same challenge are replayed."""

import pytest

from grader.errors import UsageError
from grader.evidence import CheckStatus
from grader.replay import Difference, differences, require_same_challenge, require_same_files
from tests.grader.gradings import bar, challenge, check, evidence, result


def test_only_what_ended_otherwise_is_told() -> None:
    before = result()
    after = result(
        of=evidence(
            checks=[check("agreement", CheckStatus.FAILED), check("polish")], bars=[bar("lookup"), bar("memory", 4.0)]
        )
    )
    assert differences(before, before) == []
    assert differences(before, after) == [
        Difference("agreement", "pass", "fail"),
        Difference("memory", "distinction", "fail"),
    ]


def test_a_check_that_only_one_has_is_told() -> None:
    before, after = result(), result()
    assert differences(before, after.model_copy(update={"checks": after.checks[1:]})) == [
        Difference("agreement", "pass", "absent")
    ]


def test_another_version_and_other_files_are_refused() -> None:
    graded = result()
    require_same_challenge(graded, challenge())
    require_same_files(graded, graded.submission.digest)
    with pytest.raises(UsageError, match="small version 1 and this is version 2"):
        require_same_challenge(graded, challenge(version=2))
    with pytest.raises(UsageError, match="not the files that were graded"):
        require_same_files(graded, "sha256:" + "9" * 64)
