"""The grader's end of a subject's Unix socket: listen before the subject starts, accept it once, close the door."""

import socket
import time
from collections.abc import Callable
from pathlib import Path

from harness.sandbox.roles import Side

CONNECT_TIMEOUT_SEC = 30.0
"""A container and its interpreter start in under a second; a loaded machine may take many times that."""

POLL_SEC = 0.25
"""How often a subject that has not connected is asked whether it still lives."""

SOCKET_MODE = 0o666
"""The subject runs as another user and must be allowed to connect."""


def socket_path(folder: Path, side: Side, door: str) -> Path:
    """Where a subject of `side` will connect to; each side's folder is a volume of its own."""
    return folder / side.value / door


class Listener:
    """A listening socket for one start of one subject."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._path.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.bind(str(self._path))
        self._path.chmod(SOCKET_MODE)
        self._socket.listen(1)

    def accept(self, still_alive: Callable[[], bool]) -> socket.socket | None:
        """Wait for the subject to connect; `None` when it died first or took too long."""
        deadline = time.monotonic() + CONNECT_TIMEOUT_SEC
        self._socket.settimeout(POLL_SEC)
        while time.monotonic() < deadline:
            try:
                return self._socket.accept()[0]
            except TimeoutError:
                if not still_alive():
                    return None
        return None

    def close(self) -> None:
        """Stop listening, so that nobody can connect a second time."""
        self._socket.close()
        self._path.unlink(missing_ok=True)
