"""Where the time of one whole grading goes: the subjects, and everything that is not a subject.

python benchmarks/time_budget.py [SUBMISSION] [--challenge hashmap] [--json]
"""

import argparse
import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from grader.catalogue import find_root, load_entry
from grader.grading import GradingRequest, grade
from grader.result import Result
from grader.venue import VenueChoice, default_image, find_venue


@dataclass(frozen=True)
class Budget:
    """Seconds of one grading's wall time; `other_share` is the part in which no subject was at work."""

    verdict: str
    total_sec: float
    candidate_sec: float
    reference_sec: float
    around_the_grader_sec: float
    inside_the_grader_sec: float
    other_share: float
    items_sec: dict[str, float]


def main() -> None:
    """Grade once and print the budget."""
    options = _options()
    root = find_root()
    entry = load_entry(root, options.challenge)
    submission = options.submission or root / "reference_solutions" / options.challenge / "reference"
    venue = find_venue(VenueChoice.DOCKER, default_image())
    began = time.perf_counter()
    result = grade(GradingRequest(root, entry, submission, venue)).result
    budget = _budget(result, time.perf_counter() - began)
    print(json.dumps(asdict(budget), indent=2) if options.json else _text(budget))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("submission", nargs="?", type=Path)
    parser.add_argument("--challenge", default="hashmap")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def _budget(result: Result, total_sec: float) -> Budget:
    if result.timing is None:
        raise SystemExit(f"the grading broke: {'; '.join(result.faults)}")
    subjects = result.timing.candidate_sec + result.timing.reference_sec
    return Budget(
        verdict=str(result.verdict),
        total_sec=total_sec,
        candidate_sec=result.timing.candidate_sec,
        reference_sec=result.timing.reference_sec,
        around_the_grader_sec=total_sec - result.timing.total_sec,
        inside_the_grader_sec=result.timing.total_sec - subjects,
        other_share=1 - subjects / total_sec,
        items_sec={item.id: item.duration_sec for item in [*result.checks, *result.bars]},
    )


def _text(budget: Budget) -> str:
    rows = {
        "whole grading": budget.total_sec,
        "the candidate at work": budget.candidate_sec,
        "the reference at work": budget.reference_sec,
        "containers, staging, pytest's start": budget.around_the_grader_sec,
        "checking, freezing, starting launches": budget.inside_the_grader_sec,
    }
    lines = [f"{name:40} {seconds:7.2f} s" for name, seconds in rows.items()]
    lines += [f"{'not a subject':40} {100 * budget.other_share:7.1f} %", ""]
    return "\n".join(lines + [f"{name:40} {seconds:7.2f} s" for name, seconds in budget.items_sec.items()])


if __name__ == "__main__":
    main()
