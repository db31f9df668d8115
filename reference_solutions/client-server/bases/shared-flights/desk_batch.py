"""The bodies of batches: which ids one asks for, and what it is answered, in msgpack."""

import re

import msgpack

MAX_IDS = 100

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


def read_batch(body: bytes) -> list[str] | None:
    """Give the ids of a batch, each once and in their order, or None when the body is no batch."""
    try:
        ids = msgpack.unpackb(body, raw=False)
    except Exception:  # noqa: BLE001 - msgpack has many ways to say that it is none
        return None
    if type(ids) is not list or len(ids) > MAX_IDS:
        return None
    for one in ids:
        if type(one) is not str or _ID.fullmatch(one) is None:
            return None
    return list(dict.fromkeys(ids))


def write_batch(results: dict[str, tuple[int, bytes | None]]) -> list[bytes]:
    """Give the pieces of the answer. Packed by hand, so that 1.6 MB are copied once and not three times."""
    count = len(results)
    pieces = [bytes((0x80 | count,)) if count < 16 else b"\xde" + count.to_bytes(2, "big")]
    for key, (status, data) in results.items():
        name = key.encode("ascii")
        size = len(name)
        pieces.append(bytes((0xA0 | size,)) if size < 32 else bytes((0xD9, size)))
        pieces.append(name)
        if data is None:
            pieces.append(b"\x92\xcd" + status.to_bytes(2, "big") + b"\xc0")
            continue
        length = len(data)
        pieces.append(b"\x92\xcc\xc8")  # [200, ...
        if length < 0x100:
            pieces.append(bytes((0xC4, length)))
        elif length < 0x10000:
            pieces.append(b"\xc5" + length.to_bytes(2, "big"))
        else:
            pieces.append(b"\xc6" + length.to_bytes(4, "big"))
        pieces.append(data)
    return pieces
