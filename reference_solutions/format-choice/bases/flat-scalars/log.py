"""Events: segments of columns. Numbers lie in numpy arrays, texts are joined by a surrogate, which no text can hold.

The columns are those of both versions. A segment: magic, lengths and a CRC-32 of all of it, then the columns under zstd.
"""

import struct
import zlib
from typing import Any

import msgpack
import numpy as np
import pyarrow as pa
from errors import FormatError

_HEAD = struct.Struct("<4sII")  # magic, length of the body, length when it is unpacked
_CRC = struct.Struct("<I")
_MAGIC = b"NpLg"
_START = _HEAD.size + _CRC.size
_NAMES = {1: ("view", "click", "buy"), 2: ("view", "click", "buy", "refund", "gift")}
_NUMBERS = {version: {name: n for n, name in enumerate(names)} for version, names in _NAMES.items()}
_KINDS = {version: dict(enumerate(names)) for version, names in _NAMES.items()}
_BETWEEN, _NULL = "\ud800", "\ud801"
_pack = msgpack.Packer(use_bin_type=True).pack
_unpack = msgpack.unpackb


def _texts(texts: list[str | None]) -> bytes:
    joined = _BETWEEN.join([_NULL if text is None else text for text in texts])
    if joined.count(_BETWEEN) != max(0, len(texts) - 1):
        raise ValueError("a text has surrogates")
    return joined.encode("utf-8", "surrogatepass")


def _get_texts(data: bytes, count: int) -> list[Any]:
    if not count:
        return []
    return [None if text == _NULL else text for text in data.decode("utf-8", "surrogatepass").split(_BETWEEN)]


def _ints(values: list[int | None]) -> tuple[bytes, bytes]:
    """Values, and which of them are there; neither where none is."""
    there = [value is not None for value in values]
    if True not in there:
        return b"", b""
    numbers = np.array([0 if value is None else value for value in values], np.int64)
    return numbers.tobytes(), b"" if False not in there else np.packbits(there).tobytes()


def _get_ints(data: bytes, there: bytes, count: int) -> list[Any]:
    if not data:
        return [None] * count
    values: list[Any] = np.frombuffer(data, np.int64).tolist()
    if there:
        for n in np.flatnonzero(np.unpackbits(np.frombuffer(there, np.uint8), count=count) == 0).tolist():
            values[n] = None
    return values


def _floats(values: list[float]) -> bytes:
    return np.array(values, np.float64).tobytes()


def encode_events(version: int, events: list[dict[str, Any]]) -> bytes:
    """Encode one segment of a log, as `version` of the schema knows its events."""
    numbers = _NUMBERS[version]
    places = [event["place"] for event in events]
    held = [place for place in places if place is not None]
    if version == 1:
        users = [event["user"] for event in events]
        sessions = [event["session"] for event in events]
        extras = [
            _unpack(unknown) if (unknown := event.get("unknown")) else ("EUR", (), None, None, None) for event in events
        ]
        currencies = [extra[0] for extra in extras]
        tags = [extra[1] for extra in extras]
        systems = [extra[2] for extra in extras]
        builds = [extra[3] for extra in extras]
        accuracies = [extra[4] for extra, place in zip(extras, places) if place is not None]
    else:
        users = [event["account"] for event in events]
        sessions = [unknown[1:].decode() if (unknown := event.get("unknown")) else None for event in events]
        currencies = [event["currency"] for event in events]
        tags = [event["tags"] for event in events]
        devices = [event["device"] for event in events]
        systems = [None if device is None else device["os"] for device in devices]
        builds = [None if device is None else device["build"] for device in devices]
        accuracies = [place["accuracy"] for place in held]
    kinds = [kind if type(kind := event["kind"]) is int else numbers[kind] for event in events]
    raw = _pack(
        (
            len(events),
            np.array([event["id"] for event in events], np.int64).tobytes(),
            np.diff(np.array([event["at"] for event in events], np.int64), prepend=np.int64(0)).tobytes(),
            np.array(kinds, np.int32).tobytes(),
            _texts(users),
            _ints([event["amount"] for event in events]),
            None if sessions.count(None) == len(sessions) else _texts(sessions),
            np.packbits([place is not None for place in places]).tobytes() if events else b"",
            _floats([place["lat"] for place in held]),
            _floats([place["lon"] for place in held]),
            _ints(accuracies),
            None if currencies.count("EUR") == len(currencies) else _texts(currencies),
            np.array([len(some) for some in tags], np.uint32).tobytes() if any(tags) else None,
            _texts([tag for some in tags for tag in some]),
            None if systems.count(None) == len(systems) else _texts(systems),
            _ints(builds),
        )
    )
    body = pa.compress(raw, codec="zstd", asbytes=True)
    head = _HEAD.pack(_MAGIC, len(body), len(raw))
    return b"".join((head, _CRC.pack(zlib.crc32(body, zlib.crc32(head))), body))


