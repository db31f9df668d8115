"""Which names of the standard library a submission may use. Decided on the trusted side, where importing it is safe."""

import inspect
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from importlib import import_module
from types import ModuleType

EVERYTHING: frozenset[str] = frozenset()

ALLOWED: dict[str, frozenset[str]] = {
    **dict.fromkeys(
        ("__future__", "abc", "array", "bisect", "collections.abc", "hashlib", "heapq", "itertools", "math"), EVERYTHING
    ),
    **dict.fromkeys(("numbers", "operator", "os.path", "random", "reprlib", "secrets", "struct", "typing"), EVERYTHING),
    **dict.fromkeys(("warnings", "zlib"), EVERYTHING),
    "contextlib": frozenset({"closing", "contextmanager", "nullcontext", "suppress"}),
    "dataclasses": frozenset({"FrozenInstanceError", "InitVar", "KW_ONLY", "dataclass", "field", "replace"}),
    "functools": frozenset({"cmp_to_key", "reduce", "total_ordering", "wraps"}),
    "os": frozenset({"cpu_count", "getpid", "urandom"}),
    "sys": frozenset(
        {
            *("byteorder", "exit", "float_info", "getrecursionlimit", "getrefcount", "getsizeof", "hash_info"),
            *("int_info", "intern", "maxsize", "maxunicode", "platform", "setrecursionlimit", "stderr", "stdout"),
            *("version", "version_info"),
        }
    ),
    "threading": frozenset(
        {
            *("Barrier", "BoundedSemaphore", "Condition", "Event", "Lock", "RLock", "Semaphore", "Thread"),
            *("active_count", "current_thread", "get_ident", "local", "main_thread"),
        }
    ),
    "time": frozenset(
        {
            *("monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "process_time", "process_time_ns"),
            *("sleep", "time", "time_ns"),
        }
    ),
    "types": frozenset(
        {
            *("EllipsisType", "GenericAlias", "GeneratorType", "MethodType"),
            *("NoneType", "NotImplementedType", "TracebackType", "UnionType"),
        }
    ),
    "weakref": frozenset({"ProxyType", "ReferenceType", "WeakMethod", "getweakrefcount", "proxy", "ref"}),
}
"""Modules, and what of them may be used; of those with EVERYTHING, whatever `refusal` does not refuse.

Whatever opens files is left out: a process may read and write its own memory as one.
"""

REFUSED: dict[str, frozenset[str]] = {
    "abc": frozenset({"update_abstractmethods"}),
    "typing": frozenset(
        {
            *("ForwardRef", "NamedTuple", "TypedDict", "clear_overloads", "dataclass_transform"),
            *("evaluate_forward_ref", "get_overloads", "get_args", "get_origin", "get_type_hints"),
        }
    ),
}
"""Names that lead to native mappings, or to code that may make them."""

ABSTRACT = frozenset({"collections.abc", "typing"})
"""Modules whose mapping classes have no storage."""


def refusal(module: str, name: str) -> str | None:
    """Say why a submission may not use `module.name`, or `None` when it may."""
    if ALLOWED[module] and name not in ALLOWED[module]:
        return f"`{module}.{name}` is not among the names allowed of `{module}`"
    if name in REFUSED.get(module, ()):
        return f"`{module}.{name}` leads to native mappings, or past this rule"
    if name.startswith("_"):
        return f"`{module}.{name}` is private to the standard library"
    if not hasattr(import_module(module), name):
        return f"there is no `{module}.{name}`"
    return _refused_value(module, name, getattr(import_module(module), name))


def _refused_value(module: str, name: str, value: object) -> str | None:
    if isinstance(value, ModuleType):
        return f"`{module}.{name}` is a module that is not allowed"
    if isinstance(value, Mapping | AbstractSet):
        return f"`{module}.{name}` is a native mapping or set"
    if inspect.isclass(value) and issubclass(value, Mapping | AbstractSet) and module not in ABSTRACT:
        return f"`{module}.{name}` is a class of native mappings or sets"
    return None


def only_in_annotations(module: str, name: str) -> bool:
    """Tell whether `module.name` is a name for `dict`, `set` or their like, as `typing.Dict` is."""
    origin = getattr(getattr(import_module(module), name, None), "__origin__", None)
    return (
        module == "typing"
        and inspect.isclass(origin)
        and issubclass(origin, Mapping | AbstractSet)
        and not inspect.isabstract(origin)
    )
