"""The arrows of the design: grader → harness → third-party; challenges and solutions are found as folders."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FOUND_AS_FOLDERS = {"challenges", "reference_solutions"}
SCANNED = ("harness", "grader", "tests", "benchmarks", "challenges", "reference_solutions", ".ci")

PURE = (
    "harness.outcome",
    "harness.wire",
    "harness.control.messages",
    "harness.duel.interval",
    "harness.duel.ledger",
    "harness.duel.round",
    "harness.duel.schedule",
    "harness.duel.stopping",
    "harness.load.histogram",
    "harness.load.reply",
    "harness.load.schedule",
    "grader.bar_verdict",
    "grader.comparison",
    "grader.dead_zone",
    "grader.findings",
    "grader.score",
    "grader.soundness",
    "grader.verdict",
)
"""They decide; whatever touches the world hands them values."""

INPUT_OUTPUT = {
    *("asyncio", "concurrent", "ctypes", "fcntl", "http", "io", "mmap", "multiprocessing", "os", "select", "selectors"),
    *("shutil", "signal", "socket", "ssl", "subprocess", "tempfile", "threading", "time", "urllib"),
    *("docker", "requests", "rich", "typer", "urllib3"),
}
TOUCHES = {"open", "print", "input", "exec", "eval", "__import__"}


def imports(source: str, module: str, is_package: bool = False) -> Iterator[str]:
    """Name every module, or module member, that `source`, a file of `module`, imports, relative names made absolute."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parts = module.split(".")
            package = parts[: len(parts) - node.level + is_package] if node.level else []
            base = ".".join([*package, *([node.module] if node.module else [])])
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def module_name(path: Path) -> str:
    """Name the module that `path` is imported as."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def loaded_as(path: Path) -> tuple[str, bool]:
    """Name the module that `path` is when its folder, or that of its package, is on the path; and whether a package."""
    is_package = path.name == "__init__.py"
    parts, folder = [] if is_package else [path.stem], path.parent
    while (folder / "__init__.py").exists():
        parts, folder = [folder.name, *parts], folder.parent
    return ".".join(parts), is_package


def read_imports(path: Path) -> set[str]:
    """Read what one file imports."""
    return set(imports(path.read_text(), module_name(path), is_package=path.name == "__init__.py"))


CODE = {module_name(path): path for package in ("harness", "grader") for path in sorted((ROOT / package).rglob("*.py"))}
GRAPH = {module: read_imports(path) for module, path in CODE.items()}


def top(names: Iterable[str]) -> set[str]:
    """Name the top-level packages."""
    return {name.split(".")[0] for name in names}


def within(module: str, *packages: str) -> bool:
    """Tell whether `module` is one of `packages` or inside one."""
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def closure(module: str) -> set[str]:
    """Follow the project's own imports from `module` on, with the packages that hold them."""
    reached: set[str] = set()
    ahead = [module]
    while ahead:
        name = ahead.pop()
        if name in GRAPH and name not in reached:
            reached.add(name)
            ahead += [*GRAPH[name], name.rpartition(".")[0]]
    return reached


def test_the_reader_sees_every_kind_of_import() -> None:
    source = "import a.b\nfrom c import d\nfrom . import e\nfrom ..f import g\ndef h():\n    import i\n"
    assert set(imports(source, "x.y.z")) == {"a.b", "c", "c.d", "x.y", "x.y.e", "x.f", "x.f.g", "i"}
    assert set(imports("from .f import g", "x.y", is_package=True)) == {"x.y.f", "x.y.f.g"}


def test_the_closure_goes_through_other_modules() -> None:
    reached = closure("harness.worker.__main__")
    assert {"harness.worker.service", "harness.wire.codec", "harness.wire", "harness"} <= reached


@pytest.mark.parametrize("module", [module for module in CODE if within(module, "harness")])
def test_harness_knows_nothing_of_the_grader(module: str) -> None:
    assert "grader" not in top(GRAPH[module])


@pytest.mark.parametrize("folder", SCANNED)
def test_challenges_and_solutions_are_never_imported(folder: str) -> None:
    paths = list((ROOT / folder).rglob("*.py"))
    assert paths, f"nothing to look at in {folder}/: has it moved?"
    read = {path: imports(path.read_text(), *loaded_as(path)) for path in paths}
    assert not [str(path.relative_to(ROOT)) for path, names in read.items() if top(names) & FOUND_AS_FOLDERS]


@pytest.mark.parametrize("module", [module for module in CODE if within(module, *PURE)])
def test_pure_modules_reach_no_input_or_output(module: str) -> None:
    reached = {name: top(GRAPH[name]) & INPUT_OUTPUT for name in closure(module)}
    assert not {name: found for name, found in reached.items() if found}
    names = {node.id for node in ast.walk(ast.parse(CODE[module].read_text())) if isinstance(node, ast.Name)}
    assert not names & TOUCHES


@pytest.mark.parametrize("module", PURE)
def test_the_pure_modules_exist(module: str) -> None:
    assert module in CODE


def test_the_worker_is_light_and_holds_nothing_that_judges() -> None:
    reached = closure("harness.worker.__main__")
    assert all(within(name, "harness.worker", "harness.wire") for name in reached - {"harness"})
    third_party = top(name for module in reached for name in GRAPH[module]) - {"harness"} - sys.stdlib_module_names
    assert third_party == {"msgpack"}


def test_only_the_sandbox_and_the_doctor_know_the_engine() -> None:
    speakers = {module for module, names in GRAPH.items() if "docker" in top(names)}
    assert speakers, "no module imports docker: has the sandbox moved?"
    assert all(within(module, "harness.sandbox", "grader.doctor") for module in speakers)


def test_what_runs_in_the_grader_container_leaves_the_engine_and_the_terminal_alone() -> None:
    reached = {name: top(GRAPH[name]) & {"docker", "rich", "typer"} for name in closure("grader.session")}
    assert not {name: found for name, found in reached.items() if found}


def test_every_third_party_import_is_declared() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    names = {re.split(r"[<>=!~ \[;]", entry)[0].replace("-", "_") for entry in declared}
    used = top(name for imported in GRAPH.values() for name in imported) - sys.stdlib_module_names
    assert not used - names - {"harness", "grader"}
