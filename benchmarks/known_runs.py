"""Grade known solutions again and again, keep every grading in a file, and count.

One grading says little of a verdict that has to be the same tomorrow, and twenty of each take longer than a day has
hours. So each is appended to FILE as soon as it is known, and the next is always one of a solution with the fewest so
far: a run may be stopped at any time and goes on where it was. `--table` counts what the file holds, as Markdown.

    python benchmarks/known_runs.py FILE --which sound --minutes 60 [--challenge SLUG …]
    python benchmarks/known_runs.py FILE --table [--challenge SLUG …]

`sound` are the reference and the accepted, graded whole. `checks` are the rejected that a check decides, and the
starter; `bars` those that a bar decides: as in `takehome verify --quick`, only what their expectation names is run.
"""

import argparse
import json
import statistics
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

from pydantic import BaseModel, ConfigDict

from grader.catalogue import find_root, load_catalogue
from grader.expectation_match import SOUND, Agreement
from grader.known import SolutionKind
from grader.venue import VenueChoice, default_image, find_venue
from grader.verdict import Verdict
from grader.verify import Plan, Row, carry_out, plan

Item = TypeVar("Item")

WHICH = ("sound", "checks", "bars")


class Place(NamedTuple):
    """Where a ratio lies beside its bar, candidate over reference; `units` of noise, negative on the failing side."""

    bar: str
    ratio: float
    threshold: float
    units: float


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
    places: tuple[Place, ...]

    @property
    def key(self) -> tuple[str, str]:
        """Which solution was graded."""
        return self.challenge, self.solution


def main() -> None:
    """Grade until time is up, or count."""
    options = _options()
    if options.table:
        print("\n".join(_tables([run for run in _read(options.file) if _wanted(run.challenge, options.slugs)])))
        return
    root = find_root()
    plans = [planned for planned in _plans(root, options.which) if _wanted(planned.entry.slug, options.slugs)]
    venue = find_venue(VenueChoice.DOCKER, default_image())
    until = time.monotonic() + 60 * options.minutes
    while time.monotonic() < until:
        planned = _least_graded(plans, _read(options.file))
        for row in carry_out(root, venue, [planned], lambda *_: None):
            run = _run(row, options.which, _commit(root))
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
    rejected = planned.solution.kind is SolutionKind.REJECTED
    return "bars" if rejected and bars & set(planned.solution.expectation.fails) else "checks"


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
        places=tuple(
            Place(found.bar, round(found.ratio, 4), found.threshold, round(found.units, 1))
            for found in row.margins
            if found.required
        ),
    )


def _commit(root: Path) -> str:
    """Name the commit, with a `+` where files differ from it."""
    command = ("git", "describe", "--always", "--exclude=*", "--dirty=+")
    return subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout.strip()


def _read(file: Path) -> list[Run]:
    lines = file.read_text("utf-8").splitlines() if file.exists() else []
    return [Run.model_validate_json(line) for line in lines]


def _append(file: Path, run: Run) -> None:
    with file.open("a", encoding="utf-8") as out:
        out.write(json.dumps(run.model_dump(mode="json"), separators=(",", ":")) + "\n")


def _line(run: Run) -> str:
    told = "; ".join(run.reasons) or _said(_nearest(run.places))
    return f"{run.challenge} {run.solution}: {run.verdict}, {run.agreement}, {run.seconds:.0f} s; {told}"


def _nearest(places: Iterable[Place]) -> Place | None:
    return min(places, key=lambda place: abs(place.units), default=None)


def _said(place: Place | None) -> str:
    return "" if place is None else f"{place.units:.1f} (`{place.bar}`, {place.ratio:.2f} of {place.threshold:g})"


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
    places = [(run.challenge, place) for run in runs for place in run.places if place.units < 0 or run in sound]
    yield from (_bar_line(*key, mine) for key, mine in _grouped(places, lambda found: (found[0], found[1].bar)))


def _sound_line(slug: str, solution: str, runs: Sequence[Run]) -> str:
    passed = sum(run.verdict is Verdict.PASS for run in runs)
    seconds = [run.seconds for run in runs]
    spent = f"{statistics.median(seconds):.0f}, {min(seconds):.0f} to {max(seconds):.0f}"
    nearest = _said(_nearest(place for run in runs for place in run.places))
    return f"| `{slug}` | `{solution.rpartition('/')[2]}` | {passed}, {len(runs)} | {spent} | {nearest} |"


def _other_line(slug: str, which: str, runs: Sequence[Run]) -> str:
    agreements = Counter(run.agreement for run in runs)
    found = [agreements[kind] for kind in (Agreement.EXPECTED, Agreement.INCONCLUSIVE, Agreement.ERROR)]
    cells = [len({run.key for run in runs}), len(runs), *found, sum(run.verdict is Verdict.PASS for run in runs)]
    return f"| `{slug}` | {which} | {' | '.join(str(cell) for cell in cells)} |"


def _bar_line(slug: str, bar: str, found: Sequence[tuple[str, Place]]) -> str:
    ratios = {cleared: [place.ratio for _, place in found if (place.units > 0) is cleared] for cleared in (True, False)}
    slowest = f"{max(ratios[True]):.2f}" if ratios[True] else ""
    fastest = f"{min(ratios[False]):.2f}" if ratios[False] else ""
    return f"| {slug}, `{bar}` | {found[0][1].threshold:g} | {slowest} | {fastest} |"


def _grouped(items: Iterable[Item], key: Callable[[Item], tuple[str, str]]) -> list[tuple[tuple[str, str], list[Item]]]:
    """Group as itertools.groupby does, without asking for order; groups come in the order of their first items."""
    groups: dict[tuple[str, str], list[Item]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return list(groups.items())


if __name__ == "__main__":
    main()
