"""What a map gave or raised, in plain values that travel over the wire.

A submission chooses the classes of what it answers, so these are described by their names and never sent.
"""

import builtins

from solution import HashMap

from .keys import KeyRefusal, Refusal


def builtin_name(fault):
    """Name the nearest built-in class, so that a subclass of KeyError is a KeyError."""
    mro = type(fault).__mro__
    return next(
        c.__name__
        for c in mro
        if c in {Refusal, KeyRefusal} or (c.__module__ == "builtins" and hasattr(builtins, c.__name__))
    )


def plain(value):
    """Give a plain value as it is, and the name of any other's class."""
    return value if value is None or type(value) in {bool, int, float, str} else ["other", type(value).__name__]


def plain_repr(m):
    """Give a repr that names every key and value in order as `HashMap({...})`, and any other as it is."""
    text, position = repr(m), 0
    entries = list(m.items())
    for part in (part for entry in entries for part in entry if part is not m):
        found = text.find(repr(part), position)
        if found < 0:
            return text
        position = found + len(repr(part))
    return "HashMap({" + ", ".join(f"{key!r}: {_plain_value_repr(m, value)}" for key, value in entries) + "})"


def _plain_value_repr(m, value):
    if value is m:
        return "HashMap({...})"
    return plain_repr(value) if isinstance(value, HashMap) else repr(value)
