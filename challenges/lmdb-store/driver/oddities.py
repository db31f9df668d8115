"""What nobody should hand to a store, by name: keys and values that are none, and what iterables and folds raise."""

import struct

from .submission import StoreError, lmdb


class Stopped(Exception):
    """What an iterable raises in the middle."""


class _OfTwo(Exception):
    """What can be pickled, but not read back: it is made of two things and keeps one."""

    def __init__(self, what, why):
        super().__init__(f"{what}: {why}")


def fault_named(name):
    """Make an exception of the class that is so called."""
    if name == "_OfTwo":
        return _OfTwo("it", "stopped")
    kinds = (
        Stopped,
        StoreError,
        lmdb.Error,
        struct.error,
        ValueError,
        TypeError,
        KeyError,
        AttributeError,
        OverflowError,
        MemoryError,
        OSError,
        FileNotFoundError,
        BrokenPipeError,
        EOFError,
        StopIteration,
        SystemExit,
    )
    return {kind.__name__: kind for kind in kinds}[name]("it stopped")


def odd_named(kind):
    """Give a key or a value that is none, by name."""
    return {
        "none": None,
        "number": 7,
        "text": "text",
        "pair": ("a", 1),
        "four": ("a", 1, 2, 3),
        "tenant-bytes": (b"a", 1, 2),
        "tenant-none": (None, 1, 2),
        "tenant-surrogate": ("a\ud800", 1, 2),
        "tenant-long": ("a" * 241, 1, 2),
        "tenant-long-in-bytes": ("\u20ac" * 81, 1, 2),
        "tenant-very-long": ("x" * 100_000, 1, 2),
        "ts-text": ("a", "1", 2),
        "ts-none": ("a", None, 2),
        "ts-float": ("a", 1.0, 2),
        "ts-above": ("a", 2**63, 2),
        "ts-below": ("a", -(2**63) - 1, 2),
        "ts-far": ("a", 2**70, 2),
        "seq-text": ("a", 1, "2"),
        "seq-none": ("a", 1, None),
        "seq-float": ("a", 1, 2.5),
        "seq-below": ("a", 1, -1),
        "seq-above": ("a", 1, 2**32),
        "value-none": None,
        "value-text": "text",
        "value-number": 7,
        "value-array": bytearray(b"bytes"),
        "value-long": bytes(64 * 1024 + 1),
    }[kind]
