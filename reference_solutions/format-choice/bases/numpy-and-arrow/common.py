"""What the four jobs share."""

import contextlib
import os
from collections.abc import Iterator


class FormatError(ValueError):
    """The data is damaged, cut short, hostile, or of another format."""


@contextlib.contextmanager
def replacing(path: str) -> Iterator[str]:
    """Give the path of a new file beside `path` that takes its place once it is whole.

    Whoever still reads, or has mapped, what was there keeps it: a table may be written over the file it was read from.
    """
    path = os.fspath(path)
    fresh = f"{path}.{os.getpid()}.new"
    try:
        yield fresh
        os.replace(fresh, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(fresh)
        raise
