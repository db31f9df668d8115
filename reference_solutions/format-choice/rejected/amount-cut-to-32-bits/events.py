"""Events as Protobuf messages: segments behind a header with lengths and a checksum, compressed.

Protobuf keeps fields that it does not know, when a message is parsed and written again. So an event's `unknown` is the
whole message as it came, if there was anything unknown in it; a writer parses that, and sets what it knows over it.
"""

import struct
import zlib

import events_pb2 as pb
from faults import FormatError
from google.protobuf.message import DecodeError
from google.protobuf.unknown_fields import UnknownFieldSet

HEADER = struct.Struct("<4sIII")
MAGIC = b"PBEV"
UNPACKED_MOST = 256 * 2**20
KINDS = {1: ("view", "click", "buy"), 2: ("view", "click", "buy", "refund", "gift")}
NUMBERS = {version: {name: number for number, name in enumerate(names)} for version, names in KINDS.items()}


def encode_events(version, events):
    """Encode a segment."""
    segment = pb.SegmentV1() if version == 1 else pb.SegmentV2()
    add, fill, numbers = segment.events.add, _fill_1 if version == 1 else _fill_2, NUMBERS[version]
    for event in events:
        message = add()
        unknown = event.get("unknown")
        if unknown:
            message.MergeFromString(unknown)
        kind = event["kind"]
        message.id = event["id"]
        message.at = event["at"]
        message.kind = kind if type(kind) is int else numbers[kind]
        fill(message, event, unknown)
    raw = segment.SerializeToString()
    body = zlib.compress(raw, 1)
    sizes = struct.pack("<II", len(body), len(raw))
    return MAGIC + sizes + struct.pack("<I", zlib.crc32(body, zlib.crc32(sizes))) + body


def _fill_1(message, event, unknown):
    message.user = event["user"]
    if unknown:
        message.ClearField("amount")
        message.ClearField("session")
    if event["amount"] is not None:
        message.amount = event["amount"]
    if event["session"] is not None:
        message.session = event["session"]
    _fill_place(message, event["place"], unknown)


def _fill_2(message, event, unknown):
    message.account = event["account"]
    if unknown:
        for name in ("amount", "tags", "device"):
            message.ClearField(name)
    if event["amount"] is not None:
        message.amount = event["amount"]
    message.currency = event["currency"]
    message.tags.extend(event["tags"])
    device = event["device"]
    if device is not None:
        message.device.os = device["os"]
        message.device.build = device["build"]
    place = event["place"]
    _fill_place(message, place, unknown)
    if place is not None:
        if place["accuracy"] is not None:
            message.place.accuracy = place["accuracy"]
        elif unknown:
            message.place.ClearField("accuracy")


def _fill_place(message, place, unknown):
    if place is not None:
        message.place.lat = place["lat"]
        message.place.lon = place["lon"]
    elif unknown:
        message.ClearField("place")


def decode_events(version, data):
    """Decode a log."""
    events, position = [], 0
    while position < len(data):
        if len(data) - position < HEADER.size:
            raise FormatError("the log is cut short")
        magic, length, unpacked, checksum = HEADER.unpack_from(data, position)
        body = data[position + HEADER.size : position + HEADER.size + length]
        if magic != MAGIC or len(body) != length or unpacked > UNPACKED_MOST:
            raise FormatError("no segment, or one that is cut short")
        if zlib.crc32(body, zlib.crc32(data[position + 4 : position + 12])) != checksum:
            raise FormatError("a segment is damaged")
        events += _events(version, body, unpacked)
        position += HEADER.size + length
    return events


def _events(version, body, unpacked):
    try:
        raw = zlib.decompressobj().decompress(body, unpacked + 1)
        segment = (pb.SegmentV1 if version == 1 else pb.SegmentV2).FromString(raw)
    except (zlib.error, DecodeError) as error:
        raise FormatError(f"no segment: {error}") from error
    return list(map(_event_1 if version == 1 else _event_2, segment.events))


def _event_1(message):
    kind = message.kind
    place = message.place if message.HasField("place") else None
    event = {
        "id": message.id,
        "at": message.at,
        "kind": KINDS[1][kind] if 0 <= kind < 3 else kind,
        "user": message.user,
        "amount": message.amount if message.HasField("amount") else None,
        "session": message.session if message.HasField("session") else None,
        "place": None if place is None else {"lat": place.lat, "lon": place.lon},
    }
    if len(UnknownFieldSet(message)) or (place is not None and len(UnknownFieldSet(place))):
        event["unknown"] = message.SerializeToString()
    return event


def _event_2(message):
    kind = message.kind
    place = message.place if message.HasField("place") else None
    device = message.device if message.HasField("device") else None
    event = {
        "id": message.id,
        "at": message.at,
        "kind": KINDS[2][kind] if 0 <= kind < 5 else kind,
        "account": message.account,
        "amount": message.amount if message.HasField("amount") else None,
        "place": None
        if place is None
        else {
            "lat": place.lat,
            "lon": place.lon,
            "accuracy": place.accuracy if place.HasField("accuracy") else None,
        },
        "currency": message.currency if message.HasField("currency") else "EUR",
        "tags": list(message.tags),
        "device": None if device is None else {"os": device.os, "build": device.build},
    }
    if len(UnknownFieldSet(message)) or (place is not None and len(UnknownFieldSet(place))):
        event["unknown"] = message.SerializeToString()
    return event
