"""Decide which names a submission's files may have, wherever it will be unpacked."""

import re
import unicodedata

from grader.errors import IntakeRefused
from grader.intake import limits
from grader.report import escape

RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?", re.IGNORECASE)
"""Names that Windows keeps for devices, with any suffix."""

FORBIDDEN = frozenset('\\:*?"<>|')
"""Characters that are syntax on one system or another; a backslash hides a folder on Windows."""

UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"})
"""Categories of characters that cannot be seen or have no agreed look; the plain space is the exception."""

QUOTED_CHARS = 200
"""How much of a hostile name a message shows."""


def quoted(name: str) -> str:
    """Show a hostile name in a message."""
    return f"'{escape.line(name, QUOTED_CHARS)}'"


def parse_name(raw: str) -> tuple[str, ...]:
    """Split a relative path into its parts; raises IntakeRefused with what to do about it.

    Empty parts and `.` are dropped, so the result may be empty: the top folder itself.
    """
    if raw.startswith("/"):
        raise IntakeRefused(f"{quoted(raw)} is an absolute path; pack the files relative to the submission's folder")
    parts = tuple(part for part in raw.split("/") if part not in {"", "."})
    for part in parts:
        problem = _problem(part)
        if problem:
            raise IntakeRefused(f"{quoted(raw)} {problem}")
    if len(parts) > limits.DEPTH:
        raise IntakeRefused(f"{quoted(raw)} lies more than {limits.DEPTH} folders deep; flatten the folders")
    if len("/".join(parts).encode()) > limits.PATH_BYTES:
        raise IntakeRefused(f"{quoted(raw)} is a path of more than {limits.PATH_BYTES} bytes; use shorter names")
    return parts


def _problem(part: str) -> str | None:
    if part == "..":
        return "leads out of the submission; remove every '..' from its path"
    if any(character != " " and unicodedata.category(character) in UNSEEN for character in part):
        return "has a character in its name that cannot be seen or written; rename it"
    forbidden = sorted(FORBIDDEN & set(part))
    if forbidden:
        return f"has {' '.join(forbidden)} in its name; rename it with letters, digits, '.', '_' and '-'"
    if part != part.strip() or part.endswith("."):
        return "has a name that begins or ends with a space, or ends with a dot; rename it"
    if RESERVED.fullmatch(part):
        return "has a name that Windows reserves for a device; rename it"
    if len(part.encode()) > limits.NAME_BYTES:
        return f"has a name of more than {limits.NAME_BYTES} bytes; shorten it"
    return None


def folded(parts: tuple[str, ...]) -> tuple[str, ...]:
    """Fold a path so that two that any file system, or Python's import, takes for one become equal."""
    return tuple(unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", part).casefold()) for part in parts)
