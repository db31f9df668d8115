"""The no-native-mapping rule, by syntax tree: what the source of a submission names. Nothing of it runs.

Theory of operation: from the entry point, own modules are followed by their import statements; files that are not
imported are not looked at. Each module is parsed and read once (`module_reader`). The rule is about names: a native
mapping can only be had by naming one, by syntax that makes one, or by an attribute, import or builtin that leads to
one, and each of these is refused. What reaches the code as an argument, and what names do at run time, it can't know;
the census looks at that.
"""

import ast
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

from base_classes import together
from module_reader import ModuleReader
from violation import Violation

MAX_SOURCE_BYTES = 256 * 1024
"""A hash map is a few hundred lines; what is longer can't be reviewed."""

MAX_MODULES = 100
"""Own modules followed; a hash map needs one."""

SHADOWING = frozenset(sys.stdlib_module_names) | {"driver", "harness", "msgpack"}
"""Names that a submission's module must not have: what runs beside it would import it in another's stead."""

COMPILED = frozenset({".so", ".pyd", ".pyc", ".pyo"})
"""Python prefers some of these to source of the same name; intake drops `__pycache__`."""


def violations(folder: Path, entry_point: str = "solution.py") -> list[Violation]:
    """List everything in the submission's source that the rule refuses, file by file."""
    found = [*_shadowing(folder), *_compiled(folder), *_hidden_entry_point(folder, entry_point)]
    waiting, done = [entry_point], set[str]()
    guarded: set[str] = set()
    readers: list[ModuleReader] = []
    while waiting and len(done) < MAX_MODULES:
        file = waiting.pop()
        if file in done:
            continue
        done.add(file)
        tree = _parse(folder, file)
        if isinstance(tree, Violation):
            found.append(tree)
            continue
        reader = ModuleReader(file, tree, lambda dotted, file=file: own_file(folder, file, dotted))
        readers.append(reader)
        waiting += sorted(reader.imports.own_files)
        guarded |= reader.imports.guarded
    if waiting:
        found.append(
            Violation(entry_point, 1, f"imports more than {MAX_MODULES} modules of its own", "put the map into one")
        )
    bound = together(reader.bindings for reader in readers)
    for reader in readers:
        found += reader.read(guarded, bound)
    return found


def own_file(folder: Path, importer: str, dotted: str) -> str | None:
    """Find the submission's file for a module name as `importer` writes it, with leading dots when relative."""
    package = Path(importer).parent
    name = dotted.lstrip(".")
    for _ in range(len(dotted) - len(name) - 1):
        package = package.parent
    base = (package if dotted.startswith(".") else Path()) / Path(*name.split("."))
    candidates = (base / "__init__.py", base.with_suffix(".py")) if name else (base / "__init__.py",)
    return next((candidate.as_posix() for candidate in candidates if (folder / candidate).is_file()), None)


def _shadowing(folder: Path) -> Iterator[Violation]:
    for path in sorted(folder.iterdir()):
        name = path.name.partition(".")[0]
        importable = path.is_dir() or path.suffix in {".py", ".pyc", ".so"}
        if importable and name in SHADOWING:
            yield Violation(path.name, 1, f"has the name of the module `{name}`, which others import", "rename it")


def _compiled(folder: Path) -> Iterator[Violation]:
    for path in sorted(folder.rglob("*")):
        if path.suffix in COMPILED and "__pycache__" not in path.parts:
            yield Violation(path.relative_to(folder).as_posix(), 1, "is compiled code", "hand in source only")


def _hidden_entry_point(folder: Path, entry_point: str) -> Iterator[Violation]:
    package = Path(entry_point).with_suffix("")
    if own_file(folder, "", package.name) not in {entry_point, None}:
        yield Violation(f"{package}/", 1, f"is imported instead of {entry_point}", "rename it")


def _parse(folder: Path, file: str) -> ast.Module | Violation:
    """Parse one file from its bytes, as Python does, so that its declared encoding counts."""
    try:
        data = (folder / file).read_bytes()
    except OSError:
        return Violation(file, 1, "can't be read", "hand it in as a plain file")
    if len(data) > MAX_SOURCE_BYTES:
        return Violation(file, 1, f"is longer than {MAX_SOURCE_BYTES // 1024} KiB", "shorten it")
    try:
        with warnings.catch_warnings(action="ignore"):
            return ast.parse(data, file)
    except SyntaxError as error:
        return Violation(file, error.lineno or 1, f"does not parse: {error.msg}", "see that it runs")
    except (ValueError, RecursionError, MemoryError) as error:
        return Violation(file, 1, f"does not parse ({type(error).__name__})", "see that it runs")
