"""Events: segments of columns. The columns are those of every version together, so a segment does not care who wrote it.

A segment: magic, flags, lengths, a CRC-32 of all of it, then MessagePack of the columns, by zstd where that is shorter. A
column of nothing but defaults is left out.
"""

import struct
import zlib
from typing import Any

import msgpack
import pyarrow as pa
from errors import FormatError

_HEAD = struct.Struct("<4sBII")  # magic, flags, length of the body, length when it is unpacked
_CRC = struct.Struct("<I")
_MAGIC = b"EvC\x01"
_START = _HEAD.size + _CRC.size
_NAMES = {1: ("view", "click", "buy"), 2: ("view", "click", "buy", "refund", "gift")}
_NUMBERS = {version: {name: n for n, name in enumerate(names)} for version, names in _NAMES.items()}
_KINDS = {version: dict(enumerate(names)) for version, names in _NAMES.items()}
_pack = msgpack.Packer(use_bin_type=True).pack
_unpack = msgpack.unpackb


def _or_none(column: list[Any], default: Any) -> list[Any] | None:
    return None if all(value == default for value in column) else column


def encode_events(version: int, events: list[dict[str, Any]]) -> bytes:
    """Encode one segment of a log, as `version` of the schema knows its events."""
    count = len(events)
    numbers = _NUMBERS[version]
    ats = [event["at"] for event in events]
    base = min(ats, default=0)
    places = [event["place"] for event in events]
    accuracies: list[Any]
    if version == 1:
        users = [event["user"] for event in events]
        sessions = [event["session"] for event in events]
        currencies, tags = ["EUR"] * count, [[]] * count
        systems, builds, accuracies = [None] * count, [None] * count, [None] * count
        for n, event in enumerate(events):
            if unknown := event.get("unknown"):
                currencies[n], tags[n], systems[n], builds[n], accuracy = _unpack(unknown)
                if places[n] is not None:
                    accuracies[n] = accuracy
    else:
        users = [event["account"] for event in events]
        sessions = [unknown[1:].decode() if (unknown := event.get("unknown")) else None for event in events]
        currencies = [event["currency"] for event in events]
        tags = [event["tags"] for event in events]
        devices = [event["device"] for event in events]
        systems = [None if device is None else device["os"] for device in devices]
        builds = [None if device is None else device["build"] for device in devices]
        accuracies = [None if place is None else place["accuracy"] for place in places]
    raw = _pack(
        (
            base,
            [event["id"] for event in events],
            [at - base for at in ats],
            [kind if type(kind := event["kind"]) is int else numbers[kind] for event in events],
            users,
            [event["amount"] for event in events],
            _or_none(sessions, None),
            [None if place is None else place["lat"] for place in places],
            [None if place is None else place["lon"] for place in places],
            _or_none(accuracies, None),
            _or_none(currencies, "EUR"),
            _or_none(tags, []),
            _or_none(systems, None),
            _or_none(builds, None),
        )
    )
    flags, body = 0, raw
    if len(raw) > 200:
        packed = pa.compress(raw, codec="zstd", asbytes=True)
        if len(packed) < len(raw):
            flags, body = 1, packed
    head = _HEAD.pack(_MAGIC, flags, len(body), len(raw))
    return b"".join((head, _CRC.pack(zlib.crc32(body, zlib.crc32(head))), body))


def _segment(version: int, raw: bytes) -> list[dict[str, Any]]:
    base, ids, ats, kinds, users, amounts, sessions, lats, lons, accuracies, currencies, tags, systems, builds = _unpack(
        raw
    )
    count = len(ids)
    name = _KINDS[version].get
    none = [None] * count
    old = accuracies is None and currencies is None and tags is None and systems is None
    sessions = sessions or none
    accuracies = accuracies or none
    currencies = currencies or ["EUR"] * count
    tags = tags or [[] for _ in ids]
    systems = systems or none
    builds = builds or none
    if version == 1:
        events = [
            {
                "id": number,
                "at": base + at,
                "kind": name(kind, kind),
                "user": user,
                "amount": amount,
                "session": session,
                "place": None if lat is None else {"lat": lat, "lon": lon},
            }
            for number, at, kind, user, amount, session, lat, lon in zip(
                ids, ats, kinds, users, amounts, sessions, lats, lons
            )
        ]
        if not old:
            for event, extra in zip(events, zip(currencies, tags, systems, builds, accuracies)):
                if extra != ("EUR", [], None, None, None):
                    event["unknown"] = _pack(extra)
        return events
    events = [
        {
            "id": number,
            "at": base + at,
            "kind": name(kind, kind),
            "account": user,
            "amount": amount,
            "place": None if lat is None else {"lat": lat, "lon": lon, "accuracy": accuracy},
            "currency": currency,
            "tags": some,
            "device": None if system is None else {"os": system, "build": build},
        }
        for number, at, kind, user, amount, lat, lon, accuracy, currency, some, system, build in zip(
            ids, ats, kinds, users, amounts, lats, lons, accuracies, currencies, tags, systems, builds
        )
    ]
    for event, session in zip(events, sessions):
        if session is not None:
            event["unknown"] = b"s" + session.encode()
    return events


def decode_events(version: int, data: bytes) -> list[dict[str, Any]]:
    """Decode a log of any number of segments of both versions, as `version` of the schema knows its events."""
    view = memoryview(data)
    at, end = 0, len(view)
    events: list[dict[str, Any]] = []
    while at < end:
        if end - at < _START:
            raise FormatError("a segment is cut short")
        head = view[at : at + _HEAD.size]
        magic, flags, length, unpacked = _HEAD.unpack(head)
        (crc,) = _CRC.unpack(view[at + _HEAD.size : at + _START])
        at += _START
        if magic != _MAGIC or flags > 1 or end - at < length:
            raise FormatError("no segment")
        body = view[at : at + length]
        at += length
        if zlib.crc32(body, zlib.crc32(head)) != crc:
            raise FormatError("a segment is damaged")
        try:
            raw = pa.decompress(body, unpacked, codec="zstd", asbytes=True) if flags else body
            events += _segment(version, raw)
        except Exception as error:
            raise FormatError("a segment is damaged") from error
    return events
