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

    def pause(self, subjects: Sequence[Subject]) -> None:
        """Freeze `subjects`; on return none of them executes another instruction."""
        self._exchange([self._request(Do.PAUSE, subjects)])

    def resume(self, subjects: Sequence[Subject]) -> None:
        """Thaw `subjects`."""
        self._exchange([self._request(Do.RESUME, subjects)])

    def hand_over(
        self, pause: Sequence[Subject], resume: Sequence[Subject], watch: Sequence[Subject] = ()
    ) -> list[Stats]:
        """Freeze some, thaw others and read the accounting of those to `watch`, all at once; all is done on return.

        Whoever is frozen or thawed is read while frozen, so none of its work falls on the wrong side of the reading.
        """
        changes = [(Do.PAUSE, tuple(pause)), (Do.RESUME, tuple(resume))]
        still = tuple(subject for subject in watch if subject not in {*pause, *resume})
        requests = [self._request(do, who, watch=any(one in watch for one in who)) for do, who in changes if who]
        requests += [self._request(Do.STATS, still)] if still else []
        found: dict[Subject, Stats] = {}
        for request, reply in zip(requests, self._exchange(requests), strict=True):
            if request.watch or request.do is Do.STATS:
                found |= zip(request.subjects, _all_stats(reply, request.subjects), strict=True)
        return [found[subject] for subject in watch]

    def restart(self, subjects: Sequence[Subject], hash_seed: int) -> None:
        """End whatever each subject left behind and start it afresh."""
        self._exchange([self._request(Do.RESTART, subjects, hash_seed)])

    def stats(self, subjects: Sequence[Subject]) -> list[Stats]:
        """Read the accounting of each subject, in the order given."""
        [reply] = self._exchange([self._request(Do.STATS, subjects)])
        return _all_stats(reply, subjects)

    def progress(self, progress: Progress) -> None:
        """Tell the host how far the grading is."""
        self._line.send(progress)

    def result(self, result: Result) -> None:
        """Hand in the result: the last thing said."""
        self._line.send(result)

    def _request(
        self, do: Do, subjects: Sequence[Subject], hash_seed: int | None = None, watch: bool = False
    ) -> Request:
        with self._turn:
            self._asked += 1
            return Request(self._asked, do, tuple(subjects), hash_seed, watch)

    def _exchange(self, requests: Sequence[Request]) -> list[Reply]:
        """Send all of `requests`, then wait for all their replies; the first error is raised once all have come."""
        replies: dict[int, Reply] = {}
        with self._turn:
            self._line.send(*requests)
            while len(replies) < len(requests):
                reply = self._receive_reply()
                if reply.id in replies or reply.id not in {request.id for request in requests}:
                    raise ControlLost(f"a reply to no request: {reply.id}")
                replies[reply.id] = reply
        for request in requests:
            if (error := replies[request.id].error) is not None:
                raise SandboxFailed(error)
        return [replies[request.id] for request in requests]

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
