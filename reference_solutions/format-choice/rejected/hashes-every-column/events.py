"""Events column by column: a segment is a MessagePack map from a field's number to all its values, compressed.

Fields that a reader does not know are `unknown`: a map from number to value. All of them together are written as one
more column, which readers of the other version take apart.
"""

import struct
import zlib

import msgpack
from faults import FormatError

HEADER = struct.Struct("<4sIIII")
MAGIC = b"EVCO"
UNPACKED_MOST = 256 * 2**20
KINDS = {1: ("view", "click", "buy"), 2: ("view", "click", "buy", "refund", "gift")}
NUMBERS = {version: {name: number for number, name in enumerate(names)} for version, names in KINDS.items()}

ID, AT, KIND, USER, AMOUNT, SESSION, LAT, LON, ACCURACY, CURRENCY, TAGS, OS, BUILD, OTHERS = range(1, 15)
FIELDS = {
    1: (ID, AT, KIND, USER, AMOUNT, SESSION, LAT, LON),
    2: (ID, AT, KIND, USER, AMOUNT, LAT, LON, ACCURACY, CURRENCY, TAGS, OS, BUILD),
}
DEFAULTS = {CURRENCY: "EUR", TAGS: ()}


def encode_events(version, events):
    """Encode a segment."""
    numbers, user = NUMBERS[version], "user" if version == 1 else "account"
    places = [event["place"] or {} for event in events]
    columns = {
        ID: [event["id"] for event in events],
        AT: [event["at"] for event in events],
        KIND: [numbers.get(event["kind"], event["kind"]) for event in events],
        USER: [event[user] for event in events],
        AMOUNT: [event["amount"] for event in events],
        LAT: [place.get("lat") for place in places],
        LON: [place.get("lon") for place in places],
    }
    if version == 1:
        columns[SESSION] = [event["session"] for event in events]
    else:
        devices = [event["device"] or {} for event in events]
        columns[ACCURACY] = [place.get("accuracy") for place in places]
        columns[CURRENCY] = [event["currency"] for event in events]
        columns[TAGS] = [event["tags"] for event in events]
        columns[OS] = [device.get("os") for device in devices]
        columns[BUILD] = [device.get("build") for device in devices]
    others = [event.get("unknown") for event in events]
    if any(others):
        columns[OTHERS] = others
    raw = msgpack.packb([len(events), columns])
    body = zlib.compress(raw, 1)
    sizes = struct.pack("<III", len(events), len(body), len(raw))
    return MAGIC + sizes + struct.pack("<I", zlib.crc32(body, zlib.crc32(sizes))) + body


def decode_events(version, data):
    """Decode a log."""
    events, position = [], 0
    while position < len(data):
        if len(data) - position < HEADER.size:
            raise FormatError("the log is cut short")
        magic, count, length, unpacked, checksum = HEADER.unpack_from(data, position)
        body = data[position + HEADER.size : position + HEADER.size + length]
        if magic != MAGIC or len(body) != length or unpacked > UNPACKED_MOST:
            raise FormatError("no segment, or one that is cut short")
        if zlib.crc32(body, zlib.crc32(data[position + 4 : position + 16])) != checksum:
            raise FormatError("a segment is damaged")
        raw = zlib.decompressobj().decompress(body, unpacked + 1)
        events += _events(version, count, msgpack.unpackb(raw, strict_map_key=False)[1])
        position += HEADER.size + length
    return events


def _events(version, count, columns):
    others = columns.pop(OTHERS, None)
    kept = [msgpack.unpackb(each, strict_map_key=False) if each else {} for each in others] if others else None
    fields = [_column(field, count, columns, kept) for field in FIELDS[version]]
    events = list(map(_event_1 if version == 1 else _event_2, *fields))
    unknown = [field for field in columns if field not in FIELDS[version]]
    if unknown or kept:
        for row, event in enumerate(events):
            left = {field: columns[field][row] for field in unknown}
            if kept:
                left.update({field: value for field, value in kept[row].items() if field not in FIELDS[version]})
            left = {field: value for field, value in left.items() if value is not None}
            if left:
                event["unknown"] = msgpack.packb(left)
    return events


def _column(field, count, columns, kept):
    default = DEFAULTS.get(field)
    values = columns.get(field)
    if values is None:
        values = [default] * count
        if kept:
            values = [each.get(field, default) for each in kept]
    return values


def _event_1(id_, at, kind, user, amount, session, lat, lon):
    return {
        "id": id_,
        "at": at,
        "kind": KINDS[1][kind] if 0 <= kind < 3 else kind,
        "user": user,
        "amount": amount,
        "session": session,
        "place": None if lat is None else {"lat": lat, "lon": lon},
    }


def _event_2(id_, at, kind, account, amount, lat, lon, accuracy, currency, tags, system, build):
    return {
        "id": id_,
        "at": at,
        "kind": KINDS[2][kind] if 0 <= kind < 5 else kind,
        "account": account,
        "amount": amount,
        "place": None if lat is None else {"lat": lat, "lon": lon, "accuracy": accuracy},
        "currency": currency,
        "tags": list(tags),
        "device": None if build is None else {"os": system, "build": build},
    }
