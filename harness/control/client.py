"""The grader's end of the control channel: what whoever measures may ask of the host."""

import threading
from collections.abc import Sequence
from typing import BinaryIO

from harness.control.line import Line
from harness.control.messages import Do, FromHost, Job, Progress, Reply, Request, Result, parse_from_host
from harness.errors import ControlLost, SandboxFailed
from harness.sandbox.roles import Stats, Subject


class ControlClient:
    """A `SubjectControl` whose sandbox is at the other end of two unbuffered streams. Any thread may use it."""

    def __init__(self, reader: BinaryIO, writer: BinaryIO) -> None:
        self._line: Line[FromHost] = Line(reader, writer, parse_from_host)
        self._turn = threading.Lock()
        self._asked = 0

    def receive_job(self) -> Job:
        """Wait for the job, which comes first and once."""
        message = self._line.receive()
        if not isinstance(message, Job):
            raise ControlLost("the host did not begin with a job")
        return message

    def hand_over(
        self, pause: Sequence[Subject], resume: Sequence[Subject], watch: Sequence[Subject] = ()
    ) -> list[Stats]:
        """Freeze some, thaw others and read the accounting of those to `watch`; all is done on return.

        Whoever is frozen or thawed is read while frozen, so none of its work falls on the wrong side of the reading.
        """
        if not (pause or resume or watch):
            return []
        reply = self._exchange(Do.HAND_OVER, pause, resume=tuple(resume), watch=tuple(watch))
        return _all_stats(reply, watch)

    def restart(self, subjects: Sequence[Subject], hash_seed: int) -> None:
        """End whatever each subject left behind and start it afresh."""
        self._exchange(Do.RESTART, subjects, hash_seed=hash_seed)

    def stats(self, subjects: Sequence[Subject]) -> list[Stats]:
        """Read the accounting of each subject, in the order given."""
        return _all_stats(self._exchange(Do.STATS, subjects), subjects)

    def progress(self, progress: Progress) -> None:
        """Tell the host how far the grading is."""
        self._line.send(progress)

    def result(self, result: Result) -> None:
        """Hand in the result: the last thing said."""
        self._line.send(result)

    def _exchange(
        self,
        do: Do,
        subjects: Sequence[Subject],
        *,
        hash_seed: int | None = None,
        resume: tuple[Subject, ...] = (),
        watch: tuple[Subject, ...] = (),
    ) -> Reply:
        """Send one request and wait for its reply; raises SandboxFailed with the reason where it was refused."""
        with self._turn:
            self._asked += 1
            self._line.send(Request(self._asked, do, tuple(subjects), hash_seed, resume, watch))
            reply = self._receive_reply()
            if reply.id != self._asked:
                raise ControlLost(f"a reply to no request: {reply.id}")
        if reply.error is not None:
            raise SandboxFailed(reply.error)
        return reply

    def _receive_reply(self) -> Reply:
        message = self._line.receive()
        if message is None:
            raise ControlLost("the host hung up")
        if not isinstance(message, Reply):
            raise ControlLost("the host sent a second job")
        return message


def _all_stats(reply: Reply, subjects: Sequence[Subject]) -> list[Stats]:
    if len(reply.stats) != len(subjects):
        raise ControlLost(f"asked for the stats of {len(subjects)} subjects and got {len(reply.stats)}")
    return list(reply.stats)
