"""The script that builds the image: what makes it build again, and which requirements it installs."""

import importlib.util
import itertools
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture(scope="module")
def script() -> ModuleType:
    """Load the script, which is no part of a package."""
    path = ROOT / ".ci" / "image.py"
    spec = importlib.util.spec_from_file_location("image_script", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up there
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def tree(script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Lay out a tree with every input in it."""
    for name in script.INPUTS:
        path = tmp_path / name
        if (ROOT / name).is_dir():
            path.mkdir(parents=True)
            (path / "code.py").write_text("x = 1\n")
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("text\n")
    monkeypatch.setattr(script, "ROOT", tmp_path)
    return tmp_path


def test_every_input_changes_the_digest(script: ModuleType, tree: Path) -> None:
    digests = {script.digest_inputs("base"), script.digest_inputs("another base")}
    files = sorted(path for path in tree.rglob("*") if path.is_file())
    for path in files:
        path.write_bytes(path.read_bytes() + b"# more\n")
        digests.add(script.digest_inputs("base"))
    (tree / "harness" / "code.py").rename(tree / "harness" / "renamed.py")
    digests.add(script.digest_inputs("base"))
    assert len(digests) == len(files) + 3


def test_bytecode_and_other_files_leave_the_digest_alone(script: ModuleType, tree: Path) -> None:
    before = script.digest_inputs("base")
    (tree / "harness" / "__pycache__").mkdir()
    (tree / "harness" / "__pycache__" / "code.cpython-312.pyc").write_bytes(b"bytecode")
    (tree / "README.md").write_text("changed")
    assert script.digest_inputs("base") == before


def test_the_digest_keeps_two_files_apart(script: ModuleType, tree: Path) -> None:
    (tree / "harness" / "code.py").write_text("ab")
    (tree / "harness" / "tail.py").write_text("c")
    before = script.digest_inputs("base")
    (tree / "harness" / "code.py").write_text("a")
    (tree / "harness" / "tail.py").write_text("bc")
    assert script.digest_inputs("base") != before


def test_platforms_go_from_the_newest_glibc_that_fits_to_the_oldest(script: ModuleType) -> None:
    target = script.Target({"platform_machine": "aarch64", "python_version": "3.12"}, glibc_minor=28)
    options = target.pip_options
    assert "--python-version=3.12" in options
    platforms = [after for option, after in itertools.pairwise(options) if option == "--platform"]
    assert platforms[0] == "manylinux_2_28_aarch64"
    assert "manylinux2014_aarch64" in platforms
    assert "manylinux_2_29_aarch64" not in platforms


def test_without_an_engine_the_image_is_optional_only_when_asked() -> None:
    environment = {**os.environ, "DOCKER_HOST": "unix:///nonexistent/docker.sock"}
    command = [sys.executable, str(ROOT / ".ci" / "image.py")]
    optional = subprocess.run([*command, "--optional"], env=environment, capture_output=True, text=True, check=False)
    assert (optional.returncode, optional.stdout, optional.stderr) == (0, "", "")
    required = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert required.returncode == 1
    assert required.stderr.startswith("image: no Docker engine answers")
    assert "Traceback" not in required.stderr


@pytest.mark.skipif("UV" not in os.environ, reason="make names uv, and exports it")
def test_requirements_are_those_of_the_target_each_with_hashes(script: ModuleType) -> None:
    linux = {"sys_platform": "linux", "platform_machine": "x86_64", "python_version": "3.12"}
    windows = {**linux, "sys_platform": "win32"}
    lines = script.locked_requirements(script.Target(linux, 36)).splitlines()
    assert all("==" in line and "--hash=sha256:" in line and ";" not in line for line in lines)
    names = {line.split("==")[0] for line in lines}
    assert {"pytest", "hypothesis", "pytest-benchmark", "msgpack"} <= names
    assert not {"mypy", "ruff", "takehome", "colorama"} & names
    assert "colorama==" in script.locked_requirements(script.Target(windows, 36))
