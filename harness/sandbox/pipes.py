"""A process's standard output and input as one stream."""

import io
import subprocess
import threading
from typing import IO, Final

from harness.sandbox.tail import Tail

READ_BYTES: Final = 4096


class PipedStream(io.RawIOBase):
    """Reads what `process` prints, writes what it reads, unbuffered; its errors go to `errors`, on a thread."""

    def __init__(self, process: subprocess.Popen[bytes], errors: Tail) -> None:
        super().__init__()
        self._process = process
        self._drain = threading.Thread(target=_keep, args=(process.stderr, errors), name="grader-stderr", daemon=True)
        self._drain.start()

    def readable(self) -> bool:
        """Say yes."""
        return True

    def writable(self) -> bool:
        """Say yes."""
        return True

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override]
        """Fill `buffer` with what there is, waiting for at least one byte; 0 at the end, once all errors are kept."""
        data = self._process.stdout.read(len(buffer)) if self._process.stdout else b""
        buffer[: len(data)] = data
        if not data:
            self._drain.join()
        return len(data)

    def write(self, data: "bytes | memoryview") -> int:  # type: ignore[override]
        """Send some of `data`, and say how much."""
        return self._process.stdin.write(data) or 0 if self._process.stdin else 0

    def close(self) -> None:
        """Close all three pipes; the process must have ended, for nothing else wakes a reader."""
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe is not None and not self.closed:
                pipe.close()
        super().close()


def _keep(stream: IO[bytes], errors: Tail) -> None:
    while data := stream.read(READ_BYTES):
        errors.write(data)
