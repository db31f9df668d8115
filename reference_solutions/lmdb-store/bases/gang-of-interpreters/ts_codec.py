"""Keys and bounds as bytes that sort as the tuples do.

    key    = tenant in UTF-8, escaped | 00 | ts + 2**63, 8 bytes, big end first | seq, 4 bytes, big end first
    escape = 00 becomes 01 01, 01 becomes 01 02, all other bytes stay

UTF-8 sorts as code points do, which is how Python compares strings.  The escaped tenant holds no zero byte, so the 00
that ends it is below whatever a longer tenant goes on with.  At most 2 * 240 + 1 + 12 = 493 bytes; LMDB takes 511.

A bound is encoded in the same way, as far as it goes; what begins with it is at or above it.
"""

from struct import Struct
from struct import error as PackError

from ts_errors import StoreError

BIAS = 2**63
LONGEST_TENANT = 240
LONGEST_VALUE = 65536
TAIL = 12

_number = Struct(">Q").pack
_tail = Struct(">QI")
pack_tail = _tail.pack
unpack_tail = _tail.unpack
_CACHED = 2048


def _escaped(tenant):
    """Encode a tenant, or say what is wrong with it."""
    if not isinstance(tenant, str):
        raise StoreError(f"tenant: a str is needed, not {type(tenant).__name__}")
    try:
        raw = tenant.encode("utf-8")
    except UnicodeEncodeError as fault:
        raise StoreError("tenant: it holds a lone surrogate, which has no UTF-8") from fault
    if len(raw) > LONGEST_TENANT:
        raise StoreError(f"tenant: {len(raw)} bytes in UTF-8, {LONGEST_TENANT} are allowed")
    if b"\x00" in raw or b"\x01" in raw:
        raw = raw.replace(b"\x01", b"\x01\x02").replace(b"\x00", b"\x01\x01")
    return raw + b"\x00"


class _Heads(dict):
    """Tenants to their bytes, those that were used of late."""

    def __missing__(self, tenant):
        raw = _escaped(tenant)
        if len(self) >= _CACHED:
            self.clear()
        self[tenant] = raw
        return raw


class _Tenants(dict):
    """Bytes to tenants, the way back."""

    def __missing__(self, raw):
        plain = raw[:-1]
        if b"\x01" in plain:
            plain = plain.replace(b"\x01\x01", b"\x00").replace(b"\x01\x02", b"\x01")
        tenant = plain.decode("utf-8")
        if len(self) >= _CACHED:
            self.clear()
        self[raw] = tenant
        return tenant


heads = _Heads()
tenants = _Tenants()


def _integer(name, number, low, high):
    """Check one of the numbers."""
    if not isinstance(number, int):
        raise StoreError(f"{name}: an int is needed, not {type(number).__name__}")
    if not low <= number <= high:
        raise StoreError(f"{name}: out of the range from {low} to {high}")
    return int(number)


def _careful(key):
    """Encode a key with all checks, one by one: the way of keys that are not sound."""
    if not isinstance(key, tuple) or len(key) != 3:
        raise StoreError("key: a tuple (tenant, ts, seq) is needed")
    tenant, ts, seq = key
    head = _escaped(tenant)
    ts = _integer("ts", ts, -BIAS, BIAS - 1)
    seq = _integer("seq", seq, 0, 2**32 - 1)
    return head + pack_tail(ts + BIAS, seq)


def encode(key):
    """Give the bytes of a key."""
    if type(key) is tuple and len(key) == 3:
        tenant, ts, seq = key
        if type(tenant) is str and type(ts) is int and type(seq) is int:
            try:
                return heads[tenant] + pack_tail(ts + BIAS, seq)
            except PackError:
                pass
    return _careful(key)


def encode_items(items):
    """Encode a list of items; give pairs of bytes."""
    rows = []
    add = rows.append
    for item in items:
        if not isinstance(item, (tuple, list)) or len(item) != 2:
            raise StoreError("item: a pair of a key and a value is needed")
        key, value = item
        if not isinstance(value, bytes):
            raise StoreError(f"value: bytes are needed, not {type(value).__name__}")
        if len(value) > LONGEST_VALUE:
            raise StoreError(f"value: {len(value)} bytes, {LONGEST_VALUE} are allowed")
        if type(key) is tuple and len(key) == 3:
            tenant, ts, seq = key
            if type(tenant) is str and type(ts) is int and type(seq) is int:
                try:
                    add((heads[tenant] + pack_tail(ts + BIAS, seq), value))
                    continue
                except PackError:
                    pass
        add((_careful(key), value))
    return rows


def decode_rows(pairs):
    """Give the rows of pairs of bytes."""
    # -TAIL cuts where the tenant and its end are through: what follows has a fixed length
    names = tenants
    unpack = unpack_tail
    rows = []
    add = rows.append
    for raw, value in pairs:
        ts, seq = unpack(raw[-TAIL:])
        add(((names[raw[:-TAIL]], ts - BIAS, seq), value))
    return rows


def encode_bound(bound):
    """Give the bytes of a bound; empty ones for no bound."""
    if bound is None:
        return b""
    if not isinstance(bound, tuple):
        raise StoreError("bound: None or the first elements of a key are needed, as a tuple (key)")
    size = len(bound)
    if size == 0:
        return b""
    if size > 3:
        raise StoreError("bound: it has more elements than a key")
    raw = _escaped(bound[0])
    if size > 1:
        raw += _number(_integer("ts", bound[1], -BIAS, BIAS - 1) + BIAS)
    if size > 2:
        raw += _integer("seq", bound[2], 0, 2**32 - 1).to_bytes(4, "big")
    return raw


def after(raw):
    """Give the lowest bytes above all that begin with `raw`, which is the bytes of a bound; empty: there are none."""
    # the end of the tenant is a zero byte, so a bound is never ff all through
    kept = raw.rstrip(b"\xff")
    return kept[:-1] + bytes((kept[-1] + 1,)) if kept else b""
