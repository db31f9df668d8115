"""Every sound find_capacity of client-server, on servers as a grading may plant them: exact, in virtual time.

A grading plants two. Three attempts excuse a stall of the machine, but no bias: this is where a bias shows.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from grader.catalogue import load_entry
from grader.faulty_copy import laid_out
from grader.known import known_solutions
from tests.challenges.loading import CHALLENGES, ROOT, SOLUTIONS, driver_beside, importing_from
from tests.harness.load.virtual_time import run_virtually

HERE = SOLUTIONS / "client-server"
SOUND = [HERE / "reference", *sorted(HERE.glob("accepted/*"))]
GRADINGS = 20
OFF = 0.07
"""What a grading allows beyond that is for the machine."""

LIMIT_SEC = 12.0
"""The grading allows 15 s."""

with importing_from(CHALLENGES / "client-server" / "grading") as import_:
    measuring, planted_plans = import_("measuring"), import_("planted_plans")


@pytest.fixture(scope="module")
def pairs() -> list[list[Callable[[], Any]]]:
    """Draw what some gradings would plant: two servers each."""
    rng = Random(20)
    return [list(planted_plans.with_capacity(rng).values()) for _ in range(GRADINGS)]


@pytest.mark.parametrize("solution", SOUND, ids=lambda solution: solution.name)
def test_a_sound_one_is_near_the_truth_wherever_that_is(solution: Path, pairs: list[list[Callable[[], Any]]]) -> None:
    for behaviour in (behaviour for pair in pairs for behaviour in pair):
        found, took_sec = searched(solution, behaviour)
        assert abs(found - 1) < OFF, f"found {found:.3f} of {behaviour()}"
        assert took_sec < LIMIT_SEC, f"took {took_sec:.1f} s for {behaviour()}"


@pytest.mark.parametrize("name", ["believes-short-trials", "ignores-errors", "one-burst-is-enough"])
def test_a_faulty_one_is_off_in_every_grading(name: str, pairs: list[list[Callable[[], Any]]]) -> None:
    known = known_solutions(ROOT, load_entry(ROOT, "client-server"))
    [faulty] = [solution for solution in known if solution.name == f"rejected/{name}"]
    with laid_out(faulty) as solution:
        for pair in pairs:
            found = [searched(solution, behaviour)[0] for behaviour in pair]
            refused = any(abs(each - 1) > measuring.CAPACITY_OFF for each in found)
            assert refused, f"found {found} of {[make() for make in pair]}"


def searched(solution: Path, behaviour: Callable[[], Any]) -> tuple[float, float]:
    """Say what share of a server's capacity a solution finds, and how long it takes."""
    find_capacity = driver_beside("client-server", solution).solution.find_capacity
    found, took_sec = run_virtually(_search(find_capacity, behaviour()))
    return found / behaviour().capacity_per_sec, took_sec


async def _search(find_capacity: Callable[..., Any], behaviour: Any) -> tuple[float, float]:
    loop = asyncio.get_running_loop()

    async def connect() -> tuple[asyncio.StreamReader, Any]:
        await asyncio.sleep(0.0005)
        reader = asyncio.StreamReader()
        return reader, _Wire(behaviour, reader)

    return await find_capacity(connect, measuring.SLO_P99_MS), loop.time()


class _Wire:
    """The writing end of a connection to a planted server that takes no time of its own."""

    def __init__(self, behaviour: Any, reader: asyncio.StreamReader) -> None:
        self._behaviour = behaviour
        self._reader = reader
        self._loop = asyncio.get_running_loop()
        self._open = True

    def write(self, request: bytes) -> None:
        fate = self._behaviour.fate(int(request), self._loop.time())
        self._loop.call_at(fate.at, self._answer, b"%d %s\n" % (int(request), fate.word.encode()))

    def _answer(self, line: bytes) -> None:
        if self._open:
            self._reader.feed_data(line)

    def close(self) -> None:
        if self._open:
            self._open = False
            self._reader.feed_eof()
