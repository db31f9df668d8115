"""Rules on the functions of a challenge: one test for each id, no other, and a driver that can be called.

They are read from the syntax tree: lint runs nothing of a challenge.
"""

import ast
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from grader.challenge import Graded, function_name
from grader.complaint import Complaint
from grader.lint.files import driver_module, parse
from grader.lint.target import Target

Function = ast.FunctionDef | ast.AsyncFunctionDef


def function_complaints(target: Target) -> Iterator[Complaint]:
    """Complain about test functions that are missing, too many or of the wrong kind, and about the driver."""
    if target.entry is not None:
        challenge = target.entry.challenge
        yield from _test_complaints(target.folder / "grading" / "test_behaviour.py", challenge.checks, "check")
        yield from _test_complaints(target.folder / "grading" / "test_bars.py", challenge.bars, "bar")
    driver = driver_module(target.folder)
    callable_ = _names(driver)
    if callable_ is not None and all(name.startswith("_") for name in callable_):
        yield Complaint(driver, "", "no public function can be called over the wire", "define one at module level")


def _body(path: Path) -> list[ast.stmt] | None:
    syntax = parse(path) if path.is_file() else None
    return syntax.body if isinstance(syntax, ast.Module) else None  # the rule on files has complained


def _functions(path: Path) -> list[Function] | None:
    body = _body(path)
    return None if body is None else [node for node in body if isinstance(node, Function)]


def _names(path: Path) -> list[str] | None:
    """Name the functions that a module has, defined in it or brought from the package's other modules."""
    body = _body(path)
    if body is None:
        return None
    defined = [node.name for node in body if isinstance(node, Function)]
    brought = [name for node in body if isinstance(node, ast.ImportFrom) and node.level for name in node.names]
    return defined + [name.asname or name.name for name in brought]


def _test_complaints(path: Path, items: Sequence[Graded], noun: str) -> Iterator[Complaint]:
    functions = _functions(path)
    if functions is None:
        return
    expected = {function_name(item.id): item.id for item in items}
    found = Counter(function.name for function in functions if function.name.startswith("test"))
    for name, id_ in expected.items():
        if name not in found:
            yield Complaint(path, name, f"the {noun} {id_!r} has no test function", f"define {name}")
    for name, times in found.items():
        if name not in expected:
            advice = f"declare the {noun} in challenge.toml, or rename the function"
            yield Complaint(path, name, f"no {noun} of challenge.toml is tested by this", advice)
        elif times > 1:
            yield Complaint(path, name, "this is defined twice, and the first is never run", "remove one")
    yield from _kind_complaints(path, functions)
    yield from _class_complaints(path)


def _kind_complaints(path: Path, functions: Sequence[Function]) -> Iterator[Complaint]:
    for function in functions:
        if not function.name.startswith("test"):
            continue
        if isinstance(function, ast.AsyncFunctionDef):
            yield Complaint(
                path, function.name, "this is a coroutine, which nobody awaits", "make it an ordinary function"
            )
        if any("parametrize" in ast.unparse(decorator) for decorator in function.decorator_list):
            yield Complaint(path, function.name, "this is several tests, but an id is one", "loop inside the function")


def _class_complaints(path: Path) -> Iterator[Complaint]:
    syntax = parse(path)
    assert isinstance(syntax, ast.Module)
    for node in syntax.body:
        if isinstance(node, ast.ClassDef) and node.name.startswith("Test"):
            yield Complaint(path, node.name, "tests in a class belong to no id", "write module-level functions")
