"""The console as a local process: what it is told, and who is named as a sample."""

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from deploy.local.addresses_report import print_addresses
from deploy.local.console import SAMPLES_MOST, console_command, console_environment, sample_sign_ins
from deploy.local.console_client import CONSOLE_SECRET
from deploy.local.installation import (
    DATABASE_VARIABLES,
    DEFAULT_PACK,
    OWNER_VARIABLES,
    SERVICES,
    Installation,
    addresses,
    dotenv,
)
from services.console.settings import ConsoleSettings

PACKS = sorted(path.parent for path in DEFAULT_PACK.parent.glob("*/people.yaml"))


def told(installation: Installation) -> dict[str, str]:
    ports = installation.choose_ports()
    common = addresses(ports, services=SERVICES, kafka=f"127.0.0.1:{ports['kafka']}")
    return console_environment(installation, common | {"ENLACE_TRACE_URL": "http://127.0.0.1:1/traces/{trace_id}"})


def test_the_console_is_told_no_database_and_nothing_of_kafka(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seen to fail with the whole environment of the supervisor passed on."""
    for name in (*DATABASE_VARIABLES, *OWNER_VARIABLES, "KAFKA_SASL_PASSWORD"):
        monkeypatch.setenv(name, "of-somebody-else")
    environment = told(Installation(state=tmp_path, console=True))
    assert not [name for name in environment if name.startswith("KAFKA_") or "DATABASE" in name]
    assert "of-somebody-else" not in environment.values()
    assert not [name for name in environment if name.endswith(("_VAULT_KEY", "_FINGERPRINT_KEY", "_SIGNING_KEY"))]


def test_the_console_finds_all_its_settings_also_those_of_the_clock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    extra = {"ENLACE_CLOCK_RATE": "60.0", "ENLACE_CLOCK_ORIGIN": "2026-03-01T12:00:00+00:00"}
    installation = Installation(state=tmp_path, extra=extra, console=True)
    for name, value in told(installation).items():
        monkeypatch.setenv(name, value)
    settings = ConsoleSettings()
    ports = json.loads((tmp_path / "ports.json").read_text())
    assert settings.console_url == f"http://127.0.0.1:{ports['console']}"
    assert console_command(ports["console"])[-1] == str(ports["console"])
    assert settings.client_secret.get_secret_value() == installation.keyring.get(CONSOLE_SECRET)
    assert set(settings.services.values()) == {f"http://127.0.0.1:{ports[service.name]}" for service in SERVICES}
    assert settings.clock().rate == 60.0
    assert settings.trace_url == "http://127.0.0.1:1/traces/{trace_id}"
    assert settings.pack == DEFAULT_PACK


@pytest.mark.parametrize("pack", PACKS, ids=lambda pack: pack.name)
def test_the_named_samples_have_different_roles_and_include_a_clerk_a_desk_a_provider_and_an_operator(
    pack: Path,
) -> None:
    roles = [person.roles[0] for person in sample_sign_ins(pack)]
    assert len(roles) == len(set(roles)) == SAMPLES_MOST
    assert {"reception_clerk", "lead_desk", "provider", "operator"} <= set(roles)


@pytest.mark.parametrize("runs", [True, False])
def test_the_console_is_named_at_the_end_only_if_it_runs(runs: bool, tmp_path: Path) -> None:
    installation = Installation(state=tmp_path)
    ports = installation.choose_ports()
    values = addresses(ports, services=SERVICES, kafka="127.0.0.1:1")
    installation.env_file.write_text(dotenv(values))
    parts = [{"name": name} for name in ("issuer", *(["console"] if runs else []))]
    (tmp_path / "running.json").write_text(json.dumps({"parts": parts}))
    shown = Console(file=io.StringIO(), width=200)
    print_addresses(installation, shown)
    text = shown.file.getvalue()  # type: ignore[attr-defined]
    assert values["ENLACE_REFERRAL_URL"] in text
    assert (values["ENLACE_CONSOLE_URL"] in text) is runs
    assert ("clerk-air-base" in text) is runs