def _places(version: int, count: int, there: bytes, lats: bytes, lons: bytes, accuracies: list[Any]) -> list[Any]:
    places: list[Any] = [None] * count
    if not count:
        return places
    where = np.flatnonzero(np.unpackbits(np.frombuffer(there, np.uint8), count=count)).tolist()
    pairs = zip(np.frombuffer(lats, np.float64).tolist(), np.frombuffer(lons, np.float64).tolist())
    if version == 1:
        for n, (lat, lon) in zip(where, pairs):
            places[n] = {"lat": lat, "lon": lon}
    else:
        for n, (lat, lon), accuracy in zip(where, pairs, accuracies):
            places[n] = {"lat": lat, "lon": lon, "accuracy": accuracy}
    return places


def _segment(version: int, raw: bytes) -> list[dict[str, Any]]:
    (count, ids, ats, kinds, users, amounts, sessions, there, lats, lons, accuracies, currencies, many, tags, systems, builds) = (
        _unpack(raw)
    )
    held = len(lats) // 8
    exact = _get_ints(*accuracies, held)
    places = _places(version, count, there, lats, lons, exact)
    name = _KINDS[version].get
    named = [name(kind, kind) for kind in np.frombuffer(kinds, np.int32).tolist()]
    money = ["EUR"] * count if currencies is None else _get_texts(currencies, count)
    if many is None:
        some: list[list[str]] = [[] for _ in range(count)]
    else:
        sizes = np.frombuffer(many, np.uint32).tolist()
        words = iter(_get_texts(tags, sum(sizes)))
        some = [[next(words) for _ in range(size)] for size in sizes]
    oses = [None] * count if systems is None else _get_texts(systems, count)
    numbers = _get_ints(*builds, count)
    visits = [None] * count if sessions is None else _get_texts(sessions, count)
    shared = zip(
        np.frombuffer(ids, np.int64).tolist(),
        np.cumsum(np.frombuffer(ats, np.int64)).tolist(),
        named,
        _get_texts(users, count),
        _get_ints(*amounts, count),
        places,
    )
    if version == 1:
        events = [
            {"id": number, "at": at, "kind": kind, "user": user, "amount": amount, "session": visit, "place": place}
            for (number, at, kind, user, amount, place), visit in zip(shared, visits)
        ]
        rest = iter(exact)
        for event, currency, words, system, build in zip(events, money, some, oses, numbers):
            accuracy = None if event["place"] is None else next(rest)
            if words or currency != "EUR" or system is not None or accuracy is not None:
                event["unknown"] = _pack((currency, words, system, build, accuracy))
        return events
    events = [
        {
            "id": number,
            "at": at,
            "kind": kind,
            "account": user,
            "amount": amount,
            "place": place,
            "currency": currency,
            "tags": words,
            "device": None if system is None else {"os": system, "build": build},
        }
        for (number, at, kind, user, amount, place), currency, words, system, build in zip(
            shared, money, some, oses, numbers
        )
    ]
    for event, visit in zip(events, visits):
        if visit is not None:
            event["unknown"] = b"s" + visit.encode()
    return events


def decode_events(version: int, data: bytes) -> list[dict[str, Any]]:
    """Decode a log of any number of segments of both versions, as `version` of the schema knows its events."""
    at, end = 0, len(data)
    events: list[dict[str, Any]] = []
    while at < end:
        if end - at < _START:
            raise FormatError("a segment is cut short")
        head = data[at : at + _HEAD.size]
        magic, length, unpacked = _HEAD.unpack(head)
        (crc,) = _CRC.unpack(data[at + _HEAD.size : at + _START])
        at += _START
        body = data[at : at + length]
        at += length
        if magic != _MAGIC or len(body) != length or zlib.crc32(body, zlib.crc32(head)) != crc:
            raise FormatError("no segment, or a damaged one")
        try:
            events += _segment(version, pa.decompress(body, unpacked, codec="zstd", asbytes=True))
        except Exception as error:
            raise FormatError("a segment is damaged") from error
    return events
