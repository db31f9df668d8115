"""The oracle: which items there are and what their bytes are, from a secret seed. Pure but for the versions.

An id tells nothing of its item, and neither does its shape: both are drawn at random, and what is missing or fails is
kept here.
"""

import base64
import hashlib
from collections.abc import Callable
from functools import lru_cache
from random import Random
from uuid import UUID

TOKEN_BYTES = (8, 48)
"""As base64, the longest has 64 characters, as many as an id may have."""

SHAPES: tuple[Callable[[Random], str], ...] = (
    lambda rng: base64.urlsafe_b64encode(rng.randbytes(rng.randint(*TOKEN_BYTES))).rstrip(b"=").decode(),
    lambda rng: f"{rng.getrandbits(128):x}",
    lambda rng: f"{rng.getrandbits(63)}",
    lambda rng: str(UUID(int=rng.getrandbits(128))),
    lambda rng: f"{rng.choice(('user', 'order', 'Item', 'doc_v2'))}-{rng.getrandbits(60)}",
)
"""Ids as services have them; none comes twice, for each is drawn from more than 2 ** 58."""


@lru_cache(maxsize=5_000)
def _drawn(key: bytes, item: str, version: int, size: int) -> bytes:
    """Give bytes that nobody can foretell who has not the key; they are wanted again for each side, and to compare."""
    return hashlib.shake_128(b" ".join((key, item.encode(), b"%d" % version))).digest(size)


class Items:
    """Every id has an item of `size` bytes, but for those that were said to be missing or to fail."""

    def __init__(self, rng: Random, size: int = 64) -> None:
        self._rng = rng
        self._key = rng.randbytes(16)
        self._size = size
        self._versions: dict[str, int] = {}
        self._faults: dict[str, str] = {}
        self._empty: set[str] = set()

    def fresh(self, count: int) -> list[str]:
        """Draw ids that were not asked for before."""
        return [self._rng.choice(SHAPES)(self._rng) for _ in range(count)]

    def lose(self, item: str) -> None:
        """Let an item be missing."""
        self._faults[item] = "missing"

    def break_(self, item: str) -> None:
        """Let the backend fail for an item."""
        self._faults[item] = "failed"

    def mend(self, item: str) -> None:
        """Let an item be there again."""
        del self._faults[item]

    def empty(self, item: str) -> None:
        """Let an item have no bytes at all."""
        self._empty.add(item)

    def change(self, item: str) -> None:
        """Give an item other bytes."""
        self._versions[item] = self._versions.get(item, 0) + 1

    def value(self, item: str) -> bytes:
        """Give the present bytes of an item: nothing that could be kept in fewer."""
        if item in self._empty:
            return b""
        return _drawn(self._key, item, self._versions.get(item, 0), self._size)

    def answer(self, item: str) -> tuple[str, bytes]:
        """Answer as the backend does: a verdict and the bytes."""
        fault = self._faults.get(item)
        return ("ok", self.value(item)) if fault is None else (fault, b"")
