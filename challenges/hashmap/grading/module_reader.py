"""Read one module's syntax tree by the source rule."""

import ast
from collections.abc import Callable, Iterator
from typing import NamedTuple

from allowed_imports import ALLOWED, only_in_annotations, refusal
from forbidden_names import DUNDERS, FIXED, KWARGS_METHODS, NAMES, attribute_refusal, is_dunder
from harmless_types import BUILTIN_TYPES, is_class_check, is_harmless_annotation
from violation import Violation

Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)

NAMED_GETTERS = frozenset({"operator.attrgetter", "operator.methodcaller"})
"""Functions that make attribute access of a text."""

DISPLAYS = {ast.Dict: "{...}", ast.DictComp: "{... for ...}", ast.Set: "{...}", ast.SetComp: "{... for ...}"}


class Scope(NamedTuple):
    """What one function binds: its own names, and those of them that are `**kwargs`."""

    bound: frozenset[str]
    kwargs: frozenset[str]


class ModuleReader:
    """One module. Its imports are read at once, the rest by `read`, when all modules' imports are known."""

    def __init__(self, file: str, tree: ast.Module, own_file: Callable[[str], str | None]) -> None:
        self._file = file
        self._tree = tree
        self._own_file = own_file
        self._found: list[Violation] = []
        self._parents = {child: parent for parent in ast.walk(tree) for child in ast.iter_child_nodes(parent)}
        self._scopes: list[Scope] = []
        self._own_modules: set[str] = set()
        self._own_imports: list[tuple[ast.ImportFrom, str, str]] = []
        self._bound_in_code = {name for node in ast.walk(tree) if (name := _binds(node))}
        self._qualified: dict[str, str] = {}
        self._annotation_only: set[str] = set()
        self._postponed = False
        self._guarded: set[str] = set()
        self.own_files: set[str] = set()
        self.modules: dict[str, str] = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                self._read_import(node)
            elif isinstance(node, ast.ImportFrom):
                self._read_import_from(node)

    @property
    def guarded(self) -> set[str]:
        """Names of this module that only its own reading can guard, so that no other module may reach for them."""
        getters = {name for name, qualified in self._qualified.items() if qualified in NAMED_GETTERS}
        return {*self.modules, *self._annotation_only, *getters}

    def read(self, guarded: set[str]) -> list[Violation]:
        """List this module's violations; `guarded` are the guarded names of all modules together."""
        self._guarded = guarded
        for node, module, name in self._own_imports:
            if name in guarded:
                self._refuse(node, f"reaches for what `{module}` imports", "import it where you use it")
        try:
            self._visit(self._tree)
        except RecursionError:
            self._refuse(self._tree, "is nested too deep to be read", "write it plainly")
        return sorted(set(self._found))

    # ------------------------------------------------------------------------------------------------------ imports

    def _read_import(self, node: ast.Import) -> None:
        self._refuse_in_class(node)
        for alias in node.names:
            own = self._own_file(alias.name)
            bound = alias.asname or alias.name.partition(".")[0]
            if own is not None:
                self.own_files |= {own, *self._packages(alias.name)}
                self._own_modules.add(bound)
            elif alias.name in ALLOWED:
                self.modules[bound] = alias.name if alias.asname else alias.name.partition(".")[0]
            else:
                self._refuse(node, f"imports `{alias.name}`", "import your own modules and those listed in SPEC.md only")
            self._refuse_fixed(node, bound)

    def _read_import_from(self, node: ast.ImportFrom) -> None:
        self._refuse_in_class(node)
        module = "." * node.level + (node.module or "")
        for alias in node.names:
            bound = alias.asname or alias.name
            self._refuse_fixed(node, bound)
            if alias.name == "*":
                self._refuse(node, f"imports everything of `{module}`", "name what you import")
            elif (own := self._own_file(module)) is not None or node.level:
                self._read_own_import(node, module, own, alias.name, bound)
            elif f"{module}.{alias.name}" in ALLOWED:
                self.modules[bound] = f"{module}.{alias.name}"
            elif module not in ALLOWED:
                self._refuse(node, f"imports from `{module}`", "import from your own modules and those listed in SPEC.md only")
            else:
                self._read_standard_name(node, module, alias.name, bound)

    def _read_own_import(
        self, node: ast.ImportFrom, module: str, own: str | None, name: str, bound: str
    ) -> None:
        submodule = self._own_file(f"{module}.{name}" if node.module else f"{module}{name}")
        if submodule is not None:
            self.own_files.add(submodule)
            self._own_modules.add(bound)
        if own is not None:
            self.own_files |= {own, *self._packages(module)}
            self._own_imports.append((node, module, name))
        if own is None and submodule is None:
            self._refuse(node, f"imports from `{module}`, which is not in the submission", "hand it in")

    def _read_standard_name(self, node: ast.ImportFrom, module: str, name: str, bound: str) -> None:
        self._postponed = self._postponed or (module == "__future__" and name == "annotations")
        refused = refusal(module, name)
        if refused is not None:
            self._refuse(node, refused, "do without")
        elif only_in_annotations(module, name):
            self._annotation_only.add(bound)
        self._qualified[bound] = f"{module}.{name}"

    def _packages(self, dotted: str) -> Iterator[str]:
        """Find the `__init__.py` of each package on the way to an own module: they run too."""
        parts = dotted.split(".")
        for end in range(1, len(parts)):
            file = self._own_file(".".join(parts[:end]))
            if file is not None:
                yield file

    def _refuse_in_class(self, node: ast.stmt) -> None:
        if isinstance(self._parents.get(node), ast.ClassDef):
            self._refuse(node, "imports in a class body", "import at the top of the file")

    # ------------------------------------------------------------------------------------------------------ the walk

    def _visit(self, node: ast.AST) -> None:
        """Apply the rules to a node and go on to its children, unless the node's rule did so itself."""
        kind = type(node).__name__
        handler: Callable[[ast.AST], bool] | None = getattr(self, f"_at_{kind}", None)
        if type(node) in DISPLAYS:
            self._refuse(node, f"makes a native mapping or set with `{DISPLAYS[type(node)]}`", "use a list, or your own map")
        if handler is not None and handler(node):
            return
        for child in ast.iter_child_nodes(node):
            self._visit(child)

    def _visit_all(self, *nodes: ast.AST | None) -> None:
        for node in nodes:
            if node is not None:
                self._visit(node)

    def _at_Name(self, node: ast.Name) -> bool:  # noqa: N802  named after the node
        name = node.id
        if name in NAMES or name in self._annotation_only:
            self._refuse(node, f"names `{name}`", NAMES.get(name, "use it in annotations only"))
        elif is_dunder(name) and isinstance(node.ctx, ast.Load) and name not in DUNDERS:
            self._refuse(node, f"names `{name}`", "it leads into the interpreter")
        elif name in FIXED and not isinstance(node.ctx, ast.Load):
            self._refuse_fixed(node, name)
        elif name in {"type", "getattr"} and not self._is_called(node):
            self._refuse(node, f"uses `{name}` as a value", "call it")
        elif self._qualified.get(name) in NAMED_GETTERS and not self._is_called(node):
            self._refuse(node, f"uses `{name}` as a value", "call it with a literal name")
        elif isinstance(node.ctx, ast.Load) and self._module(name) is not None:
            self._refuse(node, f"uses the module `{name}` as a value", "write `module.name`")
        elif isinstance(node.ctx, ast.Load) and name in self._own_modules and not self._is_shadowed(name):
            self._refuse(node, f"uses the module `{name}` as a value", "write `module.name`")
        elif isinstance(node.ctx, ast.Load | ast.Del) and self._is_kwargs(name) and not self._is_read_only(node):
            self._refuse(node, f"hands on or changes the native mapping `**{name}`", "iterate over its items()")
        return True

    def _at_Attribute(self, node: ast.Attribute) -> bool:  # noqa: N802
        refused = attribute_refusal(node.attr)
        if refused is not None:
            self._refuse(node, refused, "do without")
        chain = _chain(node)
        if chain is None:
            return False
        root, *names = chain
        if self._module(root) is not None:
            self._read_module_attribute(node, self.modules[root], names)
            return True
        if root in self._own_modules and not self._is_shadowed(root):
            if self._guarded & set(names):
                self._refuse(node, f"reaches for what `{root}` imports", "import it where you use it")
            return True
        return False

    def _read_module_attribute(self, node: ast.Attribute, module: str, names: list[str]) -> None:
        """Check `module.a.b`; the walk has checked the outermost attribute's name, this the rest."""
        while names and f"{module}.{names[0]}" in ALLOWED:
            module = f"{module}.{names.pop(0)}"
        if not names:
            if not isinstance(self._parents.get(node), ast.Attribute):
                self._refuse(node, f"uses the module `{module}` as a value", "write `module.name`")
            return
        refused = refusal(module, names[0]) if module in ALLOWED else f"`{module}.{names[0]}` is not allowed"
        if refused is None and only_in_annotations(module, names[0]):
            refused = f"`{module}.{names[0]}` is a native mapping or set"
        if refused is None and f"{module}.{names[0]}" in NAMED_GETTERS and not self._is_called(node):
            refused = f"`{module}.{names[0]}` is used as a value"
        for name in (None, *names[:-1]):
            problem = refused if name is None else attribute_refusal(name)
            if problem is not None:
                self._refuse(node, problem, "do without")

    def _at_Call(self, node: ast.Call) -> bool:  # noqa: N802
        called = self._called(node)
        first = node.args[0] if node.args else None
        if called == "type" and (len(node.args) != 1 or node.keywords or isinstance(first, ast.Starred)):
            self._refuse(node, "calls `type` with more than one argument", "write a class statement")
        elif called == "getattr":
            self._read_names_as_text(node, node.args[1:2] or [node])
        elif called in NAMED_GETTERS:
            self._read_names_as_text(node, node.args[:1] if called == "operator.methodcaller" else [*node.args, *node.keywords])
        elif called in {"isinstance", "issubclass"} and len(node.args) == 2 and is_class_check(node.args[1]):  # noqa: PLR2004
            self._visit(node.args[0])
            return True
        elif called == "typing.cast" and len(node.args) == 2 and self._is_evaluated_harmlessly(node.args[0]):  # noqa: PLR2004
            self._visit(node.args[1])
            return True
        return False

    def _read_names_as_text(self, node: ast.Call, names: list[ast.expr | ast.keyword]) -> None:
        for name in names:
            if not (isinstance(name, ast.Constant) and isinstance(name.value, str)):
                self._refuse(node, "looks up an attribute of a computed name", "write the name out")
                continue
            for part in name.value.split("."):
                refused = attribute_refusal(part)
                if refused is not None:
                    self._refuse(node, refused, "do without")

    def _at_AnnAssign(self, node: ast.AnnAssign) -> bool:  # noqa: N802
        self._visit_annotation(node.annotation)
        self._visit_all(node.target, node.value)
        return True

    def _at_arg(self, node: ast.arg) -> bool:
        self._refuse_fixed(node, node.arg)
        self._visit_annotation(node.annotation)
        return True

    def _visit_annotation(self, annotation: ast.expr | None) -> None:
        if annotation is not None and not self._is_harmless(annotation):
            self._visit(annotation)

    def _is_harmless(self, annotation: ast.expr) -> bool:
        return self._postponed or self._is_evaluated_harmlessly(annotation)

    def _is_evaluated_harmlessly(self, annotation: ast.expr) -> bool:
        return is_harmless_annotation(annotation, self._is_standard)

    def _is_standard(self, name: str) -> bool:
        """Tell whether a name means a builtin type or a thing of the standard library wherever it stands in this file."""
        return (name in BUILTIN_TYPES or name in self._qualified or name in self.modules) and name not in self._bound_in_code

    def _at_FunctionDef(self, node: Function) -> bool:  # noqa: N802
        if not isinstance(node, ast.Lambda):
            self._refuse_fixed(node, node.name)
            self._visit_all(*node.decorator_list, *getattr(node, "type_params", ()))
            self._visit_annotation(node.returns)
        self._visit_all(*node.args.defaults, *node.args.kw_defaults)
        self._scopes.append(_scope(node))
        for argument in _arguments(node.args):
            self._at_arg(argument)
        self._visit_all(*(node.body if isinstance(node.body, list) else [node.body]))
        self._scopes.pop()
        return True

    _at_AsyncFunctionDef = _at_Lambda = _at_FunctionDef  # noqa: N815

    def _at_ListComp(self, node: ast.ListComp | ast.GeneratorExp | ast.SetComp | ast.DictComp) -> bool:  # noqa: N802
        """Read a comprehension: its targets are bound in it alone, and its first iterable is read outside of it."""
        first, *others = node.generators
        self._visit(first.iter)
        targets = {name for generator in node.generators for part in ast.walk(generator.target) if (name := _binds(part))}
        self._scopes.append(Scope(frozenset(targets), frozenset()))
        self._visit_all(first.target, *first.ifs, *others)
        self._visit_all(*([node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]))
        self._scopes.pop()
        return True

    _at_GeneratorExp = _at_SetComp = _at_DictComp = _at_ListComp  # noqa: N815

    def _at_ClassDef(self, node: ast.ClassDef) -> bool:  # noqa: N802
        self._refuse_fixed(node, node.name)
        for base in node.bases:
            if self._qualified_name(base) == "abc.ABCMeta":
                self._refuse(node, f"makes `{node.name}` a metaclass", "do without: a class's namespace is a native mapping")
        for keyword in node.keywords:
            if keyword.arg is None or (keyword.arg == "metaclass" and self._qualified_name(keyword.value) != "abc.ABCMeta"):
                self._refuse(node, f"gives `{node.name}` a metaclass other than ABCMeta", "do without")
        return False

    def _at_MatchMapping(self, node: ast.MatchMapping) -> bool:  # noqa: N802
        if node.rest is not None:
            self._refuse(node, f"makes a native mapping with `**{node.rest}`", "name the keys")
        return False

    def _at_MatchClass(self, node: ast.MatchClass) -> bool:  # noqa: N802
        if not is_class_check(node.cls):
            self._visit(node.cls)
        self._visit_all(*node.patterns, *node.kwd_patterns)
        for name in node.kwd_attrs:
            refused = attribute_refusal(name)
            if refused is not None:
                self._refuse(node, refused, "do without")
        return True

    def _at_ExceptHandler(self, node: ast.ExceptHandler) -> bool:  # noqa: N802
        self._refuse_fixed(node, node.name or "")
        return False

    def _at_MatchAs(self, node: ast.MatchAs | ast.MatchStar) -> bool:  # noqa: N802
        self._refuse_fixed(node, node.name or "")
        return False

    _at_MatchStar = _at_MatchAs  # noqa: N815

    # -------------------------------------------------------------------------------------------------- what names mean

    def _module(self, name: str) -> str | None:
        """Give the standard module that a name stands for here."""
        return None if self._is_shadowed(name) else self.modules.get(name)

    def _is_shadowed(self, name: str) -> bool:
        return any(name in scope.bound for scope in self._scopes)

    def _is_kwargs(self, name: str) -> bool:
        innermost = next((scope for scope in reversed(self._scopes) if name in scope.bound or name in scope.kwargs), None)
        return innermost is not None and name in innermost.kwargs

    def _is_called(self, node: ast.expr) -> bool:
        parent = self._parents.get(node)
        return isinstance(parent, ast.Call) and parent.func is node

    def _called(self, node: ast.Call) -> str:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        return name if name in FIXED else self._qualified_name(node.func)

    def _qualified_name(self, node: ast.expr) -> str:
        """Give `module.name` of what an expression names, or an empty text."""
        chain = _chain(node)
        if chain is None:
            return ""
        root, *names = chain
        if not names:
            return "" if self._is_shadowed(root) else self._qualified.get(root, "")
        module = self._module(root)
        return "" if module is None else ".".join([module, *names])

    def _is_read_only(self, node: ast.Name) -> bool:
        """Tell whether a `**kwargs` parameter is only read here, and goes nowhere."""
        part: ast.AST = node
        parent = self._parents[node]
        while isinstance(parent, ast.BoolOp):
            parent, part = self._parents[parent], parent
        if part is not node or isinstance(parent, ast.If | ast.While | ast.IfExp):
            return _is_condition(parent, part)
        match parent:
            case ast.Attribute(attr=attr):
                return attr in KWARGS_METHODS and self._is_called(parent)
            case ast.Subscript(value=value, ctx=ast.Load()):
                return value is node
            case ast.keyword(arg=None) | ast.UnaryOp(op=ast.Not()):
                return True
            case ast.For(iter=iterated) | ast.comprehension(iter=iterated):
                return iterated is node
            case ast.Compare(ops=[ast.In() | ast.NotIn()], left=left):
                return left is not node
            case ast.Call(func=ast.Name(id="len" | "bool")):
                return True
            case _:
                return False

    def _refuse_fixed(self, node: ast.AST, name: str) -> None:
        if name in FIXED:
            self._refuse(node, f"binds the name `{name}`", "choose another name")

    def _refuse(self, node: ast.AST, what: str, advice: str) -> None:
        self._found.append(Violation(self._file, getattr(node, "lineno", 1), what, advice))


