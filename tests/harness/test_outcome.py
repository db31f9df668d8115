"""What became of loading a submission, in words for the person who wrote it."""

import pytest

from harness.outcome import Crashed, Outcome, OutOfMemory, Raised, TimedOut, describe_load

IN_SOLUTION = """Traceback (most recent call last):
  File "/grading/driver/__init__.py", line 3, in <module>
    import solution
  File "/submission/solution.py", line 7, in <module>
    import helper
  File "/submission/parts/helper.py", line 2, in <module>
    json.loads("{")
  File "/usr/lib/python3.11/json/decoder.py", line 353, in raw_decode
    raise JSONDecodeError
"""
IN_DRIVER = """Traceback (most recent call last):
  File "/grading/driver.py", line 3, in <module>
    from solution import Store
"""


@pytest.mark.parametrize(
    ("outcome", "told"),
    [
        (TimedOut(20.0), "importing it took more than 20 s"),
        (Raised("ValueError", "odd", IN_SOLUTION), "importing it raised ValueError: odd (helper.py, line 2)"),
        (Raised("ImportError", "no Store", IN_DRIVER), "importing it raised ImportError: no Store"),
        (
            Raised("SyntaxError", "invalid syntax (helper.py, line 2)", IN_SOLUTION),
            "importing it raised SyntaxError: invalid syntax (helper.py, line 2)",
        ),
        (Crashed(exit_code=0), "when it was imported, it exited with code 0 before it answered"),
        (OutOfMemory(64), "when it was imported, it used more than its 64 MiB of memory and was stopped"),
    ],
)
def test_why_a_submission_does_not_load_is_told_with_its_place(outcome: Outcome, told: str) -> None:
    assert describe_load(outcome) == f"could not be loaded: {told}"
