"""Secrets come in files; outside of one's own machine in no other way. Seen to fail without the check of databases."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from libs.chassis.secret_files import SettingRefused, variable_of
from services.notifications.settings import NotificationsSettings
from services.provider_directory.settings import DirectorySettings
from services.referral.settings import ReadModelSettings
from services.referral.settings import Settings as ReferralSettings
from services.registration.settings import Settings as RegistrationSettings

HERE = "postgresql://notifications:a-password@127.0.0.1/notifications"  # pragma: allowlist secret
ELSEWHERE = (
    "postgresql://notifications:a-password@db.example/notifications?sslmode=verify-full"  # pragma: allowlist secret
)
WITHOUT_PASSWORD = "postgresql://notifications@db.example/notifications?sslmode=verify-full"  # pragma: allowlist secret
ALWAYS = {
    "KAFKA_BOOTSTRAP_SERVERS": "kafka.example:9093",
    "ENLACE_TOKEN_ISSUER": "https://issuer.example",
    "ENLACE_TOKEN_JWKS_URL": "https://issuer.example/jwks",
}
SECRETS = {
    "ENLACE_NOTIFICATIONS_DATABASE_URL": ELSEWHERE,
    "ENLACE_FINGERPRINT_KEY": "a-key-for-fingerprints",
    "ENLACE_WEBHOOK_SECRET_KEY": "A" * 43 + "=",
}
KINDS = (RegistrationSettings, DirectorySettings, ReferralSettings, NotificationsSettings)


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in KINDS:
        for field in kind.model_fields.values():
            if isinstance(field.validation_alias, str):
                monkeypatch.delenv(field.validation_alias, raising=False)
                monkeypatch.delenv(f"{field.validation_alias}_FILE", raising=False)
    for name, value in ALWAYS.items():
        monkeypatch.setenv(name, value)


def settings() -> NotificationsSettings:
    return NotificationsSettings()  # type: ignore[call-arg]


def in_files(directory: Path, patch: pytest.MonkeyPatch) -> None:
    for name, value in SECRETS.items():
        (directory / name).write_text(f"{value}\n")
        (directory / name).chmod(0o400)
        patch.setenv(f"{name}_FILE", str(directory / name))


def test_every_secret_of_a_service_may_come_in_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    in_files(tmp_path, monkeypatch)
    read = settings()
    assert read.database_url == ELSEWHERE
    assert read.fingerprint_key.get_secret_value() == SECRETS["ENLACE_FINGERPRINT_KEY"]
    assert read.webhook_secret_key.get_secret_value() == SECRETS["ENLACE_WEBHOOK_SECRET_KEY"]


@pytest.mark.parametrize("kind", KINDS)
def test_no_secret_is_left_out(kind: type[NotificationsSettings]) -> None:
    """A setting that holds a secret is known as one by its type or its name; a new one is without being named."""
    for name, field in kind.model_fields.items():
        is_public = field.annotation is int or name.endswith(("_file", "_from_environment", "event_keys"))
        if any(word in name for word in ("key", "password", "secret", "database_url")) and not is_public:
            assert variable_of(name, field), name


@pytest.mark.parametrize("name", sorted(SECRETS))
def test_where_a_database_is_elsewhere_a_secret_in_the_environment_is_refused(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_files(tmp_path, monkeypatch)
    monkeypatch.delenv(f"{name}_FILE")
    monkeypatch.setenv(name, SECRETS[name])
    with pytest.raises(ValidationError, match=f"{name}: a secret must be in a file") as told:
        settings()
    assert SECRETS[name] not in str(told.value)
    monkeypatch.setenv("ENLACE_SECRETS_FROM_ENVIRONMENT", "true")
    assert settings()


def test_on_ones_own_machine_and_for_an_address_without_a_password_the_environment_will_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_files(tmp_path, monkeypatch)
    monkeypatch.delenv("ENLACE_NOTIFICATIONS_DATABASE_URL_FILE")
    monkeypatch.setenv("ENLACE_NOTIFICATIONS_DATABASE_URL", WITHOUT_PASSWORD)
    assert settings().database_url == WITHOUT_PASSWORD
    for name, value in SECRETS.items():
        monkeypatch.delenv(f"{name}_FILE", raising=False)
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("ENLACE_NOTIFICATIONS_DATABASE_URL", HERE)
    assert settings()


def test_what_makes_a_read_model_again_reaches_its_database_by_the_same_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENLACE_PACK", "deploy/packs/guatemala")
    monkeypatch.setenv("ENLACE_REFERRAL_DATABASE_URL", "postgresql://referral@db.example/referral")
    with pytest.raises(ValidationError, match="verify-full"):
        ReadModelSettings()  # type: ignore[call-arg]
    monkeypatch.setenv("ENLACE_REFERRAL_DATABASE_URL", ELSEWHERE)
    with pytest.raises(ValidationError, match="a secret must be in a file"):
        ReadModelSettings()  # type: ignore[call-arg]


def test_a_secret_that_is_given_twice_or_in_a_file_that_everybody_may_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_files(tmp_path, monkeypatch)
    monkeypatch.setenv("ENLACE_FINGERPRINT_KEY", "another-key-of-some-length")
    with pytest.raises(SettingRefused, match="not both"):
        settings()
    monkeypatch.delenv("ENLACE_FINGERPRINT_KEY")
    (tmp_path / "ENLACE_FINGERPRINT_KEY").chmod(0o444)
    with pytest.raises(SettingRefused, match="everybody can read the file"):
        settings()


def test_the_password_of_kafka_comes_in_such_a_file_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    in_files(tmp_path, monkeypatch)
    password = tmp_path / "password"
    password.write_text("a-password-of-kafka\n", encoding="utf-8")
    monkeypatch.setenv("KAFKA_SASL_PASSWORD_FILE", str(password))
    password.chmod(0o400)
    assert settings().kafka_access()["password"] == "a-password-of-kafka"  # pragma: allowlist secret
    password.chmod(0o444)
    with pytest.raises(SettingRefused, match="everybody can read the file"):
        settings().kafka_access()
