"""What is reached by following references from object to object, and how big the held map is by that.

References are the garbage collector's and sizes those of native types, whatever a class says of its instances.
"""

import gc
import types

from .held import held

_CODE = (
    type,
    types.ModuleType,
    types.FunctionType,
    types.BuiltinFunctionType,
    types.CodeType,
    types.MethodDescriptorType,
    types.GetSetDescriptorType,
    types.MemberDescriptorType,
    types.WrapperDescriptorType,
    property,
    classmethod,
    staticmethod,
)

_LEFT_OUT = (*_CODE, int, float, str, type(None))
"""By the type, which `isinstance` would not leave at: it asks the object as well."""

_HEAP_TYPE = 1 << 9
"""The flag of classes that a class statement made."""


def reachable(roots, leave):
    """List every object reached from `roots`, without going through those that `leave` picks."""
    seen = {id(root): root for root in roots}
    edge = list(seen.values())
    while edge:
        following = []
        for found in gc.get_referents(*edge):
            if id(found) not in seen and not leave(found):
                seen[id(found)] = found
                following.append(found)
        edge = following
    return list(seen.values())


def footprint():
    """Add up the sizes of what the held map consists of, without keys, values (ints here) and code."""
    parts = reachable([held()], lambda found: issubclass(type(found), _LEFT_OUT))
    return sum(map(_size, parts))


def _size(part):
    """Give the size of an object by its native type: a class may say what it likes of its instances."""
    kind = next(kind for kind in type(part).__mro__ if not kind.__flags__ & _HEAP_TYPE)
    return kind.__sizeof__(part)
