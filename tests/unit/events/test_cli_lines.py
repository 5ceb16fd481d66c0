"""Operators reach a service's database by the line that the service itself asks for. Seen to fail without the check."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from libs.events.__main__ import cli
from libs.events.cluster import Cluster, ClusterError

ELSEWHERE = "postgresql://referral:not-to-be-told@db.example.invalid/referral"  # pragma: allowlist secret


@pytest.mark.parametrize("command", [["outbox"], ["audit"], ["parked", "list"], ["relay", "show"]])
def test_a_database_elsewhere_is_not_spoken_to_over_a_line_that_others_can_read(
    command: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ENLACE_DATABASE_TLS", raising=False)
    monkeypatch.setenv("EVENTS_DATABASE_URL", ELSEWHERE)
    refused = CliRunner().invoke(cli, command)
    assert refused.exit_code == 2
    assert "verify-full" in refused.output
    assert "not-to-be-told" not in refused.output
    monkeypatch.setenv("ENLACE_DATABASE_TLS", "off")
    assert CliRunner().invoke(cli, command).exit_code == 1, "asked, and nobody answers"


def test_the_address_may_stand_in_a_file_that_not_everybody_may_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen to fail without `database_of_file`, and without the look at the file's rights in `read_secret`."""
    monkeypatch.delenv("EVENTS_DATABASE_URL", raising=False)
    asked = CliRunner().invoke(cli, ["outbox"])
    assert asked.exit_code == 2
    assert "EVENTS_DATABASE_URL_FILE" in asked.output
    file = tmp_path / "address"
    monkeypatch.setenv("EVENTS_DATABASE_URL_FILE", str(file))
    file.write_text(f"{ELSEWHERE}\n", encoding="utf-8")
    for mode, why in ((0o444, "everybody can read the file"), (0o400, "verify-full")):
        file.chmod(mode)
        refused = CliRunner().invoke(cli, ["outbox"])
        assert refused.exit_code == 2
        assert why in " ".join(refused.output.replace("│", " ").split())
        assert "not-to-be-told" not in refused.output


@pytest.mark.parametrize(
    ("content", "mode", "why"), [("x", 0o444, "everybody"), ("", 0o400, "empty"), (None, 0, "read")]
)
def test_a_password_of_kafka_is_not_taken_from_a_file_that_can_not_be_used(
    content: str | None, mode: int, why: str, tmp_path: Path
) -> None:
    file = tmp_path / "password"
    if content is not None:
        file.write_text(content, encoding="utf-8")
        file.chmod(mode)
    with pytest.raises(ClusterError, match=f"KAFKA_SASL_PASSWORD_FILE: .*{why}"):
        Cluster.from_environment("kafka.example:9093", {"KAFKA_SASL_PASSWORD_FILE": str(file)})
