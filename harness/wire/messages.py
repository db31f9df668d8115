"""The messages of one conversation: a question to a subject's driver, and the two kinds of answer.

  request   [nonce, function, arguments, number of file descriptors sent along]
  answered  [0, nonce, output, value]
  failed    [1, nonce, output, type name, message, traceback]

The nonce is fresh random bytes for each request: who has not seen the question can't answer it.
Plain tuples rather than dataclasses, because the worker's start-up counts and `dataclasses` alone takes 10 ms of it.
"""

from typing import Any, Final, NamedTuple

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
    output: str
    type_name: str
    message: str
    traceback: str = ""


Reply = Answered | Failed

REQUEST_TYPES: Final = [bytes, str, list, int]
ANSWERED_TYPES: Final = [int, bytes, str]
FAILED_TYPES: Final = [int, bytes, str, str, str, str]


def pack_request(request: Request, encoder: Encoder) -> bytes:
    """Encode `request`; raises EncodeError."""
    return encoder.pack(list(request))


def pack_reply(reply: Reply, encoder: Encoder) -> bytes:
    """Encode `reply`; raises EncodeError."""
    if isinstance(reply, Answered):
        return encoder.pack([ANSWERED, reply.nonce, reply.output, reply.value])
    return encoder.pack([FAILED, *reply])


def parse_request(payload: bytes | memoryview, caps: Caps = DEFAULT_CAPS) -> Request:
    """Read a request; raises WireError."""
    fields: Any = unpack(payload, caps)
    if _types(fields) == REQUEST_TYPES and 0 <= fields[-1] <= MAX_FDS:
        return Request(*fields)
    raise WireError("not a request")


def parse_reply(payload: bytes | memoryview, caps: Caps = DEFAULT_CAPS) -> Reply:
    """Read a reply; raises WireError."""
    fields: Any = unpack(payload, caps)
    types = _types(fields)
    if types[:-1] == ANSWERED_TYPES and fields[0] == ANSWERED and _are_short(fields[2:3]):
        return Answered(fields[1], fields[3], fields[2])
    if types == FAILED_TYPES and fields[0] == FAILED and _are_short(fields[2:]):
        return Failed(*fields[1:])
    raise WireError("not a reply")


def _types(fields: object) -> list[type]:
    return list(map(type, fields)) if isinstance(fields, list) else []


def _are_short(texts: list[str]) -> bool:
    return all(len(text) <= TEXT_CHARS for text in texts)
