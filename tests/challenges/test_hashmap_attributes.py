"""No attribute that the source rule allows leads from what it allows to a native mapping, a set or a module."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import operator
import os
import random
import struct
import threading
import time
import typing
import warnings
import weakref
import zlib
from array import array
from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from importlib import import_module
from types import ModuleType

from tests.challenges.loading import Import

DEPTH = 3


class Sample:
    def method(self) -> None: ...


def generated() -> Iterator[int]:
    yield 1


def made() -> dict[str, object]:
    """Make one object of each kind that the allowed names make."""
    warning = warnings.WarningMessage("text", UserWarning, "file", 1)
    objects: list[object] = [
        *(dataclasses.field(), warnings.catch_warnings(), warning, threading.Thread(), threading.Condition()),
        *(
            threading.Semaphore(),
            threading.Event(),
            threading.Barrier(1),
            threading.local(),
            threading.current_thread(),
        ),
        *(typing.TypeVar("T"), typing.ParamSpec("P"), typing.NewType("N", int), list[int], Callable[[int], str]),
        *(time.get_clock_info("time"), time.gmtime(), random.Random(1), functools.cmp_to_key(max)(1)),
        *(contextlib.contextmanager(generated)(), contextlib.nullcontext()),
        *(array("q"), struct.Struct("q"), weakref.ref(Sample), zlib.compressobj(), os.uname(), memoryview(b"")),
        *(operator.itemgetter(1), operator.attrgetter("a"), operator.methodcaller("a")),
        *(generated(), generated, Sample(), Sample().method, AttributeError(), OSError(), StopIteration(), range(1)),
        *("", b"", 1, 1.0, [], (), None, slice(1), property()),
    ]
    return {f"a {type(thing).__name__}": thing for thing in objects}


def allowed(grading: Import) -> dict[str, object]:
    rule = grading("allowed_imports")
    return {
        f"{module}.{name}": getattr(import_module(module), name)
        for module in rule.ALLOWED
        for name in dir(import_module(module))
        if rule.refusal(module, name) is None and not rule.only_in_annotations(module, name)
    }


def is_native(found: object) -> bool:
    if isinstance(found, type):
        return issubclass(found, dict | set | frozenset)
    return isinstance(found, Mapping | AbstractSet | ModuleType)


def kind(found: object) -> object:
    """Tell objects apart by where they can lead: bound methods are made anew at each look."""
    name = getattr(found, "__qualname__", None)
    return (type(found), name) if isinstance(name, str) else (type(found), id(found) if name is None else None)


def doors(roots: dict[str, object], refused: Callable[[str], str | None]) -> list[str]:
    """Walk all attributes, breadth first, and give the paths that end at what nobody may have."""
    found, seen, edge = [], set(), list(roots.items())
    for _ in range(DEPTH):
        following = []
        for path, thing in edge:
            if kind(thing) in seen:
                continue
            seen.add(kind(thing))
            for name in dir(thing):
                if refused(name) is not None:
                    continue
                with contextlib.suppress(Exception), warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    value = getattr(thing, name)
                    if is_native(value):
                        found.append(f"{path}.{name}")
                    else:
                        following.append((f"{path}.{name}", value))
        edge = following
    return found


def test_no_path_of_attributes_leads_to_a_native_mapping(grading: Import) -> None:
    refused = grading("forbidden_names").attribute_refusal
    assert doors(allowed(grading) | made(), refused) == []


def test_the_walk_finds_the_doors_that_are_closed(grading: Import) -> None:
    refused = grading("forbidden_names").attribute_refusal
    opened = doors(made(), lambda name: None if name in {"metadata", "_module"} else refused(name))
    assert {path.rpartition(".")[2] for path in opened} == {"metadata", "_module"}
