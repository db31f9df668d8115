"""What a source yields: a file or folder to keep, or a piece of litter that was left behind."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Member:
    """One file, whose chunks can be read once and only until the next member is asked for; or one folder."""

    name: tuple[str, ...]
    chunks: Iterable[bytes] = ()
    is_folder: bool = False


@dataclass(frozen=True)
class Skipped:
    """One piece of litter, by its path."""

    path: str
