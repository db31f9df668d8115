"""The event log: segments of columns.

Every segment holds the union of both schemas: what both know, column by column, then two columns with what only one of them
knows: `sessions` (version 1) and `extras` (version 2; a small MessagePack array an event). A reader gives what the other version alone
knows as `unknown`, and a writer puts it back where it came from, without looking into it.

    segment = head, seal (8 bytes of BLAKE2b over head and body), body (MessagePack, zstd)
"""

import struct
from hashlib import blake2b
from typing import Any

import msgpack
import numpy as np
import pyarrow as pa

from fc_errors import FormatError

_HEAD = struct.Struct("<4sBBHIII")  # magic, writer, is the body compressed?, 0, events, size of the body, as stored
_MAGIC = b"\xf1EVL"
_SEAL = 8
_START = _HEAD.size + _SEAL
_codec = pa.Codec("zstd", compression_level=1)
_pack = msgpack.Packer().pack

_NAMES = {1: ("view", "click", "buy"), 2: ("view", "click", "buy", "refund", "gift")}
_NUMBER_OF = {version: {name: number for number, name in enumerate(names)} for version, names in _NAMES.items()}
_NAME_OF = {version: dict(enumerate(names)) for version, names in _NAMES.items()}
_SESSION = b"s"
_EXTRAS = (b"\x93", b"\x95")  # arrays of three or five


# ---- numbers, byte by byte: the high bytes of neighbours are alike


def _planes(values: np.ndarray) -> bytes:
    return values.view(np.uint8).reshape(len(values), 8).T.tobytes()


def _from_planes(data: bytes, dtype: str) -> np.ndarray:
    if not data:
        return np.zeros(0, dtype)
    count = len(data) // 8
    return np.ascontiguousarray(np.frombuffer(data, np.uint8).reshape(8, count).T).reshape(-1).view(dtype)


# ---- writing


def encode_events(version: int, events: list[dict[str, Any]]) -> bytes:
    """Encode one segment of a log, as `version` of the schema knows its events."""
    if version not in _NAMES:
        raise ValueError(f"there is no version {version!r}")
    number_of = _NUMBER_OF[version]
    places = [event["place"] for event in events]
    coordinates = [number for place in places if place is not None for number in (place["lat"], place["lon"])]
    kinds = [event["kind"] for event in events]
    user = "user" if version == 1 else "account"
    sessions, extras = _own_1(events) if version == 1 else _own_2(events)
    ats = np.array([event["at"] for event in events], "<i8")
    body = _pack(
        [
            _planes(np.array([event["id"] for event in events], "<i8")),
            _planes(np.diff(ats, prepend=np.zeros(1, "<i8"))),
            np.array([number_of.get(kind, kind) for kind in kinds], "<i4").tobytes(),
            [event[user] for event in events],
            [event["amount"] for event in events],
            bytes([place is not None for place in places]),
            _planes(np.array(coordinates, "<f8")),
            sessions,
            extras,
        ]
    )
    size, squeezed = len(body), 0
    if size > 200:
        smaller = _codec.compress(body, asbytes=True)
        if len(smaller) < size:
            body, squeezed = smaller, 1
    head = _HEAD.pack(_MAGIC, version, squeezed, 0, len(events), size, len(body))
    return b"".join((head, _seal(head, body), body))


def _seal(head: bytes, body: bytes) -> bytes:
    digest = blake2b(head, digest_size=_SEAL)
    digest.update(body)
    return digest.digest()


def _own_1(events: list[dict[str, Any]]) -> tuple[list[Any] | None, list[Any] | None]:
    sessions = [event["session"] for event in events]
    extras = [event.get("unknown") for event in events]
    for extra in extras:
        if extra is not None and extra[:1] not in _EXTRAS:
            raise ValueError("`unknown` is not what a reader of version 1 was given")
    return _or_none(sessions), _or_none(extras)


def _own_2(events: list[dict[str, Any]]) -> tuple[list[Any] | None, list[Any] | None]:
    pack = _pack
    extras = []
    sessions = []
    for event in events:
        place, device = event["place"], event["device"]
        accuracy = None if place is None else place["accuracy"]
        if device is None:
            extras.append(pack([event["currency"], event["tags"], accuracy]))
        else:
            extras.append(pack([event["currency"], event["tags"], accuracy, device["os"], device["build"]]))
        unknown = event.get("unknown")
        if unknown is None:
            sessions.append(None)
        elif unknown[:1] == _SESSION:
            sessions.append(unknown[1:].decode())
        else:
            raise ValueError("`unknown` is not what a reader of version 2 was given")
    return _or_none(sessions), extras


