"""Frames: four bytes of length, big-endian, then that many bytes of payload. No I/O; two ways to take bytes in.

`FrameDecoder` is fed with whatever a stream yields and gives back every frame in it. `FrameBuffer` collects one frame
that is received straight into its place, so that megabytes are copied once: for a conversation, where one frame is due
and anything after it is a fault.
"""

from typing import Final

from harness.wire.errors import EncodeError, WireError

HEADER_BYTES: Final = 4
FRAME_BYTES: Final = 64 * 1024 * 1024
"""The longest payload: a million 64-bit numbers eight times over, and still nothing to a machine's memory."""

FIRST_READ_BYTES: Final = 64 * 1024
"""Room before a frame's length is known: most frames arrive whole in one read."""

KEPT_BYTES: Final = 8 * 1024 * 1024
"""The largest buffer kept for the next frame: fresh memory costs more than the copy, but a dozen subjects are alive."""


def frame(payload: bytes, frame_bytes: int = FRAME_BYTES) -> bytes:
    """Put `payload` into a frame; raises EncodeError where it is too long."""
    return header(payload, frame_bytes) + payload


def header(payload: bytes, frame_bytes: int = FRAME_BYTES) -> bytes:
    """Make what goes before `payload`, for whoever sends the two without joining them."""
    if len(payload) > frame_bytes:
        raise EncodeError(f"a frame of {len(payload)} bytes is longer than the {frame_bytes} allowed")
    return len(payload).to_bytes(HEADER_BYTES, "big")


def _payload_length(head: bytes | bytearray, frame_bytes: int) -> int:
    length = int.from_bytes(head[:HEADER_BYTES], "big")
    if length > frame_bytes:
        raise WireError(f"a frame of {length} bytes is longer than the {frame_bytes} allowed")
    return length


class FrameDecoder:
    """Cut a stream into the payloads of its frames."""

    def __init__(self, frame_bytes: int = FRAME_BYTES) -> None:
        self._frame_bytes = frame_bytes
        self._buffer = bytearray()
        self._fault: str | None = None

    @property
    def pending_bytes(self) -> int:
        """How much of the next frame has come; anything but 0 at the end of a stream is a frame cut short."""
        return len(self._buffer)

    def feed(self, data: bytes) -> list[bytes]:
        """Take in `data` and return the payloads now whole; raises WireError at a frame too long, and ever after."""
        if self._fault is None:
            self._buffer += data
            try:
                return self._cut()
            except WireError as error:
                self._fault = str(error)
                self._buffer.clear()
        raise WireError(self._fault)

    def _cut(self) -> list[bytes]:
        payloads: list[bytes] = []
        start = 0
        while len(self._buffer) - start >= HEADER_BYTES:
            body = start + HEADER_BYTES
            end = body + _payload_length(self._buffer[start:body], self._frame_bytes)
            if end > len(self._buffer):
                break
            with memoryview(self._buffer) as view:
                payloads.append(bytes(view[body:end]))
            start = end
        del self._buffer[:start]
        return payloads


class FrameBuffer:
    """Collect one frame: receive into `room`, report with `took`, read `payload` once it is whole, then `clear`."""

    def __init__(self, frame_bytes: int = FRAME_BYTES) -> None:
        self._frame_bytes = frame_bytes
        self._buffer = bytearray(FIRST_READ_BYTES)
        self._took = 0
        self._end: int | None = None

    @property
    def took_bytes(self) -> int:
        """How much has come since the last `clear`."""
        return self._took

    def room(self) -> memoryview:
        """Where the next bytes go; never empty before the frame is whole."""
        return memoryview(self._buffer)[self._took :]

    def took(self, count: int) -> bool:
        """Note that `count` bytes were received into `room`, and tell whether the frame is whole.

        Raises WireError for a frame that is too long, or for bytes beyond its end.
        """
        self._took += count
        if self._end is None:
            if self._took < HEADER_BYTES:
                return False
            self._end = HEADER_BYTES + _payload_length(self._buffer, self._frame_bytes)
            self._make_room(self._end)
        if self._took > self._end:
            raise WireError("bytes after the end of the frame")
        return self._took == self._end

    def payload(self) -> memoryview:
        """Show the payload of the whole frame; valid until `clear`."""
        return memoryview(self._buffer)[HEADER_BYTES : self._end]

    def clear(self) -> None:
        """Make ready for the next frame."""
        self._took, self._end = 0, None
        if len(self._buffer) > KEPT_BYTES:
            self._buffer = bytearray(FIRST_READ_BYTES)

    def _make_room(self, end: int) -> None:
        if end > len(self._buffer):
            larger = bytearray(end)
            larger[: self._took] = memoryview(self._buffer)[: self._took]
            self._buffer = larger
