"""Being told to stop: the first signal becomes one exception in the main thread, and clean-up is never cut short.

Theory of operation

    signal ──► interruptible()'s handler ──► first one: raise Interrupted ──► finally blocks clean up ──► exit 128 + n
                                        └──► any later one: ignored, for the clean-up is already on its way
    signal ──► shielded()'s handler     ──► remembered, and delivered when the clean-up is done
"""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

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
def interruptible(on_first: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Turn the first stopping signal into `Interrupted` and ignore the rest; `on_first` may tell the user.

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

    with _handling(handle):
        yield


@contextmanager
def shielded() -> Iterator[None]:
    """Hold stopping signals back until the block has ended, then deliver the first of them."""
    held: list[int] = []
    try:
        with _handling(lambda signum, _: held.append(signum)):
            yield
    finally:
        if held:
            signal.raise_signal(held[0])


@contextmanager
def _handling(handler: Callable[[int, FrameType | None], object]) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {signum: signal.signal(signum, handler) for signum in STOPPING}
    try:
        yield
    finally:
        for signum, previous in before.items():
            signal.signal(signum, previous)
