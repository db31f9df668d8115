"""Keys as bytes: tenant (zero bytes written as 00 FF), 00 01, eight bytes of time, four of the number."""

from struct import Struct
from typing import Any

TAIL = Struct(">QI")
SHIFT = 1 << 63
FIRST = b"\0"  # not above any key
AFTER_ALL = b"\xfe"  # above every key: UTF-8 never begins so


class StoreError(Exception):
    """The store could not do what was asked, and changed nothing."""


_heads: dict[str, bytes] = {}


def head(tenant: Any) -> bytes:
    """Give what all keys of a tenant begin with, and no others."""
    if not isinstance(tenant, str):
        raise StoreError("tenant: must be a str")
    try:
        text = tenant.encode("utf-8")
    except UnicodeEncodeError:
        raise StoreError("tenant: has a lone surrogate") from None
    if len(text) > 240:
        raise StoreError("tenant: longer than 240 bytes")
    made = text.replace(b"\0", b"\0\xff") + b"\0\1"
    if len(_heads) > 2000:
        _heads.clear()
    _heads[tenant] = made
    return made


def tenant(made: bytes) -> str:
    """Give the tenant of a head."""
    return made[:-2].replace(b"\0\xff", b"\0").decode("utf-8")


def key(parts: Any) -> bytes:
    """Give the bytes of a key."""
    if not isinstance(parts, tuple) or len(parts) != 3:
        raise StoreError("key: must be a tuple of tenant, ts and seq")
    who, ts, seq = parts
    if not isinstance(ts, int) or not -SHIFT <= ts < SHIFT:
        raise StoreError("ts: must be an int of 64 bits with a sign")
    if not isinstance(seq, int) or not 0 <= seq < 4294967296:
        raise StoreError("seq: must be an int from 0 to 2**32 - 1")
    made = _heads.get(who) if isinstance(who, str) else None
    return (made or head(who)) + TAIL.pack(ts + SHIFT, seq)


def bound(parts: Any, otherwise: bytes) -> bytes:
    """Give the bytes of a bound, or what stands for none."""
    if parts is None or parts == ():
        return otherwise
    if not isinstance(parts, tuple) or len(parts) > 3:
        raise StoreError("bound: must be None, or the first elements of a key (tenant, ts, seq)")
    if len(parts) == 3:
        return key(parts)
    if len(parts) == 2:
        return key((*parts, 0))[:-4]
    return head(parts[0])


def after(made: bytes) -> bytes:
    """Give the first bytes above all that begin with these."""
    number = int.from_bytes(made, "big") + 1
    return number.to_bytes(len(made), "big")


def rows(found: list[tuple[bytes, bytes]]) -> list[Any]:
    """Turn rows of the database, which are in order, up or down, into rows of the store."""
    first = found[0][0][:-12]
    size = len(first)
    if found[-1][0][:-12] == first:  # and so have all between them
        who = tenant(first)
        tails = b"".join([name[size:] for name, _ in found])
        return [((who, ts - SHIFT, seq), row[1]) for (ts, seq), row in zip(TAIL.iter_unpack(tails), found)]
    unpack = TAIL.unpack
    known: dict[bytes, str] = {}
    made = []
    for name, value in found:
        first = name[:-12]
        who = known.get(first)
        if who is None:
            who = known[first] = tenant(first)
        ts, seq = unpack(name[-12:])
        made.append(((who, ts - SHIFT, seq), value))
    return made
