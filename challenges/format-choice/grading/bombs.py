"""Hostile bytes: ours spoilt in every way, and what breaks the parsers of well-known formats."""

from __future__ import annotations

import gzip
import json
import pickle
import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, combinations, product
from random import Random
from typing import Literal

DEEP = 100_000
FLIPS_A_BLOB = 60
SPLICES_A_BLOB = 8
CLIPS_A_BLOB = 6
RUN = 3000
LARGE_NUMBERS = (b"\xff", b"\xff" * 4, b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f", b"\xdf\xff\xff\xff\xff")
TYPE_BYTES = (b"\xcf", b"\xcb")
"""What says in a well-known format that an int without a sign, or a float, follows: as long as an int with a sign."""

MARKS_MOST = 12
"""More are hardly kinds of values."""

HEADS_WITHIN = 40
"""Lengths and counts are mostly near the beginning."""


def cut(blobs: Sequence[bytes], rng: Random) -> Iterator[tuple[str, bytes]]:
    """Cut each at every length, or at many."""
    for blob in blobs:
        lengths = range(len(blob)) if len(blob) <= 150 else sorted(rng.sample(range(len(blob)), 150))
        for length in lengths:
            yield f"{length} of {len(blob)} bytes", blob[:length]


def lengthened(blobs: Sequence[bytes], rng: Random) -> Iterator[tuple[str, bytes]]:
    """Add something behind each."""
    for blob in blobs:
        for more in (rng.randbytes(7), blob):
            yield f"{len(more)} more bytes", blob + more
        for byte in range(256):
            yield f"{byte:#x} behind it", blob + bytes([byte])


def clipped(blobs: Sequence[bytes], rng: Random) -> Iterator[tuple[str, bytes]]:
    """Cut each at some lengths, and add something behind it."""
    for blob in blobs:
        for length in (len(blob) - 1, len(blob) - 4, *rng.sample(range(len(blob)), CLIPS_A_BLOB)):
            yield f"{length} of {len(blob)} bytes", blob[:length]
        yield "a byte behind it", blob + rng.randbytes(1)
        yield "more bytes behind it", blob + rng.randbytes(7)


def changed(blobs: Sequence[bytes], rng: Random) -> Iterator[tuple[str, bytes]]:
    """Flip bits, write large numbers over lengths, insert runs of what may be openings."""
    for blob in blobs:
        for offset in range(len(blob)):
            for number in LARGE_NUMBERS if offset < HEADS_WITHIN else LARGE_NUMBERS[:1]:
                yield f"{number.hex()} at {offset}", blob[:offset] + number + blob[offset + len(number) :]
            for number in TYPE_BYTES:
                yield f"{number.hex()} at {offset}", blob[:offset] + number + blob[offset + 1 :]
        for _ in range(FLIPS_A_BLOB):
            offset, bit = rng.randrange(len(blob)), rng.randrange(8)
            flipped = bytearray(blob)
            flipped[offset] ^= 1 << bit
            yield f"bit {bit} of byte {offset} flipped", bytes(flipped)
        for _ in range(SPLICES_A_BLOB):
            offset, byte = rng.randrange(len(blob)), rng.choice(b"\x91\x81\xdc\xdd\xdf[{\x0a\x12\x3a\x3c\x0b\0\xff")
            yield f"a run of {byte:#x} at {offset}", blob[:offset] + bytes([byte]) * RUN + blob[offset:]


def renamed(blob: bytes, names: Sequence[str], times: int, rng: Random) -> Iterator[tuple[str, bytes]]:
    """Change a few characters of each of its long names, so many times, and add something behind it."""
    places = [(place, len(name)) for name in names if (place := blob.find(name.encode())) >= 0]
    for time in range(times):
        changed = bytearray(blob)
        for place, length in places:
            first = place + rng.randrange(length - RENAMED_CHARS)
            changed[first : first + RENAMED_CHARS] = rng.randbytes(RENAMED_CHARS // 2).hex().encode()
        yield f"long names, the {time + 1}. time", bytes(changed) + b"\0"


RENAMED_CHARS = 12

SEALS = (zlib.crc32, zlib.adler32)


def resealed(blobs: Sequence[bytes]) -> Iterator[tuple[str, bytes]]:
    """Change each byte of what ends or begins with a checksum of the rest, in a few ways, and put a right one in."""
    for blob in blobs:
        for seal, order in product(SEALS, ("little", "big")):
            for body, seal_first in ((blob[:-4], False), (blob[4:], True)):
                if blob == _sealed(body, seal, order, seal_first):
                    for how, changed in [*chain(*changed_by_place([body], marks=b"")), *_ended([body])]:
                        yield f"{how}, and its checksum made right", _sealed(changed, seal, order, seal_first)


def _sealed(body: bytes, seal: Callable[[bytes], int], order: Literal["little", "big"], seal_first: bool) -> bytes:
    checksum = seal(body).to_bytes(4, order)
    return checksum + body if seal_first else body + checksum


def _ended(blobs: Sequence[bytes]) -> Iterator[tuple[str, bytes]]:
    for blob in blobs:
        for length in range(len(blob)):
            yield f"{length} of {len(blob)} bytes", blob[:length]


def changed_by_place(blobs: Sequence[bytes], marks: bytes) -> Iterator[list[tuple[str, bytes]]]:
    """Flip each bit of each byte and write each mark over it: all changes of one byte, byte by byte."""
    for blob in blobs:
        for offset in range(len(blob)):
            written = [(f"bit {bit} of byte {offset} flipped", blob[offset] ^ 1 << bit) for bit in range(8)]
            written += [(f"{mark:#x} at {offset}", mark) for mark in marks[:MARKS_MOST] if mark != blob[offset]]
            yield [(how, blob[:offset] + bytes([byte]) + blob[offset + 1 :]) for how, byte in written]


def told_apart(blobs: Sequence[bytes]) -> bytes:
    """Give the bytes by which encodings of equal length differ: what tells the kinds of their values apart."""
    pairs = (pair for pair in combinations(blobs, 2) if len(pair[0]) == len(pair[1]))
    return bytes(
        sorted({byte for pair in pairs for two in zip(*pair, strict=True) if len({*two}) == 2 for byte in two})
    )


class _Told:
    """What a pickle may do: it tells on the disk that it was opened."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return eval, ("__import__('os')._exit(7)",)


def foreign() -> Iterator[tuple[str, bytes]]:
    """Give nothing, noise, and what breaks parsers of known formats."""
    yield "nothing", b""
    for protocol in (0, 2, 4, 5):
        yield "a pickle that ends the process", pickle.dumps(_Told(), protocol)
        yield "a pickle that ends the process, compressed", zlib.compress(pickle.dumps(_Told(), protocol))
    for byte in range(256):
        yield f"one byte {byte:#x}", bytes([byte])
        yield f"a thousand times {byte:#x}", bytes([byte]) * 1000
    for opening in (
        b"\x91",
        b"\x81\xa1a",
        b"[",
        b'{"a":',
        b"(",
        b"\x0a\xff\xff\x03",
        b"\x3a\x7f",
        b"\x0b",
        b"]",
        b"l(",
        b"d",
    ):
        yield f"{DEEP} times {opening!r}", opening * DEEP
    for head in (b"\xdd", b"\xdf", b"\xc6", b"\xdb", b"\xc9"):
        for size in (2**32 - 1, 2**31 - 1, 2**28, 2**26):
            yield f"a header {head.hex()} of {size}", head + struct.pack(">I", size)
            yield (
                f"a header {head.hex()} of {size} within",
                b"\x99\x01" + head + struct.pack(">I", size) + b"\xc0" * 100,
            )
    bomb = b"\0" * (300 * 2**20 // 4)
    yield "a bomb of zlib", zlib.compress(bomb, 9)
    yield "a bomb of gzip", gzip.compress(bomb, 9)
    yield "JSON", json.dumps({"id": 1, "method": "x"}).encode()
    yield "a long number", b"9" * 500_000
    yield "a number of a large power", b"1e999999999"
