"""Operators reach a service's database by the line that the service itself asks for. Seen to fail without the check."""

import pytest
from typer.testing import CliRunner

from libs.events.__main__ import cli

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
