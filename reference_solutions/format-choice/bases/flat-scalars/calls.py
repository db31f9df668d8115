"""Calls: a flat stream of MessagePack scalars. There are no containers on the wire, so no header can promise any memory.

First comes how many items follow, then the fields in order, the number of args, name and value of each, and key and value of
each tag. A list among the values is an extension whose few bytes are its length; its items follow in the stream.
"""

from itertools import islice
from typing import Any

from errors import FormatError
from msgpack import ExtType, Packer, Unpacker

DEPTH = 16
_LIST = 1
_pack = Packer(use_bin_type=True).pack
_PLAIN = frozenset({str, bytes, float, bool, type(None)})
_LOW, _HIGH = -(2**63), 2**63 - 1


class _Items(int):
    """How many of the following values are in a list."""

    __slots__ = ()


def _refuse(_: Any) -> None:
    raise FormatError("a container")


def _extension(code: int, data: bytes) -> _Items:
    if code != _LIST or len(data) > 4:
        raise FormatError("an unknown extension")
    return _Items(int.from_bytes(data, "little"))


def _flatten(values: list[Any], depth: int, flat: list[Any]) -> None:
    if depth > DEPTH:
        raise FormatError("lists are nested too deep")
    flat.append(ExtType(_LIST, len(values).to_bytes(4, "little")))
    for value in values:
        if isinstance(value, list):
            _flatten(value, depth + 1, flat)
        else:
            flat.append(value)


def encode_call(call: dict[str, Any]) -> bytes:
    """Encode one call."""
    caller, args = call["caller"], call["args"]
    flat = [
        call["id"],
        call["method"],
        call["deadline_ms"],
        call["trace"],
        caller["name"],
        caller["zone"],
        caller["weight"],
        len(args),
    ]
    for arg in args:
        flat.append(arg["name"])
        value = arg["value"]
        if isinstance(value, list):
            _flatten(value, 1, flat)
        else:
            flat.append(value)
    for pair in call["tags"].items():
        flat += pair
    count = len(flat)
    flat.insert(0, count)
    return _pack(flat)[1 if count < 15 else 3 if count < 65535 else 5 :]


def _list(flat: list[Any], at: int, depth: int) -> tuple[list[Any], int]:
    """The list whose length is at `at`, and where it ends."""
    if depth > DEPTH:
        raise FormatError("lists are nested too deep")
    count = int(flat[at])
    at += 1
    if count > len(flat) - at:
        raise FormatError("a list is longer than the call")
    found: list[Any] = []
    for _ in range(count):
        if type(flat[at]) is _Items:
            value, at = _list(flat, at, depth + 1)
        else:
            value = flat[at]
            _check(value)
            at += 1
        found.append(value)
    return found, at


def _check(value: Any) -> None:
    kind = type(value)
    if kind is int:
        if not _LOW <= value <= _HIGH:
            raise FormatError("an int of more than 64 bits")
    elif kind not in _PLAIN:
        raise FormatError("no value")


def _items(data: bytes) -> list[Any]:
    size = len(data)
    if not size:
        raise FormatError("nothing")
    stream = Unpacker(
        max_buffer_size=size,
        max_array_len=0,
        max_map_len=0,
        max_ext_len=4,
        list_hook=_refuse,
        object_hook=_refuse,
        ext_hook=_extension,
    )
    stream.feed(data)
    count = stream.unpack()
    if type(count) is not int or not 8 <= count <= size:
        raise FormatError("no call")
    flat = list(islice(stream, count))
    if len(flat) != count or stream.tell() != size:
        raise FormatError("cut short, or followed by something")
    return flat


def _call(data: bytes) -> dict[str, Any]:
    flat = _items(data)
    number, method, deadline, trace, name, zone, weight, many = flat[:8]
    if (
        type(number) is not int
        or not 0 <= number < 2**64
        or type(method) is not str
        or (deadline is not None and (type(deadline) is not int or not 0 <= deadline < 2**32))
        or (trace is not None and type(trace) is not bytes)
        or type(name) is not str
        or (zone is not None and type(zone) is not str)
        or type(weight) is not float
        or type(many) is not int
        or not 0 <= many <= len(flat)
    ):
        raise FormatError("no call")
    args, at = [], 8
    for _ in range(many):
        key, value = flat[at], flat[at + 1]
        if type(key) is not str:
            raise FormatError("no name")
        if type(value) is _Items:
            value, at = _list(flat, at + 1, 1)
        else:
            _check(value)
            at += 2
        args.append({"name": key, "value": value})
    pairs = flat[at:]
    if len(pairs) % 2:
        raise FormatError("half a tag")
    for each in pairs:
        if type(each) is not str:
            raise FormatError("no tag")
    return {
        "id": number,
        "method": method,
        "deadline_ms": deadline,
        "trace": trace,
        "caller": {"name": name, "zone": zone, "weight": weight},
        "args": args,
        "tags": dict(zip(pairs[::2], pairs[1::2])),
    }


def decode_call(data: bytes) -> dict[str, Any]:
    """Decode one call; FormatError for anything that is none."""
    try:
        return _call(data)
    except FormatError:
        raise
    except Exception as error:
        raise FormatError("no call") from error
