"""The names and attributes that the source rule refuses, and what to do instead."""

NAMES = {
    **dict.fromkeys(("dict", "set", "frozenset"), "store keys in lists or arrays of your own"),
    **dict.fromkeys(("globals", "locals", "vars"), "namespaces are native mappings"),
    **dict.fromkeys(("eval", "exec", "compile", "__import__", "breakpoint", "help"), "write the code out"),
    "open": "a map needs no files, and one of them is the process's memory",
    **dict.fromkeys(
        ("setattr", "delattr"), "attributes with computed names are a native mapping; assign `x.name = ...`"
    ),
}
"""Builtins that may not be named outside of annotations and class checks."""

FIXED = frozenset({"isinstance", "issubclass", "getattr", "type", "len", "bool"})
"""Builtins whose meaning the rule relies on, so that they may not be bound to something else."""

ATTRIBUTES = frozenset(
    {
        *("f_locals", "f_globals", "f_builtins", "f_back", "f_code", "tb_frame", "tb_next"),
        *("gi_frame", "gi_code", "cr_frame", "cr_code", "cr_origin", "ag_frame", "ag_code"),
        *("maketrans", "fromkeys", "format_map", "groupdict", "keywords", "kwargs", "kwds", "_kwargs"),
        *("_asdict", "_field_defaults", "_member_map_", "_value2member_map_", "_from_iterable"),
        *("metadata", "_module", "obj"),
    }
)
"""Attributes that make native mappings or sets, or lead to the interpreter's own."""

MATCH_ARGS = "__match_args__"
"""What class patterns read by position: names as text, which the rule has to read too."""

CLASS = "__class__"
"""What whoever asks for an object's class is told: code of the submission's, where it is bound."""

SETATTR = "__setattr__"
"""Whoever defines it is handed whatever a library sets on an object, native mappings among it."""

PLAIN_DECORATORS = frozenset({"classmethod", "staticmethod"})
"""Decorators that leave nothing in a class that is called when an attribute is set."""

KWARGS_METHODS = frozenset({"items", "keys", "values", "get"})
"""What may be called on a `**kwargs` parameter."""


def _dunders(names: str) -> frozenset[str]:
    return frozenset(f"__{name}__" for name in names.split())


DUNDERS = (
    _dunders("class name qualname module doc file debug all version author slots match_args notes")
    | _dunders("new init del post_init init_subclass class_getitem call set_name get delete")
    | _dunders("repr str bytes format hash bool sizeof index int float complex length_hint")
    | _dunders("eq ne lt le gt ge len iter next reversed contains missing getitem setitem delitem set")
    | _dunders("enter exit aiter anext aenter aexit await copy replace setstate")
    | _dunders("cause context suppress_context neg pos abs invert round trunc floor ceil")
    | _dunders("add radd iadd sub rsub isub mul rmul imul mod rmod imod floordiv rfloordiv truediv pow divmod")
    | _dunders("and rand iand or ror ior xor rxor ixor lshift rlshift ilshift rshift rrshift irshift")
)
"""Names with two leading and trailing underscores that may be read."""


def is_dunder(name: str) -> bool:
    """Tell whether a name has the form that Python keeps for itself."""
    return len(name) > 4 and name.startswith("__") and name.endswith("__")


def attribute_refusal(name: str) -> str | None:
    """Say why an attribute may not be used, or `None` when it may."""
    if name in ATTRIBUTES:
        return f"the attribute `{name}` makes or exposes a native mapping"
    if is_dunder(name) and name not in DUNDERS:
        return f"the attribute `{name}` leads into the interpreter"
    return None
