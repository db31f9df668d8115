"""What every role relies on in the image: users, owners, the locked packages, bytecode, and a quick start."""

import json
import tomllib
from pathlib import Path

import pytest
from docker import DockerClient

ROOT = Path(__file__).resolve().parent.parent

pytestmark = pytest.mark.docker


def run(engine: DockerClient, image: str, *command: str, user: str) -> str:
    """Run `command` as the sandbox would: no network, a read-only root, no capabilities."""
    output = engine.containers.run(
        image, list(command), user=user, network_disabled=True, read_only=True, cap_drop=["ALL"], remove=True
    )
    return bytes(output).decode()


def python(engine: DockerClient, image: str, program: str, *, user: str = "subject") -> object:
    """Run a program that prints JSON."""
    return json.loads(run(engine, image, "python3", "-P", "-s", "-c", program, user=user))


@pytest.mark.parametrize(("user", "uid"), [("grader", 10000), ("subject", 10001)])
def test_only_the_grader_may_write_to_the_sockets(engine: DockerClient, image: str, user: str, uid: int) -> None:
    program = (
        "import json, os; folders = ['/sockets/candidate', '/sockets/reference', '/submission', '/driver', '/grading'];"
        "print(json.dumps([os.getuid(), [(os.stat(f).st_uid, os.stat(f).st_mode & 0o777) for f in folders]]))"
    )
    found = python(engine, image, program, user=user)
    assert found == [uid, [[10000, 0o755], [10000, 0o755], [0, 0o755], [0, 0o755], [0, 0o755]]]


def test_the_packages_are_the_locked_ones(engine: DockerClient, image: str) -> None:
    program = (
        "import json; from importlib.metadata import distributions;"
        "print(json.dumps({d.name.lower().replace('_', '-'): d.version for d in distributions()}))"
    )
    installed = python(engine, image, program)
    assert isinstance(installed, dict)
    packages = tomllib.loads((ROOT / "uv.lock").read_text())["package"]
    locked = {package["name"]: package["version"] for package in packages}
    assert {"pytest", "hypothesis", "pytest-benchmark", "msgpack", "numpy"} <= installed.keys()
    assert {name: version for name, version in installed.items() if locked.get(name) != version} == {}


def test_every_module_has_bytecode_that_needs_no_check(engine: DockerClient, image: str) -> None:
    program = (
        "import json, pathlib, importlib.util;"
        "code = list(pathlib.Path('/opt/takehome').rglob('*.py'));"
        "cached = [pathlib.Path(importlib.util.cache_from_source(c)) for c in code];"
        "unchecked = [c for c in cached if c.exists() and c.read_bytes()[4:8] == b'\\1\\0\\0\\0'];"
        "print(json.dumps([len(code), len(unchecked)]))"
    )
    found = python(engine, image, program)
    assert isinstance(found, list)
    assert found[0] == found[1] > 0


def test_code_is_found_and_the_working_folder_is_not_on_the_path(engine: DockerClient, image: str) -> None:
    program = (
        "import sys, json, harness, grader;"
        "print(json.dumps([harness.__file__, grader.__file__, sys.prefix, '' in sys.path]))"
    )
    assert python(engine, image, program) == [
        "/opt/takehome/harness/__init__.py",
        "/opt/takehome/grader/__init__.py",
        "/opt/venv",
        False,
    ]


def test_no_project_files_but_code_are_in_the_image(engine: DockerClient, image: str) -> None:
    listing = run(engine, image, "ls", "-A", "/opt/takehome", "/submission", "/driver", "/grading", user="subject")
    assert listing.split() == ["/driver:", "/grading:", "/opt/takehome:", "grader", "harness", "/submission:"]
