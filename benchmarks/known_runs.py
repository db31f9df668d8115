"""Grade known solutions again and again, keep every grading in a file, and count.

One grading says little of a verdict that has to be the same tomorrow, and twenty of each take longer than a day has
hours. So each is appended to FILE as soon as it is known, and the next is always one of a solution with the fewest so
far: a run may be stopped at any time and goes on where it was. `--table` counts what the file holds, as Markdown.
A grading counts for as long as it stands: until anything is committed that could make another one come out differently.

    python benchmarks/known_runs.py FILE --which sound --minutes 60 [--challenge SLUG …]
    python benchmarks/known_runs.py FILE --table [--challenge SLUG …]

`sound` are the reference and the accepted, graded whole. `checks` are the rejected that a check decides, and the
starter; `bars` those that a bar decides: as in `takehome verify --quick`, only what their expectation names is run.
"""

import argparse
import functools
import statistics
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from grader.catalogue import find_root, load_catalogue
from grader.dead_zone import Margin, Separation, Shore, Sounding, separations
from grader.expectation_match import SOUND, Agreement
from grader.interruption import Interrupted, interruptible
from grader.venue import VenueChoice, default_image, find_venue
from grader.verdict import Verdict
from grader.verify import Plan, Row, carry_out, plan

WHICH = ("sound", "checks", "bars")
JUDGING = ("Dockerfile", "uv.lock", "harness", "grader")
TELLING = ("cli", "lint", "report", "templates")
"""Parts of grader/ that say what came out, and have no say in it."""


