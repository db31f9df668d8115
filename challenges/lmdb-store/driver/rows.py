"""Keys, bounds and rows as they travel.

Keys travel as lists, and so do a few rows, each a list of its key's elements and its value. Many travel as columns:
tenants, each row's tenant by its place there, times, numbers, values end to end, and lengths.
"""

import itertools
from array import array


def bound_of(bound):
    """Make a bound of a list, or none."""
    return None if bound is None else tuple(bound)


def key_of(key):
    """Make a key of a list."""
    return tuple(key)


def items_of(rows):
    """Make pairs of key and value of lists."""
    return [((tenant, ts, seq), value) for tenant, ts, seq, value in rows]


def lists_of(rows):
    """Give rows as plain lists; what is no row shows as such."""
    return [[*key, value] if type(key) is tuple and type(value) is bytes else ["no row"] for key, value in rows]


def keys_of(columns):
    """Make keys of columns."""
    tenants, numbers, times, seqs = columns[:4]
    return list(zip(map(tenants.__getitem__, array("H", numbers)), array("q", times), array("I", seqs), strict=True))


def batch_of(columns):
    """Make items of columns; a last column of lengths tells where values end."""
    values, lengths = columns[4], array("I", columns[5])
    ends = itertools.accumulate(lengths)
    return list(
        zip(
            keys_of(columns),
            [values[end - length : end] for end, length in zip(ends, lengths, strict=True)],
            strict=True,
        )
    )


def columns_of(rows):
    """Give rows as columns; the tenants by runs."""
    rows = list(rows)
    if not rows:
        return [[], b"", b"", b"", b"", b""]
    keys, values = zip(*rows, strict=True)
    tenants, times, seqs = zip(*keys, strict=True)
    names = list(dict.fromkeys(tenants))
    numbers = {name: number for number, name in enumerate(names)}
    return [
        names,
        array("H", map(numbers.__getitem__, tenants)).tobytes(),
        array("q", times).tobytes(),
        array("I", seqs).tobytes(),
        b"".join(values),
        array("I", map(len, values)).tobytes(),
    ]
