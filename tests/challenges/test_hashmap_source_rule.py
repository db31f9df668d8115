"""Hold the no-native-mapping source rule against good code that it must let pass and doors that it must find."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest

from tests.challenges.loading import CHALLENGES, SOLUTIONS, Import


@pytest.fixture
def rule(grading: Import) -> ModuleType:
    return grading("source_rule")


def found(rule: ModuleType, folder: Path, **files: str) -> list[str]:
    for name, text in files.items():
        path = folder / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return [str(violation) for violation in rule.violations(folder)]


GOOD_MAP = '''
"""A hash map.

>>> HashMap([(1, "a")])
HashMap({1: 'a'})
"""
from __future__ import annotations

import heapq as heap
import os.path
import sys
from array import array
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field
from functools import total_ordering, wraps
from operator import attrgetter, itemgetter
from reprlib import recursive_repr
from types import GenericAlias
from typing import TYPE_CHECKING, Any, Dict, Generic, TypeVar, cast, overload

import collections.abc
import threading
import typing

if TYPE_CHECKING:
    from collections.abc import Callable

K = TypeVar("K")
V = TypeVar("V")
_EMPTY = object()
_LIMIT = sys.maxsize
BY_KEY = attrgetter("key")


def traced(function: Callable) -> Callable:
    @wraps(function)
    def inner(*args, **kwargs):
        return function(*args, **kwargs)

    return inner


@dataclass(slots=True)
class Entry(Generic[K, V]):
    key: K
    value: V
    hashed: int = 0
    rest: list[Entry[K, V]] = field(default_factory=list)


class HashMap(MutableMapping[K, V], Generic[K, V]):
    __slots__ = ("_entries", "_index", "__weakref__")
    __hash__ = None
    __class_getitem__ = classmethod(GenericAlias)

    @overload
    def __init__(self) -> None: ...
    @overload
    def __init__(self, items: Mapping[K, V] | Iterable[tuple[K, V]] | dict[K, V]) -> None: ...
    def __init__(self, items: dict[K, V] | Iterable = (), /, **kwargs: V) -> None:
        self._index: array[int] = array("i", [-1]) * 8
        self._entries: list[Entry[K, V]] = []
        self.update(items, **kwargs)

    def update(self, other: Dict[K, V] | Iterable = (), /, **kwargs) -> None:
        if isinstance(other, (dict, HashMap)) or hasattr(other, "keys"):
            for key in other.keys():
                self[key] = other[key]
        elif isinstance(other, Mapping):
            pass
        else:
            for key, value in other:
                self[key] = value
        items = getattr(other, "items", None)
        if kwargs and len(kwargs) and "x" not in kwargs:
            for key, value in kwargs.items():
                self[key] = value
            for key in kwargs:
                self[key] = kwargs[key]

    def copy(self) -> HashMap[K, V]:
        twin = type(self)(self.items())
        fresh = self.__class__()
        return cast("HashMap[K, V]", twin if len(twin) else fresh)

    def cast_it(self) -> Any:
        return cast(dict[str, int], self)

    def __getitem__(self, key: K) -> V:
        raise KeyError(key)

    def __setitem__(self, key, value) -> None:
        os = 3
        sort = [heap for heap in self._entries]
        print(f"{{literal}} {key!r:>{os}} {{}}", os, sort)

    def __delitem__(self, key):
        match key:
            case dict():
                pass
            case {"a": 1}:
                pass
            case int() | HashMap():
                pass

    def __iter__(self) -> Iterator[K]:
        try:
            yield from (entry.key for entry in self._entries)
        except (RuntimeError, ValueError) as error:
            raise RuntimeError(f"{type(error).__name__}") from error

    def __len__(self) -> int:
        return len(self._entries)

    def set(self, key, value):
        self.set(key, value)

    @recursive_repr()
    def __repr__(self) -> str:
        return f"{self.__class__.__name__}({{{', '.join(f'{k!r}: {v!r}' for k, v in self.items())}}})"

    @property
    def load(self) -> float:
        return len(self) / len(self._index)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, typing.Mapping) and not isinstance(other, collections.abc.Sized):
            return NotImplemented
        return sorted(self, key=itemgetter(0)) == os.path.join("a") and threading.Lock() is not None

    def __deepcopy__(self, memo):
        return self.copy()

    def __reduce__(self):
        return type(self), (list(self.items()),)


if __name__ == "__main__":
    import random
    import time

    started = time.perf_counter()
    print(random.random(), __file__, __doc__, started, file=sys.stderr)
'''

GOOD = {
    "empty": "",
    "class": "class HashMap:\n    def dict(self): return self.__class__.__name__\n",
    "annotation of a class not yet there": "def f(other: 'HashMap | dict') -> 'dict': ...\n",
    "evaluated annotations": "from typing import Optional\ndef f(x: dict, y: Optional[dict[str, set]]) -> dict: ...\n",
    "annotations of starred parameters": "def f(*z: tuple[dict, ...], **y: list[frozenset]): ...\n",
    "an abstract class": "from abc import ABC, ABCMeta\nclass A(ABC): ...\nclass B(metaclass=ABCMeta): ...\n",
    "subclass hook": "class A:\n    def __init_subclass__(cls, **kw):\n        super().__init_subclass__(**kw)\n",
    "own exception": "class Gone(KeyError): ...\ntry: ...\nexcept Gone as gone:\n    raise gone.__cause__\n",
    "a parameter named like a module": "import heapq\ndef f(heapq): return heapq\n",
    "from a package": "from os import path\nfrom collections import abc\nx = path.sep\nclass M(abc.Mapping): ...\n",
    "names for patterns": "class P:\n    __match_args__ = ('x', 'y')\n    def __init__(self): self.x = self.y = 1\n",
    "attributes by property": (
        "class P:\n    @property\n    def load(self): ...\n    @load.setter\n    def load(self, x): ...\n"
    ),
    "a class based on another": "class A: ...\nclass B(A): ...\nclass C(B, Exception): ...\ndef f(a): a = B()\n",
    "a generic class based on another": (
        "from typing import Generic, TypeVar\nT = TypeVar('T')\nclass A(Generic[T]): ...\nclass B(A[int]): ...\n"
    ),
    "a class within a class": "class A:\n    class Leaf: ...\n    class Full(Leaf): ...\nclass B(A.Leaf): ...\n",
    "a dataclass based on another": (
        "import dataclasses\n@dataclasses.dataclass(slots=True)\nclass A: ...\nclass B(A): ...\n"
    ),
    "an alternative constructor": (
        "class A:\n"
        "    @classmethod\n"
        "    def fromkeys(cls, keys): ...\n"
        "    @classmethod\n"
        "    def __subclasshook__(cls, other): ...\n"
    ),
    "a name imported twice": "from typing import cast\nfrom typing import cast\nx = cast(dict, 1)\n",
    "a seed": "import os\nimport time\nx = os.urandom(8), os.getpid(), time.time_ns()\n",
    "printing": "from sys import stdout\nimport sys\nprint(1, file=stdout)\nprint(1, file=sys.stderr)\n",
    "set as a method": "class A:\n    def set(self): self.set()\n    def compile(self): self.vars = 1\n",
}


def test_good_map(rule: ModuleType, tmp_path: Path) -> None:
    assert found(rule, tmp_path, solution=GOOD_MAP) == []


@pytest.mark.parametrize("text", GOOD.values(), ids=GOOD)
def test_good_code(rule: ModuleType, tmp_path: Path, text: str) -> None:
    assert found(rule, tmp_path, solution=text) == []


BAD = {
    "dict": "d = dict()",
    "dict as value": "make = [dict][0]",
    "dict as default": "def f(x=dict): ...",
    "dict as base": "class HashMap(dict): ...",
    "set": "s = set()",
    "frozenset": "s = frozenset([1])",
    "dict display": "class A:\n    x = {}",
    "dict display with content": "x = {1: 2}",
    "dict unpacking": "x = {**y}",
    "dict comprehension": "x = {a: a for a in b}",
    "set display": "x = {1}",
    "set comprehension": "x = {a for a in b}",
    "in an f-string": "x = f'{ {1: 2} }'",
    "in a default": "def f(x={}): ...",
    "globals": "g = globals()",
    "locals": "g = locals()",
    "vars": "g = vars(x)",
    "eval": "eval('{}')",
    "exec": "exec('x = {}')",
    "compile": "compile('{}', '', 'eval')",
    "import function": "__import__('collections')",
    "setattr": "setattr(x, name, 1)",
    "delattr": "delattr(x, name)",
    "computed getattr": "getattr(x, name)",
    "starred getattr": "getattr(*x)",
    "getattr of a dunder": "getattr(x, '__dict__')",
    "getattr as value": "get = getattr",
    "three-argument type": "type('X', (), x)",
    "starred type": "type(*x)",
    "type as value": "make = type",
    "type as base": "class M(type): ...",
    "a class called from a class": "class A(x.__class__.__base__): ...",
    "instance dict": "x.__dict__[key] = 1",
    "class dict": "HashMap.__dict__",
    "function globals": "f.__globals__",
    "builtins": "__builtins__['dict']",
    "builtins attribute": "f.__builtins__",
    "module annotations": "__annotations__[x] = 1",
    "function annotations": "def f(x: dict): ...\nf.__annotations__",
    "subclasses": "object.__subclasses__()",
    "bases": "x.__class__.__bases__",
    "mro": "x.__class__.__mro__",
    "object setattr": "object.__setattr__(x, name, 1)",
    "getattribute": "x.__getattribute__(name)",
    "reduce": "x.__reduce_ex__(2)",
    "state": "x.__getstate__()",
    "loader": "__loader__.load_module('collections')",
    "spec": "__spec__.loader",
    "kwdefaults": "f.__kwdefaults__",
    "frame": "g.gi_frame.f_locals",
    "traceback": "e.__traceback__.tb_frame.f_globals",
    "private frame": "import sys\nsys._getframe(1)",
    "maketrans": "''.maketrans('a', 'b')",
    "fromkeys": "x.fromkeys([])",
    "format_map": "''.format_map(x)",
    "partial": "from functools import partial\np = partial(f).keywords",
    "cache": "from functools import lru_cache",
    "cache by attribute": "import functools\n@functools.cache\ndef f(x): ...",
    "cached property": "import functools\nx = functools.cached_property",
    "singledispatch": "from functools import singledispatch",
    "collections": "import collections\nx = collections.OrderedDict()",
    "collections by abc": "import collections.abc\nx = collections.OrderedDict()",
    "from collections": "from collections import Counter",
    "ctypes": "import ctypes",
    "json": "import json\njson.loads('{}')",
    "builtins module": "import builtins",
    "importlib": "import importlib",
    "gc": "import gc",
    "inspect": "import inspect",
    "re": "import re",
    "sqlite": "import sqlite3",
    "types": "from types import SimpleNamespace",
    "copy": "import copy",
    "enum": "import enum",
    "star": "from os import *",
    "environ": "import os\nos.environ['a'] = 'b'",
    "another interpreter": "import os\nos.execv('python3', ['python3', '-c', program])",
    "a shell": "from os import system",
    "environ by name": "from os import environ",
    "environ by alias": "import os as o\no.environ",
    "modules": "import sys\nsys.modules['collections']",
    "module of a module": "import os\nos.sys.modules",
    "module of a module by name": "from random import _os",
    "module as value": "import sys\nx = [sys]\nx[0].modules",
    "module as argument": "import sys\nf(sys)",
    "module in a class body": "class A:\n    import os\nA.os.environ",
    "module in a function": "def f():\n    import os\n    return os.environ",
    "module behind a comprehension's variable": "import os\ndef f():\n    [os for os in ()]\n    return os.environ",
    "module by global": "import os\ndef f():\n    global os\n    os = os.environ",
    "weak dict": "import weakref\nx = weakref.WeakKeyDictionary()",
    "weak set": "from weakref import WeakSet",
    "typing dict": "from typing import Dict\nx = Dict()",
    "typing dict by attribute": "import typing\nx = typing.OrderedDict()",
    "typing counter": "import typing as t\nx = t.Counter()",
    "typed dict": "from typing import TypedDict",
    "forward reference": "from typing import ForwardRef",
    "named tuple": "import typing\nclass A(typing.NamedTuple):\n    a: int",
    "type hints": "from typing import get_type_hints",
    "origin": "import typing\ntyping.get_origin(x)",
    "wraps with names": "from functools import wraps\n@wraps(f, updated=('sink',))\ndef g(): ...",
    "wraps by unpacking": "from functools import wraps\n@wraps(*x)\ndef g(): ...",
    "wraps called on an object": "import functools\nfunctools.wraps(f)(host)",
    "wraps under another decorator": "from functools import wraps\n@wraps(f)\n@made\ndef g(): ...",
    "wraps of a class": "from functools import wraps\n@wraps(f)\nclass A: ...",
    "wraps as value": "from functools import wraps\nw = wraps",
    "a hook that imports": "import sys\nsys.breakpointhook()",
    "compiled code from elsewhere": "import sys\nsys.pycache_prefix = '/tmp'",
    "a profiler": "from sys import setprofile",
    "a profiler of threads": "import threading\nthreading.setprofile(f)",
    "a set of cores": "import os\nx = os.sched_getaffinity(0)",
    "a set of signals": "import signal\nx = signal.valid_signals()",
    "environment variables": "from os import putenv",
    "a registry of overloads": "import typing\ntyping.get_overloads(f)",
    "importers": "import sys\nsys.meta_path[-1].find_spec('collections').loader",
    "threads": "import threading\nthreading._active",
    "thread arguments": "import threading\nthreading.Thread()._kwargs",
    "algorithms": "import hashlib\nx = hashlib.algorithms_available",
    "attrgetter": "from operator import attrgetter\nf = attrgetter('__dict__')",
    "attrgetter of a path": "from operator import attrgetter\nf = attrgetter('a.__dict__')",
    "attrgetter computed": "import operator\nf = operator.attrgetter(x)",
    "attrgetter as value": "import operator\nf = operator.attrgetter",
    "attrgetter alias as value": "from operator import attrgetter as a\nf = map(a, names)",
    "methodcaller": "from operator import methodcaller\nf = methodcaller('__getstate__')",
    "kwargs returned": "def f(**kwargs): return kwargs",
    "kwargs in a lambda": "make = lambda **kw: kw",
    "kwargs stored": "def f(self, **kwargs): self.x = kwargs",
    "kwargs passed": "def f(**kwargs): g(kwargs)",
    "kwargs written": "def f(**kwargs): kwargs['a'] = 1",
    "kwargs deleted": "def f(**kwargs): del kwargs['a']",
    "kwargs popped": "def f(**kwargs): kwargs.pop('a')",
    "kwargs method kept": "def f(**kwargs): return kwargs.get",
    "kwargs by or": "def f(**kwargs): x = kwargs or None",
    "kwargs by a chain of in": "def f(**kwargs): 1 in kwargs in x",
    "kwargs in another": "def f(**kwargs): return kwargs in x",
    "kwargs in a closure": "def f(**kwargs):\n    def g(): return kwargs\n    return g",
    "kwargs in a list": "def f(**kwargs): return [kwargs]",
    "kwargs as a class": "def f(**kwargs): return kwargs.__class__",
    "kwargs yielded": "def f(**kwargs): yield kwargs",
    "rest of a pattern": "match x:\n    case {**rest}: pass",
    "metaclass": "class A(metaclass=M): ...",
    "metaclass by keywords": "class A(**x): ...",
    "a subclass of ABCMeta": "from abc import ABCMeta\nclass M(ABCMeta): ...",
    "isinstance rebound": "isinstance = lambda a, b: b\nd = isinstance(1, dict)",
    "isinstance as a parameter": "def f(isinstance): return isinstance(1, dict)",
    "isinstance as a function": "def isinstance(a, b): return b",
    "isinstance imported": "from operator import getitem as isinstance",
    "isinstance with a walrus": "isinstance(1, (d := dict))",
    "isinstance with an operator": "isinstance(1, catcher | dict)",
    "isinstance with a call": "isinstance(1, f(dict))",
    "len rebound": "len = lambda x: x",
    "walrus in an annotation": "def f(x: (d := dict)): ...",
    "call in an annotation": "def f(x: catch(dict)): ...",
    "own subscript in an annotation": "class C:\n    def __class_getitem__(cls, x): ...\nx: C[dict] = 1",
    "own operator in an annotation": "x: catcher | dict = 1",
    "imported name rebound, in an annotation": "from typing import Optional\nOptional = C()\nx: Optional[dict] = 1",
    "builtin rebound, in an annotation": "list = C()\nx: list[dict] = 1",
    "own subscript in a cast": "from __future__ import annotations\nfrom typing import cast\ncast(C[dict], 1)",
    "operator in a pattern": "match x:\n    case A(__dict__=d): pass",
    "positions in a pattern": "class A:\n    __match_args__ = ('__dict__',)\nmatch A():\n    case A(d): pass",
    "annotated positions in a pattern": "class A:\n    __match_args__: tuple = ('__dict__',)",
    "computed positions in a pattern": "class A:\n    __match_args__ = names",
    "looped positions in a pattern": "class A:\n    for __match_args__ in [('__dict__',)]: pass",
    "later positions in a pattern": "class A: ...\nA.__match_args__ = ('__dict__',)",
    "a property of positions": (
        "class A:\n    @classmethod\n    @property\n    def __match_args__(cls): return ('__dict__',)"
    ),
    "a dataclass's positions in a pattern": (
        "from dataclasses import dataclass\n@dataclass\nclass A:\n    __dict__: int"
    ),
    "what a library sets": "class A:\n    def __setattr__(self, name, value): got.append(value)",
    "what a library sets, by property": (
        "class A:\n    @property\n    def _kwargs(self): ...\n    @_kwargs.setter\n    def _kwargs(self, x): ..."
    ),
    "what a library sets, by descriptor": "from threading import Thread\nclass A(Thread):\n    _kwargs = D()",
    "what dataclass sets": "class A:\n    __dataclass_fields__ = property(None, put)",
    "what dataclass_transform sets": "from typing import dataclass_transform\ndataclass_transform()(x)",
    "what update_abstractmethods sets": "import abc\nabc.update_abstractmethods(x)",
    "an instance as base": "class A:\n    def __init__(self, *args): ...\nclass B(A()): ...",
    "a named instance as base": "class A:\n    def __init__(self, *args): ...\na = A()\nclass B(a): ...",
    "a class that is rebound as base": "class A:\n    def __init__(self, *args): ...\nA = A()\nclass B(A): ...",
    "a decorated class as base": "@instance_of\nclass A: ...\nclass B(A): ...",
    "a subscript as base": "class A:\n    def __class_getitem__(cls, x): return W()\nclass B(A[1]): ...",
    "an attribute that is set as base": "class A:\n    class B: ...\nA.B = W()\nclass C(A.B): ...",
    "a metaclass by another module": "import numbers\nclass M(numbers.ABCMeta): ...",
    "the type of a class as base": "import abc\nMeta = type(abc.ABC)\nclass M(Meta): ...",
    "a module that is changed": "import bisect\nbisect.bisect = f",
    "cast that is another function": "from typing import cast\ndef cast(k, _): return k\nd = cast(dict, 1)",
    "cast that a function makes another": (
        "from typing import cast\ndef f():\n    global cast\n    cast = g\nd = cast(dict, 1)"
    ),
    "cast of a module that is another": "import typing\nfor typing in x: ...\nd = typing.cast(dict, 1)",
    "a decorator that is another function": (
        "from typing import final\ndef final(c): return c()\n@final\nclass A: ...\nclass B(A): ...\n"
    ),
    "a metaclass that is another class": "from abc import ABCMeta\nABCMeta = M\nclass A(metaclass=ABCMeta): ...",
    "a base that is another thing": "from abc import ABC\nABC = a\nclass A(ABC): ...",
    "a class of the name of a metaclass": "from numbers import ABCMeta as A\nclass A: ...\nclass B(A): ...",
    "the class of an object": "class A:\n    @property\n    def __class__(self): ...",
    "the class of an object by a method": "class A:\n    def __class__(self): ...",
    "the class of an object by assignment": "a.__class__ = B",
    "the class of an object in a class body": "class A:\n    __class__ = x",
    "the object of an error": "try:\n    import heapq\n    heapq.nsmallest.x\nexcept AttributeError as e:\n    e.obj",
    "a name that a module does not have": "import heapq\nheapq.x",
    "the type of a field": (
        "from dataclasses import dataclass, field\nf = field()\n@dataclass\nclass A:\n    x: dict = f\nf.type()"
    ),
    "a file": "open('/proc/self/mem', 'r+b')",
    "a file by os": "import os\nos.open('/proc/self/mem', os.O_RDWR)",
    "a file by the class of another": "import sys\ntype(sys.stdout.buffer.raw)('/proc/self/mem', 'r+')",
    "a stream as value": "from sys import stderr as e\nx = e",
    "a stream to a print of one's own": "import sys\ndef print(file): ...\nprint(file=sys.stdout)",
    "a module that help imports": "help('mine')",
    "a signal's frame": "import signal\nsignal.signal(signal.SIGALRM, f)",
    "a dunder as an argument's name": "f(__dict__=1)",
    "type alias": "Source = dict[int, int]",
    "syntax error": "def f(:",
    "null bytes": "x = 1\0",
    "deep nesting": "x = " + "-" * 20_000 + "1",
    "a deep chain": "x = " + "1 + " * 20_000 + "{}",
    "a huge file": "#" * (300 * 1024),
}


@pytest.mark.parametrize("text", BAD.values(), ids=BAD)
def test_bad_code(rule: ModuleType, tmp_path: Path, text: str) -> None:
    said = found(rule, tmp_path, solution=text)
    assert said
    assert all(line.startswith("solution.py:") and line.endswith(")") for line in said)


def test_violation_names_the_line(rule: ModuleType, tmp_path: Path) -> None:
    assert found(rule, tmp_path, solution="x = 1\ny = dict()\n") == [
        "solution.py:2: names `dict` (store keys in lists or arrays of your own)"
    ]


class TestOwnModules:
    """Own modules are followed and read; what is not imported is not looked at."""

    def test_is_read(self, rule: ModuleType, tmp_path: Path) -> None:
        assert found(rule, tmp_path, solution="import table\n", table="x = {}\n")[0].startswith("table.py:1:")

    def test_is_read_through_others(self, rule: ModuleType, tmp_path: Path) -> None:
        said = found(rule, tmp_path, solution="from a import f\n", a="from b import g as f\n", b="g = dict\n")
        assert said[0].startswith("b.py:1:")

    def test_in_a_package(self, rule: ModuleType, tmp_path: Path) -> None:
        said = found(
            rule,
            tmp_path,
            **{
                "solution": "from p import q\nx = q.y\n",
                "p/__init__": "",
                "p/q": "from .r import y\n",
                "p/r": "y = {}\n",
            },
        )
        assert [line.partition(":")[0] for line in said] == ["p/r.py"]

    def test_package_code_counts(self, rule: ModuleType, tmp_path: Path) -> None:
        said = found(rule, tmp_path, **{"solution": "import p.q\n", "p/__init__": "x = {}", "p/q": ""})
        assert said[0].startswith("p/__init__.py:1:")

    def test_good_ones_pass(self, rule: ModuleType, tmp_path: Path) -> None:
        files = {
            "solution": "import table\nfrom slots import Slot\nx = table.make(Slot)\n",
            "table": "import sys\ndef make(x): ...\n",
        }
        assert found(rule, tmp_path, **files, slots="class Slot: ...\n") == []

    def test_bases_may_come_from_others(self, rule: ModuleType, tmp_path: Path) -> None:
        text = "import table\nfrom table import Base as B\nclass A(B): ...\nclass C(table.Base): ...\n"
        assert found(rule, tmp_path, solution=text, table="class Base: ...\n") == []
        assert found(rule, tmp_path, solution=text, table="class Base: ...\nBase = Base()\n")
        assert found(rule, tmp_path, solution=f"{text}table.Base = 1\n", table="class Base: ...\n")

    def test_not_imported_is_not_read(self, rule: ModuleType, tmp_path: Path) -> None:
        assert found(rule, tmp_path, solution="", test_public="import pytest\nx = {}\n", bench="import timeit\n") == []

    @pytest.mark.parametrize(
        "text",
        [
            "import table\nx = table.sys.modules\n",
            "from table import sys\n",
            "from table import sys as innocent\n",
            "from table import Dict\nx = Dict()\n",
            "import table\nx = table.Dict()\n",
            "import table\nx = table.attrgetter(name)\n",
            "import table\nt = table\nx = t.sys.modules\n",
            "import table\nf(table)\n",
            "from typing import cast\nfrom table import cast\nx = cast(dict, 1)\n",
            "from typing import final\nfrom table import final\n@final\nclass A: ...\nclass B(A): ...\n",
            "from table import list\ndef f(x: list[dict]): ...\n",
            "from table import stderr\nx = stderr\n",
        ],
    )
    def test_is_no_way_around(self, rule: ModuleType, tmp_path: Path, text: str) -> None:
        table = "import sys\nfrom sys import stderr\nfrom operator import attrgetter\nfrom typing import Dict\n"
        assert found(rule, tmp_path, solution=text, table=table)

    def test_missing_one(self, rule: ModuleType, tmp_path: Path) -> None:
        assert "imports `table`" in found(rule, tmp_path, solution="import table\n")[0]

    def test_named_like_a_standard_one(self, rule: ModuleType, tmp_path: Path) -> None:
        assert "heapq" in found(rule, tmp_path, solution="", heapq="")[0]

    def test_a_package_in_front_of_the_entry_point(self, rule: ModuleType, tmp_path: Path) -> None:
        assert "imported instead" in found(rule, tmp_path, **{"solution": "", "solution/__init__": "x = {}"})[0]

    def test_compiled_code(self, rule: ModuleType, tmp_path: Path) -> None:
        (tmp_path / "solution.abi3.so").write_bytes(b"")
        assert "compiled" in found(rule, tmp_path, solution="")[0]

    def test_declared_encoding_counts(self, rule: ModuleType, tmp_path: Path) -> None:
        (tmp_path / "solution.py").write_bytes(b"# coding: utf-7\n+AHs-+AH0-\n")
        assert rule.violations(tmp_path)

    def test_no_entry_point(self, rule: ModuleType, tmp_path: Path) -> None:
        assert rule.violations(tmp_path)


HASHMAPS = SOLUTIONS / "hashmap"
SOUND = [HASHMAPS / "reference", *sorted(path.parent for path in HASHMAPS.glob("accepted/*/solution.py"))]


@pytest.mark.parametrize("folder", [*SOUND, CHALLENGES / "hashmap" / "starter"], ids=lambda folder: folder.name)
def test_sound_solutions_pass(rule: ModuleType, folder: Path) -> None:
    assert rule.violations(folder) == []
