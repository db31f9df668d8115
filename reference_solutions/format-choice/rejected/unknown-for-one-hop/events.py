"""Events: segments of MessagePack rows, whose positions are never given to another field.

A segment is a header (magic, how many rows, how long packed and unpacked, a checksum of all of it) and the rows,
compressed. A row is

    [id, at, kind's number, user or account, amount, session, place, currency, tags, device]
    place [latitude, longitude, accuracy]        device [system, build]

Version 1 writes the first seven positions, version 2 all of them. A reader takes the positions it knows, and gives the
others, packed, as `unknown`; a writer puts those back where they were. A position that is missing has its default.
"""

# ruff: noqa: TRY301
import struct
import zlib

import msgpack
from faults import FormatError

MAGIC = b"EVS1"
HEADER = struct.Struct("<4sIIII")
UNPACKED_MOST = 256 * 2**20

KINDS = {1: ("view", "click", "buy"), 2: ("view", "click", "buy", "refund", "gift")}
NUMBERS = {version: {name: number for number, name in enumerate(names)} for version, names in KINDS.items()}

_pack = msgpack.Packer().pack
_pack_unknown = msgpack.Packer().pack


def encode_events(version, events):
    """Encode a segment of events."""
    rows = [_ROW[version](event, NUMBERS[version]) for event in events]
    raw = _pack(rows)
    body = zlib.compress(raw, 1)
    sizes = struct.pack("<III", len(rows), len(body), len(raw))
    return MAGIC[:-1] + bytes([version]) + sizes + struct.pack("<I", zlib.crc32(body, zlib.crc32(bytes([version]) + sizes))) + body


def decode_events(version, data):
    """Decode a log, which is any number of segments one after the other."""
    events, position, read = [], 0, _EVENT[version]
    while position < len(data):
        if len(data) - position < HEADER.size:
            raise FormatError("the log is cut short")
        magic, count, length, unpacked, checksum = HEADER.unpack_from(data, position)
        body = data[position + HEADER.size : position + HEADER.size + length]
        if magic[:-1] != MAGIC[:-1] or magic[-1] not in (1, 2) or len(body) != length or unpacked > UNPACKED_MOST:
            raise FormatError("no segment, or one that is cut short")
        if zlib.crc32(body, zlib.crc32(magic[-1:] + data[position + 4 : position + 16])) != checksum:
            raise FormatError("a segment is damaged")
        rows = _rows(body, unpacked)
        if len(rows) != count:
            raise FormatError("a segment lacks events")
        try:
            found = list(map(read, rows))
            if magic[-1] == version:
                for event in found:
                    event.pop("unknown", None)
            events += found
        except (ValueError, TypeError, IndexError) as error:
            raise FormatError(f"no event: {error}") from error
        position += HEADER.size + length
    return events


def _rows(body, unpacked):
    try:
        inflater = zlib.decompressobj()
        raw = inflater.decompress(body, unpacked + 1)
        if len(raw) != unpacked or not inflater.eof or inflater.unused_data:
            raise FormatError("a segment has another length than it says")
        return msgpack.unpackb(raw)
    except FormatError:
        raise
    except Exception as error:
        raise FormatError(f"no segment: {error}") from error


def _row_of_1(event, numbers):
    kind, place = event["kind"], event["place"]
    known = numbers.get(kind)
    row = [
        event["id"],
        event["at"],
        kind if known is None else known,
        event["user"],
        event["amount"],
        event["session"],
        None if place is None else [place["lat"], place["lon"]],
    ]
    unknown = event.get("unknown")
    if unknown:
        tail, accuracy = msgpack.unpackb(unknown)
        row += tail
        if place is not None:
            row[6].append(accuracy)
    return row


def _row_of_2(event, numbers):
    kind, place, device, unknown = event["kind"], event["place"], event["device"], event.get("unknown")
    known = numbers.get(kind)
    return [
        event["id"],
        event["at"],
        kind if known is None else known,
        event["account"],
        event["amount"],
        msgpack.unpackb(unknown) if unknown else None,
        None if place is None else [place["lat"], place["lon"], place["accuracy"]],
        event["currency"],
        event["tags"],
        None if device is None else [device["os"], device["build"]],
    ]


def _event_of_1(row):
    kind, place = row[2], row[6]
    event = {
        "id": row[0],
        "at": row[1],
        "kind": _KINDS_1[kind] if 0 <= kind < 3 else kind,
        "user": row[3],
        "amount": row[4],
        "session": row[5],
        "place": None if place is None else {"lat": place[0], "lon": place[1]},
    }
    if len(row) > 7:
        event["unknown"] = _pack_unknown([row[7:], place[2] if place is not None and len(place) > 2 else None])
    return event


def _event_of_2(row):
    count = len(row)
    if count == 10:
        number, at, kind, account, amount, session, place, currency, tags, device = row
    else:
        number, at, kind, account, amount, session, place = row[:7]
        currency, tags, device = (row[7:] + ["EUR", [], None][count - 7 :]) if count > 7 else ("EUR", [], None)
    event = {
        "id": number,
        "at": at,
        "kind": _KINDS_2[kind] if 0 <= kind < 5 else kind,
        "account": account,
        "amount": amount,
        "place": None
        if place is None
        else {"lat": place[0], "lon": place[1], "accuracy": place[2] if len(place) > 2 else None},
        "currency": currency,
        "tags": tags,
        "device": None if device is None else {"os": device[0], "build": device[1]},
    }
    if session is not None:
        event["unknown"] = _pack_unknown(session)
    return event


_KINDS_1, _KINDS_2 = KINDS[1], KINDS[2]
_ROW = {1: _row_of_1, 2: _row_of_2}
_EVENT = {1: _event_of_1, 2: _event_of_2}
