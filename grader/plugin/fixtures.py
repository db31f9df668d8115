"""The fixtures that a challenge's checks and bars ask for."""

from collections.abc import Callable, Iterator
from time import perf_counter

import pytest

from grader.challenge import Bar
from grader.evidence import BarEvidence, BarStatus
from grader.plugin.bars import BarMeasurement, Statistic
from grader.plugin.collection import WANTED
from grader.plugin.facade import SubjectFacade
from grader.plugin.run import Run
from harness.duel.round import Workload
from harness.sandbox.roles import Side, Subject

SEED_BITS = 60
"""More than anybody can try one by one, and a number that the wire takes with its sign."""


class Fixtures:
    """The fixtures, bound to one run."""

    def __init__(self, run: Run) -> None:
        self._run = run

    @pytest.fixture
    def submission(self) -> SubjectFacade:
        """Hand out the candidate's subject, running."""
        facade = SubjectFacade(
            self._run.roster, Subject(Side.CANDIDATE, 0), self._run.rng("submission"), source=self._run.source
        )
        facade.ensure()
        return facade

    @pytest.fixture
    def reference(self) -> SubjectFacade:
        """Hand out the reference's subject, running."""
        facade = SubjectFacade(self._run.roster, Subject(Side.REFERENCE, 0), self._run.rng("reference"))
        facade.ensure()
        return facade

    @pytest.fixture
    def fresh_seed(self, request: pytest.FixtureRequest) -> int:
        """Give a secret number that depends on the grading's seed and the check alone."""
        return self._run.rng(f"seed of {request.node.name}").getrandbits(SEED_BITS)

    @pytest.fixture
    def subject_cores(self) -> int:
        """Tell how many cores each subject has, which may be fewer than the challenge asks for."""
        return self._run.subject_cores

    @pytest.fixture
    def duel(self, _bar: BarMeasurement) -> Callable[[Workload], None]:
        """Measure the bar as a duel; call it once."""
        return _bar.duel

    @pytest.fixture
    def measure(self, _bar: BarMeasurement) -> Callable[..., None]:
        """Measure the bar by a statistic of each launch; call it once."""
        return _bar.measure

    @pytest.fixture
    def _bar(self, request: pytest.FixtureRequest) -> Iterator[BarMeasurement]:
        bar = request.node.stash[WANTED]
        assert isinstance(bar, Bar)
        failed = self._run.failed_checks()
        if failed:
            reason = f"required checks did not pass: {_named(failed)}"
            self._run.bars[bar.id] = BarEvidence(id=bar.id, status=BarStatus.NOT_MEASURED, message=reason)
            pytest.skip(reason)
        if bar.cores > self._run.watch.most:
            pytest.skip(f"it needs {bar.cores} cores, and there are fewer here")
        began = perf_counter()
        yield BarMeasurement(self._run, bar, request)
        self._note_end(bar, perf_counter() - began)

    def _note_end(self, bar: Bar, duration_sec: float) -> None:
        found = self._run.bars.get(bar.id)
        if found is not None:
            self._run.bars[bar.id] = found.model_copy(update={"duration_sec": duration_sec})


NAMED = 3


def _named(ids: list[str]) -> str:
    more = f" and {len(ids) - NAMED} more" if len(ids) > NAMED else ""
    return ", ".join(ids[:NAMED]) + more


Measure = Callable[[Statistic], None]
"""The type of the `measure` fixture, for a challenge's annotations."""
