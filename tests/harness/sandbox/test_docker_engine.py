"""Which engine is used: the one that the `docker` command would use."""

import hashlib
import json
from pathlib import Path

import pytest

from harness.errors import EngineUnavailable
from harness.sandbox.docker_engine import connect


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Have a Docker configuration of our own, with a context `elsewhere` whose engine does not answer."""
    for variable in ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    meta = tmp_path / "contexts" / "meta" / hashlib.sha256(b"elsewhere").hexdigest() / "meta.json"
    meta.parent.mkdir(parents=True)
    endpoint = {"Host": f"unix://{tmp_path}/elsewhere.sock", "SkipTLSVerify": False}
    meta.write_text(json.dumps({"Name": "elsewhere", "Metadata": {}, "Endpoints": {"docker": endpoint}}))
    (tmp_path / "config.json").write_text(json.dumps({"currentContext": "elsewhere"}))
    return tmp_path


def test_the_context_in_use_names_the_engine(config):
    with pytest.raises(EngineUnavailable, match=r"no Docker engine answers .*No such file"):
        connect()


@pytest.mark.docker
def test_what_the_environment_says_comes_first(config, engine, monkeypatch):
    monkeypatch.setenv("DOCKER_CONTEXT", "default")
    assert connect().ping()
    monkeypatch.setenv("DOCKER_CONTEXT", "elsewhere")
    monkeypatch.setenv(
        "DOCKER_HOST", engine.api.base_url.replace("http+docker://localhost", "unix:///var/run/docker.sock")
    )
    assert connect().ping()


def test_a_context_that_does_not_exist_is_a_clear_message(config, monkeypatch):
    monkeypatch.setenv("DOCKER_CONTEXT", "nowhere")
    with pytest.raises(EngineUnavailable, match="docker context ls"):
        connect()


def test_a_context_that_cannot_be_read_is_a_clear_message(config):
    next(config.glob("contexts/meta/*/meta.json")).write_text("{")
    with pytest.raises(EngineUnavailable, match="docker context ls"):
        connect()
