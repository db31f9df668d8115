"""A store of values by tenant, time and number, on LMDB. SPEC.md says what it must do; NOTES.md is yours too."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

Key = tuple[str, int, int]
Row = tuple[Key, bytes]
Bound = tuple[Any, ...] | None
Part = TypeVar("Part")


class StoreError(Exception):
    """The store could not do what was asked, and changed nothing."""


class Store:
    """An open store; a context manager."""

    @classmethod
    def open(cls, path: str, *, map_size: int = 2**24) -> "Store":
        """Open the store in the folder `path`, which is made if missing."""
        raise NotImplementedError

    def put_many(self, items: Iterable[Row]) -> int:
        """Store all items or none, and give their number."""
        raise NotImplementedError

    def get(self, key: Key) -> bytes | None:
        """Give the value of a key, or None."""
        raise NotImplementedError

    def get_many(self, keys: Iterable[Key]) -> list[bytes | None]:
        """Give the value of each key, or None, all of one state."""
        raise NotImplementedError

    def delete_range(self, lo: Bound, hi: Bound) -> int:
        """Delete the keys from `lo` up to but without `hi`, and give their number."""
        raise NotImplementedError

    def scan(
        self, lo: Bound = None, hi: Bound = None, limit: int | None = None, reverse: bool = False
    ) -> Iterator[Row]:
        """Give the rows from `lo` up to but without `hi`, as they are when this is called."""
        raise NotImplementedError

    def count(self, prefix: tuple[Any, ...] = ()) -> int:
        """Count the keys that begin with `prefix`."""
        raise NotImplementedError

    def parallel_scan(self, lo: Bound, hi: Bound, workers: int, fold: Callable[[Iterator[Row]], Part]) -> list[Part]:
        """Fold the parts of a range in several processes, and give the results in order."""
        raise NotImplementedError

    def close(self) -> None:
        """Close the store."""
        raise NotImplementedError

    def __enter__(self) -> "Store":
        """Begin."""
        return self

    def __exit__(self, *fault: object) -> None:
        """Close."""
        self.close()
