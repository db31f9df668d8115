"""How far a duel's ratio strays when nothing differs, and how surely a planted slowdown is caught.

Each duel is a grading of its own, of one bar in fresh containers: the reference against itself, or against a copy whose
every answer takes `--slow` percent longer. With `--hog`, a neighbour burns CPU in bursts on the subjects' core.

    python benchmarks/null_table.py --bar hit-lookup --duels 100
    python benchmarks/null_table.py --bar hit-lookup --duels 100 --hog
    python benchmarks/null_table.py --bar hit-lookup --duels 100 --slow 20 --threshold 1.10
"""

import argparse
import json
import math
import multiprocessing
import os
import random
import re
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

from grader.catalogue import find_root, load_entry
from grader.grading import GradingRequest, grade
from grader.result import BarResult
from grader.venue import VenueChoice, default_image, find_venue

BURST_SEC = (0.01, 0.30)
"""How long the neighbour burns CPU at a time, and how long it rests: about half the core."""

MIN_SLEEP_SEC = 0.02
"""The neighbour looks at its parent's life this often, at least."""

SLOWED = """

# -- Every answer takes {percent} % longer, by burning CPU: what a uniformly slower submission looks like from outside.
import time as _time

from harness.worker.service import Service as _Service

_answer = _Service.answer


def _slowed(*arguments):
    began = _time.perf_counter()
    reply = _answer(*arguments)
    until = began + (_time.perf_counter() - began) * {factor}
    while _time.perf_counter() < until:
        pass
    return reply


_Service.answer = _slowed
"""


@dataclass(frozen=True)
class Table:
    """What many duels came to; ratios are candidate over reference."""

    bar: str
    duels: int
    hog: bool
    slow_percent: float
    threshold: float
    mean: float
    sd_percent: float
    lowest: float
    highest: float
    beyond_3_percent: int
    verdicts: dict[str, int]
    voided_rounds: int
    seconds_per_duel: float


def main() -> None:
    """Run the duels and print their table."""
    options = _options()
    with tempfile.TemporaryDirectory() as scratch, _neighbour(options.hog):
        root = _suite_with_bar_at(options.threshold, options.challenge, options.bar, Path(scratch))
        submission = _submission(root / "reference_solutions" / options.challenge / "reference", options.slow)
        began = time.perf_counter()
        bars = list(_duels(root, submission, options))
        table = _table(bars, options, (time.perf_counter() - began) / options.duels)
    print(json.dumps(asdict(table), indent=2) if options.json else _text(table))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--challenge", default="hashmap")
    parser.add_argument("--bar", default="hit-lookup")
    parser.add_argument("--duels", type=int, default=20)
    parser.add_argument("--hog", action="store_true", help="burn CPU in bursts on the subjects' core")
    parser.add_argument("--slow", type=float, default=0.0, metavar="PCT", help="slow the candidate by this much")
    parser.add_argument("--threshold", type=float, default=1.10, help="the bar that the stopping rule decides against")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def _suite_with_bar_at(threshold: float, slug: str, bar: str, scratch: Path) -> Path:
    """Copy the suite with one bar moved, so that the real stopping rule decides against `threshold`."""
    root, moved = find_root(), scratch / "suite"
    for part in (Path("challenges") / slug, Path("reference_solutions") / slug / "reference"):
        shutil.copytree(root / part, moved / part)
    declaration = moved / "challenges" / slug / "challenge.toml"
    text = declaration.read_text("utf-8")
    before, found, after = text.partition(f'id = "{bar}"')
    if not found:
        raise SystemExit(f"{slug} has no bar {bar}")
    block, brackets, rest = after.partition("[[")
    block = re.sub(r"^distinction = .*\n", "", block, flags=re.MULTILINE)
    bar_lines = f"pass = {threshold}\ndistinction = {(1 + threshold) / 2}"
    block = re.sub(r"^pass = .*$", bar_lines, block, flags=re.MULTILINE)
    after = block + brackets + rest
    declaration.write_text(before + found + after, "utf-8")
    return moved


def _submission(reference: Path, slow_percent: float) -> Path:
    """Copy the reference as a submission, and slow the copy down."""
    copy = reference.parent / "copy"
    shutil.copytree(reference, copy)
    if slow_percent:
        with (copy / "solution.py").open("a", encoding="utf-8") as solution:
            solution.write(SLOWED.format(percent=slow_percent, factor=1 + slow_percent / 100))
    return copy


def _duels(root: Path, submission: Path, options: argparse.Namespace) -> Iterator[BarResult]:
    entry = load_entry(root, options.challenge)
    venue = find_venue(VenueChoice.DOCKER, default_image())
    for number in range(options.duels):
        request = GradingRequest(root, entry, submission, venue, selected=(options.bar,))
        result = grade(request).result
        bar = next(bar for bar in result.bars if bar.id == options.bar)
        if bar.ratio is None:
            raise SystemExit(f"duel {number} measured nothing: {bar.message or result.faults}")
        print(f"{number + 1:4}  {bar.ratio.estimate:.4f}  {bar.verdict}", file=sys.stderr, flush=True)
        yield bar


def _table(bars: list[BarResult], options: argparse.Namespace, seconds: float) -> Table:
    ratios = [bar.ratio.estimate for bar in bars if bar.ratio is not None]
    expected = 1 + options.slow / 100
    return Table(
        bar=options.bar,
        duels=len(ratios),
        hog=options.hog,
        slow_percent=options.slow,
        threshold=options.threshold,
        mean=statistics.fmean(ratios),
        sd_percent=100 * statistics.stdev(math.log(ratio) for ratio in ratios),
        lowest=min(ratios),
        highest=max(ratios),
        beyond_3_percent=sum(abs(ratio / expected - 1) > 0.03 for ratio in ratios),
        verdicts=dict(Counter(str(bar.verdict) for bar in bars)),
        voided_rounds=sum(bar.voided_rounds for bar in bars),
        seconds_per_duel=seconds,
    )


def _text(table: Table) -> str:
    width = max(len(name) for name in asdict(table))
    return "\n".join(f"{name.ljust(width)}  {_shown(value)}" for name, value in asdict(table).items())


def _shown(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


@contextmanager
def _neighbour(wanted: bool) -> Iterator[None]:
    """Run the CPU hog while the block runs; it ends by itself when this process is gone."""
    if not wanted:
        yield
        return
    hog = multiprocessing.Process(target=_burn_in_bursts, args=(os.getpid(), max(os.sched_getaffinity(0))), daemon=True)
    hog.start()
    try:
        yield
    finally:
        hog.terminate()
        hog.join()


def _burn_in_bursts(parent: int, core: int) -> None:
    os.sched_setaffinity(0, {core})
    rng = random.Random(1)
    while os.getppid() == parent:
        until = time.monotonic() + rng.uniform(*BURST_SEC)
        while time.monotonic() < until:
            pass
        time.sleep(max(MIN_SLEEP_SEC, rng.uniform(*BURST_SEC)))


if __name__ == "__main__":
    main()
