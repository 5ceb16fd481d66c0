"""The secrets of the containers: generated once, private, and never changed by running it again."""

import os
import stat
import subprocess
from pathlib import Path

import pytest

from deploy.docker import make_secrets
from libs.events.signing import EventKeys, KeysRefusedError

ROOT = Path(__file__).resolve().parents[2]


def read(directory, name):
    return make_secrets._read(directory / name)


def test_secrets_are_private_kept_and_not_committed(tmp_path):
    paths = make_secrets.write(tmp_path / "new")
    before = {path.name: path.read_bytes() for path in paths}
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in paths)
    assert {path.name: path.read_bytes() for path in make_secrets.write(tmp_path / "new")} == before
    for name in (".enlace/docker/postgres.env", ".enlace/docker/env"):
        assert subprocess.run(["git", "check-ignore", "-q", name], cwd=ROOT, check=False).returncode == 0


def test_what_was_edited_by_hand_stays_as_it_is_and_only_what_is_missing_is_added(tmp_path):
    make_secrets.write(tmp_path)
    generated = read(tmp_path, "referral.env")
    by_hand = (
        "# our cluster\n"
        "OTEL_EXPORTER_OTLP_ENDPOINT=http://collector:4318\n"
        "\n"
        "export ENLACE_REFERRAL_DATABASE_URL = 'postgresql://referral:x@db.example.org:5432/referral'\n"
        "ENLACE_WORKER_SLOT="
    )
    (tmp_path / "referral.env").write_text(by_hand)
    make_secrets.write(tmp_path)
    text = (tmp_path / "referral.env").read_text()
    assert text.startswith(by_hand + "\n")
    added = text[len(by_hand) + 1 :].splitlines()
    assert [line.split("=")[0] for line in added] == [
        "ENLACE_FINGERPRINT_KEY",
        "ENLACE_EVENT_SIGNING_KEY",
        "ENLACE_EVENT_KEYS",
    ]
    assert added[0] != f"ENLACE_FINGERPRINT_KEY={generated['ENLACE_FINGERPRINT_KEY']}"
    make_secrets.write(tmp_path)
    assert (tmp_path / "referral.env").read_text() == text


def test_a_file_that_is_a_link_and_one_with_other_rights_stay_so(tmp_path):
    store, directory = tmp_path / "store", tmp_path / "docker"
    make_secrets.write(directory)
    store.write_text("ENLACE_VAULT_KEY=kept\n")
    store.chmod(0o640)
    (directory / "registration.env").unlink()
    (directory / "registration.env").symlink_to(store)
    make_secrets.write(directory)
    assert (directory / "registration.env").is_symlink()
    assert stat.S_IMODE(store.stat().st_mode) == 0o640
    assert make_secrets._read(store)["ENLACE_VAULT_KEY"] == "kept"


def test_a_lost_file_is_made_again_with_what_the_others_know(tmp_path):
    make_secrets.write(tmp_path)
    before = {name: read(tmp_path, name) for name in ("postgres.env", "issuer.env", "referral.env")}
    for name in ("postgres.env", "issuer.env"):
        (tmp_path / name).unlink()
    make_secrets.write(tmp_path)
    after = {name: read(tmp_path, name) for name in before}
    assert after["postgres.env"]["REFERRAL_PASSWORD"] == before["postgres.env"]["REFERRAL_PASSWORD"]
    assert after["issuer.env"]["ENLACE_CLIENT_SECRET"] == before["issuer.env"]["ENLACE_CLIENT_SECRET"]
    assert after["referral.env"] == before["referral.env"]


def test_a_password_with_signs_that_addresses_need_is_quoted_there(tmp_path):
    (tmp_path / "postgres.env").write_text("REFERRAL_PASSWORD=a/b@c:d\n")
    make_secrets.write(tmp_path)
    assert "referral:a%2Fb%40c%3Ad@postgres" in read(tmp_path, "referral.env")["ENLACE_REFERRAL_DATABASE_URL"]


def test_the_file_for_commands_has_the_published_addresses_and_serves_a_shell(tmp_path):
    make_secrets.write(tmp_path, {"ENLACE_REFERRAL_PORT": "9103"})
    script = '. "$1"; echo "$ENLACE_REFERRAL_URL $ENLACE_TOKEN_URL $KAFKA_BOOTSTRAP_SERVERS"'
    command = ["sh", "-c", script, "sh", str(tmp_path / "env")]
    said = subprocess.run(command, env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, check=True).stdout
    assert said == "http://127.0.0.1:9103 http://127.0.0.1:8100/token 127.0.0.1:19092\n"


def test_every_service_signs_with_a_key_of_its_own_that_all_know(tmp_path):
    make_secrets.write(tmp_path)
    files = {service: read(tmp_path, f"{service}.env") for service in make_secrets.SERVICES}
    assert len({values["ENLACE_EVENT_SIGNING_KEY"] for values in files.values()}) == 4
    for service, values in files.items():
        keys = EventKeys.named(service, private=values["ENLACE_EVENT_SIGNING_KEY"], public=values["ENLACE_EVENT_KEYS"])
        assert keys.keyring.lacks(make_secrets.SERVICES) == []
    assert "ENLACE_EVENT_SIGNING_KEY" not in read(tmp_path, "env")


def test_a_lost_signing_key_is_not_made_up_for_in_silence(tmp_path):
    """The other services' files still name the former key: the service refuses to start and says so."""
    make_secrets.write(tmp_path)
    (tmp_path / "referral.env").unlink()
    make_secrets.write(tmp_path)
    private, public = read(tmp_path, "referral.env")["ENLACE_EVENT_SIGNING_KEY"], read(tmp_path, "notifications.env")
    with pytest.raises(KeysRefusedError, match="lacks the public key with which referral signs"):
        EventKeys.named("referral", private=private, public=public["ENLACE_EVENT_KEYS"])
