"""How far a duel's ratio strays when nothing differs, and how surely a planted slowdown is caught.

Each duel is a grading of its own, of one bar in fresh containers: the reference against itself, or against a copy that every timed
call slows by `--slow` percent. With `--hog`, a neighbour burns CPU in random bursts on the subjects' core all the while.

    python benchmarks/null_table.py --bar hit-lookup --duels 100
    python benchmarks/null_table.py --bar hit-lookup --duels 100 --hog
    python benchmarks/null_table.py --bar hit-lookup --duels 100 --slow 20 --threshold 1.10
"""

import argparse
import json
import multiprocessing
import os
import random
import shutil
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from grader.catalogue import find_root
from grader.grading import GradingRequest, grade
from grader.venue import VenueChoice, default_image

BURST_SEC = (0.01, 0.30)
"""How long the neighbour burns CPU at a time, and how long it rests: about half the core, in bursts as long as rounds."""

SLOWED = '''

# -- Every call into the driver takes {percent} % longer, by burning CPU: what a uniformly slower submission looks like.
import time as _time

from harness.worker import service as _service

_invoke = _service.invoke


def _slowed(*args, **kwargs):
    began = _time.perf_counter()
    try:
        return _invoke(*args, **kwargs)
    finally:
        until = began + (_time.perf_counter() - began) * (1 + {percent} / 100)
        while _time.perf_counter() < until:
            pass


_service.invoke = _slowed
'''


@dataclass(frozen=True)
class Table:
    """What many duels came to; ratios are candidate over reference."""

    bar: str
    duels: int
    hog: bool
    slow_percent: float
    mean: float
    sd_percent: float
    lowest: float
    highest: float
    beyond_3_percent: int
    decisions: dict[str, int]
    voided_rounds: int
    seconds_per_duel: float


def main() -> None:
    """Run the duels and print their table."""
    options = _options()
    root = find_root()
    with tempfile.TemporaryDirectory() as scratch, _neighbour(options.hog):
        submission = _submission(root / "reference_solutions" / options.challenge / "reference", Path(scratch), options.slow)
        began = time.perf_counter()
        bars = [_duel(submission, options, number) for number in range(options.duels)]
        table = _table(bars, options, (time.perf_counter() - began) / options.duels)
    print(json.dumps(asdict(table), indent=2) if options.json else _text(table))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--challenge", default="hashmap")
    parser.add_argument("--bar", default="hit-lookup")
    parser.add_argument("--duels", type=int, default=20)
    parser.add_argument("--hog", action="store_true", help="burn CPU in bursts on the subjects' core")
    parser.add_argument("--slow", type=float, default=0.0, metavar="PCT", help="slow the candidate by this much")
    parser.add_argument("--threshold", type=float, default=1.10, help="the bar against which each interval is judged")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()
