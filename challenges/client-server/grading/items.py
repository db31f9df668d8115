"""The oracle: which items there are and what their bytes are, from a secret seed. Pure but for the versions.

The first letter of an id says what it is, as far as a submission may know nothing of it: ids are drawn at random, and
their kinds are kept here.
"""

import hashlib
from random import Random

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
ID_CHARS = (4, 24)


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
        return [
            "".join(self._rng.choices(ALPHABET, k=self._rng.randint(*ID_CHARS))) + f"{self._rng.getrandbits(48):x}"
            for _ in range(count)
        ]

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
        """Give the present bytes of an item."""
        if item in self._empty:
            return b""
        stream = hashlib.blake2b(f"{item} {self._versions.get(item, 0)}".encode(), key=self._key).digest()
        return (stream * (self._size // len(stream) + 1))[: self._size]

    def answer(self, item: str) -> tuple[str, bytes]:
        """Answer as the backend does: a verdict and the bytes."""
        fault = self._faults.get(item)
        return ("ok", self.value(item)) if fault is None else (fault, b"")
