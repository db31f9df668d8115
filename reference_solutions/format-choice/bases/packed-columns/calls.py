"""Calls: MessagePack by position, without the names of fields; flat lists for args and tags.

MessagePack's decoder allocates a list as long as its header says before it has seen one element, and nested headers multiply
that. For short data the product is small (2 KiB: 11 MiB at most). Longer data is walked first, header by header, and what
all headers promise together may not be more than there are bytes.
"""

from typing import Any

import msgpack
from errors import FormatError

DEPTH = 16
SHORT = 2048
_pack = msgpack.Packer(use_bin_type=True).pack
_unpack = msgpack.unpackb
_PLAIN = frozenset({str, bytes, float, bool, type(None)})
_LOW, _HIGH = -(2**63), 2**63 - 1
_FIXED = {0xC0: 1, 0xC2: 1, 0xC3: 1, 0xCA: 5, 0xCB: 9, 0xCC: 2, 0xCD: 3, 0xCE: 5, 0xCF: 9}
_FIXED |= {0xD0: 2, 0xD1: 3, 0xD2: 5, 0xD3: 9}
_SIZED = {0xC4: 1, 0xC5: 2, 0xC6: 4, 0xD9: 1, 0xDA: 2, 0xDB: 4}
_LISTS = {0xDC: 2, 0xDD: 4}


def _check_depth(value: list[Any]) -> None:
    level = [value]
    for _ in range(DEPTH):
        level = [inner for outer in level for inner in outer if isinstance(inner, list)]
        if not level:
            return
    raise FormatError("lists are nested too deep")


def encode_call(call: dict[str, Any]) -> bytes:
    """Encode one call."""
    args = []
    for arg in call["args"]:
        value = arg["value"]
        if isinstance(value, list):
            _check_depth(value)
        args.append(arg["name"])
        args.append(value)
    tags = []
    for pair in call["tags"].items():
        tags += pair
    caller = call["caller"]
    return _pack(
        (
            call["id"],
            call["method"],
            call["deadline_ms"],
            call["trace"],
            caller["name"],
            caller["zone"],
            caller["weight"],
            args,
            tags,
        )
    )


def _walk(data: bytes) -> None:
    """Raise FormatError where the headers promise more than there is, or kinds that no call has."""
    at, end, promised = 0, len(data), 0
    while at < end:
        head = data[at]
        if head < 0x80 or head >= 0xE0:
            at += 1
        elif 0xA0 <= head < 0xC0:
            at += 1 + (head & 31)
        elif 0x90 <= head < 0xA0:
            promised += head & 15
            at += 1
        elif head in _FIXED:
            at += _FIXED[head]
        elif head in _SIZED:
            wide = _SIZED[head]
            at += 1 + wide + int.from_bytes(data[at + 1 : at + 1 + wide], "big")
        elif head in _LISTS:
            wide = _LISTS[head]
            promised += int.from_bytes(data[at + 1 : at + 1 + wide], "big")
            at += 1 + wide
        else:
            raise FormatError("no part of a call")
        if promised > end:
            raise FormatError("more is promised than there is")
    if at != end:
        raise FormatError("cut short")


def _check_list(values: list[Any], depth: int) -> None:
    if depth > DEPTH:
        raise FormatError("lists are nested too deep")
    for value in values:
        kind = type(value)
        if kind in _PLAIN:
            continue
        if kind is int:
            if not _LOW <= value <= _HIGH:
                raise FormatError("an int of more than 64 bits")
        elif kind is list:
            _check_list(value, depth + 1)
        else:
            raise FormatError("no value")


def decode_call(data: bytes) -> dict[str, Any]:
    """Decode one call; FormatError for anything that is none."""
    try:
        if len(data) > SHORT:
            _walk(data)
        found = _unpack(data, raw=False, use_list=True)
    except FormatError:
        raise
    except Exception as error:
        raise FormatError("no call") from error
    if type(found) is not list or len(found) != 9:
        raise FormatError("no call")
    number, method, deadline, trace, name, zone, weight, flat, pairs = found
    if (
        type(number) is not int
        or not 0 <= number < 2**64
        or type(method) is not str
        or (deadline is not None and (type(deadline) is not int or not 0 <= deadline < 2**32))
        or (trace is not None and type(trace) is not bytes)
        or type(name) is not str
        or (zone is not None and type(zone) is not str)
        or type(weight) is not float
        or type(flat) is not list
        or type(pairs) is not list
        or len(flat) % 2
        or len(pairs) % 2
    ):
        raise FormatError("no call")
    names, values = flat[::2], flat[1::2]
    for each in names:
        if type(each) is not str:
            raise FormatError("no name")
    _check_list(values, 0)
    for each in pairs:
        if type(each) is not str:
            raise FormatError("no tag")
    return {
        "id": number,
        "method": method,
        "deadline_ms": deadline,
        "trace": trace,
        "caller": {"name": name, "zone": zone, "weight": weight},
        "args": [{"name": each, "value": value} for each, value in zip(names, values)],
        "tags": dict(zip(pairs[::2], pairs[1::2])),
    }
