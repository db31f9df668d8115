"""Loading the driver, and which of its names can be called."""

import sys

import pytest

from harness.outcome import Finished, Outcome, Raised
from harness.worker.driver import Driver


def raised(outcome: Outcome) -> Raised:
    """Take the outcome for a raised one."""
    assert isinstance(outcome, Raised), outcome
    return outcome


BAD_DRIVERS = {
    "missing file": (None, "", "ImportError"),
    "syntax error": ("def f(:", "", "SyntaxError"),
    "raises": ("raise LookupError('at import')", "", "LookupError"),
    "leaves": ("import sys; sys.exit(0)", "", "SystemExit"),
    "submission without the name": ("from solution import missing", "", "ImportError"),
    "submission with a syntax error": ("import solution", "class", "SyntaxError"),
    "submission that is not there": ("import other", "", "ModuleNotFoundError"),
}


@pytest.mark.parametrize(("driver", "solution", "type_name"), BAD_DRIVERS.values(), ids=BAD_DRIVERS)
def test_a_driver_that_does_not_load_answers_every_call_the_same(start_worker, driver, solution, type_name):
    channel = start_worker(driver, solution).channel
    first = raised(channel.call("", timeout_sec=10))
    assert first.type_name == type_name
    for function in ("", "f", "", "f"):
        assert channel.call(function, timeout_sec=10) == first
    assert "importlib" not in first.traceback
    assert "harness" not in first.traceback


def test_a_driver_may_be_a_package_and_is_never_the_submissions_own(tmp_path, monkeypatch):
    package, submission = tmp_path / "driver", tmp_path / "submission"
    package.mkdir()
    submission.mkdir()
    (package / "__init__.py").write_text("from .parts import answer\n")
    (package / "parts.py").write_text(
        "import sys\ndef answer(): return __name__, sys.modules['driver'].answer is answer\n"
    )
    (submission / "driver.py").write_text("def answer(): return 'the submission'\n")
    monkeypatch.syspath_prepend(submission)
    driver = Driver(str(tmp_path))
    try:
        assert driver.function("answer")() == ("driver.parts", True)
    finally:
        for name in [name for name in sys.modules if name.split(".")[0] == "driver"]:
            del sys.modules[name]


def test_a_load_that_failed_does_not_grow_with_every_call(tmp_path):
    (tmp_path / "driver.py").write_text("raise LookupError")
    driver = Driver(str(tmp_path))
    depths = set()
    for _ in range(5):
        with pytest.raises(LookupError) as caught:
            driver.load()
        depths.add(len(caught.traceback))
    assert len(depths - {min(depths)}) <= 1


def test_the_first_call_loads_the_driver_and_later_ones_do_not(start_worker):
    channel = start_worker("import solution\ndef count(): return solution.count()", COUNTING).channel
    assert channel.call("count", timeout_sec=10) == Finished(1, "loaded\n")
    assert channel.call("", timeout_sec=10) == Finished(None)
    assert channel.call("count", timeout_sec=10) == Finished(2)


COUNTING = """
print("loaded")
calls = []
def count():
    calls.append(1)
    return len(calls)
"""


@pytest.mark.parametrize("name", ["_hidden", "__name__", "constant", "missing", "os.getpid", "__builtins__", "é"])
def test_only_public_functions_can_be_called(start_worker, name):
    channel = start_worker("import os\nconstant = 1\ndef _hidden(): return 1\ndef shown(): return 1").channel
    assert raised(channel.call(name, timeout_sec=10)).type_name == "NoSuchFunction"
    assert channel.call("shown", timeout_sec=10) == Finished(1)


def test_a_call_with_the_wrong_arguments_is_an_answer(start_worker):
    channel = start_worker("def one(argument): return argument").channel
    assert raised(channel.call("one", timeout_sec=10)).type_name == "TypeError"


def test_the_submission_may_have_several_modules_and_the_driver_finds_its_own_name(start_worker):
    driver = "import sys\ndef names(): return [__name__, sys.modules['driver'] is sys.modules[__name__]]"
    assert start_worker(driver).channel.call("names", timeout_sec=10) == Finished(["driver", True])


def test_the_worker_starts_with_few_imports(start_worker):
    heavy = ["asyncio", "dataclasses", "hypothesis", "inspect", "logging", "numpy", "pydantic", "pytest", "traceback"]
    driver = f"import sys\ndef heavy(): return [name for name in {heavy} if name in sys.modules]"
    assert start_worker(driver).channel.call("heavy", timeout_sec=10) == Finished([])