def _is_condition(node: ast.AST, part: ast.AST) -> bool:
    """Tell whether only the truth of `part` counts in `node`."""
    match node:
        case ast.If(test=test) | ast.While(test=test) | ast.IfExp(test=test):
            return test is part
        case ast.UnaryOp(op=ast.Not()):
            return True
        case _:
            return False


def _binds(node: ast.AST) -> str | None:
    """Give the name that a node binds, imports aside."""
    match node:
        case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name):
            return name
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return name
        case ast.ExceptHandler(name=name) | ast.MatchAs(name=name) | ast.MatchStar(name=name) | ast.MatchMapping(rest=name):
            return name
        case _:
            return None


def _chain(node: ast.expr) -> list[str] | None:
    """Take `a.b.c` apart, or give `None` where the root is no plain name."""
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    return [node.id, *reversed(names)] if isinstance(node, ast.Name) else None


def _arguments(arguments: ast.arguments) -> list[ast.arg]:
    listed = [*arguments.posonlyargs, *arguments.args, arguments.vararg, *arguments.kwonlyargs, arguments.kwarg]
    return [argument for argument in listed if argument is not None]


def _scope(function: Function) -> Scope:
    """List the names that a function binds, by Python's static rule: anywhere in it, but for `global` and imports."""
    kwargs = frozenset({function.args.kwarg.arg} if function.args.kwarg else ())
    bound = {argument.arg for argument in _arguments(function.args)}
    free: set[str] = set()
    waiting: list[ast.AST] = list(function.body) if isinstance(function.body, list) else [function.body]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            bound.add(node.id)
        elif isinstance(node, ast.Global | ast.Nonlocal):
            free |= set(node.names)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            free |= {alias.asname or alias.name.partition(".")[0] for alias in node.names}
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            bound.add(node.name)
        elif isinstance(node, ast.comprehension):
            waiting += [node.iter, *node.ifs]  # its target is bound in the comprehension alone
        elif not isinstance(node, ast.Lambda):
            waiting += ast.iter_child_nodes(node)
    return Scope(frozenset(bound - free), kwargs)
