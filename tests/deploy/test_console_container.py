"""The console in its container: what it is told, and how it and browsers reach the issuer."""

import os
from typing import Any

import pytest
import yaml

from deploy.docker import make_secrets
from services.console.settings import ConsoleSettings
from tests.deploy.test_containers import ROOT, SERVICES, filled


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    document = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    services: dict[str, Any] = filled(document["services"])
    return services


def test_the_console_finds_its_settings_and_reaches_the_issuer_inside_while_browsers_reach_it_outside(
    compose, tmp_path, monkeypatch
):
    files = {path.stem: make_secrets._read(path) for path in make_secrets.write(tmp_path) if path.suffix == ".env"}
    environment = {**files["console"], **compose["console"]["environment"]}
    assert not [name for name in environment if name.startswith("KAFKA_") or "DATABASE" in name]
    for name in os.environ:
        monkeypatch.delenv(name)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    settings = ConsoleSettings()
    issuer = compose["issuer"]["environment"]
    assert settings.token_issuer == issuer["ENLACE_TOKEN_ISSUER"]
    assert settings.console_url == issuer["ENLACE_CONSOLE_URL"] == f"http://{address_of(compose['console'])}"
    assert issuer["ENLACE_ISSUER_URL"] == f"http://{address_of(compose['issuer'])}"
    assert settings.issuer_url == "http://issuer:8000"
    assert set(settings.services.values()) == {f"http://{service}:8000" for service in SERVICES}
    assert settings.client_secret.get_secret_value() == files["issuer"]["ENLACE_CONSOLE_CLIENT_SECRET"]
    assert settings.trace_url is None
    assert {
        name for name, how in compose["console"]["depends_on"].items() if how["condition"] == "service_healthy"
    } == {
        "issuer",
        *SERVICES,
    }


def address_of(part: dict[str, Any]) -> str:
    """Where a container's only port is published."""
    (port,) = part["ports"]
    return port.rpartition(":")[0]
