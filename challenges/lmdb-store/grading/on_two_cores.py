"""Parallel scans: their wall time, and its share of what one process takes for the same fold."""

from itertools import pairwise
from random import Random
from typing import Any

from answers import CALL_SEC
from columns import Table
from digests import Digests
from turns import Pair, Turns, both
from workload import FOLDER

from grader.plugin.facade import PairedLaunch, SubjectFacade

PARALLEL_RUNS = 6
"""Each side's in a launch; after each follow pieces of the same fold in one process, a piece of one side at a time."""

WORKERS = 2

SERIAL_ROWS = 5_000
"""Of each scan of the fold in one process: as many as the bar of scans has, where slowness costs."""

SERIAL_MOST = 1.25
"""Times of the reference's: as slow as a scan may be that just passes its own bar, with the fold. More would pay."""

LEAST_WORK = 0.5
"""Of the cores' time that the reference's processes use in a parallel scan: the fold alone is most of it."""

_parallel: dict[int, tuple[Pair, Pair]] = {}


def parallel_scan(table: Table, launch: PairedLaunch) -> Pair:
    """Give the wall time of a parallel scan."""
    _parallel[launch.number] = _both_scans(table, launch)
    return _parallel[launch.number][0]


def parallel_share(table: Table, launch: PairedLaunch) -> Pair:
    """Give the wall time of a parallel scan as a share of the same fold's in one process, over scans of 5,000 rows."""
    (mine, theirs), (my_serial, their_serial) = _parallel.pop(launch.number, None) or _both_scans(table, launch)
    return mine / min(my_serial, SERIAL_MOST * their_serial), theirs / their_serial


def _both_scans(table: Table, launch: PairedLaunch) -> tuple[Pair, Pair]:
    worked_sec: dict[int, float] = {}

    def at_once(side: SubjectFacade, place: int, salt: int) -> float:
        before_sec = side.stats().cpu_sec
        parts, took = side.timed_call("fold_parallel", salt, *_ends(table, place), WORKERS, timeout_sec=CALL_SEC)
        after_sec = side.stats().cpu_sec
        _check_parts(parts, table, place, salt)
        if before_sec is not None and after_sec is not None:
            worked_sec[id(side)] = worked_sec.get(id(side), 0.0) + after_sec - before_sec
        return took

    for side in both(launch, 0):
        side.value("hold", FOLDER)
        at_once(side, *_drawn(table, launch.rng))
    worked_sec.clear()
    parallel, serial = Turns(launch), _Serial(table, launch)
    for number in range(PARALLEL_RUNS):
        place, salt = _drawn(table, launch.rng)
        parallel.take(lambda side, place=place, salt=salt: at_once(side, place, salt))
        serial.take((number + 1) / PARALLEL_RUNS)
    _check_work(worked_sec.get(id(launch.candidate)), worked_sec.get(id(launch.reference)))
    return parallel.pair, serial.pair


class _Serial:
    """The fold in one process, over a range in pieces that both sides take in turn."""

    def __init__(self, table: Table, launch: PairedLaunch) -> None:
        self._table = table
        self._place, self._salt = _drawn(table, launch.rng)
        self._pieces = list(pairwise([*map(list, table.order[self._place :: SERIAL_ROWS]), None]))
        self._turns = Turns(launch)
        self._answers: dict[int, list[Any]] = {id(launch.candidate): [], id(launch.reference): []}
        self._done = 0

    def take(self, share: float) -> None:
        """Go on to where so much of the range is folded, and check all answers in the end."""
        for ends in self._pieces[self._done : round(share * len(self._pieces))]:
            self._turns.take(lambda side, ends=ends: self._piece(side, ends))
            self._done += 1
        if self._done == len(self._pieces):
            for answers in self._answers.values():
                _check_parts(answers, self._table, self._place, self._salt)

    def _piece(self, side: SubjectFacade, ends: tuple[Any, Any]) -> float:
        answer, took = side.timed_call("fold_serial", self._salt, *ends, timeout_sec=CALL_SEC)
        self._answers[id(side)].append(answer)
        return took

    @property
    def pair(self) -> Pair:
        """Give the seconds of the whole range."""
        mine, theirs = self._turns.pair
        return mine * self._done, theirs * self._done


def _drawn(table: Table, rng: Random) -> tuple[int, int]:
    """Draw the row to begin with, among the first twentieth, and a number that changes all answers."""
    return rng.randrange(len(table.order) // 20), rng.getrandbits(32)


def _ends(table: Table, place: int) -> tuple[list[Any], None]:
    return list(table.order[place]), None


def _check_work(mine_sec: float | None, theirs_sec: float | None) -> None:
    """Require that all rows were folded, as far as the cores' time tells, where this machine tells it."""
    if mine_sec is None or theirs_sec is None:
        return
    assert mine_sec >= LEAST_WORK * theirs_sec, (
        f"in {PARALLEL_RUNS} parallel scans all processes used the cores for {1000 * mine_sec:.0f} ms, "
        f"the reference's for {1000 * theirs_sec:.0f} ms; to fold every row takes at least {LEAST_WORK:g} times that"
    )


def _check_parts(parts: Any, table: Table, place: int, salt: int) -> None:
    digests = [part for part in parts if part is not None]
    keys = [tuple(key) for first, last, _, _ in digests for key in (first, last)]
    assert keys == sorted(keys), "the parts of a parallel scan are not in order"
    assert (keys[0], keys[-1]) == (table.order[place], table.order[-1]), "a parallel scan does not cover its range"
    found = sum(rows for _, _, rows, _ in digests), sum(total for _, _, _, total in digests)
    right = len(table.order) - place, _digests(table).total(place, salt)
    assert found == right, "a parallel scan lost rows, gave them twice, or gave others"


_known: dict[int, Digests] = {}


def _digests(table: Table) -> Digests:
    if id(table) not in _known:
        _known[id(table)] = Digests(table)
    return _known[id(table)]
