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
    **dict.fromkeys(
        ("numbers", "operator", "os", "os.path", "random", "reprlib", "secrets", "signal", "struct"), EVERYTHING
    ),
    **dict.fromkeys(("time", "typing", "warnings", "zlib"), EVERYTHING),
    "contextlib": frozenset({"closing", "contextmanager", "nullcontext", "suppress"}),
    "dataclasses": frozenset({"FrozenInstanceError", "InitVar", "KW_ONLY", "dataclass", "field", "replace"}),
    "functools": frozenset({"cmp_to_key", "reduce", "total_ordering", "wraps"}),
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
    "types": frozenset(
        {
            *("EllipsisType", "GenericAlias", "GeneratorType", "MethodType"),
            *("NoneType", "NotImplementedType", "TracebackType", "UnionType"),
        }
    ),
    "weakref": frozenset({"ProxyType", "ReferenceType", "WeakMethod", "getweakrefcount", "proxy", "ref"}),
}
"""Modules, and what of them may be used; of those with EVERYTHING, whatever `refusal` does not refuse."""

PROGRAM_STARTERS = frozenset(
    {
        *("fork", "forkpty"),
        *("execl", "execle", "execlp", "execlpe", "execv", "execve", "execvp", "execvpe", "popen", "system"),
        *("posix_spawn", "posix_spawnp", "spawnl", "spawnle", "spawnlp", "spawnlpe"),
        *("spawnv", "spawnve", "spawnvp", "spawnvpe"),
    }
)
"""What starts another program, which no rule would read, or another process."""

REFUSED: dict[str, frozenset[str]] = {
    "abc": frozenset({"update_abstractmethods"}),
    "os": PROGRAM_STARTERS | {"putenv", "sched_getaffinity", "unsetenv"},
    "signal": frozenset({"pthread_sigmask", "sigpending", "valid_signals"}),
    "typing": frozenset(
        {
            *("ForwardRef", "NamedTuple", "TypedDict", "clear_overloads", "dataclass_transform"),
            *("evaluate_forward_ref", "get_overloads", "get_args", "get_origin", "get_type_hints"),
        }
    ),
}
"""Names that lead to native mappings, or to code that may make them."""

PRIVATE_ALLOWED = frozenset({("os", "_exit")})
"""Private names that lead nowhere."""

ABSTRACT = frozenset({"collections.abc", "typing"})
"""Modules whose mapping classes have no storage."""


def refusal(module: str, name: str) -> str | None:
    """Say why a submission may not use `module.name`, or `None` when it may."""
    if ALLOWED[module] and name not in ALLOWED[module]:
        return f"`{module}.{name}` is not among the names allowed of `{module}`"
    if name in REFUSED.get(module, ()):
        return f"`{module}.{name}` leads to native mappings, or past this rule"
    if name.startswith("_") and (module, name) not in PRIVATE_ALLOWED:
        return f"`{module}.{name}` is private to the standard library"
    return _refused_value(module, name, getattr(import_module(module), name, None))


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
