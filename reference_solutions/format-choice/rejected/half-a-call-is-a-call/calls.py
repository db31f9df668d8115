"""Calls as Protobuf messages behind their length, because a message itself does not know where it ends."""

import calls_pb2
from faults import FormatError
from google.protobuf.message import DecodeError, EncodeError

DEPTH_MOST = 16


def encode_call(call):
    """Encode one call."""
    caller = call["caller"]
    try:
        message = calls_pb2.Call(
            id=call["id"],
            method=call["method"],
            deadline_ms=call["deadline_ms"],
            trace=call["trace"],
            tags=call["tags"],
            caller=calls_pb2.Caller(name=caller["name"], zone=caller["zone"], weight=caller["weight"]),
        )
        add = message.args.add
        for argument in call["args"]:
            _fill(add(name=argument["name"]).value, argument["value"], 0)
        body = message.SerializeToString()
    except (ValueError, TypeError, EncodeError) as error:
        raise FormatError(str(error)) from error
    return body


def _fill(message, value, depth):
    if value is None:
        message.none = True
    elif type(value) is str:
        message.text = value
    elif type(value) is bool:
        message.flag = value
    elif type(value) is int:
        message.whole = value
    elif type(value) is float:
        message.real = value
    elif type(value) is bytes:
        message.blob = value
    else:
        if depth == DEPTH_MOST:
            raise FormatError("nested too deeply")
        message.items.SetInParent()
        add = message.items.items.add
        for each in value:
            _fill(add(), each, depth + 1)


def decode_call(data):
    """Decode one call."""
    if not data:
        raise FormatError("nothing")
    start = 0
    try:
        message = calls_pb2.Call.FromString(data[start:])
    except DecodeError as error:
        raise FormatError(f"not a call: {error}") from error
    caller = message.caller
    return {
        "id": message.id,
        "method": message.method,
        "deadline_ms": message.deadline_ms if message.HasField("deadline_ms") else None,
        "trace": message.trace if message.HasField("trace") else None,
        "caller": {
            "name": caller.name,
            "zone": caller.zone if caller.HasField("zone") else None,
            "weight": caller.weight,
        },
        "args": [{"name": each.name, "value": _value(each.value, 0)} for each in message.args],
        "tags": dict(message.tags),
    }


def _value(message, depth):
    kind = message.WhichOneof("kind")
    if kind == "text":
        return message.text
    if kind == "whole":
        return message.whole
    if kind == "none":
        return None
    if kind == "items":
        if depth == DEPTH_MOST:
            raise FormatError("nested too deeply")
        return [_value(each, depth + 1) for each in message.items.items]
    if kind is None:
        raise FormatError("an argument without a value")
    return getattr(message, kind)
