"""Reach the Docker engine, and turn whatever goes wrong with it into our own errors."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import docker
import requests
import urllib3
from docker import DockerClient
from docker.context import Context, ContextAPI
from docker.errors import APIError, DockerException, NotFound

from harness.errors import EngineUnavailable, SandboxFailed

ENGINE_TIMEOUT_SEC: Final = 60
"""One answer of the engine. Starting a container takes 0.2 s alone and a second or two with a dozen at once."""

PARALLEL: Final = 16
"""Requests at once; one connection each. More than the subjects of one grading gains nothing."""

ADVICE: Final = (
    "is it running, and may this user reach its socket? `docker version` tells. See https://docs.docker.com/get-docker/"
)


def connect() -> DockerClient:
    """Connect to the engine that the `docker` command would use; raises EngineUnavailable.

    That is the one which DOCKER_HOST names, or DOCKER_CONTEXT, or the context in use, or the default socket.
    """
    try:
        client = _client()
        client.ping()
    except (DockerException, requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
        raise EngineUnavailable(f"no Docker engine answers ({_innermost(error)}); {ADVICE}") from error
    return client


def _client() -> DockerClient:
    context = None if os.environ.get("DOCKER_HOST") else _context(os.environ.get("DOCKER_CONTEXT"))
    if context is None or context.name == "default":
        return docker.from_env(timeout=ENGINE_TIMEOUT_SEC, max_pool_size=PARALLEL)
    tls = context.tls_cfg.get("docker", False)
    return DockerClient(context.Host, tls=tls, timeout=ENGINE_TIMEOUT_SEC, max_pool_size=PARALLEL)


def _context(name: str | None) -> Context:
    """Read the Docker context `name`, or the one in use."""
    try:
        context = ContextAPI.get_context(name)
    except Exception as error:  # the SDK raises just this, and whatever a broken file leads to
        raise EngineUnavailable(f"the Docker context cannot be read ({error}); see `docker context ls`") from error
    if context is None:
        raise EngineUnavailable("the Docker context in use does not exist; `docker context ls` shows those that do")
    return context


def require_image(client: DockerClient, tag: str) -> str:
    """Give the content id (`sha256:…`) of image `tag`; raises SandboxFailed where the engine does not have it."""
    try:
        with engine_faults(f"look up image {tag}"):
            return str(client.images.get(tag).id)
    except EngineNotFound:
        raise SandboxFailed(f"the engine has no image {tag}; `make image` builds it") from None


def engine_cores(client: DockerClient) -> tuple[int, ...]:
    """Name the cores of the engine's machine, which need not be this one."""
    with engine_faults("count the engine's cores"):
        return tuple(range(int(client.api.info()["NCPU"])))


class EngineNotFound(SandboxFailed):
    """What the engine was asked about does not exist."""


@contextmanager
def engine_faults(task: str) -> Iterator[None]:
    """Raise our own errors for the engine's, saying which `task` could not be done."""
    try:
        yield
    except NotFound as error:
        raise EngineNotFound(f"could not {task}: {error.explanation or error}") from error
    except APIError as error:
        raise SandboxFailed(f"could not {task}: {error.explanation or error}") from error
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
        raise EngineUnavailable(f"the Docker engine was lost while trying to {task} ({_innermost(error)})") from error
    except DockerException as error:
        raise SandboxFailed(f"could not {task}: {error}") from error


def _innermost(error: BaseException) -> str:
    """Say what is at the bottom of a chain of wrapped errors: `Connection refused`, not four class names."""
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__ or error
    return (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
