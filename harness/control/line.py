"""One end of the control channel: messages over two byte streams, read by one thread and written by any."""

import threading
from collections import deque
from collections.abc import Callable
from typing import BinaryIO, Final, Generic, TypeVar

from harness.control.messages import Message, to_plain
from harness.errors import ControlLost
from harness.wire.codec import Caps, pack, unpack
from harness.wire.errors import WireError
from harness.wire.frames import FrameDecoder, frame

CAPS: Final = Caps(frame_bytes=64 * 1024 * 1024, depth=24, elements=4_000_000, text_bytes=64 * 1024 * 1024)
"""The largest message is a result: some hundred thousand samples of nine bytes, and pytest-benchmark's JSON of them."""

READ_BYTES: Final = 64 * 1024

M = TypeVar("M")


class Line(Generic[M]):
    """Messages over `reader` and `writer`, which must be unbuffered; `parse` knows what the other end may say."""

    def __init__(self, reader: BinaryIO, writer: BinaryIO, parse: Callable[[object], M]) -> None:
        self._reader = reader
        self._writer = writer
        self._parse = parse
        self._decoder = FrameDecoder(CAPS.frame_bytes)
        self._waiting: deque[bytes] = deque()
        self._write_lock = threading.Lock()

    def send(self, *messages: Message) -> None:
        """Send `messages` whole, in one write where it can take them: each write costs hops. Raises ControlLost."""
        try:
            data = memoryview(b"".join(frame(pack(to_plain(one), CAPS), CAPS.frame_bytes) for one in messages))
            with self._write_lock:
                while data:
                    data = data[self._writer.write(data) :]
        except WireError as error:
            raise ControlLost(f"a {messages[0].kind} that cannot be sent: {error}") from error
        except (OSError, ValueError) as error:
            raise ControlLost(f"the other end of the control channel is gone ({error})") from error

    def receive(self) -> M | None:
        """Wait for the next message; `None` when the other end hung up after a whole one. Raises ControlLost."""
        try:
            while not self._waiting:
                data = self._read()
                if not data and self._decoder.pending_bytes:
                    raise ControlLost("the control channel ended in the middle of a message")
                if not data:
                    return None
                self._waiting.extend(self._decoder.feed(data))
            return self._parse(unpack(self._waiting.popleft(), CAPS))
        except WireError as error:
            raise ControlLost(f"nonsense on the control channel: {error}") from error

    def _read(self) -> bytes:
        try:
            return self._reader.read(READ_BYTES)
        except (OSError, ValueError):
            return b""
