"""What one module imports: which names stand for which modules and things, and what the source rule refuses of it."""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from allowed_imports import ALLOWED, only_in_annotations, refusal
from violation import Violation

NAMED_GETTERS = frozenset({"operator.attrgetter", "operator.methodcaller"})
"""Functions that make attribute access of a text."""

CALLED_ONLY = NAMED_GETTERS | {"functools.wraps"}
"""Functions whose arguments the rule reads, so that they may not go by another name."""

STREAMS = frozenset({"sys.stderr", "sys.stdout"})
"""What is printed to; what is made of files opens others."""

OwnFile = Callable[[str], str | None]


@dataclass
class ModuleImports:
    """The imports of one module, wherever in it they stand.

    `modules` maps names to standard modules, `qualified` to `module.name`; `own_modules` are names of the submission's
    modules, `own_names` what is imported from them, `own_bound` by what name here, and `own_files` where they are.
    `meanings` says of each name all that imports bind it to.
    """

    file: str
    own_file: OwnFile
    modules: dict[str, str] = field(default_factory=dict)
    qualified: dict[str, str] = field(default_factory=dict)
    annotation_only: set[str] = field(default_factory=set)
    own_modules: set[str] = field(default_factory=set)
    own_names: list[tuple[ast.ImportFrom, str, str]] = field(default_factory=list)
    own_bound: dict[str, str] = field(default_factory=dict)
    own_files: set[str] = field(default_factory=set)
    meanings: dict[str, set[str]] = field(default_factory=dict)
    postponed_annotations: bool = False
    violations: list[Violation] = field(default_factory=list)

    @property
    def guarded(self) -> set[str]:
        """Names that only this module's own reading can guard, so that no other module may reach for them."""
        read_here = {name for name, qualified in self.qualified.items() if qualified in CALLED_ONLY | STREAMS}
        return {*self.modules, *self.annotation_only, *read_here}

    @property
    def ambiguous(self) -> set[str]:
        """Names that imports bind to more than one thing."""
        return {name for name, meanings in self.meanings.items() if len(meanings) > 1}

    def read(self, node: ast.Import | ast.ImportFrom) -> None:
        """Take in one import statement."""
        if isinstance(node, ast.Import):
            for alias in node.names:
                self._read_import(node, alias)
        else:
            for alias in node.names:
                self._read_import_from(node, alias)

    def refuse_reaching(self, guarded: set[str]) -> Iterator[Violation]:
        """Refuse imports from own modules of what those guard."""
        for node, module, name in self.own_names:
            if name in guarded:
                yield Violation(
                    self.file, node.lineno, f"reaches for what `{module}` imports", "import it where you use it"
                )

    def _read_import(self, node: ast.Import, alias: ast.alias) -> None:
        own = self.own_file(alias.name)
        first = alias.name.partition(".")[0]
        bound = alias.asname or first
        self._mean(bound, alias.name if alias.asname else first)
        if own is not None:
            self.own_files |= {own, *self._packages(alias.name)}
            self.own_modules.add(bound)
        elif alias.name in ALLOWED:
            self.modules[bound] = alias.name if alias.asname else first
        else:
            self._refuse(node, f"imports `{alias.name}`", "import your own modules and those listed in SPEC.md only")

    def _read_import_from(self, node: ast.ImportFrom, alias: ast.alias) -> None:
        module = "." * node.level + (node.module or "")
        bound = alias.asname or alias.name
        self._mean(bound, f"{module}.{alias.name}")
        if alias.name == "*":
            self._refuse(node, f"imports everything of `{module}`", "name what you import")
        elif node.level or self.own_file(module) is not None:
            self._read_own_name(node, module, alias.name, bound)
        elif f"{module}.{alias.name}" in ALLOWED:
            self.modules[bound] = f"{module}.{alias.name}"
        elif module not in ALLOWED:
            self._refuse(
                node, f"imports from `{module}`", "import from your own modules and those listed in SPEC.md only"
            )
        else:
            self._read_standard_name(node, module, alias.name, bound)

    def _read_own_name(self, node: ast.ImportFrom, module: str, name: str, bound: str) -> None:
        own = self.own_file(module)
        submodule = self.own_file(f"{module}.{name}" if node.module else f"{module}{name}")
        if submodule is not None:
            self.own_files.add(submodule)
            self.own_modules.add(bound)
        if own is not None:
            self.own_files |= {own, *self._packages(module)}
            self.own_names.append((node, module, name))
            self.own_bound[bound] = name
        if own is None and submodule is None:
            self._refuse(node, f"imports from `{module}`, which is not in the submission", "hand it in")

    def _read_standard_name(self, node: ast.ImportFrom, module: str, name: str, bound: str) -> None:
        self.postponed_annotations |= module == "__future__" and name == "annotations"
        refused = refusal(module, name)
        if refused is not None:
            self._refuse(node, refused, "do without")
        elif only_in_annotations(module, name):
            self.annotation_only.add(bound)
        self.qualified[bound] = f"{module}.{name}"

    def _mean(self, bound: str, meaning: str) -> None:
        self.meanings.setdefault(bound, set()).add(meaning)

    def _packages(self, dotted: str) -> Iterator[str]:
        """Find the `__init__.py` of each package on the way to an own module: they run too."""
        parts = dotted.split(".")
        for end in range(1, len(parts)):
            file = self.own_file(".".join(parts[:end]))
            if file is not None:
                yield file

    def _refuse(self, node: ast.stmt, what: str, advice: str) -> None:
        self.violations.append(Violation(self.file, node.lineno, what, advice))
