"""Read a TOML file into its model, and turn everything wrong with it into complaints, all at once."""

import tomllib
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from grader.complaint import Complaint
from grader.errors import CatalogueFault

Model = TypeVar("Model", bound=BaseModel)

ADVICE = {
    "extra_forbidden": "remove the key, or correct its spelling",
    "missing": "add the key",
}


def read_declaration(path: Path, model: type[Model]) -> Model:
    """Read `path` as a `model`; raises CatalogueFault with every fault of the file."""
    try:
        values = tomllib.loads(path.read_bytes().decode("utf-8"))
    except FileNotFoundError:
        raise CatalogueFault([Complaint(path, "", "the file is missing", "write it")]) from None
    except OSError as error:
        problem = f"the file cannot be read ({error.strerror})"
        raise CatalogueFault([Complaint(path, "", problem, "check its permissions")]) from None
    except UnicodeDecodeError as error:
        problem = f"byte {error.start} is not UTF-8"
        raise CatalogueFault([Complaint(path, "", problem, "save the file as UTF-8")]) from None
    except tomllib.TOMLDecodeError as error:
        raise CatalogueFault([Complaint(path, "", f"this is not TOML: {error}", "correct the syntax")]) from None
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise CatalogueFault(_complaint(path, detail) for detail in error.errors()) from None


def _complaint(path: Path, detail: ErrorDetails) -> Complaint:
    problem = detail["msg"].removeprefix("Value error, ")
    problem = problem[:1].lower() + problem[1:]
    if detail["type"] == "extra_forbidden":
        problem = "nothing is called this"
    return Complaint(path, key_path(detail["loc"]), problem, ADVICE.get(detail["type"], "correct the value"))


def key_path(location: tuple[int | str, ...]) -> str:
    """Write a place in a TOML file as its author thinks of it: `bars[2].pass`, counted from 0."""
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.removeprefix(".")
