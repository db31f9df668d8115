"""The host's end of the control channel: give the job, do what the grader asks, and take the result.

Theory of operation: one thread reads messages into a queue, and the caller's thread takes them out, serves requests one
by one and decides. A request that the sandbox refuses is answered with the reason; when the engine itself is lost, or
the grader falls silent, the grading is over.
"""

import queue
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from harness.control.line import Line
from harness.control.messages import Do, FromGrader, Job, Progress, Reply, Request, Result, parse_from_grader
from harness.errors import ControlLost, EngineUnavailable, GradingTimedOut, HarnessError
from harness.sandbox.roles import Sandbox, Stats

MAX_UNREAD: Final = 1024
"""Messages read ahead; a grader that sends more waits, for the host is only drawing progress."""

HANG_UP_LIMIT_SEC: Final = 10.0
"""How long the grader may take to end after its result; nothing it does then counts."""


LAST_WORDS_LIMIT_SEC: Final = 1.0
"""How long to read on, once the channel is broken, for what the grader printed as it died."""


@dataclass(frozen=True)
class Ended:
    """The grader hung up."""


Event = FromGrader | Ended | Exception


def serve(sandbox: Sandbox, job: Job, on_progress: Callable[[Progress], None], timeout_sec: float) -> Result:
    """Start `sandbox`, have `job` graded in it, and return the grader's result; stopping it is the caller's.

    Raises GradingTimedOut, EngineUnavailable, SandboxFailed, or ControlLost with the last the grader printed.
    """
    deadline = time.monotonic() + timeout_sec
    stream = sandbox.start()
    session = Session(sandbox, Line(stream, stream, parse_from_grader))
    try:
        session.begin(job)
        result = session.until_result(on_progress, deadline)
        session.until_end(time.monotonic() + HANG_UP_LIMIT_SEC)
    except ControlLost as error:
        session.hear_out()
        raise ControlLost(_with_log(str(error), sandbox)) from error
    except GradingTimedOut:
        raise GradingTimedOut(_with_log(f"the grader gave no result within {timeout_sec:g} s", sandbox)) from None
    finally:
        session.close()
    return result


class Session:
    """One grading's conversation with the grader role."""

    def __init__(self, sandbox: Sandbox, line: Line[FromGrader]) -> None:
        self._sandbox = sandbox
        self._line = line
        self._events: queue.Queue[Event] = queue.Queue(MAX_UNREAD)
        self._closed = threading.Event()
        self._reader = threading.Thread(target=self._read, name="control-reader", daemon=True)

    def begin(self, job: Job) -> None:
        """Begin to read, and give the job. The reading ends with the stream, and that with the sandbox."""
        self._reader.start()
        self._line.send(job)

    def until_result(self, on_progress: Callable[[Progress], None], deadline: float) -> Result:
        """Serve requests until the result."""
        while True:
            match self._next(deadline):
                case Request() as request:
                    self._line.send(self._reply(request))
                case Progress() as progress:
                    on_progress(progress)
                case Result() as result:
                    return result
                case Ended():
                    raise ControlLost("the grader ended before it gave a result")
                case Exception() as error:
                    raise error
                case None:
                    raise GradingTimedOut

    def until_end(self, deadline: float) -> None:
        """Wait for the grader to hang up; whatever it still says is a fault, its silence is not."""
        match self._next(deadline):
            case Request(kind=kind) | Progress(kind=kind) | Result(kind=kind):
                raise ControlLost(f"a {kind} after the result")
            case Exception() as error:
                raise error
            case Ended() | None:
                return

    def hear_out(self) -> None:
        """Let the reader take in what the grader printed as it died."""
        self._reader.join(LAST_WORDS_LIMIT_SEC)

    def close(self) -> None:
        """Read no more than the message under way."""
        self._closed.set()
        with suppress(queue.Empty):
            while True:
                self._events.get_nowait()

    def _next(self, deadline: float) -> Event | None:
        """Wait for the next event; `None` at the deadline, also when more has come than could be taken."""
        left_sec = deadline - time.monotonic()
        try:
            return self._events.get(timeout=left_sec) if left_sec > 0 else None
        except queue.Empty:
            return None

    def _read(self) -> None:
        try:
            while (message := self._line.receive()) is not None and not self._closed.is_set():
                self._events.put(message)
            self._events.put(Ended())
        except HarnessError as error:
            self._events.put(error)

    def _reply(self, request: Request) -> Reply:
        try:
            return Reply(request.id, stats=tuple(self._do(request)))
        except EngineUnavailable:
            raise
        except HarnessError as error:
            return Reply(request.id, error=str(error))

    def _do(self, request: Request) -> list[Stats]:
        match request.do:
            case Do.HAND_OVER:
                return self._sandbox.hand_over(request.subjects, request.resume, request.watch)
            case Do.RESTART:
                self._sandbox.restart(request.subjects, request.hash_seed or 0)
            case Do.STATS:
                return self._sandbox.stats(request.subjects)
        return []


def _with_log(what: str, sandbox: Sandbox) -> str:
    log = sandbox.grader_log()
    return f"{what}; the last it printed:\n{log}" if log else what
