"""A Docker engine with Compose: the one that runs, else one that is started for this run and ended with it."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CACHE = Path.home() / ".cache" / "enlace" / "compose-test"
COMPOSE = "github.com/docker/compose/v2"
COMPOSE_VERSION = "v2.40.3"
START_SECONDS = 60.0


class NotPossibleError(Exception):
    """This machine lacks something; the text says what."""


def runs(environment: dict[str, str], *command: str) -> bool:
    """Whether a command ends well."""
    return subprocess.run(command, env=environment, capture_output=True, check=False).returncode == 0


@contextmanager
def engine() -> Iterator[dict[str, str]]:
    """The environment in which `docker` reaches an engine while the block runs. Raises NotPossibleError."""
    environment = dict(os.environ)
    if shutil.which("docker") is None:
        raise NotPossibleError("there is no `docker` command")
    if runs(environment, "docker", "info"):
        yield with_compose(environment)
        return
    if os.geteuid() != 0 or shutil.which("dockerd") is None:
        raise NotPossibleError("no Docker engine runs, and none can be started: that takes root and `dockerd`")
    with tempfile.TemporaryDirectory(prefix="enlace-engine-") as directory, _started(Path(directory)) as socket:
        yield with_compose(environment | {"DOCKER_HOST": f"unix://{socket}"})


@contextmanager
def _started(directory: Path) -> Iterator[Path]:
    """An engine of our own; images and layers are kept for the next run, containers and volumes are not."""
    socket, log = directory / "docker.sock", CACHE / "dockerd.log"
    CACHE.mkdir(parents=True, exist_ok=True)
    command = [
        *("dockerd", "--ip", "127.0.0.1", "--host", f"unix://{socket}", "--data-root", str(CACHE / "engine")),
        *("--exec-root", str(directory / "exec"), "--pidfile", str(directory / "pid")),
    ]
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        until = time.monotonic() + START_SECONDS
        while not runs({**os.environ, "DOCKER_HOST": f"unix://{socket}"}, "docker", "info"):
            if process.poll() is not None or time.monotonic() > until:
                raise NotPossibleError(f"dockerd does not answer; its log: {log}")
            time.sleep(0.2)
        yield socket
    finally:
        process.terminate()
        process.wait(timeout=60)


def with_compose(environment: dict[str, str]) -> dict[str, str]:
    """The same, with the plugin Compose; where there is none it is built once from its Go module."""
    if runs(environment, "docker", "compose", "version"):
        return environment
    plugin = CACHE / "config" / "cli-plugins" / "docker-compose"
    if not plugin.exists():
        _build_compose(plugin, environment)
    return environment | {"DOCKER_CONFIG": str(plugin.parents[1])}


def _build_compose(plugin: Path, environment: dict[str, str]) -> None:
    if shutil.which("go") is None:
        raise NotPossibleError("`docker compose` is missing, and without `go` it can't be built")
    print(f"building Compose {COMPOSE_VERSION}, once, which takes minutes")
    plugin.parent.mkdir(parents=True, exist_ok=True)
    version = f"-X {COMPOSE}/internal.Version={COMPOSE_VERSION}"
    with tempfile.TemporaryDirectory(prefix="enlace-compose-") as module:
        for command in (
            ["go", "mod", "init", "tools"],
            ["go", "get", f"{COMPOSE}/cmd@{COMPOSE_VERSION}"],
            ["go", "build", "-trimpath", "-ldflags", f"-s -w {version}", "-o", str(plugin), f"{COMPOSE}/cmd"],
        ):
            subprocess.run(command, cwd=module, env=environment | {"CGO_ENABLED": "0"}, check=True, capture_output=True)
