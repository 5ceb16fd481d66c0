"""The commands behind `make up`, `status`, `token`, `partner` and `down`, with all real processes."""

import base64
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from deploy.local import partners
from deploy.local.installation import DATABASE_VARIABLES, KAFKA_VARIABLE, ROOT, Installation, dotenv, read_dotenv
from deploy.local.running import read_record

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Command]:
    for name in (KAFKA_VARIABLE, *DATABASE_VARIABLES):
        monkeypatch.delenv(name, raising=False)

    def run(verb: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        line = [sys.executable, "-m", "deploy.local", verb, *arguments, "--state", str(tmp_path / "state")]
        return subprocess.run(line, cwd=ROOT, capture_output=True, text=True, timeout=170, check=False)

    yield run
    run("down")


@pytest.mark.journey
def test_the_system_is_started_watched_joined_by_a_partner_and_stopped(command: Command, tmp_path: Path) -> None:
    nothing = command("status")
    assert (nothing.returncode, "make up" in nothing.stdout) == (1, True)
    assert "make up" in command("token", "--client", "renap").stderr
    started = command("up", "--no-directory")
    assert started.returncode == 0, started.stdout
    state = tmp_path / "state"
    values = read_dotenv((state / "env").read_text().splitlines())
    assert values["ENLACE_REFERRAL_URL"] in started.stdout
    assert values["ENLACE_CONSOLE_URL"] in started.stdout
    assert "provider-casa-del-migrante" in started.stdout
    assert "already running" in command("up", "--no-directory").stdout
    the_partner_connects_as_it_is_told(command("partner", "--name", "Casa Ñandú").stdout)
    claims = claims_of(command("token", "--client", "casa-nandu", "--scope", "offers:read").stdout)
    assert claims["scope"] == "offers:read"
    assert command("token", "--client", "nobody").returncode == 1
    commands_reach_an_installation_that_runs_elsewhere(state / "env", tmp_path)
    status = command("status")
    assert status.returncode == 0, status.stdout
    assert status.stdout.count("ready") == 8
    logs = command("logs", "--no-follow").stdout
    assert "referral" in logs
    assert "console" in logs
    record = read_record(Installation(state=state).state)
    assert record is not None
    processes = [psutil.Process(pid) for pid in (record["supervisor"], *(part["pid"] for part in record["parts"]))]
    assert command("down").returncode == 0
    assert not psutil.wait_procs(processes, timeout=5)[1]
    assert "nothing runs" in command("down").stdout


def commands_reach_an_installation_that_runs_elsewhere(env: Path, tmp_path: Path) -> None:
    """By the file that ENLACE_ENV names, whatever the state directory; a real issuer's secrets are written there."""

    def ask(*arguments: str, file: Path) -> subprocess.CompletedProcess[str]:
        line = [sys.executable, "-m", "deploy.local", *arguments, "--state", str(tmp_path / "nothing-here")]
        environment = {**os.environ, "ENLACE_ENV": str(file)}
        return subprocess.run(line, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=170, check=False)

    the_partner_connects_as_it_is_told(ask("partner", "--name", "Casa Vecina", file=env).stdout)
    token = ask("token", "--client", "casa-vecina", file=env)
    assert claims_of(token.stdout)["client_id"] == "casa-vecina", token.stderr
    addresses = read_dotenv(env.read_text().splitlines())
    secret = partners.find_client(addresses, "reception-system").client_secret
    del addresses["ENLACE_ISSUER_KEY"]
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text(dotenv(addresses | {"ENLACE_CLIENT_SECRET_RECEPTION_SYSTEM": secret}))
    assert ask("token", "--client", "reception-system", file=elsewhere).returncode == 0
    unknown = ask("token", "--client", "network-steward", file=elsewhere)
    assert "ENLACE_CLIENT_SECRET_NETWORK_STEWARD" in unknown.stderr
    assert "operator" in ask("partner", "--name", "Casa Vecina", file=elsewhere).stderr
    assert "ENLACE_ENV" in ask("token", "--client", "reception-system", file=tmp_path / "none").stderr


def the_partner_connects_as_it_is_told(printed: str) -> None:
    """Runs the printed commands up to the first answer; the webhook's address is a placeholder."""
    lines = printed[printed.index("TOKEN=") : printed.index("# Offers by webhook")]
    answer = subprocess.run(["bash", "-c", lines], capture_output=True, text=True, check=True, timeout=170)
    assert json.loads(answer.stdout) == {"items": [], "next": None}
    organization = re.search(r"organization_id +(\S+)", printed)
    assert organization is not None


def claims_of(token: str) -> dict[str, str]:
    middle = token.split(".")[1]
    claims: dict[str, str] = json.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))
    return claims
