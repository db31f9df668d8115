"""Being told to stop: the first signal becomes one exception in the main thread, and clean-up is never cut short.

Theory of operation

    signal ──► interruptible()'s handler ──► first one: raise Interrupted ──► finally blocks clean up ──► exit 128 + n
                                        └──► any later one: ignored, for the clean-up is already on its way
    signal ──► a Shield's handler       ──► remembered, and delivered when the shield is lifted or taken away
"""

import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType

_Handler = Callable[[int, FrameType | None], object] | int | None

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(BaseException):
    """Someone told us to stop; not an `Exception`, so that nothing but the command line catches it by accident."""

    def __init__(self, signum: int) -> None:
        super().__init__(signal.Signals(signum).name)
        self.signal = signal.Signals(signum)

    @property
    def exit_code(self) -> int:
        """What a shell expects: 130 after Ctrl-C, 143 after SIGTERM, 129 after SIGHUP."""
        return 128 + self.signal


@contextmanager
def interruptible(on_first: Callable[[], object] = lambda: None) -> Iterator[None]:
    """Turn the first stopping signal into `Interrupted` and ignore the rest; `on_first` may tell the user.

    After one has come, further ones are ignored to the process's end: its own finalisation takes handlers away, but
    leaves what is ignored alone.
    In a thread other than the main one signals cannot be handled, and this does nothing.
    """
    told = False

    def handle(signum: int, _: FrameType | None) -> None:
        nonlocal told
        if told:
            return
        told = True
        on_first()
        raise Interrupted(signum)

    before = _install(dict.fromkeys(STOPPING, handle))
    try:
        yield
    finally:
        _install(dict.fromkeys(STOPPING, signal.SIG_IGN) if told else before)


class Shield:
    """Hold stopping signals back from the work that must be finished; deliver the first of them at the end.

    `lifted` lets them through for a while. Whatever such a signal interrupts, control comes back under the shield, so a
    `finally` around it is never cut short:

        with Shield() as shield:
            try:
                with shield.lifted(): ...      # may be interrupted
            finally: ...                       # may not
    """

    def __init__(self) -> None:
        self._before: dict[signal.Signals, _Handler] = {}
        self._held: list[int] = []

    def __enter__(self) -> "Shield":
        self._before = _install(dict.fromkeys(STOPPING, self._hold))
        return self

    def __exit__(self, *_: object) -> None:
        _install(self._before)
        self._deliver()

    @contextmanager
    def lifted(self) -> Iterator[None]:
        """Let signals through, also one that came before."""
        try:
            _install(self._before)
            self._deliver()
            yield
        finally:
            _install(dict.fromkeys(self._before, self._hold))

    def _hold(self, signum: int, _: FrameType | None) -> None:
        self._held.append(signum)

    def _deliver(self) -> None:
        if self._held:
            signum = self._held[0]
            self._held.clear()
            signal.raise_signal(signum)


def _install(handlers: Mapping[signal.Signals, _Handler]) -> dict[signal.Signals, _Handler]:
    """Set signal handlers and return those before; outside the main thread nothing can be set."""
    if threading.current_thread() is not threading.main_thread():
        return {}
    return {signum: signal.signal(signum, handler) for signum, handler in handlers.items()}
