"""The grader role in real containers: a submission that misbehaves in every way, and whose fault each of them is."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from grader.catalogue import load_entry
from grader.evidence import CheckStatus
from grader.grading import GradingRequest, grade
from grader.result import Result
from grader.venue import VenueChoice, find_venue

pytestmark = pytest.mark.docker

SOUND = """
def answer(what):
    return [1, 2, 3]
"""

MISBEHAVING = """
import os
import signal
import time


def answer(what):
    match what:
        case "wrong":
            return [1, 2, 4]
        case "shapeless":
            return {"not": "a list"}
        case "raises":
            raise ValueError("boom")
        case "exits":
            os._exit(0)
        case "dies":
            os.kill(os.getpid(), signal.SIGKILL)
        case "sleeps":
            time.sleep(30)
        case "swells":
            return bytearray(1 << 30)
        case "bulky":
            return bytes(24 << 20)
        case "blown-up":
            return [chr(0x1F600) + chr(0) * 1_000_000] * 32
        case "cores":
            return sorted(os.sched_getaffinity(0))
        case "lazy":
            return type("Lazy", (int,), {})(1)
    return [1, 2, 3]
"""

DRIVER = """
import solution


def ask(what):
    return solution.answer(what)
"""

BEHAVIOUR = """
import os
import subprocess
import sys

import pytest


def total(value):
    return sum(number + 0 for number in value)


def test_right(submission):
    assert submission.value("ask", "right") == [1, 2, 3], "answers the question"


def test_wrong(submission):
    assert submission.value("ask", "wrong") == [1, 2, 3], "answers the question"


def test_shapeless(submission):
    assert total(submission.value("ask", "shapeless")) == 6, "adds up"


def test_raises(submission):
    submission.value("ask", "raises")


def test_exits(submission):
    submission.value("ask", "exits")


def test_dies(submission):
    submission.value("ask", "dies")


def test_sleeps(submission):
    submission.value("ask", "sleeps", timeout_sec=0.5)


def test_swells(submission):
    submission.value("ask", "swells")


def test_bulky(submission):
    kept = [submission.value("ask", "bulky") for _ in range(3)]
    assert submission.value("ask", kept) == [1, 2, 3], "takes back what it gave"


def test_blown_up(submission):
    value = submission.value("ask", "blown-up")
    assert f"{value} {value} {value} {value}".count("1") == 4, "can be told"


def test_lazy(submission):
    submission.value("ask", "lazy")


def test_apart(submission):
    theirs, mine = set(submission.value("ask", "cores")), os.sched_getaffinity(0)
    assert not theirs & mine or os.cpu_count() == 1, "the grader works on cores of its own"


def test_broken(submission):
    submission.value("ask", "right")
    raise RuntimeError("the check itself is broken")


def test_skipping():
    pytest.skip("not today")


def keep_busy():
    spin = "import time; until = time.monotonic() + 4\\nwhile time.monotonic() < until: pass"
    for _ in range(3 * os.cpu_count()):
        subprocess.Popen([sys.executable, "-S", "-c", spin])


def test_hurried(submission):
    keep_busy()
    assert submission.value("ask", "right") == "in time", "answers in time"


def test_hurried_and_wrong(submission):
    keep_busy()
    assert submission.value("ask", "wrong") == [1, 2, 3], "answers rightly"


def test_seeded(fresh_seed):
    pytest.fail(f"seed {fresh_seed}")


def test_seeded_otherwise(fresh_seed):
    pytest.fail(f"seed {fresh_seed}")
"""

CHECKS = tuple(name.replace("_", "-") for name in re.findall(r"def test_(\w+)", BEHAVIOUR))

TIMED = frozenset({"hurried", "hurried-and-wrong"})

BARS = """
from harness.duel.round import Call, Round


class Nothing:
    def round(self, rng):
        return Round((), Call("ask", ("right",)), lambda answer: None if answer == [1, 2, 3] else "it is not 1, 2, 3")


def test_speed(duel):
    duel(Nothing())
"""


BARS_BY_STATISTIC = """
def test_speed(measure):
    def statistic(launch):
        bulk = [side.value("ask", "bulky") for side in (launch.candidate, launch.candidate, launch.candidate)]
        launch.candidate.value("ask", bulk)
        return launch.candidate.value("ask", "cost")[0], 1.0
    measure(statistic)
"""

COSTS_NOTHING = """
def answer(what):
    return [-3] if what == "cost" else [1, 2, 3]
"""

TOO_BULKY = """
def answer(what):
    return bytes(24 << 20) if what == "bulky" else [1, 2, 3]
