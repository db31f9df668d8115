"""The driver beside the submission: a module or package, loaded once, whose public functions can be called by name."""

import sys
from collections.abc import Callable
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from types import FunctionType, ModuleType, TracebackType
from typing import Final

MODULE: Final = "driver"

CO_COROUTINE: Final = 0x80
"""The flag of an `async def`'s code; the module that names it, `inspect`, costs 10 ms of start-up."""


class NoSuchFunction(Exception):
    """The driver has no public function of that name."""


class Driver:
    """What `folder` holds as driver.py or as the package driver/.

    Loading it imports the submission, so that waits for the first call and has its time limit.
    """

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._module: ModuleType | None = None
        self._fault: BaseException | None = None
        self._traceback: TracebackType | None = None

    @property
    def is_async(self) -> bool:
        """Whether the driver, once loaded, has public `async` functions and so wants an event loop."""
        public = {} if self._module is None else vars(self._module)
        return any(_is_coroutine_function(value) for name, value in public.items() if not name.startswith("_"))

    def load(self) -> None:
        """Load the driver once; raises what loading raised, each time."""
        if self._fault is not None:
            raise self._fault.with_traceback(self._traceback)
        if self._module is None:
            try:
                self._module = _load(self._folder)
            except BaseException as fault:
                self._fault, self._traceback = fault, fault.__traceback__
                raise

    def function(self, name: str) -> Callable[..., object]:
        """Find a public function of the driver; the empty name is loading it."""
        self.load()
        found = vars(self._module).get(name) if name else _nothing
        if not callable(found) or name.startswith("_"):
            raise NoSuchFunction(name)
        return found


def _is_coroutine_function(value: object) -> bool:
    return isinstance(value, FunctionType) and bool(value.__code__.co_flags & CO_COROUTINE)


def _nothing() -> None:
    """Do nothing: the answer to a call that only loads the driver."""


def _load(folder: str) -> ModuleType:
    spec = PathFinder.find_spec(MODULE, [folder])  # never the submission's, which comes first on sys.path
    if spec is None or spec.loader is None:
        raise ImportError(f"no driver lies in {folder}")
    module = module_from_spec(spec)
    sys.modules[MODULE] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[MODULE]
        raise
    return module
