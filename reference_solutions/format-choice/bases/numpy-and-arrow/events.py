"""Events: segments of columns.

    magic, length of the body, of the raw body, CRC-32 of these and of the body, the body: MessagePack in zstd

A segment holds every field that either version knows, so it does not matter which of them wrote it: a version fills in what it
does not know from the event's `unknown`, or with the values of the schema. A third version would add columns behind the last.
"""

import struct
import zlib
from typing import Any

import msgpack
import numpy as np
import pyarrow as pa
from common import FormatError

_HEADER = struct.Struct("<4sIII")
_SUMMED = 12  # bytes of the header before the CRC
_MAGIC = b"EvS\x01"
_CODEC = pa.Codec("zstd", compression_level=3)
_NAMES = {1: ("view", "click", "buy"), 2: ("view", "click", "buy", "refund", "gift")}
_NUMBERS = {version: {name: number for number, name in enumerate(names)} for version, names in _NAMES.items()}
_pack = msgpack.Packer(autoreset=True).pack

Event = dict[str, Any]


def encode_events(version: int, events: list[Event]) -> bytes:
    """Encode one segment of a log, as `version` of the schema knows its events."""
    numbers = _NUMBERS[version]
    places = [event["place"] for event in events]
    if version == 1:
        names = [event["user"] for event in events]
        sessions = [event["session"] for event in events]
        accuracies, currencies, tags, devices = _known_to_2(events, places)
    else:
        names = [event["account"] for event in events]
        sessions = [msgpack.unpackb(event["unknown"]) if "unknown" in event else None for event in events]
        accuracies = [None if place is None else place["accuracy"] for place in places]
        currencies = [event["currency"] for event in events]
        tags = [tuple(event["tags"]) for event in events]
        devices = [(device["os"], device["build"]) if (device := event["device"]) else None for event in events]
    there = [place for place in places if place is not None]
    raw = msgpack.packb(
        [
            len(events),
            _from_ints([event["id"] for event in events]),
            _from_times([event["at"] for event in events]),
            _from_ints([numbers.get(event["kind"], event["kind"]) for event in events]),
            _from_any(names),
            _from_optional_ints([event["amount"] for event in events]),
            _from_any(sessions),
            _from_mask([place is not None for place in places]),
            _from_floats([place["lat"] for place in there]),
            _from_floats([place["lon"] for place in there]),
            _from_optional_ints(accuracies),
            _from_any(currencies),
            _from_any(tags),
            _from_any(devices),
        ]
    )
    body = _CODEC.compress(raw, asbytes=True)
    head = _HEADER.pack(_MAGIC, len(body), len(raw), 0)[:_SUMMED]
    return head + zlib.crc32(body, zlib.crc32(head)).to_bytes(4, "little") + body


def _known_to_2(events: list[Event], places: list[Any]) -> tuple[list[Any], list[str], list[Any], list[Any]]:
    """What version 1 does not know of its events: what it was given for them, or the values of the schema."""
    count = len(events)
    accuracies: list[Any] = [None] * count
    currencies, tags, devices = ["EUR"] * count, [()] * count, [None] * count
    for number, event in enumerate(events):
        if "unknown" in event:
            accuracy, currencies[number], tags[number], devices[number] = msgpack.unpackb(
                event["unknown"], use_list=False
            )
            if places[number] is not None:
                accuracies[number] = accuracy
    return accuracies, currencies, tags, devices


def decode_events(version: int, data: bytes) -> list[Event]:
    """Decode a log of any number of segments of both versions, as `version` of the schema knows its events."""
    build = {1: _as_1, 2: _as_2}[version]
    view, at, events = memoryview(data), 0, []
    while at < len(view):
        if len(view) - at < _HEADER.size:
            raise FormatError("cut short")
        magic, length, size, crc = _HEADER.unpack_from(view, at)
        begin = at + _HEADER.size
        body = view[begin : begin + length]
        if magic != _MAGIC or len(body) != length or zlib.crc32(body, zlib.crc32(view[at : at + _SUMMED])) != crc:
            raise FormatError("no log, or a damaged one")
        try:
            columns = msgpack.unpackb(_CODEC.decompress(body, size, asbytes=True))
            events += build(_columns(columns))
        except Exception as error:  # noqa: BLE001  the sum was right, so somebody made this up
            raise FormatError("no log") from error
        at = begin + length
    return events


def _columns(stored: list[Any]) -> tuple[list[Any], ...]:
    count = stored[0]
    there = _to_mask(count, stored[7])
    within = sum(there)
    lats, lons = iter(_to_floats(within, stored[8])), iter(_to_floats(within, stored[9]))
    places = [{"lat": next(lats), "lon": next(lons)} if yes else None for yes in there]
    return (
        _to_ints(count, stored[1]),
        _to_times(count, stored[2]),
        _to_ints(count, stored[3]),
        _to_any(count, stored[4]),
        _to_optional_ints(count, stored[5]),
        _to_any(count, stored[6]),
        places,
        _to_optional_ints(count, stored[10]),
        _to_any(count, stored[11]),
        _to_any(count, stored[12]),
        _to_any(count, stored[13]),
    )


