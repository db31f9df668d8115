"""Where `dict` and its like may be named: annotations and class checks that hand them to no code of the submission.

An annotation that Python evaluates calls `__class_getitem__` of what is subscripted and `__or__` of what is joined by
`|`. Where that is the submission's own, it would be handed the native class; so only builtins and names of the standard
library may be subscripted and joined.
"""

import ast
from collections.abc import Callable

BUILTIN_TYPES = frozenset(
    {"dict", "set", "frozenset", "list", "tuple", "type", "int", "str", "bytes", "float", "bool", "object", "slice"}
)


def is_class_check(node: ast.expr) -> bool:
    """Tell whether the second argument of `isinstance` only lists classes."""
    if isinstance(node, ast.Tuple):
        return all(map(is_class_check, node.elts))
    return isinstance(node, ast.Name)


def is_harmless_annotation(node: ast.expr, is_standard: Callable[[str], bool]) -> bool:
    """Tell whether evaluating an annotation hands its parts to nobody but the interpreter and the standard library."""
    match node:
        case ast.Name() | ast.Constant():
            return True
        case ast.Tuple(elts=parts) | ast.List(elts=parts):
            return all(is_harmless_annotation(part, is_standard) for part in parts)
        case ast.Subscript(value=base, slice=inside):
            return _is_trusted(base, is_standard) and is_harmless_annotation(inside, is_standard)
        case ast.BinOp(op=ast.BitOr(), left=left, right=right):
            return all(
                _is_operand(side, is_standard) and is_harmless_annotation(side, is_standard) for side in (left, right)
            )
        case ast.Attribute():
            return True
        case _:
            return False


def _is_trusted(node: ast.expr, is_standard: Callable[[str], bool]) -> bool:
    match node:
        case ast.Name(id=name) | ast.Attribute(value=ast.Name(id=name)):
            return is_standard(name)
        case _:
            return False


def _is_operand(node: ast.expr, is_standard: Callable[[str], bool]) -> bool:
    match node:
        case ast.Constant() | ast.BinOp():
            return True
        case ast.Subscript(value=base):
            return _is_trusted(base, is_standard)
        case _:
            return _is_trusted(node, is_standard)
