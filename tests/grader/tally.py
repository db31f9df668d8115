"""A whole challenge of a few lines, for tests that need one: add up a list of numbers."""

from pathlib import Path
from textwrap import dedent

SLUG = "tally"

LOOP = """
def total(numbers):
    sum_so_far = 0
    for number in numbers:
        sum_so_far += number
    return sum_so_far
"""

FILES = {
    "challenges/tally/challenge.toml": """
        version = 1
        title = "Tally"
        summary = "Add up a list of numbers."
        area = "warm-up"
        minutes = 5

        [limits]
        memory_mb = 128
        call_timeout_sec = 5.0
        grading_timeout_sec = 60.0

        [[checks]]
        id = "adds-up"
        title = "The total of some numbers is their sum"

        [[checks]]
        id = "empty"
        title = "The total of no numbers is 0"

        [[bars]]
        id = "bulk"
        title = "Adding up many numbers"
        pass = 3.0
        control = true

        [[bars]]
        id = "again"
        title = "Adding up many numbers again"
        pass = 3.0
        required = false
        """,
    "challenges/tally/SPEC.md": "# Tally\n\nWrite `total(numbers)`.\n",
    "challenges/tally/GUIDE.md": "# Tally, for the interviewer\n\nAsk about floats.\n",
    "challenges/tally/driver.py": """
        from solution import total

        TIMES = 10


        def add_up(numbers):
            return total(numbers)


        def add_up_often(numbers):
            return [total(numbers) for _ in range(TIMES)]
        """,
    "challenges/tally/starter/solution.py": "def total(numbers):\n    raise NotImplementedError\n",
    "challenges/tally/starter/test_public.py": """
        from solution import total


        def test_three_numbers():
            assert total([1, 2, 3]) == 6
        """,
    "challenges/tally/starter/NOTES.md": "# Notes\n\nSay what you did.\n",
    "challenges/tally/grading/test_behaviour.py": """
        from random import Random


        def test_adds_up(submission, fresh_seed):
            rng = Random(fresh_seed)
            numbers = [rng.randrange(1000) for _ in range(50)]
            assert submission.value("add_up", numbers) == sum(numbers), "the total of some numbers is their sum"


        def test_empty(submission):
            assert submission.value("add_up", []) == 0, "the total of no numbers is 0"
        """,
    "challenges/tally/grading/test_bars.py": """
        from workload import Bulk


        def test_bulk(duel):
            duel(Bulk())


        def test_again(duel):
            duel(Bulk())
        """,
    "challenges/tally/grading/workload.py": """
        from harness.duel.round import Call, Round

        TIMES = 10


        class Bulk:
            def round(self, rng):
                numbers = [rng.randrange(1000) for _ in range(10_000)]
                right = [sum(numbers)] * TIMES
                return Round(
                    prepare=(),
                    timed=Call("add_up_often", (numbers,)),
                    check=lambda answer: None if answer == right else "a total is wrong",
                )
        """,
    "reference_solutions/tally/reference/solution.py": LOOP,
    "reference_solutions/tally/reference/NOTES.md": "# Why it is fast\n\nIt is not.\n",
    "reference_solutions/tally/accepted/recount/solution.py": LOOP.replace("sum_so_far", "result"),
    "reference_solutions/tally/rejected/forgetful/solution.py": LOOP.replace("in numbers", "in numbers[1:]"),
    "reference_solutions/tally/rejected/forgetful/expect.toml": """
        verdict = "fail"
        fails = ["adds-up"]
        why = "It forgets the first number."
        """,
    "reference_solutions/tally/rejected/slow/solution.py": """
        def total(numbers):
            for _ in range(8):
                result = 0
                for number in numbers:
                    result += number
            return result
        """,
    "reference_solutions/tally/rejected/slow/expect.toml": """
        verdict = "fail"
        fails = ["bulk", "again"]
        why = "It adds everything up eight times."
        """,
}


def write_tally(root: Path) -> Path:
    """Write the challenge and its known solutions below `root`, and give `root`."""
    for name, text in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text).lstrip("\n"), encoding="utf-8")
    return root


def solution(root: Path, name: str) -> Path:
    """Give the folder of a known solution, such as `rejected/slow`."""
    return root / "reference_solutions" / SLUG / name
