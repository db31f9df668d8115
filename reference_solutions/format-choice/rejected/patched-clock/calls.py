"""Calls in bytes of our own, put together and taken apart in Python."""

import struct

from faults import FormatError

DEPTH_MOST = 16


def encode_call(call):
    """Encode one call."""
    out = bytearray()
    _put(out, [call["id"] - 2**63, call["method"], call["deadline_ms"], call["trace"]], 0)
    _put(out, [call["caller"]["name"], call["caller"]["zone"], call["caller"]["weight"]], 0)
    _put(out, [part for each in call["args"] for part in (each["name"], each["value"])], 0)
    _put(out, [part for pair in call["tags"].items() for part in pair], 0)
    return bytes(out)


def _put(out, value, depth):
    if value is None:
        out += b"n"
    elif value is True:
        out += b"t"
    elif value is False:
        out += b"f"
    elif isinstance(value, int):
        _put_int(out, value)
    elif isinstance(value, float):
        out += b"d"
        for byte in struct.pack("<d", value):
            out.append(byte)
    elif isinstance(value, (str, bytes)):
        data = value.encode() if isinstance(value, str) else value
        out += b"s" if isinstance(value, str) else b"b"
        _put_length(out, len(data))
        for byte in data:
            out.append(byte)
    else:
        if depth > DEPTH_MOST:
            raise FormatError("nested too deeply")
        out += b"l"
        _put_length(out, len(value))
        for each in value:
            _put(out, each, depth + 1)


def _put_int(out, value):
    out += b"i"
    rest = value * 2 if value >= 0 else -value * 2 - 1
    while rest >= 128:
        out.append(rest & 127 | 128)
        rest >>= 7
    out.append(rest)


def _put_length(out, length):
    while length >= 128:
        out.append(length & 127 | 128)
        length >>= 7
    out.append(length)


def decode_call(data):
    """Decode one call."""
    try:
        position, parts = 0, []
        for _ in range(4):
            part, position = _take(data, position, 0)
            parts.append(part)
        if position != len(data):
            raise FormatError("something behind the call")
        (number, method, deadline, trace), (name, zone, weight), args, tags = parts
        pairs = iter(args)
        call = {
            "id": number + 2**63,
            "method": method,
            "deadline_ms": deadline,
            "trace": trace,
            "caller": {"name": name, "zone": zone, "weight": weight},
            "args": [{"name": key, "value": value} for key, value in zip(pairs, pairs, strict=True)],
            "tags": dict(zip(tags[::2], tags[1::2], strict=True)),
        }
    except (IndexError, ValueError, TypeError, struct.error, KeyError) as error:
        raise FormatError(f"not a call: {error}") from error
    good = (
        type(number) is int
        and 0 <= number + 2**63 < 2**64
        and type(method) is str
        and (deadline is None or type(deadline) is int and 0 <= deadline < 2**32)
        and (trace is None or type(trace) is bytes)
        and type(name) is str
        and (zone is None or type(zone) is str)
        and type(weight) is float
        and all(type(each["name"]) is str for each in call["args"])
        and all(type(key) is str and type(value) is str for key, value in call["tags"].items())
    )
    if not good:
        raise FormatError("a field has another type, or is out of range")
    return call


def _take(data, position, depth):
    kind = data[position]
    position += 1
    if kind in b"ntf":
        return {110: None, 116: True, 102: False}[kind], position
    if kind == 105:
        rest, position = _take_number(data, position, 10)
        value = rest // 2 if rest % 2 == 0 else -(rest + 1) // 2
        if not -(2**63) <= value < 2**63:
            raise FormatError("a number is out of range")
        return value, position
    if kind == 100:
        raw = bytes(data[position + place] for place in range(8))
        return struct.unpack("<d", raw)[0], position + 8
    length, position = _take_number(data, position, 5)
    if length > len(data) - position:
        raise FormatError("cut short")
    if kind in b"sb":
        raw = bytearray()
        for place in range(position, position + length):
            raw.append(data[place])
        return raw.decode() if kind == 115 else bytes(raw), position + length
    if kind != 108 or depth > DEPTH_MOST:
        raise FormatError("no value")
    values = []
    for _ in range(length):
        value, position = _take(data, position, depth + 1)
        values.append(value)
    return values, position


def _take_number(data, position, most):
    number = shift = 0
    for _ in range(most):
        byte = data[position]
        position += 1
        number |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return number, position
    raise FormatError("a number is too long")
