"""Calls as nested MessagePack arrays, taken apart again by one pattern."""

import msgpack
from faults import FormatError

DEPTH_MOST = 16


def encode_call(call):
    """Encode one call."""
    caller = call["caller"]
    arguments = [(argument["name"], argument["value"]) for argument in call["args"]]
    for _, value in arguments:
        if type(value) is list:
            _check(value, 1)
    try:
        return msgpack.packb(
            (
                call["id"],
                call["method"],
                call["deadline_ms"],
                call["trace"],
                (caller["name"], caller["zone"], caller["weight"]),
                arguments,
                call["tags"],
            )
        )
    except (ValueError, TypeError, OverflowError) as error:
        raise FormatError(str(error)) from error


def decode_call(data):
    """Decode one call."""
    try:
        message = msgpack.unpackb(data, max_ext_len=0)
    except Exception as error:
        raise FormatError(f"not a call: {error}") from error
    match message:
        case [int(id_), str(method), int() | None as deadline, bytes() | None as trace, [*caller], [*args], dict(tags)]:
            pass
        case _:
            raise FormatError("not the fields of a call")
    match caller:
        case [str(name), str() | None as zone, float(weight)]:
            pass
        case _:
            raise FormatError("not the fields of a caller")
    if type(id_) is bool or id_ < 0 or type(deadline) is bool or not 0 <= (deadline or 0) < 2**32:
        raise FormatError("a number is out of range")
    for key, value in tags.items():
        if not isinstance(key, str) or not isinstance(value, str):
            raise FormatError("a tag is no text")
    arguments = []
    for pair in args:
        if type(pair) is not list or len(pair) != 2 or type(pair[0]) is not str:
            raise FormatError("not the fields of an argument")
        _check(pair[1:], 0)
        arguments.append({"name": pair[0], "value": pair[1]})
    return {
        "id": id_,
        "method": method,
        "deadline_ms": deadline,
        "trace": trace,
        "caller": {"name": name, "zone": zone, "weight": weight},
        "args": arguments,
        "tags": tags,
    }


def _check(values, depth):
    if depth > DEPTH_MOST:
        raise FormatError("nested too deeply")
    for value in values:
        if type(value) is list:
            _check(value, depth + 1)
        elif type(value) is int:
            if not -(2**63) <= value < 2**63:
                raise FormatError("a number is out of range")
        elif value is not None and type(value) not in (str, bytes, float, bool):
            raise FormatError("no value of an argument")
