"""The messages of one conversation: a question to a subject's driver, and the two kinds of answer.

  request   [nonce, function, arguments, number of file descriptors sent along]
  answered  [nonce, 0, value, output]
  failed    [nonce, 1, type name, message, traceback, output]

The nonce is fresh random bytes for each request: who has not seen the question can't answer it.
Plain tuples rather than dataclasses, because the worker's start-up counts and `dataclasses` alone takes 10 ms of it.
"""

from typing import Final, NamedTuple

from harness.wire.codec import DEFAULT_CAPS, Caps, Encoder, unpack
from harness.wire.errors import WireError

NONCE_BYTES: Final = 16

TEXT_CHARS: Final = 4096
"""Longest text that explains a reply (message, traceback, output): what a person reads, and no way to fill a report."""

MAX_FDS: Final = 16
"""Most file descriptors of one request; the kernel takes 253, a challenge needs one or two."""

ANSWERED: Final = 0
FAILED: Final = 1


class Request(NamedTuple):
    """Call `function` of the driver with `args`, then as many ints as `fds`: the descriptors sent along."""

    nonce: bytes
    function: str
    args: list[object]
    fds: int = 0


class Answered(NamedTuple):
    """The call returned `value`; `output` is the tail of what was printed."""

    nonce: bytes
    value: object
    output: str = ""


class Failed(NamedTuple):
    """The call raised."""

    nonce: bytes
    type_name: str
    message: str
    traceback: str = ""
    output: str = ""


Reply = Answered | Failed


def pack_request(request: Request, encoder: Encoder) -> bytes:
    """Encode `request`; raises EncodeError."""
    return encoder.pack(list(request))


def pack_reply(reply: Reply, encoder: Encoder) -> bytes:
    """Encode `reply`; raises EncodeError."""
    kind = ANSWERED if isinstance(reply, Answered) else FAILED
    return encoder.pack([reply[0], kind, *reply[1:]])


def parse_request(payload: bytes | memoryview, caps: Caps = DEFAULT_CAPS) -> Request:
    """Read a request; raises WireError."""
    match unpack(payload, caps):
        case [bytes(nonce), str(function), list(args), int(fds)] if 0 <= fds <= MAX_FDS:
            return Request(nonce, function, args, fds)
        case _:
            raise WireError("not a request")


def parse_reply(payload: bytes | memoryview, caps: Caps = DEFAULT_CAPS) -> Reply:
    """Read a reply; raises WireError."""
    match unpack(payload, caps):
        case [bytes(nonce), int(kind), value, str(output)] if kind == ANSWERED and _are_short(output):
            return Answered(nonce, value, output)
        case [bytes(nonce), int(kind), str(type_name), str(message), str(traceback), str(output)] if (
            kind == FAILED and _are_short(type_name, message, traceback, output)
        ):
            return Failed(nonce, type_name, message, traceback, output)
        case _:
            raise WireError("not a reply")


def _are_short(*texts: str) -> bool:
    return all(len(text) <= TEXT_CHARS for text in texts)
