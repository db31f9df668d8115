"""Calls: one MessagePack array without names of fields, and no arrays but lists in it.

    [id, method, deadline_ms, trace, name, zone, weight, [name, value, ...], [key, text, ...]]  and perhaps padding

MessagePack's own decoder believes the lengths that it is told, and makes lists of that length, one in another. So it gets short
calls only, where that is harmless; long ones are read here, with an account of the memory that they take. What a stranger's
call may take is in proportion to its length, so the encoder pads calls that are expensive for theirs.
"""

import struct
from typing import Any

import msgpack
from common import FormatError

DEEPEST = 16
SHORT = 2048  # bytes: lists within lists of that length, a thousand deep, take 16 MiB
RATE = 36  # bytes of memory that each byte of a long call may take
LEAF, LIST, PER_ARG, PER_TAG = 64, 96, 200, 120

_pack = msgpack.Packer(autoreset=True).pack
_unpack = msgpack.unpackb


def encode_call(call: dict[str, Any]) -> bytes:
    """Encode one call."""
    args = []
    for arg in call["args"]:
        value = arg["value"]
        if isinstance(value, list):
            _check_depth(value, DEEPEST)
        args.append(arg["name"])
        args.append(value)
    tags = []
    for pair in call["tags"].items():
        tags += pair
    caller = call["caller"]
    fields = [
        call["id"],
        call["method"],
        call["deadline_ms"],
        call["trace"],
        caller["name"],
        caller["zone"],
        caller["weight"],
        args,
        tags,
    ]
    data = _pack(fields)
    if len(data) > SHORT:
        missing = -(-(_cost(fields) + LEAF + _cost_of_dicts(args, tags)) // RATE) - len(data)
        if missing > 0:
            fields.append(bytes(missing))
            data = _pack(fields)
    return data


def _check_depth(value: list[Any], left: int) -> None:
    if not left:
        raise FormatError("lists are nested too deep")
    for each in value:
        if isinstance(each, list):
            _check_depth(each, left - 1)


def _cost(value: Any) -> int:
    return LIST + sum(map(_cost, value)) if isinstance(value, list) else LEAF


def _cost_of_dicts(args: list[Any], tags: list[Any]) -> int:
    return len(args) // 2 * PER_ARG + len(tags) // 2 * PER_TAG


def decode_call(data: bytes) -> dict[str, Any]:
    """Decode one call; FormatError for anything that is none."""
    try:
        if len(data) <= SHORT:
            return _call(_unpack(data))
        reader = _Reader(data)
        fields = reader.whole()
        if type(fields) is list and len(fields) > 8 and type(fields[7]) is list and type(fields[8]) is list:
            reader.spend(_cost_of_dicts(fields[7], fields[8]))
        return _call(fields)
    except FormatError:
        raise
    except Exception as error:  # noqa: BLE001  MessagePack raises many, and a stranger chooses which
        raise FormatError("not a call") from error


def _call(fields: Any) -> dict[str, Any]:
    if type(fields) is not list:
        raise FormatError("not a call")
    if len(fields) == 10:
        if type(fields.pop()) is not bytes:
            raise FormatError("not a call")
    if len(fields) != 9:
        raise FormatError("not a call")
    number, method, deadline, trace, name, zone, weight, args, tags = fields
    if (
        type(number) is not int
        or number < 0
        or type(method) is not str
        or (deadline is not None and (type(deadline) is not int or not 0 <= deadline < 1 << 32))
        or (trace is not None and type(trace) is not bytes)
        or type(name) is not str
        or (zone is not None and type(zone) is not str)
        or type(weight) is not float
        or type(args) is not list
        or len(args) % 2
        or type(tags) is not list
        or len(tags) % 2
    ):
        raise FormatError("not a call")
    found = []
    pairs = iter(args)
    for key, value in zip(pairs, pairs, strict=True):
        if type(key) is not str:
            raise FormatError("a name that is no text")
        kind = type(value)
        if kind is int:
            if value >= 1 << 63:
                raise FormatError("an int that is too large")
        elif kind is list:
            _check_list(value, DEEPEST)
        elif kind not in _LEAVES:
            raise FormatError("a value of no known type")
        found.append({"name": key, "value": value})
    for each in tags:
        if type(each) is not str:
            raise FormatError("a tag that is no text")
    return {
        "id": number,
        "method": method,
        "deadline_ms": deadline,
        "trace": trace,
        "caller": {"name": name, "zone": zone, "weight": weight},
        "args": found,
        "tags": dict(zip(tags[::2], tags[1::2], strict=True)),
    }


_LEAVES = frozenset({str, bytes, bool, float, type(None)})


def _check_list(value: list[Any], left: int) -> None:
    if not left:
        raise FormatError("lists are nested too deep")
    for each in value:
        kind = type(each)
        if kind is int:
            if each >= 1 << 63:
                raise FormatError("an int that is too large")
        elif kind is list:
            _check_list(each, left - 1)
        elif kind not in _LEAVES:
            raise FormatError("a value of no known type")


_NUMBERS = {
    0xCB: struct.Struct(">d"),
    0xCC: struct.Struct(">B"),
    0xCD: struct.Struct(">H"),
    0xCE: struct.Struct(">I"),
    0xCF: struct.Struct(">Q"),
    0xD0: struct.Struct(">b"),
    0xD1: struct.Struct(">h"),
    0xD2: struct.Struct(">i"),
    0xD3: struct.Struct(">q"),
}
_LENGTHS = {0xC4: 1, 0xC5: 2, 0xC6: 4, 0xD9: 1, 0xDA: 2, 0xDB: 4, 0xDC: 2, 0xDD: 4}


class _Reader:
    """Reads the part of MessagePack that calls use, for no more memory than their length allows."""

    __slots__ = ("at", "data", "left")

    def __init__(self, data: bytes) -> None:
        self.data, self.at, self.left = data, 0, RATE * len(data)

    def spend(self, cost: int) -> None:
        self.left -= cost
        if self.left < 0:
            raise FormatError("takes too much memory for its length")

    def whole(self) -> Any:
        value = self.value(DEEPEST + 2)
        if self.at != len(self.data):
            raise FormatError("more behind the call")
        return value

    def value(self, depth: int) -> Any:
        data, at = self.data, self.at
        first = data[at]
        self.at = at = at + 1
        if first < 0x80 or first >= 0xE0:
            self.spend(LEAF)
            return first if first < 0x80 else first - 256
        if 0xA0 <= first < 0xC0:
            return str(self.taken(first & 31), "utf-8")
        if 0x90 <= first < 0xA0:
            return self.items(first & 15, depth)
        if first in (0xC0, 0xC2, 0xC3):
            self.spend(LEAF)
            return {0xC0: None, 0xC2: False, 0xC3: True}[first]
        if (number := _NUMBERS.get(first)) is not None:
            self.spend(LEAF)
            (value,) = number.unpack_from(data, at)
            self.at = at + number.size
            return value
        if (size := _LENGTHS.get(first)) is None or at + size > len(data):
            raise FormatError("not a call")
        length = int.from_bytes(data[at : at + size], "big")
        self.at = at + size
        if first >= 0xDC:
            return self.items(length, depth)
        return str(self.taken(length), "utf-8") if first >= 0xD9 else bytes(self.taken(length))

    def taken(self, length: int) -> bytes:
        self.spend(LEAF)
        end = self.at + length
        if end > len(self.data):
            raise FormatError("cut short")
        found, self.at = self.data[self.at : end], end
        return found

    def items(self, count: int, depth: int) -> list[Any]:
        self.spend(LIST)
        if not depth or count > len(self.data) - self.at:
            raise FormatError("nested too deep, or cut short")
        return [self.value(depth - 1) for _ in range(count)]
