"""A way in that can be closed for good, and that nobody is still inside of once it is."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from harness.errors import SandboxFailed


class Gate:
    """Let work in until `close`, which waits for the work under way: after it, nothing more can be made."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._closed = False
        self._inside: list[int] = []

    @contextmanager
    def passing(self) -> Iterator[None]:
        """Work inside; raises SandboxFailed once it is closed."""
        me = threading.get_ident()
        with self._changed:
            if self._closed:
                raise SandboxFailed("the sandbox is being stopped")
            self._inside.append(me)
        try:
            yield
        finally:
            with self._changed:
                self._inside.remove(me)
                self._changed.notify_all()

    def close(self, limit_sec: float) -> None:
        """Let nobody in any more and wait until everybody is out, but this thread, which a signal may have taken."""
        me = threading.get_ident()
        deadline = time.monotonic() + limit_sec
        with self._changed:
            self._closed = True
            while any(ident != me for ident in self._inside) and (left := deadline - time.monotonic()) > 0:
                self._changed.wait(left)