def _as_1(columns: tuple[list[Any], ...]) -> list[Event]:
    names = dict(enumerate(_NAMES[1]))
    events = []
    for number, at, kind, name, amount, session, place, accuracy, currency, tags, device in zip(*columns, strict=True):
        event = {
            "id": number,
            "at": at,
            "kind": names.get(kind, kind),
            "user": name,
            "amount": amount,
            "session": session,
            "place": place,
        }
        if accuracy is not None or device is not None or tags or currency != "EUR":
            event["unknown"] = _pack((accuracy, currency, tags, device))
        events.append(event)
    return events


def _as_2(columns: tuple[list[Any], ...]) -> list[Event]:
    names = dict(enumerate(_NAMES[2]))
    events = []
    for number, at, kind, name, amount, session, place, accuracy, currency, tags, device in zip(*columns, strict=True):
        if place is not None:
            place["accuracy"] = accuracy
        event = {
            "id": number,
            "at": at,
            "kind": names.get(kind, kind),
            "account": name,
            "amount": amount,
            "place": place,
            "currency": currency,
            "tags": list(tags),
            "device": None if device is None else {"os": device[0], "build": device[1]},
        }
        if session is not None:
            event["unknown"] = _pack(session)
        events.append(event)
    return events


# ---- columns


def _from_ints(values: Any) -> list[Any]:
    """Ints as what they are above the smallest, in as few bytes as the largest needs, first all first bytes."""
    found = np.array(values, np.int64)
    if not len(found):
        return [0, 0, b""]
    least = int(found.min())
    above = found.view(np.uint64) - np.uint64(least & 0xFFFFFFFFFFFFFFFF)
    width = (int(above.max()).bit_length() + 7) // 8
    return [least, width, above.view(np.uint8).reshape(-1, 8)[:, :width].T.tobytes()]


def _to_array(count: int, stored: list[Any]) -> Any:
    least, width, data = stored
    above = np.zeros((count, 8), np.uint8)
    if data:
        above[:, :width] = np.frombuffer(data, np.uint8).reshape(width, count).T
    return (above.view(np.uint64).reshape(-1) + np.uint64(least & 0xFFFFFFFFFFFFFFFF)).view(np.int64)


def _to_ints(count: int, stored: list[Any]) -> list[int]:
    return _to_array(count, stored).tolist()


def _from_times(values: list[int]) -> list[Any]:
    """The first, and the differences; these may wrap around, and so does their sum."""
    return [values[0], _from_ints(np.diff(np.array(values, np.int64)))] if values else [0, _from_ints([])]


def _to_times(count: int, stored: list[Any]) -> list[int]:
    if not count:
        return []
    first, differences = stored
    return np.cumsum(np.concatenate((np.array([first], np.int64), _to_array(count - 1, differences)))).tolist()


def _from_mask(values: list[bool]) -> bytes | None:
    return None if all(values) else np.packbits(np.array(values, np.bool_)).tobytes()


def _to_mask(count: int, stored: bytes | None) -> list[bool]:
    if stored is None:
        return [True] * count
    return np.unpackbits(np.frombuffer(stored, np.uint8), count=count).astype(np.bool_).tolist()


def _from_optional_ints(values: list[int | None]) -> list[Any]:
    return [_from_mask([value is not None for value in values]), _from_ints([v for v in values if v is not None])]


def _to_optional_ints(count: int, stored: list[Any]) -> list[int | None]:
    mask, ints = stored
    if mask is None:
        return _to_ints(count, ints)
    there = _to_mask(count, mask)
    found = iter(_to_ints(sum(there), ints))
    return [next(found) if yes else None for yes in there]


def _from_any(values: list[Any]) -> list[Any]:
    """Texts and the like: each once, and which one it is for each event."""
    known: dict[Any, int] = {}
    codes = [known.setdefault(value, len(known)) for value in values]
    return [list(known), _from_ints(codes)]


def _to_any(count: int, stored: list[Any]) -> list[Any]:
    known, codes = stored
    if len(known) == 1:
        return known * count
    return [known[code] for code in _to_ints(count, codes)]


def _from_floats(values: list[float]) -> list[Any]:
    """Floats as ints where all of them are decimals with a few digits, bit for bit; else as they are."""
    found = np.array(values, np.float64)
    if not len(found) or not np.isfinite(found).all():
        return [None, found.tobytes()]
    with np.errstate(over="ignore"):
        for digits in range(8):
            scale = 10.0**digits
            sample = found[:8]
            if (np.rint(sample * scale) / scale == sample).all():
                scaled = np.rint(found * scale)
                if np.abs(scaled).max() < 2.0**53:
                    ints = scaled.astype(np.int64)
                    if (ints / scale).tobytes() == found.tobytes():  # tells -0.0 from 0.0
                        return [digits, _from_ints(ints)]
    return [None, found.tobytes()]


def _to_floats(count: int, stored: list[Any]) -> list[float]:
    digits, data = stored
    if digits is None:
        return np.frombuffer(data, np.float64).tolist() if data else []
    return (_to_array(count, data) / 10.0**digits).tolist()
