"""What in a submission's source speaks of its judges: by syntax tree, so what is hidden is not seen.

A driver runs in the submission's interpreter, and what looks for it there or changes what it uses may answer in its
place. Two things are told apart. A submission that names what is *ours* has no honest reason to: a challenge may refuse
it (`demand_nothing_of_ours`). One that looks at frames and tables of modules, or replaces what is not its own, may have
one: that is a finding, for a person to look at, and decides nothing.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from grader.evidence import Finding

OURS: Final = ("driver", "harness")
"""Modules of ours that a submission shares an interpreter with; it may have none of these names itself."""

FRAMES: Final = frozenset(
    {"_getframe", "_current_frames", "currentframe", "f_back", "gi_frame", "cr_frame", "tb_frame", "getinnerframes"}
)
"""How code finds out by whom it is called."""

WATCHES: Final = frozenset(
    {"get_objects", "get_referrers", "settrace", "setprofile", "set_local_events", "addaudithook"}
)
"""How code sees what was not handed to it."""

TABLES: Final = frozenset({("sys", "modules"), ("sys", "meta_path"), ("sys", "path_hooks"), ("gc", "callbacks")})

NATIVE: Final = frozenset({"CFUNCTYPE", "PYFUNCTYPE", "PROT_EXEC"})
"""How code runs machine code that no source shows."""

ANYWHERE: Final = FRAMES | WATCHES | NATIVE
"""What tells by its name alone, whatever it is taken from."""

OUR_TEXT: Final = re.compile(rf"({'|'.join(OURS)})(\.\w+)*\.?|TAKEHOME_\w*")
"""Names of our modules, and of what is in the environment for these."""

KERNEL_FILES: Final = ("/proc/self/mem", "/proc/self/fd")

MACHINE_CODE: Final = (b"\x7fELF", b"MZ", b"\xcf\xfa\xed\xfe")
"""How files of machine code begin, on Linux, Windows and macOS."""

PLACES_SHOWN: Final = 6
FILE_BYTES: Final = 1024 * 1024
"""A longer source is not read, and so can't be said to name nothing of ours."""


@dataclass(frozen=True)
class Mark:
    """One place, and what stands there."""

    file: str
    line: int
    what: str
    ours: bool = False

    def __str__(self) -> str:
        return f"{self.file}:{self.line} {self.what}"


def demand_nothing_of_ours(folder: Path) -> None:
    """Insist that no source names the driver, the harness or their environment; raises AssertionError."""
    named = [str(mark) for mark in _marks(folder) if mark.ours]
    assert not named, (
        f"{named[0]}, which belongs to the grading: what a submission does must not depend on who calls it"
    )
    unread = [str(path.relative_to(folder)) for path in _sources(folder) if path.stat().st_size > FILE_BYTES]
    assert not unread, (
        f"{unread[0]} is a source of more than {FILE_BYTES // 1024} KiB, more than is read: keep data in other files"
    )


def speaks_of_judges(folder: Path) -> list[Finding]:
    """Read every file of a submission, and give one finding where any of them has marks."""
    marks = _marks(folder)
    if not marks:
        return []
    shown = [str(mark) for mark in marks[:PLACES_SHOWN]]
    more = [f"and {len(marks) - PLACES_SHOWN} more"] if len(marks) > PLACES_SHOWN else []
    return [
        Finding(
            kind="speaks_of_its_judges",
            text="the source has what honest work seldom needs: " + ", ".join([*shown, *more]),
            advice="Read these places: code that looks for whoever calls it, or changes what is not its own, may do "
            "as it should only while it is looked at. It decides nothing by itself.",
        )
    ]


def marks_of(source: str | bytes, file: str) -> Iterator[Mark]:
    """Give the marks in Python source; none where it does not parse, for then it does not run either.

    Bytes are read in the encoding that they declare, as Python does: in another they might be a comment.
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    imported = {name for node in ast.walk(tree) for name in _imported(node)}
    for node in ast.walk(tree):
        line = getattr(node, "lineno", 0)
        yield from (Mark(file, line, what, ours=True) for what in _of_ours(node))
        yield from (Mark(file, line, what) for what in _telling(node, imported))


def _marks(folder: Path) -> list[Mark]:
    return [mark for path in sorted(folder.rglob("*")) if path.is_file() for mark in _of_file(path, folder)]


def _sources(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*.py")) if path.is_file()]


def _of_file(path: Path, folder: Path) -> Iterator[Mark]:
    name = str(path.relative_to(folder))
    with path.open("rb") as file:
        content = file.read(FILE_BYTES + 1)
    if content.startswith(MACHINE_CODE):
        yield Mark(name, 0, "is machine code")
    elif path.suffix == ".pyc":
        yield Mark(name, 0, "is compiled, and runs without a source")
    elif path.suffix == ".py" and len(content) <= FILE_BYTES:
        yield from marks_of(content, name)


def _of_ours(node: ast.AST) -> list[str]:
    match node:
        case ast.Import(names=names):
            return [f"imports {name.name}" for name in names if _root(name.name) in OURS]
        case ast.ImportFrom(module=str(module), level=0) if _root(module) in OURS:
            return [f"imports {module}"]
        case ast.Constant(value=str(text)) if OUR_TEXT.fullmatch(text):
            return [f"names {text!r}"]
    return []


def _telling(node: ast.AST, imported: set[str]) -> list[str]:
    match node:
        case ast.ImportFrom(module=str(module), names=names, level=0):
            return [f"imports {module}.{name.name}" for name in names if _is_telling(module, name.name)]
        case ast.Attribute(value=ast.Name(id=owner), attr=attr, ctx=ast.Store() | ast.Del()) if owner in imported:
            return [f"replaces {owner}.{attr}"]
        case ast.Attribute(value=ast.Name(id=owner), attr=attr) if _is_telling(owner, attr):
            return [f"uses {owner}.{attr}"]
        case ast.Attribute(attr=attr) if attr in ANYWHERE:
            return [f"uses {attr}"]
        case ast.Constant(value=str(text)) if text.startswith(KERNEL_FILES):
            return [f"names {text[:40]!r}"]
    return []


def _is_telling(owner: str, name: str) -> bool:
    return name in ANYWHERE or (owner, name) in TABLES


def _imported(node: ast.AST) -> Iterator[str]:
    """Name the modules that `import` binds."""
    if isinstance(node, ast.Import):
        yield from (alias.asname or _root(alias.name) for alias in node.names)


def _root(module: str) -> str:
    return module.partition(".")[0]
