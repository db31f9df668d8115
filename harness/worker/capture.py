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

    def drain(self) -> str:
        """Give back the end of what was written since the last time."""
        text, self._end = self._end.decode("utf-8", "replace"), b""
        return text


def capture() -> Tail:
    """Send `sys.stdout` and `sys.stderr` to one tail, in the order of printing."""
    tail = Tail()
    sys.stdout = io.TextIOWrapper(tail, "utf-8", "backslashreplace", write_through=True)
    sys.stderr = io.TextIOWrapper(tail, "utf-8", "backslashreplace", write_through=True)
    return tail
