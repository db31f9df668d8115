"""What a check holds in its hands: one subject, to call, to restart and to read the accounting of."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random

from harness.duel.match import HASH_SEED_LIMIT, Pairing
from harness.flight import Flight
from harness.outcome import Finished, Outcome, describe, describe_load
from harness.roster import NotUsable, Roster
from harness.sandbox.roles import Side, Stats, Subject


class SubjectFailed(Exception):
    """A subject did not answer a call that had to be answered; the sentence is for the person who wrote it."""

    def __init__(self, side: Side, sentence: str, outcome: Outcome) -> None:
        super().__init__(sentence)
        self.side = side
        self.outcome = outcome


class SubjectFacade:
    """One subject of the grading; a subject that broke is started again at its next use in another check."""

    def __init__(self, roster: Roster, subject: Subject, rng: Random, source: Path | None = None) -> None:
        self._roster = roster
        self._subject = subject
        self._rng = rng
        self._source = source

    @property
    def source(self) -> Path:
        """The submission's folder on the trusted side: to read as text, never to import."""
        if self._source is None:
            raise LookupError("only the submission has a source to read")
        return self._source

    def ensure(self) -> None:
        """Start the subject if it never was, or broke."""
        if not self._roster.started(self._subject):
            self.restart()

    def restart(self) -> None:
        """Start the subject afresh, in a new process with a new hash seed; one that never loads stays as it is."""
        if self._roster.never_loads(self._subject):
            return
        self._roster.start([self._subject], self._rng.randint(1, HASH_SEED_LIMIT))

    def call(self, function: str, *args: object, timeout_sec: float | None = None, fds: Sequence[int] = ()) -> Outcome:
        """Call one of the driver's functions; whatever the subject does is an outcome.

        The descriptors of `fds` arrive as further int arguments, and stay the caller's to close. Raises SubjectFailed
        where the subject did not load: no call says more of that.
        """
        self._demand_loaded()
        return self._roster.call(self._subject, function, *args, timeout_sec=timeout_sec, fds=fds)

    def value(self, function: str, *args: object, timeout_sec: float | None = None, fds: Sequence[int] = ()) -> object:
        """Call one of the driver's functions and give its answer; raises SubjectFailed when there is none."""
        outcome = self.call(function, *args, timeout_sec=timeout_sec, fds=fds)
        return self._finished(outcome)

    @contextmanager
    def flight(self) -> Iterator[Flight]:
        """Have several calls in flight; raises SubjectFailed where the subject does not even load."""
        self._demand_loaded()
        try:
            with self._roster.flight(self._subject) as flight:
                yield flight
        except NotUsable as fault:
            raise SubjectFailed(self._subject.side, describe(fault.outcome), fault.outcome) from fault

    def rendezvous(self, name: str) -> Path:
        """Name a place for a Unix socket that the subject can reach; its driver finds `name` beside its own socket."""
        return self._roster.rendezvous(self._subject, name)

    @property
    def disk(self) -> Path:
        """The subject's real disk, read-only: sizes and caches to look at, and content that nobody may trust.

        Raises LookupError where the challenge declares no `disk_mb`.
        """
        return self._roster.disk(self._subject.side)

    def timed_call(self, function: str, *args: object, timeout_sec: float) -> tuple[object, float]:
        """Give a call's answer and its seconds, from the first byte sent to the complete reply decoded."""
        self._demand_loaded()
        self._roster.wake(self._subject)
        request = self._roster.encode(self._subject, function, args)
        began = time.perf_counter()
        outcome = self._roster.exchange(self._subject, request, timeout_sec)
        seconds = time.perf_counter() - began
        return self._finished(outcome), seconds

    def stats(self) -> Stats:
        """Read the subject's accounting."""
        return self._roster.stats([self._subject])[0]

    def _demand_loaded(self) -> None:
        failed = self._roster.failed_load(self._subject)
        if failed is not None:
            raise SubjectFailed(self._subject.side, describe_load(failed), failed)

    def _finished(self, outcome: Outcome) -> object:
        if isinstance(outcome, Finished):
            return outcome.value
        raise SubjectFailed(self._subject.side, describe(outcome), outcome)


class PairedLaunch:
    """One launch of a bar that is no plain duel: both sides' subjects, of which only the one in use is awake."""

    def __init__(self, roster: Roster, pairing: Pairing, rng: Random) -> None:
        self._roster = roster
        self._subjects = sorted({pairing.candidate, pairing.reference})
        self.number = pairing.launch
        self.rng = rng
        self.candidate = SubjectFacade(roster, pairing.candidate, rng)
        self.reference = SubjectFacade(roster, pairing.reference, rng)

    def fresh(self) -> None:
        """Have both sides in new processes with one hash seed: start them, unless they were just started."""
        if not self._roster.fresh(self._subjects):
            self._roster.start(self._subjects, self.rng.randint(1, HASH_SEED_LIMIT))

    def ensure(self) -> None:
        """Start both sides unless they run already."""
        if not all(self._roster.started(subject) for subject in self._subjects):
            self.fresh()
