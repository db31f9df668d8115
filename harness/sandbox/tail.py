"""The last bytes of what a role printed: enough to explain a failure, never enough to fill a memory."""

import threading
from typing import Final

TAIL_BYTES: Final = 8192
"""A Python traceback with its message."""


class Tail:
    """Keep the last `limit_bytes` of a stream; one thread writes while another may read."""

    def __init__(self, limit_bytes: int = TAIL_BYTES) -> None:
        self._limit_bytes = limit_bytes
        self._kept = bytearray()
        self._lock = threading.Lock()

    def write(self, data: bytes) -> None:
        """Append `data` and forget what no longer fits."""
        with self._lock:
            self._kept += data[-self._limit_bytes :]
            del self._kept[: -self._limit_bytes]

    def text(self) -> str:
        """Show what was kept; bytes that are no text become replacement characters."""
        with self._lock:
            return self._kept.decode("utf-8", errors="replace").strip()
