"""The grader container's standard streams over one connection: Docker interleaves output and errors in frames.

Each frame has a header of eight bytes: the stream (1 output, 2 errors), three zeros, and the length, big-endian. What
goes to the container's input is not framed.
"""

import io
import socket
from collections.abc import Sequence
from typing import Any, Final, Protocol

from harness.sandbox.tail import Tail

HEADER_BYTES: Final = 8
OUTPUT: Final = 1
ERRORS: Final = 2

RECEIVE_BYTES: Final = 64 * 1024


class Demultiplexer:
    """Take Docker's stream apart. No I/O; payloads pass through as they come, so nothing here grows."""

    def __init__(self) -> None:
        self._header = bytearray()
        self._stream = OUTPUT
        self._left = 0

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """Take in `data` and return the pieces of payload in it, each with its stream."""
        pieces: list[tuple[int, bytes]] = []
        position = 0
        while position < len(data):
            if self._left:
                piece = data[position : position + self._left]
                pieces.append((self._stream, piece))
                self._left -= len(piece)
                position += len(piece)
            else:
                taken = data[position : position + HEADER_BYTES - len(self._header)]
                self._header += taken
                position += len(taken)
                self._begin_frame()
        return pieces

    def _begin_frame(self) -> None:
        if len(self._header) == HEADER_BYTES:
            self._stream = self._header[0]
            self._left = int.from_bytes(self._header[4:], "big")
            self._header.clear()


class Closable(Protocol):
    """What else must be closed."""

    def close(self) -> object:
        """Let go."""


class Transport(Closable, Protocol):
    """What we need of a connection: a Unix, TCP or TLS socket, or a channel of an ssh connection."""

    def recv(self, size: int, /) -> bytes:
        """Wait for some bytes; none at the end."""

    def sendall(self, data: bytes, /) -> object:
        """Send all of `data`."""


class AttachedStream(io.RawIOBase):
    """A container's output to read and its input to write, unbuffered; its errors go to `errors`.

    One thread may read while another writes. `close` wakes a reader. `wrappers` are what the docker SDK wraps the
    connection in, the outermost first: it stays open until all are closed.
    """

    def __init__(self, transport: Transport, wrappers: Sequence[Closable], errors: Tail) -> None:
        super().__init__()
        self._transport = transport
        self._wrappers = wrappers
        self._errors = errors
        self._demultiplexer = Demultiplexer()
        self._ready = bytearray()

    def readable(self) -> bool:
        """Say yes."""
        return True

    def writable(self) -> bool:
        """Say yes."""
        return True

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override]
        """Fill `buffer` with what there is, waiting for at least one byte; 0 at the end, however it came."""
        while not self._ready:
            data = self._receive()
            if not data:
                return 0
            for stream, piece in self._demultiplexer.feed(data):
                if stream == ERRORS:
                    self._errors.write(piece)
                else:
                    self._ready += piece
        count = min(len(buffer), len(self._ready))
        buffer[:count] = self._ready[:count]
        del self._ready[:count]
        return count

    def write(self, data: "bytes | memoryview") -> int:  # type: ignore[override]
        """Send all of `data`; raises OSError when the connection is gone."""
        self._transport.sendall(bytes(data))
        return len(data)

    def close(self) -> None:
        """Hang up; the container's input ends."""
        if not self.closed:
            if isinstance(self._transport, socket.socket):
                _shut_down(self._transport)
            for wrapper in self._wrappers:
                wrapper.close()
            self._transport.close()
        super().close()

    def _receive(self) -> bytes:
        try:
            return self._transport.recv(RECEIVE_BYTES)
        except OSError:
            return b""


def attached(wrapper: Any, errors: Tail) -> AttachedStream:
    """Make a stream of what `attach_socket` of the docker SDK gives: a connection, or something around one.

    The SDK hangs its HTTP response on it, where that can be. Since Python 3.13 a response complains, on its way out, if
    what is below it was closed before it.
    """
    connection = getattr(wrapper, "_sock", wrapper)
    connection.settimeout(None)
    response = getattr(wrapper, "_response", None)
    return AttachedStream(connection, [wrapper] if response is None else [response, wrapper], errors)


def _shut_down(connection: socket.socket) -> None:
    """Wake whoever is waiting in `recv`: closing alone does not."""
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return
