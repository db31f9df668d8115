"""What a submission prints: kept to its last few thousand characters, and never written anywhere."""

import io
import sys

from harness.wire.messages import TEXT_CHARS


class Tail(io.RawIOBase):
    """A binary file that remembers the end of what was written to it."""

    def __init__(self) -> None:
        super().__init__()
        self._end = b""

    def writable(self) -> bool:
        """Say yes; a text file asks."""
        return True

    def write(self, data: object) -> int:
        """Take in any bytes-like object."""
        written = memoryview(data).cast("B")  # type: ignore[arg-type]
        self._end = (self._end + bytes(written[-TEXT_CHARS:]))[-TEXT_CHARS:]
        return len(written)

    def text(self) -> str:
        """Give the end of what was written since it was last cleared."""
        return self._end.decode("utf-8", "replace")

    def clear(self) -> None:
        """Forget what was written."""
        self._end = b""


def capture() -> Tail:
    """Send `sys.stdout` and `sys.stderr` to one tail, in the order of printing."""
    tail = Tail()
    sys.stdout = io.TextIOWrapper(tail, "utf-8", "backslashreplace", write_through=True)
    sys.stderr = io.TextIOWrapper(tail, "utf-8", "backslashreplace", write_through=True)
    return tail
