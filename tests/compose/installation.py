"""The compose file as a stranger runs it: from a clone that only its owner may read, on ports that are free."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from deploy.docker.make_secrets import PORTS
from deploy.local.installation import ROOT, read_dotenv
from deploy.local.processes import free_port

WAIT_SECONDS = 900
PAGE_SECONDS = 600


class FailedError(Exception):
    """Something is not as the compose file promises."""


def require(held: object, what: str) -> None:
    """Raise FailedError unless it holds."""
    if not held:
        raise FailedError(what)


def clone(into: Path) -> None:
    """Copy what git knows of the project, and what it doesn't ignore, with a umask of 077."""
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    before = os.umask(0o077)
    try:
        for name in names:
            if name and (ROOT / name).is_file():
                (into / name).parent.mkdir(parents=True, exist_ok=True)
                (into / name).write_bytes((ROOT / name).read_bytes())
    finally:
        os.umask(before)


class Installation:
    """One project of Compose."""

    def __init__(self, directory: Path, engine: Mapping[str, str], images: Mapping[str, str]) -> None:
        self.directory, self.older_postgres = directory, images["OLDER_POSTGRES"]
        ports = {variable: str(free_port()) for variable, _ in PORTS.values()}
        own = {
            "COMPOSE_PROJECT_NAME": f"enlace-test-{os.getpid()}",
            "ENLACE_IMAGE": "enlace:compose-test",
            "ENLACE_ISSUER_IMAGE": "enlace-issuer:compose-test",
            "BUILDX_NO_DEFAULT_ATTESTATIONS": "1",
        }
        self._environment = {**engine, **images, **ports, **own}
        self.run(sys.executable, "deploy/docker/make_secrets.py")
        self.env_file = directory / ".enlace" / "docker" / "env"
        self.addresses = read_dotenv(self.env_file.read_text(encoding="utf-8").splitlines())

    def run(self, *command: str, cwd: Path | None = None, seconds: float = WAIT_SECONDS, **more: str) -> str:
        """What a command prints; FailedError with the end of that when it fails."""
        done = subprocess.run(
            command, cwd=cwd or self.directory, env={**self._environment, **more}, text=True, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=seconds,
        )  # fmt: skip
        if done.returncode != 0:
            raise FailedError(f"{' '.join(command)[:100]} ended with {done.returncode}:\n{done.stdout[-6000:]}")
        return done.stdout

    def compose(self, *arguments: str, **more: str) -> str:
        """What `docker compose` prints."""
        return self.run("docker", "compose", *arguments, **more)

    def containers(self) -> dict[str, str]:
        """Every container by name, with its id: another id is another container."""
        listed = self.compose("ps", "--all", "--no-trunc", "--format", "{{.Name}} {{.ID}}")
        return dict(line.split() for line in listed.splitlines())

    def health(self, service: str) -> list[str]:
        """The health of each container of a service."""
        return self.compose("ps", "--format", "{{.Health}}", service).split()

    def status(self, word: str, path: str) -> int:
        """How a service answers through its published port."""
        return httpx.get(f"{self.addresses[f'ENLACE_{word}_URL']}{path}", trust_env=False, timeout=15).status_code

    def token(self, client: str) -> dict[str, str]:
        """Headers with a token of a client, by the command that a person uses."""
        made = self.run("make", "-s", "token", f"CLIENT={client}", cwd=ROOT, ENLACE_ENV=str(self.env_file))
        return {"Authorization": f"Bearer {made.strip()}"}

    def get(self, word: str, path: str, headers: Mapping[str, str]) -> Any:
        """The JSON that a service answers."""
        answer = httpx.get(
            f"{self.addresses[f'ENLACE_{word}_URL']}{path}", headers=headers, trust_env=False, timeout=15
        )
        require(answer.is_success, f"{word} answers {answer.status_code} to {path}: {answer.text[:300]}")
        return json.loads(answer.content)

    def page(self, name: str) -> None:
        """Run every command of a page in docs/, as it stands, against these containers."""
        script = (ROOT / "docs" / name).read_text(encoding="utf-8").split("```sh\n")[1:]
        text = "set -euo pipefail\n" + "\n".join(block.split("```")[0] for block in script)
        self.run("bash", "-c", text, cwd=ROOT, seconds=PAGE_SECONDS, ENLACE_ENV=str(self.env_file))
