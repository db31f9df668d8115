"""What names a piece of syntax binds and uses, by Python's static rules. Pure."""

import ast
from typing import NamedTuple

Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


class Scope(NamedTuple):
    """What one function, or one comprehension, binds: its names, and those of them that are `**kwargs`."""

    bound: frozenset[str]
    kwargs: frozenset[str] = frozenset()


def function_scope(function: Function) -> Scope:
    """List the names that a function binds anywhere in it, but for those of `global`, `nonlocal` and imports.

    Names that it may bind in rarer ways are left out: then they are taken for what they are outside, which is stricter.
    """
    kwargs = frozenset({function.args.kwarg.arg} if function.args.kwarg else ())
    bound = {argument.arg for argument in arguments(function.args)}
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


def comprehension_scope(generators: list[ast.comprehension]) -> Scope:
    """List the names that a comprehension binds."""
    parts = (part for generator in generators for part in ast.walk(generator.target))
    return Scope(frozenset(name for part in parts if (name := binds(part))))


def arguments(listed: ast.arguments) -> list[ast.arg]:
    """List all parameters of a function."""
    found = [*listed.posonlyargs, *listed.args, listed.vararg, *listed.kwonlyargs, listed.kwarg]
    return [argument for argument in found if argument is not None]


def binds(node: ast.AST) -> str | None:
    """Give the name that a node binds, imports aside."""
    match node:
        case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name):
            return name
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return name
        case ast.ExceptHandler(name=name) | ast.MatchAs(name=name) | ast.MatchStar(name=name):
            return name
        case ast.MatchMapping(rest=name):
            return name
        case _:
            return None


def sets_attribute(node: ast.AST) -> str | None:
    """Give the name of the attribute that a node sets, of whatever."""
    return node.attr if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) else None


def chain(node: ast.expr) -> list[str] | None:
    """Take `a.b.c` apart, or give `None` where the root is no plain name."""
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    return [node.id, *reversed(names)] if isinstance(node, ast.Name) else None


def is_condition(node: ast.AST, part: ast.AST) -> bool:
    """Tell whether only the truth of `part` counts in `node`."""
    match node:
        case ast.If(test=test) | ast.While(test=test) | ast.IfExp(test=test):
            return test is part
        case ast.UnaryOp(op=ast.Not()):
            return True
        case _:
            return False