"""


def suite(root: Path, checks: tuple[str, ...], behaviour: str, bars: str = BARS) -> Path:
    """Write a suite of one challenge; its reference is sound."""
    challenge, reference = root / "challenges" / "tiny", root / "reference_solutions" / "tiny" / "reference"
    declared = "".join(
        f'[[checks]]\nid = "{check}"\ntitle = "{check}"\ntimed = {str(check in TIMED).lower()}\n' for check in checks
    )
    header = 'version = 1\ntitle = "Tiny"\nsummary = "s"\narea = "backend"\nminutes = 1\n'
    bar = '[[bars]]\nid = "speed"\ntitle = "Speed"\npass = 3.0\ndistinction = 1.5\ncontrol = true\n'
    limits = "[limits]\nmemory_mb = 128\ncall_timeout_sec = 5\n"
    for path, text in {
        challenge / "challenge.toml": header + limits + declared + bar,
        challenge / "driver.py": DRIVER,
        challenge / "grading" / "test_behaviour.py": behaviour,
        challenge / "grading" / "test_bars.py": bars,
        reference / "solution.py": SOUND,
    }.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return root


@pytest.fixture
def graded(tmp_path: Path, image: str) -> Callable[..., Result]:
    """Grade a solution's text by the tiny suite."""

    def run(
        solution: str, checks: tuple[str, ...] = CHECKS, behaviour: str = BEHAVIOUR, seed: int = 1, bars: str = BARS
    ) -> Result:
        root = suite(tmp_path, checks, behaviour, bars)
        submission = tmp_path / "submission"
        submission.mkdir(exist_ok=True)
        (submission / "solution.py").write_text(solution, "utf-8")
        venue = find_venue(VenueChoice.DOCKER, image)
        return grade(GradingRequest(root, load_entry(root, "tiny"), submission, venue, seed)).result

    return run


def test_whose_fault_is_what(graded: Callable[..., Result]) -> None:
    found = {check.id: check for check in graded(MISBEHAVING).checks}
    statuses = {id_: check.status for id_, check in found.items()}
    ours = {
        "broken": CheckStatus.ERROR,
        "hurried": CheckStatus.ERROR,
        "skipping": CheckStatus.SKIPPED,
        "right": CheckStatus.PASSED,
        "apart": CheckStatus.PASSED,
    }
    assert statuses == {id_: ours.get(id_, CheckStatus.FAILED) for id_ in CHECKS}
    for id_, sentence in {
        "wrong": "answers the question",
        "shapeless": "wrong shape",
        "bulky": "too large to be handed back",
        "blown-up": "wrong shape (MemoryError",
        "raises": "raised ValueError: boom",
        "exits": "exited with code 0",
        "dies": "signal 9",
        "sleeps": "no answer within 0.5 s",
        "swells": "more than its 128 MiB",
        "lazy": "raised",
        "broken": "RuntimeError",
        "hurried": "other work keeps this machine so busy that the reference fails this too: answers in time",
        "hurried-and-wrong": "answers rightly",
    }.items():
        assert sentence in found[id_].message, id_


def test_bars_wait_for_the_checks_and_a_sound_submission_is_measured(graded: Callable[..., Result]) -> None:
    unmeasured = graded(MISBEHAVING, checks=("right", "wrong"), behaviour=only("right", "wrong")).bars[0]
    assert (str(unmeasured.verdict), unmeasured.ratio) == ("not_measured", None)
    assert "wrong" in unmeasured.message
    measured = graded(SOUND, checks=("right",), behaviour=only("right"))
    assert measured.bars[0].ratio is not None
    assert measured.control is not None
    assert len(measured.bars[0].candidate) >= 5


def test_what_does_not_load_is_told_at_every_check_and_is_not_waited_for_at_each(
    graded: Callable[..., Result],
) -> None:
    checks = ("right", "wrong", "raises", "skipping")
    [*asking, skipping] = graded("def answer(:", checks, only(*checks)).checks
    assert {str(check.status) for check in asking} == {"failed"}
    assert {check.message for check in asking} == {
        "could not be loaded: importing it raised SyntaxError: invalid syntax (solution.py, line 1)"
    }
    assert skipping.status is CheckStatus.SKIPPED  # it asks nothing of the submission


@pytest.mark.parametrize(
    ("solution", "sentence"),
    [(COSTS_NOTHING, "came to -3"), (TOO_BULKY, "too large to be handed back")],
    ids=["nothing", "too bulky"],
)
def test_a_statistic_that_an_answer_spoils_is_the_submissions_failure(
    graded: Callable[..., Result], solution: str, sentence: str
) -> None:
    result = graded(solution, checks=("right",), behaviour=only("right"), bars=BARS_BY_STATISTIC)
    assert str(result.verdict) == "fail"
    assert sentence in result.bars[0].message


def test_the_same_seed_replays_and_each_check_has_its_own(graded: Callable[..., Result]) -> None:
    seeded = ("seeded", "seeded-otherwise")
    first, again, other = (
        [check.message for check in graded(SOUND, seeded, only(*seeded), seed).checks] for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other
    assert first[0] != first[1]


@pytest.mark.parametrize(
    ("checks", "behaviour"),
    [(("right", "absent"), ("right",)), (("right",), ("right", "wrong"))],
    ids=["declared but missing", "present but undeclared"],
)
def test_checks_that_are_not_exactly_the_declared_ones_are_our_fault(
    graded: Callable[..., Result], checks: tuple[str, ...], behaviour: tuple[str, ...]
) -> None:
    result = graded(SOUND, checks=checks, behaviour=only(*behaviour))
    assert str(result.verdict) == "error"
    assert result.faults


def only(*wanted: str) -> str:
    """Cut the behaviour file down to some of its checks."""
    head, *functions = re.split(r"\n\n\n(?=def test_)", BEHAVIOUR)
    names = {f"def test_{name.replace('-', '_')}(" for name in wanted}
    return "\n\n\n".join([head, *(text for text in functions if any(text.startswith(name) for name in names))])
