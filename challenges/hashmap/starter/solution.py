"""An insertion-ordered hash map in pure Python. SPEC.md says what it must do; NOTES.md is yours to fill in."""

from collections.abc import Iterable, Iterator
from typing import Any


class HashMap:  # noqa: PLW1641  a map is not hashable
    """Map hashable keys to values, in insertion order, with the semantics of `dict` and without using one."""

    def __init__(self, items: Iterable = ()) -> None:
        raise NotImplementedError

    def __getitem__(self, key: Any) -> Any:
        raise NotImplementedError

    def __setitem__(self, key: Any, value: Any) -> None:
        raise NotImplementedError

    def __delitem__(self, key: Any) -> None:
        raise NotImplementedError

    def __contains__(self, key: object) -> bool:
        raise NotImplementedError

    def __len__(self) -> int:
        raise NotImplementedError

    def __iter__(self) -> Iterator:
        raise NotImplementedError

    def get(self, key: Any, default: Any = None) -> Any:
        """Give the value of `key`, or `default`."""
        raise NotImplementedError

    def pop(self, key: Any, *default: Any) -> Any:
        """Remove `key` and give its value; without `default`, raise KeyError when it is absent."""
        raise NotImplementedError

    def setdefault(self, key: Any, default: Any = None) -> Any:
        """Give the value of `key`, inserting `default` first when it is absent."""
        raise NotImplementedError

    def update(self, items: Iterable) -> None:
        """Insert or overwrite every entry of `items`: a mapping, or an iterable of pairs."""
        raise NotImplementedError

    def clear(self) -> None:
        """Remove every entry."""
        raise NotImplementedError

    def keys(self) -> Iterable:
        """Give the keys, lazily and in order."""
        raise NotImplementedError

    def values(self) -> Iterable:
        """Give the values, lazily and in order."""
        raise NotImplementedError

    def items(self) -> Iterable[tuple[Any, Any]]:
        """Give the entries as (key, value) tuples, lazily and in order."""
        raise NotImplementedError

    def copy(self) -> "HashMap":
        """Make a map with the same entries in the same order, which shares no state with this one."""
        raise NotImplementedError

    def __eq__(self, other: object) -> bool:
        raise NotImplementedError

    def __repr__(self) -> str:
        raise NotImplementedError