def _or_none(column: list[Any]) -> list[Any] | None:
    return None if column.count(None) == len(column) else column


# ---- reading


def decode_events(version: int, data: bytes) -> list[dict[str, Any]]:
    """Decode a log of any number of segments of both versions, as `version` of the schema knows its events."""
    if version not in _NAMES:
        raise ValueError(f"there is no version {version!r}")
    give = _give_1 if version == 1 else _give_2
    events: list[dict[str, Any]] = []
    view = memoryview(data)
    position, end = 0, len(view)
    while position < end:
        count, size, squeezed, body = _segment(view, position, end)
        position += _START + len(body)
        try:
            if squeezed:
                body = _codec.decompress(body, decompressed_size=size, asbytes=True)
            columns = msgpack.unpackb(body)
            give(events, count, _shared(version, columns), columns[7], columns[8])
        except Exception as error:  # sealed, so it was no accident
            raise FormatError("a segment makes no sense") from error
    return events


def _segment(view: memoryview, position: int, end: int) -> tuple[int, int, int, bytes]:
    if end - position < _START:
        raise FormatError("a segment was cut")
    head = bytes(view[position : position + _HEAD.size])
    magic, writer, squeezed, zero, count, size, stored = _HEAD.unpack(head)
    if magic != _MAGIC or writer not in _NAMES or squeezed > 1 or zero:
        raise FormatError("no segment")
    start = position + _START
    if stored > end - start:
        raise FormatError("a segment was cut")
    body = bytes(view[start : start + stored])
    if _seal(head, body) != view[start - _SEAL : start]:
        raise FormatError("a segment was changed")
    return count, size, squeezed, body


def _shared(version: int, columns: list[Any]) -> Any:
    ids, steps, kinds, users, amounts, present, coordinates = columns[:7]
    name_of = _NAME_OF[version]
    pairs = iter(_from_planes(coordinates, "<f8").tolist())
    return zip(
        _from_planes(ids, "<i8").tolist(),
        np.cumsum(_from_planes(steps, "<i8")).tolist(),
        [name_of.get(kind, kind) for kind in (np.frombuffer(kinds, "<i4").tolist() if kinds else ())],
        users,
        amounts,
        [{"lat": next(pairs), "lon": next(pairs)} if there else None for there in present],
        strict=True,
    )


def _give_1(events: list[dict[str, Any]], count: int, shared: Any, sessions: Any, extras: Any) -> None:
    sessions = sessions or [None] * count
    extras = extras or [None] * count
    for (ident, at, kind, user, amount, place), session, extra in zip(shared, sessions, extras, strict=True):
        event = {
            "id": ident,
            "at": at,
            "kind": kind,
            "user": user,
            "amount": amount,
            "session": session,
            "place": place,
        }
        if extra is not None:
            event["unknown"] = extra
        events.append(event)


def _give_2(events: list[dict[str, Any]], count: int, shared: Any, sessions: Any, extras: Any) -> None:
    sessions = sessions or [None] * count
    extras = extras or [None] * count
    packed = [extra for extra in extras if extra is not None]
    rows = iter(msgpack.unpackb(b"\xdd" + len(packed).to_bytes(4, "big") + b"".join(packed)))
    for (ident, at, kind, account, amount, place), session, extra in zip(shared, sessions, extras, strict=True):
        accuracy = device = None
        if extra is None:
            currency, tags = "EUR", []
        else:
            row = next(rows)
            if len(row) == 3:
                currency, tags, accuracy = row
            else:
                currency, tags, accuracy, system, build = row
                device = {"os": system, "build": build}
        if place is not None:
            place["accuracy"] = accuracy
        event = {
            "id": ident,
            "at": at,
            "kind": kind,
            "account": account,
            "amount": amount,
            "place": place,
            "currency": currency,
            "tags": tags,
            "device": device,
        }
        if session is not None:
            event["unknown"] = _SESSION + session.encode()
        events.append(event)
