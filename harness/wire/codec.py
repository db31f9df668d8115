"""Plain values to msgpack and back, with caps on what a hostile sender can make the receiver build.

Theory of operation: msgpack's C code does the work, and every rule costs a Python step a container or less, never one
an element. Bytes cost one copy, whatever their length: arrays of numbers travel as `array("q", ...).tobytes()`.

  frame_bytes  compared before anything else
  text_bytes   of one text: Python holds a character in up to four bytes, and shows it in up to ten characters
  elements     a value has no more elements than bytes, so only longer data is counted, before it is built (census.py)
  depth        one pass in C a level over the built value
  map keys     duplicates and number keys are counted before a dict is built from them
"""

from collections.abc import Iterable
from itertools import chain
from typing import Any, Final, NamedTuple

import msgpack

from harness.wire.census import declared_elements
from harness.wire.errors import EncodeError, WireError

__all__ = ["DEFAULT_CAPS", "Caps", "EncodeError", "Encoder", "WireError", "pack", "unpack"]


class Caps(NamedTuple):
    """How much one payload may hold; an element is an item of a list, or a key or a value of a map.

    A text's length is for who receives it to mind.
    """

    frame_bytes: int = 64 * 1024 * 1024
    depth: int = 32
    elements: int = 2_000_000
    text_bytes: int = 1024 * 1024


DEFAULT_CAPS: Final = Caps()

NUMBER_KEYS: Final = 256
"""Most number keys of one map. Python's hash of a number is no secret: n chosen keys take n² steps to insert."""

BIG_INT: Final = 1
"""The extension code of an int beyond 64 bits: its two's complement, big-endian, in the fewest bytes."""

SCALARS: Final = frozenset({type(None), bool, int, float, str, bytes})
CONTAINERS: Final = frozenset({list, tuple, dict})
PLAIN: Final = SCALARS | CONTAINERS
MAPS: Final = frozenset({dict})
NUMBERS: Final = frozenset({int, float})


class Encoder:
    """Pack one value after another in one buffer. Not for several threads.

    Giving megabytes back to the kernel and asking for them again at every message would cost ten times the copying.
    """

    def __init__(self, caps: Caps = DEFAULT_CAPS) -> None:
        self._caps = caps
        self._packer = msgpack.Packer(strict_types=True, default=_beyond_msgpack, autoreset=False)

    def pack(self, value: object) -> bytes:
        """Encode `value`; whatever this returns, `unpack` with the same caps accepts, but for a text that is too long.

        Exact builtins only, as a subclass could compute what it holds when it is looked at; tuples become lists.
        Raises EncodeError.
        """
        try:
            self._packer.pack(value)
            data: bytes = self._packer.bytes()
            _check_shape(value, self._caps)
            _check_size(data, self._caps)
        except (ValueError, TypeError, OverflowError, WireError) as error:
            raise EncodeError(str(error)) from error
        finally:
            self._packer.reset()
        return data


def pack(value: object, caps: Caps = DEFAULT_CAPS) -> bytes:
    """Encode one `value`, as an Encoder does."""
    return Encoder(caps).pack(value)


def unpack(data: bytes | bytearray | memoryview, caps: Caps = DEFAULT_CAPS) -> object:
    """Decode one value into exact builtins. Raises WireError, and nothing else, whatever the bytes are."""
    _check_size(data, caps)
    longest = min(len(data), caps.elements)
    try:
        value: object = msgpack.unpackb(
            data,
            strict_map_key=False,
            object_pairs_hook=_build_map,
            ext_hook=_read_extension,
            max_array_len=longest,
            max_map_len=longest,
            max_str_len=caps.text_bytes,
        )
    except (ValueError, TypeError, OverflowError, msgpack.UnpackException) as error:
        raise WireError(f"malformed: {str(error) or type(error).__name__}") from error
    _check_shape(value, caps)
    return value


def _check_size(data: bytes | bytearray | memoryview, caps: Caps) -> None:
    if len(data) > caps.frame_bytes:
        raise WireError(f"{len(data)} bytes are more than the {caps.frame_bytes} allowed")
    if len(data) > caps.elements and declared_elements(data, caps.elements) > caps.elements:
        raise WireError(f"more than the {caps.elements} elements allowed")


def _check_shape(value: object, caps: Caps) -> None:
    """Refuse what is nested too deep or not plain (msgpack has a type of its own for times), and bad map keys."""
    level = _containers_in([[value]])
    for _ in range(caps.depth):
        if not level:
            return
        level = _containers_in(level)
    if level:
        raise WireError(f"nested deeper than {caps.depth} levels")


def _containers_in(level: list[Any]) -> list[Any]:
    rows = level if MAPS.isdisjoint(map(type, level)) else [_items_of(container) for container in level]
    if SCALARS.issuperset(map(type, chain.from_iterable(rows))):
        return []
    if not PLAIN.issuperset(map(type, chain.from_iterable(rows))):
        raise WireError("something that is not plain data")
    return [item for row in rows for item in row if type(item) in CONTAINERS]


def _items_of(container: Any) -> Any:
    if type(container) is not dict:
        return container
    _check_keys(container)
    return container.values()


def _check_keys(map_: dict[object, object]) -> None:
    if not SCALARS.issuperset(map(type, map_)):
        raise WireError("a map key that is not a scalar")
    if len(map_) > NUMBER_KEYS:
        _check_number_keys(map_)


def _check_number_keys(keys: Iterable[object]) -> None:
    if sum(type(key) in NUMBERS for key in keys) > NUMBER_KEYS:
        raise WireError(f"a map with more than {NUMBER_KEYS} number keys; send a list of pairs")


def _build_map(pairs: list[tuple[object, object]]) -> dict[object, object]:
    if len(pairs) > NUMBER_KEYS:
        _check_number_keys(key for key, _ in pairs)
    built = dict(pairs)
    if len(built) != len(pairs):
        raise WireError("a map with the same key twice")
    return built


def _beyond_msgpack(value: object) -> object:
    if type(value) is int:
        return msgpack.ExtType(BIG_INT, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))
    if type(value) is tuple:
        return list(value)
    raise EncodeError(f"{type(value).__name__} is not plain data")


def _read_extension(code: int, data: bytes) -> int:
    if code != BIG_INT:
        raise WireError(f"unknown extension type {code}")
    value = int.from_bytes(data, "big", signed=True)
    if -(2**63) <= value < 2**64 or len(data) != value.bit_length() // 8 + 1:
        raise WireError("an int in more bytes than it needs")
    return value
