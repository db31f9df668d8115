r"""Keys as bytes that sort as the tuples do, and back.

    tenant in UTF-8, \0 as \0\xff  |  \0\1 or \0\2: ts < 0 or not  |  ts, 8 bytes  |  seq, 4 bytes

UTF-8 sorts as code points do. What ends the tenant sorts before every character that could follow it, and before an
escaped zero. With the sign told apart in front, two's complement sorts by itself, so ts is unpacked without arithmetic.
Everything before the last twelve bytes is the prefix that a tenant's keys of one sign share; prefixes are kept in
tables.
"""

import struct

from errors import StoreError

NUMBERS_BYTES = 12
MAX_TENANT_BYTES = 240
"""LMDB's keys have at most 511 bytes, and each may need two."""

MAX_VALUE_BYTES = 64 * 1024
TABLE_ENTRIES = 4096
"""Prefixes kept; more tenants than that in use at once are encoded again."""

MIN_TS, MAX_TS, MAX_SEQ = -(2**63), 2**63 - 1, 2**32 - 1

pack = struct.Struct(">qI").pack
unpack = struct.Struct(">qI").unpack
pack_ts = struct.Struct(">q").pack

Key = tuple[str, int, int]


class Prefixes(dict[str, bytes]):
    """The prefix of each tenant, made at its first use."""

    def __init__(self, end: bytes) -> None:
        self._end = end

    def __missing__(self, tenant: str) -> bytes:
        if len(self) >= TABLE_ENTRIES:
            self.clear()
        prefix = self[tenant] = encode_tenant(tenant) + self._end
        return prefix


class Tenants(dict[bytes, str]):
    """The tenant of each prefix."""

    def __missing__(self, prefix: bytes) -> str:
        if len(self) >= TABLE_ENTRIES:
            self.clear()
        tenant = self[prefix] = prefix[:-2].replace(b"\0\xff", b"\0").decode()
        return tenant


negative, positive = Prefixes(b"\0\1"), Prefixes(b"\0\2")
tenants = Tenants()


def encode_tenant(tenant: object) -> bytes:
    """Encode a tenant, without what ends it."""
    if not isinstance(tenant, str):
        raise StoreError(f"tenant must be a str, not {type(tenant).__name__}")
    try:
        text = tenant.encode()
    except UnicodeEncodeError as fault:
        raise StoreError("tenant holds a lone surrogate, which is no character") from fault
    if len(text) > MAX_TENANT_BYTES:
        raise StoreError(f"tenant has {len(text)} bytes in UTF-8; {MAX_TENANT_BYTES} are allowed")
    return text.replace(b"\0", b"\0\xff")


def encode(key: Key) -> bytes:
    """Encode a whole key; raises StoreError with what is wrong with it."""
    try:
        tenant, ts, seq = key
        return (positive if ts >= 0 else negative)[tenant] + pack(ts, seq)
    except StoreError:
        raise
    except (TypeError, ValueError, struct.error) as fault:
        raise fault_of(key) from fault


def encode_bound(bound: object) -> bytes | None:
    """Encode a bound, which sorts before every key that begins with it; None for no bound."""
    if bound is None or bound == ():
        return None
    if not isinstance(bound, tuple) or len(bound) > 3:
        raise StoreError(f"a bound must be None or a tuple of at most three, not {bound!r:.80}")
    if len(bound) == 3:
        return encode(bound)
    tenant = encode_tenant(bound[0])
    if len(bound) == 1:
        return tenant + b"\0"
    ts = bound[1]
    check_number("ts", ts, MIN_TS, MAX_TS)
    return tenant + (b"\0\2" if ts >= 0 else b"\0\1") + pack_ts(ts)


def end_of_prefix(low: bytes, elements: int) -> bytes:
    """Give the first bytes after every key that begins with so many elements, whose bound is `low`."""
    if elements == 1:
        return low + b"\3"  # after both signs, before an escaped zero
    kept = low.rstrip(b"\xff")
    return low + b"\0" if elements == 3 else kept[:-1] + bytes([kept[-1] + 1])


def fault_of(key: object) -> StoreError:
    """Say what is wrong with a key that would not be encoded."""
    if not isinstance(key, tuple) or len(key) != 3:
        return StoreError(f"a key must be a tuple of tenant, ts and seq, not {key!r:.80}")
    tenant, ts, seq = key
    try:
        encode_tenant(tenant)
        check_number("ts", ts, MIN_TS, MAX_TS)
        check_number("seq", seq, 0, MAX_SEQ)
    except StoreError as fault:
        return fault
    return StoreError(f"not a key: {key!r:.80}")


def check_number(name: str, number: object, least: int, most: int) -> None:
    """Raise StoreError unless `number` is an int within its limits."""
    if not isinstance(number, int):
        raise StoreError(f"{name} must be an int, not {type(number).__name__}")
    if not least <= number <= most:
        raise StoreError(f"{name} is {number:.3e}, which is not from {least} to {most}")


def check_value(value: object) -> None:
    """Raise StoreError unless `value` can be stored."""
    if type(value) is not bytes:
        raise StoreError(f"value must be bytes, not {type(value).__name__}")
    if len(value) > MAX_VALUE_BYTES:
        raise StoreError(f"value has {len(value)} bytes; {MAX_VALUE_BYTES} are allowed")
