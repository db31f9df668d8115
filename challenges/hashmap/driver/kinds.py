"""Keys of several kinds, made of ints from 0 to below 2 ** 50: different ones of different ints."""


def _floats(numbers):
    return [number / 8 for number in numbers]


def _texts(numbers):
    return [f"{number:x}" for number in numbers]


def _bytes(numbers):
    return [number.to_bytes(7, "big") for number in numbers]


def _tuples(numbers):
    return [(number >> 20, number & 0xFFFFF) for number in numbers]


def _mixture(numbers):
    """Make keys of all kinds, by what is left of a number when it is divided by how many there are."""
    return [_MIXED[number % len(_MIXED)]([number])[0] for number in numbers]


_MIXED = (list, _floats, _texts, _bytes, _tuples)

OF_KINDS = {
    "ints": list,
    "floats": _floats,
    "texts": _texts,
    "bytes": _bytes,
    "tuples": _tuples,
    "ints, floats, texts, bytes and tuples": _mixture,
}
"""How keys of each kind are made of ints."""
