"""Read one module's syntax tree by the source rule: a walk that knows of each name what it stands for."""

import ast
from collections.abc import Callable

from allowed_imports import ALLOWED, only_in_annotations, refusal
from base_classes import Bindings, base_refusal, bindings
from forbidden_names import (
    CLASS,
    DUNDERS,
    FIXED,
    KWARGS_METHODS,
    MATCH_ARGS,
    NAMES,
    PLAIN_DECORATORS,
    SETATTR,
    attribute_refusal,
    is_dunder,
)
from harmless_types import BUILTIN_TYPES, is_class_check, is_harmless_annotation
from module_imports import CALLED_ONLY, NAMED_GETTERS, STREAMS, ModuleImports, OwnFile
from scopes import Function, Scope, arguments, binds, chain, comprehension_scope, function_scope, is_condition
from violation import Violation

DISPLAYS = {ast.Dict: "{...}", ast.DictComp: "{... for ...}", ast.Set: "{...}", ast.SetComp: "{... for ...}"}

Comprehension = ast.ListComp | ast.GeneratorExp | ast.SetComp | ast.DictComp


class ModuleReader:
    """One module. Its imports are read at once, the rest by `read`, when all modules' imports are known."""

    def __init__(self, file: str, tree: ast.Module, own_file: OwnFile) -> None:
        self._file = file
        self._tree = tree
        self._found: list[Violation] = []
        self._scopes: list[Scope] = []
        self._class_bodies = [False]
        self._guarded: set[str] = set()
        self._bound = Bindings(frozenset(), frozenset())
        self._parents = {child: parent for parent in ast.walk(tree) for child in ast.iter_child_nodes(parent)}
        self._bound_in_code = {name for node in ast.walk(tree) if (name := binds(node))}
        self.imports = ModuleImports(file, own_file)
        for node in ast.walk(tree):
            if isinstance(node, ast.Import | ast.ImportFrom):
                self.imports.read(node)
        self._rebound = self.imports.ambiguous | (self.imports.meanings.keys() & self._bound_in_code)
        self.bindings = bindings(tree, self._trusted_name)

    def read(self, guarded: set[str], bound: Bindings) -> list[Violation]:
        """List this module's violations; `guarded` and `bound` are those of all modules together."""
        self._guarded = guarded
        self._bound = bound
        try:
            self._visit(self._tree)
        except RecursionError:
            self._refuse(self._tree, "is nested too deep to be read", "write it plainly")
        return sorted({*self._found, *self.imports.violations, *self.imports.refuse_reaching(guarded)})

    def _visit(self, node: ast.AST) -> None:
        """Apply the rules to a node and go on to its children, unless the node's rule did so itself."""
        kind = type(node).__name__
        handler: Callable[[ast.AST], bool] | None = getattr(self, f"_at_{kind}", None)
        if type(node) in DISPLAYS:
            self._refuse(
                node, f"makes a native mapping or set with `{DISPLAYS[type(node)]}`", "use a list, or your own map"
            )
        if handler is not None and handler(node):
            return
        for child in ast.iter_child_nodes(node):
            self._visit(child)

    def _visit_all(self, *nodes: ast.AST | None) -> None:
        for node in nodes:
            if node is not None:
                self._visit(node)

    def _at_Import(self, node: ast.Import | ast.ImportFrom) -> bool:  # noqa: N802
        if isinstance(self._parents.get(node), ast.ClassDef):
            self._refuse(node, "imports in a class body", "import at the top of the file")
        for alias in node.names:
            self._refuse_binding(node, alias.asname or alias.name)
        return True

    _at_ImportFrom = _at_Import  # noqa: N815

    def _at_Name(self, node: ast.Name) -> bool:  # noqa: N802  named after the node
        said = self._builtin_refusal(node) or self._import_refusal(node) or self._kwargs_refusal(node)
        if said is not None:
            self._refuse(node, *said)
        if isinstance(node.ctx, ast.Store) and not self._are_match_args(node):
            self._refuse_binding(node, node.id)
        return True

    def _builtin_refusal(self, node: ast.Name) -> tuple[str, str] | None:
        name = node.id
        if name in NAMES:
            return f"names `{name}`", NAMES[name]
        if is_dunder(name) and isinstance(node.ctx, ast.Load) and name not in DUNDERS:
            return f"names `{name}`", "it leads into the interpreter"
        if name in FIXED and isinstance(node.ctx, ast.Del):
            return f"deletes the name `{name}`", "choose another name"
        if name in {"type", "getattr"} and not self._is_called(node):
            return f"uses `{name}` as a value", "call it"
        return None

    def _import_refusal(self, node: ast.Name) -> tuple[str, str] | None:
        name = node.id
        if name in self.imports.annotation_only:
            return f"names `{name}`", "use it in annotations only"
        if self.imports.qualified.get(name) in CALLED_ONLY and not self._is_called(node):
            return f"uses `{name}` as a value", "call it"
        if self.imports.qualified.get(name) in STREAMS and not self._is_printed_to(node):
            return f"uses `{name}` otherwise than by `print(..., file={name})`", "print to it"
        if isinstance(node.ctx, ast.Load) and (self._module(name) is not None or self._is_own_module(name)):
            return f"uses the module `{name}` as a value", "write `module.name`"
        return None

    def _kwargs_refusal(self, node: ast.Name) -> tuple[str, str] | None:
        if isinstance(node.ctx, ast.Store) or not self._is_kwargs(node.id) or self._is_read_only(node):
            return None
        return f"hands on or changes the native mapping `**{node.id}`", "iterate over its items()"

    def _at_Attribute(self, node: ast.Attribute) -> bool:  # noqa: N802
        self._refuse_attribute(node, node.attr)
        if isinstance(node.ctx, ast.Store) and node.attr == MATCH_ARGS:
            self._refuse(node, f"sets `{MATCH_ARGS}`", "write it into the class, as a tuple of names")
        if not isinstance(node.ctx, ast.Load) and node.attr == CLASS:
            self._refuse(node, f"changes `{CLASS}`", "make an object of the class that it should have")
        root, *names = chain(node) or [None]
        if root is None:
            return False
        if not isinstance(node.ctx, ast.Load) and (self._module(root) is not None or self._is_own_module(root)):
            self._refuse(node, f"changes what the module `{root}` holds", "keep it in a variable of your own")
        if self._module(root) is not None:
            self._read_module_attribute(node, self.imports.modules[root], names)
            return True
        if self._is_own_module(root):
            if self._guarded & set(names):
                self._refuse(node, f"reaches for what `{root}` imports", "import it where you use it")
            for name in names[:-1]:
                self._refuse_attribute(node, name)
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
        if refused is None and f"{module}.{names[0]}" in CALLED_ONLY and not self._is_called(node):
            refused = f"`{module}.{names[0]}` is used as a value"
        if refused is None and f"{module}.{names[0]}" in STREAMS and not self._is_printed_to(node):
            refused = f"`{module}.{names[0]}` is used otherwise than by `print(..., file={module}.{names[0]})`"
        if refused is not None:
            self._refuse(node, refused, "do without")
        for name in names[:-1]:
            self._refuse_attribute(node, name)

    def _at_Call(self, node: ast.Call) -> bool:  # noqa: N802
        called = self._called(node)
        first = node.args[0] if node.args else None
        if called == "type" and (len(node.args) != 1 or node.keywords or isinstance(first, ast.Starred)):
            self._refuse(node, "calls `type` with more than one argument", "write a class statement")
        elif called == "getattr":
            self._read_names_as_text(node, node.args[1:2] or [node])
        elif called in NAMED_GETTERS:
            self._read_names_as_text(
                node, node.args[:1] if called == "operator.methodcaller" else [*node.args, *node.keywords]
            )
        elif called == "functools.wraps" and not self._is_plain_decorator(node):
            self._refuse(node, "calls `wraps` otherwise than as `@wraps(function)`", "decorate a function with it")
        elif called in {"isinstance", "issubclass"} and len(node.args) == 2 and is_class_check(node.args[1]):
            self._visit(node.args[0])
            return True
        elif self._is_cast(node):
            self._visit(node.args[1])
            return True
        return False

    def _is_cast(self, node: ast.Call) -> bool:
        """Tell whether `typing.cast` is called, and nothing else of its name, which drops its first argument."""
        cast = self._trusted_name(node.func) == "typing.cast" and len(node.args) == 2 and not node.keywords
        return cast and self._is_evaluated_harmlessly(node.args[0])

    def _at_keyword(self, node: ast.keyword) -> bool:
        if node.arg is not None and is_dunder(node.arg):
            self._refuse_attribute(node.value, node.arg)
        return False

    def _is_plain_decorator(self, node: ast.Call) -> bool:
        """Tell whether `@wraps(function)` decorates a function: any other use hands namespaces to what is wrapped."""
        parent = self._parents.get(node)
        decorates = isinstance(parent, ast.FunctionDef | ast.AsyncFunctionDef) and parent.decorator_list[-1] is node
        return decorates and len(node.args) == 1 and not node.keywords and not isinstance(node.args[0], ast.Starred)

    def _read_names_as_text(self, node: ast.Call, names: list[ast.expr | ast.keyword]) -> None:
        for name in names:
            if not (isinstance(name, ast.Constant) and isinstance(name.value, str)):
                self._refuse(node, "looks up an attribute of a computed name", "write the name out")
                continue
            for part in name.value.split("."):
                self._refuse_attribute(node, part)

    def _at_AnnAssign(self, node: ast.AnnAssign) -> bool:  # noqa: N802
        if self._class_bodies[-1] and not self.imports.postponed_annotations:
            self._visit(node.annotation)  # a class's are handed to its decorators
        else:
            self._visit_annotation(node.annotation)
        self._visit_all(node.target, node.value)
        return True

    def _at_arg(self, node: ast.arg) -> bool:
        self._refuse_binding(node, node.arg)
        self._visit_annotation(node.annotation)
        return True

    def _visit_annotation(self, annotation: ast.expr | None) -> None:
        if annotation is not None and not self._is_harmless(annotation):
            self._visit(annotation)

    def _is_harmless(self, annotation: ast.expr) -> bool:
        return self.imports.postponed_annotations or self._is_evaluated_harmlessly(annotation)

    def _is_evaluated_harmlessly(self, annotation: ast.expr) -> bool:
        return is_harmless_annotation(annotation, self._is_standard)

    def _is_standard(self, name: str) -> bool:
        """Tell whether a name means a builtin type, or a thing of the standard library, all over this file."""
        if name in self.imports.qualified or name in self.imports.modules:
            return name not in self._rebound
        return name in BUILTIN_TYPES and not self._is_bound(name)

    def _is_bound(self, name: str) -> bool:
        """Tell whether anything in this file binds a name."""
        return name in self._bound_in_code or name in self.imports.meanings

    def _at_FunctionDef(self, node: Function) -> bool:  # noqa: N802
        if not isinstance(node, ast.Lambda):
            self._refuse_definition(node)
            self._visit_all(*node.decorator_list, *getattr(node, "type_params", ()))
            self._visit_annotation(node.returns)
        self._visit_all(*node.args.defaults, *node.args.kw_defaults)
        self._scopes.append(function_scope(node))
        self._class_bodies.append(False)
        for argument in arguments(node.args):
            self._at_arg(argument)
        self._visit_all(*(node.body if isinstance(node.body, list) else [node.body]))
        self._class_bodies.pop()
        self._scopes.pop()
        return True

    _at_AsyncFunctionDef = _at_Lambda = _at_FunctionDef  # noqa: N815

    def _at_ListComp(self, node: Comprehension) -> bool:  # noqa: N802
        """Read a comprehension: its targets are bound in it alone, and its first iterable is read outside of it."""
        first, *others = node.generators
        self._visit(first.iter)
        self._scopes.append(comprehension_scope(node.generators))
        self._visit_all(first.target, *first.ifs, *others)
        self._visit_all(*([node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]))
        self._scopes.pop()
        return True

    _at_GeneratorExp = _at_SetComp = _at_DictComp = _at_ListComp  # noqa: N815

    def _at_ClassDef(self, node: ast.ClassDef) -> bool:  # noqa: N802
        self._refuse_binding(node, node.name)
        for base in node.bases:
            self._refuse_base(node, base)
        for keyword in node.keywords:
            if keyword.arg is None or (
                keyword.arg == "metaclass" and self._trusted_name(keyword.value) != "abc.ABCMeta"
            ):
                self._refuse(node, f"gives `{node.name}` a metaclass other than ABCMeta", "do without")
        self._visit_all(*node.decorator_list, *getattr(node, "type_params", ()), *node.bases, *node.keywords)
        self._class_bodies.append(True)
        self._visit_all(*node.body)
        self._class_bodies.pop()
        return True

    def _refuse_base(self, node: ast.ClassDef, base: ast.expr) -> None:
        named = base.value if isinstance(base, ast.Subscript) else base
        qualified = self._trusted_name(named)
        refused = base_refusal(named, self._bound, qualified, self.imports.own_bound)
        root, *_ = chain(named) or [""]
        if root in self._rebound:
            refused = f"`{root}`, which the file binds to more than one thing"
        if refused is None and named is not base and not qualified and self._bound.subscripts:
            refused = "what `__class_getitem__` gives"
        if refused is not None:
            advice = "base it on what a class statement defines, and nothing else: bases are handed namespaces"
            self._refuse(node, f"bases `{node.name}` on {refused}", advice)

    def _at_MatchMapping(self, node: ast.MatchMapping) -> bool:  # noqa: N802
        if node.rest is not None:
            self._refuse(node, f"makes a native mapping with `**{node.rest}`", "name the keys")
        return False

    def _at_MatchClass(self, node: ast.MatchClass) -> bool:  # noqa: N802
        if not is_class_check(node.cls):
            self._visit(node.cls)
        self._visit_all(*node.patterns, *node.kwd_patterns)
        for name in node.kwd_attrs:
            self._refuse_attribute(node, name)
        return True

    def _at_ExceptHandler(self, node: ast.ExceptHandler) -> bool:  # noqa: N802
        self._refuse_binding(node, node.name or "")
        return False

    def _at_MatchAs(self, node: ast.MatchAs | ast.MatchStar) -> bool:  # noqa: N802
        self._refuse_binding(node, node.name or "")
        return False

    _at_MatchStar = _at_MatchAs  # noqa: N815

    # ---- what names mean

    def _module(self, name: str) -> str | None:
        """Give the standard module that a name stands for here."""
        return None if self._is_shadowed(name) else self.imports.modules.get(name)

    def _is_own_module(self, name: str) -> bool:
        return name in self.imports.own_modules and not self._is_shadowed(name)

    def _is_shadowed(self, name: str) -> bool:
        return any(name in scope.bound for scope in self._scopes)

    def _is_kwargs(self, name: str) -> bool:
        innermost = next(
            (scope for scope in reversed(self._scopes) if name in scope.bound or name in scope.kwargs), None
        )
        return innermost is not None and name in innermost.kwargs

    def _is_called(self, node: ast.expr) -> bool:
        parent = self._parents.get(node)
        return isinstance(parent, ast.Call) and parent.func is node

    def _called(self, node: ast.Call) -> str:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        return name if name in FIXED else self._qualified_name(node.func)

    def _qualified_name(self, node: ast.expr) -> str:
        """Give `module.name` of what an expression names, or an empty text."""
        root, *names = chain(node) or [None]
        if root is None:
            return ""
        if not names:
            return "" if self._is_shadowed(root) else self.imports.qualified.get(root, "")
        module = self._module(root)
        return "" if module is None else ".".join([module, *names])

    def _trusted_name(self, node: ast.expr) -> str:
        """Give `module.name` of what an expression can't but name, as nothing else in the file goes by that name."""
        root, *_ = chain(node) or [""]
        return "" if root in self._rebound else self._qualified_name(node)

    def _is_printed_to(self, node: ast.expr) -> bool:
        """Tell whether an expression is the `file` of a call of the builtin `print`."""
        keyword = self._parents.get(node)
        match keyword and self._parents.get(keyword):
            case ast.Call(func=ast.Name(id="print")):
                return isinstance(keyword, ast.keyword) and keyword.arg == "file" and not self._is_bound("print")
            case _:
                return False

    def _is_read_only(self, node: ast.Name) -> bool:
        """Tell whether a `**kwargs` parameter is only read here, and goes nowhere."""
        part: ast.AST = node
        parent = self._parents[node]
        while isinstance(parent, ast.BoolOp):
            parent, part = self._parents[parent], parent
        if part is not node or isinstance(parent, ast.If | ast.While | ast.IfExp):
            return is_condition(parent, part)
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

    def _refuse_attribute(self, node: ast.AST, name: str) -> None:
        refused = attribute_refusal(name)
        if refused is not None:
            self._refuse(node, refused, "do without")

    def _refuse_binding(self, node: ast.AST, name: str) -> None:
        """Refuse to bind names that the rule relies on, and those that Python or a library reads or sets."""
        if name in FIXED:
            self._refuse(node, f"binds the name `{name}`", "choose another name")
        elif name == CLASS:
            self._refuse(node, f"binds `{CLASS}`", "leave it to Python: class checks ask for it")
        elif name == MATCH_ARGS:
            self._refuse(node, f"binds `{MATCH_ARGS}` otherwise than to a tuple of names", "write the names out")
        elif (is_dunder(name) or self._class_bodies[-1]) and attribute_refusal(name) is not None:
            self._refuse(node, f"binds the name `{name}`, which Python or a library may set", "do without")

    def _refuse_definition(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        """Refuse to define what is handed the attributes that others set; a method of any other name is fine."""
        plain = all(isinstance(each, ast.Name) and each.id in PLAIN_DECORATORS for each in node.decorator_list)
        if node.name == SETATTR:
            self._refuse(node, f"defines `{SETATTR}`", "do without: libraries set native mappings")
        elif not plain or node.name in FIXED or node.name in {MATCH_ARGS, CLASS}:
            self._refuse_binding(node, node.name)

    def _are_match_args(self, node: ast.Name) -> bool:
        """Tell whether a class binds `__match_args__` to names that it may use."""
        match self._parents.get(node):
            case ast.Assign(targets=[_], value=ast.Tuple(elts=names) | ast.List(elts=names)) if node.id == MATCH_ARGS:
                return all(
                    isinstance(name, ast.Constant) and attribute_refusal(str(name.value)) is None for name in names
                )
            case _:
                return False

    def _refuse(self, node: ast.AST, what: str, advice: str) -> None:
        self._found.append(Violation(self._file, getattr(node, "lineno", 1), what, advice))
