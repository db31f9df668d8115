"""Calls on the wire: a bare sequence of MessagePack scalars, in a fixed order, without a single container.

A list is a marker (an empty map) and its length, followed by its items; an empty list is an empty array. So the C parser
may be told to refuse every container that holds something: it never nests and never reserves memory for a promise, whatever a
stranger sends. Depth and counts are the business of the few lines of Python below.
"""

from typing import Any

import msgpack

from fc_errors import FormatError

MAX_DEPTH = 16
_INT_MAX = 2**63 - 1
_DEADLINE_MAX = 2**32 - 1
_OPEN: dict[str, str] = {}
_EMPTY: list[object] = []
_PLAIN = frozenset((str, float, bytes, bool, type(None)))
_pack = msgpack.Packer().pack


def encode_call(call: dict[str, Any]) -> bytes:
    """Encode one call."""
    caller, tags, args = call["caller"], call["tags"], call["args"]
    flat = [
        call["id"],
        call["method"],
        call["deadline_ms"],
        call["trace"],
        caller["name"],
        caller["zone"],
        caller["weight"],
        len(tags),
        len(args),
    ]
    for pair in tags.items():
        flat += pair
    for arg in args:
        flat.append(arg["name"])
        value = arg["value"]
        if type(value) is list:
            _flatten(value, flat, 1)
        else:
            flat.append(value)
    packed = _pack(flat)
    # the array's own header says nothing that the counts do not say
    count = len(flat)
    if count < 16:
        return packed[1:]
    return packed[3:] if count < 65536 else packed[5:]


def _flatten(items: list[Any], flat: list[Any], depth: int) -> None:
    if depth > MAX_DEPTH:
        raise FormatError("lists are nested too deep")
    if not items:
        flat.append(_EMPTY)
        return
    flat.append(_OPEN)
    flat.append(len(items))
    for item in items:
        if type(item) is list:
            _flatten(item, flat, depth + 1)
        else:
            flat.append(item)


def decode_call(data: bytes) -> dict[str, Any]:
    """Decode one call; FormatError for anything that is none."""
    try:
        return _decode(data)
    except Exception as error:  # whatever it is, a stranger's bytes were the cause
        why = f"no call: {type(error).__name__}: {error}"[:200]
    raise FormatError(why)  # out here, so that it holds no half of a call by a traceback


def _decode(data: bytes) -> dict[str, Any]:
    size = len(data)
    source = msgpack.Unpacker(None, max_buffer_size=size or 1, max_array_len=0, max_map_len=0, max_ext_len=0)
    source.feed(data)
    take = source.unpack

    ident = take()
    if type(ident) is not int or ident < 0:
        raise FormatError("id")
    method = take()
    if type(method) is not str:
        raise FormatError("method")
    deadline = take()
    if deadline is not None and (type(deadline) is not int or not 0 <= deadline <= _DEADLINE_MAX):
        raise FormatError("deadline_ms")
    trace = take()
    if trace is not None and type(trace) is not bytes:
        raise FormatError("trace")
    name = take()
    zone = take()
    weight = take()
    if type(name) is not str or type(weight) is not float or (zone is not None and type(zone) is not str):
        raise FormatError("caller")
    tag_count = take()
    arg_count = take()
    if type(tag_count) is not int or type(arg_count) is not int or tag_count < 0 or arg_count < 0:
        raise FormatError("counts")

    tags = {}
    for _ in range(tag_count):
        key = take()
        text = take()
        if type(key) is not str or type(text) is not str:
            raise FormatError("tags")
        tags[key] = text

    args = []
    for _ in range(arg_count):
        label = take()
        if type(label) is not str:
            raise FormatError("args")
        value = take()
        kind = type(value)
        if kind not in _PLAIN:
            if kind is int:
                if value > _INT_MAX:
                    raise FormatError("int")
            elif kind is dict:
                value = _items(take, 1)
            elif kind is not list:
                raise FormatError("value")
        args.append({"name": label, "value": value})

    if source.tell() != size:
        raise FormatError("more behind it")
    return {
        "id": ident,
        "method": method,
        "deadline_ms": deadline,
        "trace": trace,
        "caller": {"name": name, "zone": zone, "weight": weight},
        "args": args,
        "tags": tags,
    }


def _items(take: Any, depth: int) -> list[Any]:
    """Read a list whose marker was just read; it is the depth-th from outside."""
    if depth > MAX_DEPTH:
        raise FormatError("lists are nested too deep")
    count = take()
    if type(count) is not int or count < 1:
        raise FormatError("count")
    items = []
    for _ in range(count):
        value = take()
        kind = type(value)
        if kind not in _PLAIN:
            if kind is int:
                if value > _INT_MAX:
                    raise FormatError("int")
            elif kind is dict:
                value = _items(take, depth + 1)
            elif kind is not list:
                raise FormatError("value")
            elif depth == MAX_DEPTH:
                raise FormatError("lists are nested too deep")
        items.append(value)
    return items
