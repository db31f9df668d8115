"""Calls: one MessagePack array of fixed positions, checked field by field when it comes back.

    [id, method, deadline_ms, trace, caller's name, zone, weight, [name, value, name, value, ...], tags]

Names of fields are never sent, and nothing is nested but values. MessagePack knows where it ends, so a cut is seen; its
headers are bounded by the length of the data, so no header makes it reserve more than it was sent.
"""

import msgpack
from faults import FormatError

DEPTH_MOST = 16
MEMBERS = 9

_packer = msgpack.Packer()
_unpack = msgpack.unpackb


def encode_call(call):
    """Encode one call."""
    caller = call["caller"]
    arguments = []
    for argument in call["args"]:
        value = argument["value"]
        if type(value) is list:
            _measure(value, DEPTH_MOST)
        arguments.append(argument["name"])
        arguments.append(value)
    try:
        return _packer.pack(
            [
                call["id"],
                call["method"],
                call["deadline_ms"],
                call["trace"],
                caller["name"],
                caller["zone"],
                caller["weight"],
                arguments,
                call["tags"],
            ]
        )
    except (ValueError, TypeError, OverflowError) as error:
        _packer.reset()
        raise FormatError(str(error)) from error


def decode_call(data):
    """Decode one call; FormatError for anything that is none."""
    try:
        number, method, deadline, trace, name, zone, weight, arguments, tags = _unpack(data)
    except Exception as error:
        raise FormatError(f"not a call: {error}") from error
    if not (
        type(number) is int
        and number >= 0
        and type(method) is str
        and (deadline is None or (type(deadline) is int and 0 <= deadline < 4294967296))
        and (trace is None or type(trace) is bytes)
        and type(name) is str
        and (zone is None or type(zone) is str)
        and type(weight) is float
        and type(arguments) is list
        and type(tags) is dict
    ):
        raise FormatError("a field has another type, or is out of range")
    for key, value in tags.items():
        if type(key) is not str or type(value) is not str:
            raise FormatError("a tag is no text")
    return {
        "id": number,
        "method": method,
        "deadline_ms": deadline,
        "trace": trace,
        "caller": {"name": name, "zone": zone, "weight": weight},
        "args": _arguments(arguments),
        "tags": tags,
    }


def _arguments(flat):
    if len(flat) % 2:
        raise FormatError("an argument without a value")
    arguments = []
    pairs = iter(flat)
    for name, value in zip(pairs, pairs, strict=True):
        kind = type(value)
        if type(name) is not str:
            raise FormatError("an argument's name is no text")
        if kind not in _SCALARS and (kind is not int or not -(2**63) <= value < 2**63):
            if kind is not list:
                raise FormatError("no value of an argument")
            _check(value, DEPTH_MOST)
        arguments.append({"name": name, "value": value})
    return arguments


_SCALARS = frozenset({str, float, bool, bytes, type(None)})


def _check(items, depth):
    if depth == 0:
        raise FormatError("nested too deeply")
    for value in items:
        kind = type(value)
        if kind not in _SCALARS and (kind is not int or not -(2**63) <= value < 2**63):
            if kind is not list:
                raise FormatError("no value of an argument")
            _check(value, depth - 1)


def _measure(items, depth):
    if depth == 0:
        raise FormatError("nested too deeply")
    for value in items:
        if type(value) is list:
            _measure(value, depth - 1)
