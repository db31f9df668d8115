"""What native containers gained while any other call filled the held map.

Theory of operation: `note_natives` notes every dict, set and frozenset of this process with its length and what is in
it. Then comes a call like any other. Where it is one of those with the garbage collector off (`quiet`), the look at
what grew is taken at its end, before the collector is on again. `census` answers with that look, or takes it now.

    note_natives ---> _noted ---> build, bulk_insert, ... ---> _seen ---> census

The keys that the held map or the submission's modules reach are counted too; no way leads through the driver's own
namespaces. No code of the submission's runs while it looks: what is found is asked for its native type and by the
methods of that, keys that may have a `__hash__` of their own are told by identity, and nothing is finalized.
"""

import contextlib
import functools
import gc
import itertools
import sys
import types

import solution

from .held import held, ints, rest
from .keys import Key
from .kinds import OF_KINDS
from .reach import reachable

_NATIVE = (dict, set, frozenset)
_ATOMS = (int, float, str, bytes)
_HASHED = frozenset({int, float, str, bytes, bool, type(None)})
_PACKAGE = sys.modules[__package__]

_noted = None
_seen = None


def note_natives():
    """Let go of the held map, and note every native container and what is in it, for the next census."""
    global _noted, _seen  # noqa: PLW0603  what is noted must outlive the calls in between
    _noted = _seen = None
    rest()
    with _undisturbed():
        before = {id(container): (_length(container), container) for container in _native_containers([])}
        _noted = before, _entries(container for _, container in before.values())


def census(kind, inserted):
    """Tell how native containers grew since they were noted, and how many of the inserted keys the held map reaches.

    Asks nothing of the map. Answers [most that one container grew, distinct keys that containers gained, keys reached].
    """
    global _noted, _seen  # noqa: PLW0603  their containers may go
    with _undisturbed():
        if _seen is None:
            _look()
        grown, gained = _seen
        _noted = _seen = None
        return [grown, gained, _reached(kind, inserted)]


@contextlib.contextmanager
def _undisturbed():
    """Keep the garbage collector from finalizing anything meanwhile."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _look():
    """See how native containers have grown since they were noted."""
    global _seen  # noqa: PLW0603  read when the census is asked for
    before, known = _noted
    own = {id(before), id(known)}
    after = [container for container in _native_containers([held()]) if id(container) not in own]
    grown = max(_length(container) - before.get(id(container), (0,))[0] for container in after)
    _seen = grown, len(_entries(after).keys() - known.keys())


def _native_containers(extra):
    """Find every dict, set and frozenset. The collector does not list those of atoms alone: follow all references."""
    everything = reachable([*gc.get_objects(), *extra], lambda found: issubclass(type(found), _ATOMS))
    return [found for found in everything if issubclass(type(found), _NATIVE)]


def _native(container):
    return next(native for native in _NATIVE if issubclass(type(container), native))


def _length(container):
    return _native(container).__len__(container)


def _entries(containers):
    """Tell apart what is in containers; keeps the keys alive, so that none has the identity of one that is gone."""
    return {_mark(key): key for container in containers for key in _native(container).__iter__(container)}


def _mark(key):
    kind = type(key)
    return kind, hash(key) if kind in _HASHED else id(key)


def _reached(kind, inserted):
    """Count the keys that are reached from the held map, or from the submission's modules."""
    folder = solution.__file__.rpartition("/")[0]
    modules = [vars(module) for module in [solution, *sys.modules.values()] if _lies_in(folder, module)]
    mine = _own_namespaces()

    def leave(found):
        return issubclass(type(found), (types.ModuleType, types.FrameType)) or id(found) in mine

    reached = reachable([held(), *modules], leave)
    match kind:
        case "ints":
            return len({found for found in reached if type(found) is int}.intersection(ints(inserted)))
        case "strings":
            return len({found for found in reached if type(found) is str}.intersection(inserted.split(" ")))
        case "objects":
            return len({found.hashed for found in reached if type(found) is Key}.intersection(ints(inserted)))
    wanted = set(OF_KINDS[kind](ints(inserted)))
    return len({found for found in reached if _is_plain(found)} & wanted)


def _is_plain(found):
    """Tell whether no code of the submission's runs when an object is hashed and compared."""
    return type(found) in _HASHED or (type(found) is tuple and all(type(part) in _HASHED for part in found))


def _own_namespaces():
    """Identify the namespaces of this package and its modules."""
    modules = [_PACKAGE, *vars(_PACKAGE).values()]
    return {id(vars(module)) for module in modules if type(module) is types.ModuleType}


def _lies_in(folder, module):
    return str(getattr(module, "__file__", None)).startswith(folder)


def quiet(function):
    """Keep the garbage collector out of what is timed; it has run before, in `rest`.

    A census looks before the collector is on again, so that nothing can be put away when it comes on.
    """

    @functools.wraps(function)
    def quietly(*args):
        gc.disable()
        try:
            return function(*args)
        finally:
            if _noted is not None:
                _look()
            gc.enable()

    return quietly


def now_and_then_quiet(function):
    """Keep the garbage collector out of every second call: that it is off must not tell that something is timed."""
    both = itertools.cycle((quiet(function), function))

    @functools.wraps(function)
    def now_and_then(*args):
        return next(both)(*args)

    return now_and_then
