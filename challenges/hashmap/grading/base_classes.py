"""Which names plainly stand for classes, so that a class may be based on them.

Python calls the type of whatever a class is based on, with the new class's namespace, a native mapping: of a class that
is `type`, and of an instance of one's own a class of one's own. So it must be seen that a base is a class: it is
defined by a class statement, without a decorator that may put something else in its place, and never bound otherwise.
"""

import ast
import builtins
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import import_module

from scopes import binds, chain, sets_attribute

HARMLESS_DECORATORS = frozenset(
    {"dataclasses.dataclass", "functools.total_ordering", "typing.final", "typing.runtime_checkable"}
)
"""They give back the class, or another one."""

GETITEM = "__class_getitem__"

Qualify = Callable[[ast.expr], str]
"""Gives `module.name` of what an expression names in the standard library, or an empty text."""


@dataclass(frozen=True)
class Bindings:
    """The names that class statements bind, and those that anything else does, attributes among them."""

    classes: frozenset[str]
    others: frozenset[str]

    @property
    def plain(self) -> frozenset[str]:
        """Names that stand for classes wherever they stand."""
        return self.classes - self.others

    @property
    def subscripts(self) -> bool:
        """Whether `[...]` after a class may be anything."""
        return GETITEM in self.others


def bindings(tree: ast.Module, qualify: Qualify) -> Bindings:
    """Look through a module."""
    classes, others = set[str](), set[str]()
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and _is_undisguised(node, qualify):
            classes.add(node.name)
        else:
            others |= {found for found in (binds(node), sets_attribute(node)) if found is not None}
    return Bindings(frozenset(classes), frozenset(others))


def together(modules: Iterable[Bindings]) -> Bindings:
    """Put those of several modules together: what is bound in one may be imported in another."""
    listed = list(modules)
    return Bindings(
        frozenset[str]().union(*(each.classes for each in listed)),
        frozenset[str]().union(*(each.others for each in listed)),
    )


def base_refusal(base: ast.expr, bound: Bindings, qualified: str, own: dict[str, str]) -> str | None:
    """Say why a class may not be based on `base`, or `None` when it may; `own` are names imported from own modules."""
    if qualified:
        return _standard_refusal(qualified)
    names = chain(base)
    if names is None:
        return "what is no plain name"
    name = own.get(names[0], names[0]) if len(names) == 1 else names[-1]
    builtin = getattr(builtins, name, None) if len(names) == 1 else None
    if name in bound.plain or (isinstance(builtin, type) and name not in bound.classes | bound.others):
        return None
    return f"`{name}`, which is not plainly a class everywhere"


def _is_undisguised(node: ast.ClassDef, qualify: Qualify) -> bool:
    called = (each.func if isinstance(each, ast.Call) else each for each in node.decorator_list)
    return all(qualify(each) in HARMLESS_DECORATORS for each in called)


def _standard_refusal(qualified: str) -> str | None:
    module, _, name = qualified.rpartition(".")
    try:
        found = getattr(import_module(module), name, None)
    except ImportError:  # such as a class within a class
        found = None
    is_metaclass = isinstance(found, type) and issubclass(found, type)
    return f"`{qualified}`, a metaclass" if is_metaclass else None