class Run(BaseModel):
    """One grading, a line of the file; `at` is in seconds since 1970, `commit` what was graded with."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    at: int
    commit: str
    challenge: str
    solution: str
    which: str
    seed: int
    verdict: Verdict
    agreement: Agreement
    reasons: tuple[str, ...]
    seconds: float
    margins: tuple[Margin, ...]

    @property
    def key(self) -> tuple[str, str]:
        """Which solution was graded."""
        return self.challenge, self.solution


def main() -> None:
    """Grade until time is up, or count."""
    options = _options()
    root = find_root()
    if options.table:
        runs = [run for run in _standing(root, options.file, "HEAD") if _wanted(run.challenge, options.slugs)]
        print("\n".join(_tables(runs)))
        return
    try:
        with interruptible():
            _grade(root, options)
    except Interrupted as stopped:
        raise SystemExit(stopped.exit_code) from None


def _grade(root: Path, options: argparse.Namespace) -> None:
    plans = [planned for planned in _plans(root, options.which) if _wanted(planned.entry.slug, options.slugs)]
    venue = find_venue(VenueChoice.DOCKER, default_image())
    until = time.monotonic() + 60 * options.minutes
    while time.monotonic() < until:
        commit = _commit(root)
        planned = _least_graded(plans, _standing(root, options.file, commit))
        for row in carry_out(root, venue, [planned], lambda *_: None):
            run = _run(row, options.which, commit)
            _append(options.file, run)
            print(_line(run), flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, metavar="FILE")
    parser.add_argument("--challenge", dest="slugs", action="append", metavar="SLUG", help="only this one, or these")
    parser.add_argument("--which", choices=WHICH, default="sound")
    parser.add_argument("--minutes", type=float, default=60, help="begin no grading after so long")
    parser.add_argument("--table", action="store_true", help="grade nothing, and count what there is")
    return parser.parse_args()


def _wanted(slug: str, slugs: Sequence[str] | None) -> bool:
    return slugs is None or slug in slugs


def _plans(root: Path, which: str) -> list[Plan]:
    entries = load_catalogue(root)
    plans = [planned for entry in entries for planned in plan(root, entry, None, 1, quick=which != "sound")]
    return [planned for planned in plans if _kind_of_run(planned) == which]


def _kind_of_run(planned: Plan) -> str:
    if planned.solution.kind in SOUND:
        return "sound"
    bars = {bar.id for bar in planned.entry.challenge.bars}
    return "bars" if bars & set(planned.solution.expectation.fails) else "checks"


def _least_graded(plans: Sequence[Plan], runs: Iterable[Run]) -> Plan:
    """Pick whoever has the fewest runs, the first of several: rounds, that go on where they were stopped."""
    counts = Counter(run.key for run in runs)
    return min(plans, key=lambda planned: counts[planned.entry.slug, planned.solution.name])


def _run(row: Row, which: str, commit: str) -> Run:
    return Run(
        at=int(time.time()),
        commit=commit,
        challenge=row.challenge,
        solution=row.solution,
        which=which,
        seed=row.seed,
        verdict=row.verdict,
        agreement=row.agreement,
        reasons=row.reasons,
        seconds=round(row.duration_sec, 1),
        margins=tuple(
            replace(margin, ratio=round(margin.ratio, 4), units=round(margin.units, 1))
            for margin in row.margins
            if margin.required
        ),
    )


def _commit(root: Path) -> str:
    """Name the commit that is graded with; where files differ from it no grading would count, and none is begun."""
    graded = (*JUDGING, "challenges", "reference_solutions")
    if _git(root, "status", "--porcelain", "--", *graded):
        raise SystemExit(f"commit first: {', '.join(graded)} hold what no commit does, so no grading would count")
    return _git(root, "rev-parse", "--short", "HEAD")


def _git(root: Path, *arguments: str) -> str:
    return subprocess.run(("git", *arguments), cwd=root, check=True, capture_output=True, text=True).stdout.strip()


def _standing(root: Path, file: Path, now: str) -> list[Run]:
    """Read the gradings in `file` that commit `now` would do with just the same."""
    lines = file.read_text("utf-8").splitlines() if file.exists() else []
    runs = [Run.model_validate_json(line) for line in lines]
    return [run for run in runs if _same(root, run.commit, now, run.challenge, run.solution)]


@functools.cache
def _same(root: Path, one: str, other: str, slug: str, solution: str) -> bool:
    """Tell whether two commits hold the same of all that a grading of `solution` is made with."""
    challenge, solutions = f"challenges/{slug}", f"reference_solutions/{slug}"
    judging = (*JUDGING, *(f":(exclude)grader/{part}" for part in TELLING))
    posing = (f"{challenge}/challenge.toml", f"{challenge}/driver*", f"{challenge}/grading")
    # The reference sets the bars, and a rejected one may be a patch on any of the others.
    others = ("reference", "accepted", "bases") if solution.startswith("rejected") else ("reference",)
    solving = (f"{solutions}/{part}" for part in (*others, solution))
    return not _git(root, "diff", "--name-only", one, other, "--", *judging, *posing, *solving)


def _append(file: Path, run: Run) -> None:
    with file.open("a", encoding="utf-8") as out:
        out.write(run.model_dump_json(exclude_defaults=True) + "\n")


def _line(run: Run) -> str:
    told = "; ".join(run.reasons) or _said(_nearest(run.margins))
    return f"{run.challenge} {run.solution}: {run.verdict}, {run.agreement}, {run.seconds:.0f} s; {told}"


def _nearest(margins: Iterable[Margin]) -> Margin | None:
    return min(margins, key=lambda margin: abs(margin.units), default=None)


def _said(margin: Margin | None) -> str:
    return "" if margin is None else f"{margin.units:.1f} (`{margin.bar}`, {margin.ratio:.2f} of {margin.threshold:g})"


def _tables(runs: Sequence[Run]) -> Iterator[str]:
    """Count the sound ones by solution, the others by challenge, and say how near both came to each bar."""
    sound = [run for run in runs if run.which == "sound"]
    others = [run for run in runs if run.which != "sound"]
    yield "| challenge | solution | pass, of | seconds: median, range | smallest margin, in units of noise |"
    yield "|---|---|---|---|---|"
    yield from (_sound_line(*key, mine) for key, mine in _grouped(sound, lambda run: run.key))
    yield ""
    yield "| challenge | decided by | solutions | gradings | as expected | inconclusive | error | pass |"
    yield "|---|---|---|---|---|---|---|---|"
    yield from (_other_line(*key, mine) for key, mine in _grouped(others, lambda run: (run.challenge, run.which)))
    yield ""
    yield "| challenge, bar | pass | sound, the slowest | slow, the fastest |"
    yield "|---|---|---|---|"
    for slug in dict.fromkeys(run.challenge for run in runs):
        zones = separations(_soundings(run for run in runs if run.challenge == slug))
        yield from (_bar_line(slug, zone) for zone in zones)


def _sound_line(slug: str, solution: str, runs: Sequence[Run]) -> str:
    passed = sum(run.verdict is Verdict.PASS for run in runs)
    seconds = [run.seconds for run in runs]
    spent = f"{statistics.median(seconds):.0f}, {min(seconds):.0f} to {max(seconds):.0f}"
    nearest = _said(_nearest(margin for run in runs for margin in run.margins))
    return f"| `{slug}` | `{solution.rpartition('/')[2]}` | {passed}, {len(runs)} | {spent} | {nearest} |"


def _other_line(slug: str, which: str, runs: Sequence[Run]) -> str:
    agreements = Counter(run.agreement for run in runs)
    found = [agreements[kind] for kind in (Agreement.EXPECTED, Agreement.INCONCLUSIVE, Agreement.ERROR)]
    cells = [len({run.key for run in runs}), len(runs), *found, sum(run.verdict is Verdict.PASS for run in runs)]
    return f"| `{slug}` | {which} | {' | '.join(str(cell) for cell in cells)} |"


def _soundings(runs: Iterable[Run]) -> Iterator[Sounding]:
    """Give the margins of sound ones, and those of others to the bars that they missed."""
    for run in runs:
        shore = Shore.SOUND if run.which == "sound" else Shore.SLOW
        yield from (
            Sounding(run.solution, shore, margin) for margin in run.margins if shore is Shore.SOUND or margin.units < 0
        )


def _bar_line(slug: str, zone: Separation) -> str:
    ends = [
        f"{nearest[1]:.2f} (`{nearest[0].rpartition('/')[2]}`)" if nearest else ""
        for nearest in (zone.slowest_sound, zone.fastest_slow)
    ]
    return f"| {slug}, `{zone.bar}` | {zone.threshold:g} | {' | '.join(ends)} |"


def _grouped(runs: Iterable[Run], key: Callable[[Run], tuple[str, str]]) -> list[tuple[tuple[str, str], list[Run]]]:
    """Group as itertools.groupby does, without asking for order; groups come in the order of their first items."""
    groups: dict[tuple[str, str], list[Run]] = {}
    for run in runs:
        groups.setdefault(key(run), []).append(run)
    return list(groups.items())


if __name__ == "__main__":
    main()
