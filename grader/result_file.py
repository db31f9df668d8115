"""Write a result once, whole or not at all; read one back; and say what the published schema says of it.

The new file is written beside the old one, forced to the disk and put in its place in one step, so whoever reads sees
the old result or the new one, never half of either, whatever happens to the power or the disk.
"""

import json
import os
import tempfile
from importlib import resources
from pathlib import Path

import jsonschema
from pydantic import ValidationError

from grader.declaration import key_path
from grader.errors import ResultInvalid, ResultUnwritable
from grader.result import SCHEMA_VERSION, Result

RESULT_FILE = "result.json"
SCHEMA_FILE = "result.schema.json"
RESULT_BYTES = 64 * 1024 * 1024
"""Largest file read as a result: far above any grading's samples, and no way to fill the memory."""
FAULTS_SHOWN = 20
"""A file that is no result at all breaks the schema everywhere; nobody reads more than this."""


def write_result(result: Result, path: Path) -> None:
    """Write `result` to `path`, replacing what was there; raises ResultUnwritable and leaves no half file."""
    plain = result.model_dump(mode="json")
    try:
        validate(plain)
        write_whole(path, json.dumps(plain, indent=1, allow_nan=False) + "\n")
    except ResultInvalid as error:
        raise ResultUnwritable(f"the result does not fit its own schema, which is a bug of ours: {error}") from error


def write_whole(path: Path, text: str) -> None:
    """Write a file in one step; raises ResultUnwritable where the disk refuses."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        number, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        scratch = Path(name)
        try:
            with os.fdopen(number, "w", encoding="utf-8") as file:
                os.fchmod(file.fileno(), 0o644)
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            scratch.replace(path)
        except BaseException:
            scratch.unlink(missing_ok=True)
            raise
        _sync_folder(path.parent)
    except OSError as error:
        reason = error.strerror or str(error)
        raise ResultUnwritable(f"cannot write {path}: {reason}; free the disk or choose another place") from error


def _sync_folder(folder: Path) -> None:
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def read_result(path: Path) -> Result:
    """Read a result somebody handed in; raises ResultInvalid with what is wrong with it."""
    try:
        if path.stat().st_size > RESULT_BYTES:
            raise ResultInvalid(f"{path} is larger than {RESULT_BYTES >> 20} MiB, so it is no result of takehome")
        plain = json.loads(path.read_bytes())
    except OSError as error:
        raise ResultInvalid(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise ResultInvalid(f"{path} is not JSON: {error}") from error
    version = plain.get("schema_version") if isinstance(plain, dict) else None
    if version != SCHEMA_VERSION:
        raise ResultInvalid(f"{path} has schema_version {version!r}; this takehome reads {SCHEMA_VERSION}")
    try:
        validate(plain)
        return Result.model_validate_json(json.dumps(plain))
    except (ResultInvalid, ValidationError) as error:
        raise ResultInvalid(f"{path} is no result: {error}") from error


def validate(plain: object) -> None:
    """Check a result's JSON against the published schema; raises ResultInvalid with the place of every fault."""
    schema = json.loads(resources.files("grader").joinpath(SCHEMA_FILE).read_text("utf-8"))
    validator = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())
    faults = [
        f"{key_path(tuple(fault.absolute_path)) or 'the whole'}: {fault.message[:200]}"
        for fault, _ in zip(validator.iter_errors(plain), range(FAULTS_SHOWN), strict=False)
    ]
    if faults:
        raise ResultInvalid("; ".join(faults))


def schema_text() -> str:
    """Generate the published schema from the model: the text of `grader/result.schema.json`."""
    schema = Result.model_json_schema(mode="serialization")
    return json.dumps({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}, indent=2) + "\n"


if __name__ == "__main__":
    write_whole(Path(__file__).with_name(SCHEMA_FILE), schema_text())
