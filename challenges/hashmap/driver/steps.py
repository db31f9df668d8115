"""What changes of a map leave to be done by whoever looks at it, counted in steps of the interpreter."""

import sys

from solution import HashMap

from .held import ints
from .natives import now_and_then_quiet


@now_and_then_quiet
def postponed(raw_keys, change, look):
    """Fill a fresh map, change it or make another of it, and look nine times: steps of the interpreter for each look.

    What a change left to be done is done at the first look, and shows as more steps than the other looks take.
    """
    keys = ints(raw_keys)
    m = HashMap()
    if change != "set":
        for key in keys:
            m[key] = key
    m = _CHANGES[change](m, keys) or m
    looking = _LOOKS[look]
    return [_steps(looking, m, key) for key in keys[-9:]]


def _steps(looking, m, key):
    """Count the interpreter's steps while one call runs: the same each time, on any machine."""
    count = 0

    def trace(frame, event, _):
        nonlocal count
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        count += event == "opcode"
        return trace

    sys.settrace(trace)
    try:
        looking(m, key)
    finally:
        sys.settrace(None)
    return count


def _set_all(m, keys):
    for key in keys:
        m[key] = key


def _setdefault_all(m, keys):
    for key in keys:
        m.setdefault(key + 1, key)


def _delete_most(m, keys):
    for key in keys[:-16]:
        del m[key]


def _pop_most(m, keys):
    for key in keys[:-16]:
        m.pop(key)


def _copied(m, _):
    return m.copy()


def _made_of_pairs(_, keys):
    return HashMap([(key, key) for key in keys])


def _made_of_map(m, _):
    return HashMap(m)


_CHANGES = {
    "copy": _copied,
    "HashMap(pairs)": _made_of_pairs,
    "HashMap(m)": _made_of_map,
    "set": _set_all,
    "setdefault": _setdefault_all,
    "update": lambda m, keys: m.update([(key + 1, key) for key in keys]),
    "del": _delete_most,
    "pop": _pop_most,
}
_LOOKS = {
    "key in m": lambda m, key: key in m,
    "m[key]": lambda m, key: m[key],
    "m.get(key)": lambda m, key: m.get(key),
    "len(m)": lambda m, _: len(m),
    "next(iter(m))": lambda m, _: next(iter(m)),
    "next(iter(m.items()))": lambda m, _: next(iter(m.items())),
    "next(iter(m.values()))": lambda m, _: next(iter(m.values())),
    "m[key] = value": lambda m, key: m.__setitem__(key, 0),
    "del m[key]": lambda m, key: m.__delitem__(key),
    "m.pop(key)": lambda m, key: m.pop(key),
}
