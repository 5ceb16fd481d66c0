"""The secrets of the containers: generated once, private, and never changed by running it again."""

import os
import ssl
import stat
import subprocess
from pathlib import Path

import pytest

from deploy.docker import make_secrets
from deploy.docker.certificates import in_lines
from libs.chassis.revocations import revoke
from libs.events.signing import EventKeys, KeysRefusedError

ROOT = Path(__file__).resolve().parents[2]


def read(directory, name):
    return make_secrets._read(directory / name)


def test_secrets_are_private_kept_and_not_committed(tmp_path):
    paths = make_secrets.write(tmp_path / "new")
    before = {path.name: path.read_bytes() for path in paths}
    secret = [path for path in paths if path.parent.name != "shared"]
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in secret)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700
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
        "KAFKA_SASL_USERNAME",
        "KAFKA_SASL_PASSWORD",
        "ENLACE_FINGERPRINT_KEY",
        "ENLACE_EVENT_SIGNING_KEY",
        "ENLACE_EVENT_KEYS",
    ]
    # What another file knows too is the same; what only this one had is new.
    assert added[1] == f"KAFKA_SASL_PASSWORD={generated['KAFKA_SASL_PASSWORD']}"
    assert added[2] != f"ENLACE_FINGERPRINT_KEY={generated['ENLACE_FINGERPRINT_KEY']}"
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


def test_what_containers_share_is_no_secret_and_any_user_of_theirs_may_read_it(tmp_path):
    umask = os.umask(0o077)
    try:
        make_secrets.write(tmp_path / "docker")
    finally:
        os.umask(umask)
    shared = tmp_path / "docker" / "shared"
    assert {path.name for path in shared.iterdir()} == {"kafka-ca.pem", "revocations.json"}
    assert "PRIVATE" not in (shared / "kafka-ca.pem").read_text()
    assert stat.S_IMODE(shared.stat().st_mode) == 0o755
    revoke(shared / "revocations.json", at=1, client="somebody")
    make_secrets.write(tmp_path / "docker")
    assert "somebody" in (shared / "revocations.json").read_text()
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o644 for path in shared.iterdir())


def test_the_brokers_certificate_is_vouched_for_at_every_address_and_by_nobody_else(tmp_path):
    """With OpenSSL's strictest reading, which Python 3.13 asks for; Java reads it in tests/journeys."""
    make_secrets.write(tmp_path / "one")
    make_secrets.write(tmp_path / "other")
    told = read(tmp_path / "one", "kafka.env")
    (tmp_path / "broker.pem").write_text(
        in_lines(told["KAFKA_SSL_KEYSTORE_KEY"]) + in_lines(told["KAFKA_SSL_KEYSTORE_CERTIFICATE_CHAIN"])
    )
    for name, vouched in [("kafka", "one"), ("localhost", "one"), ("127.0.0.1", "one")]:
        assert shake_hands(tmp_path / "broker.pem", tmp_path / vouched / "shared" / "kafka-ca.pem", name) is None
    for name, vouched in [("kafka", "other"), ("kafka.example.org", "one"), ("127.0.0.2", "one")]:
        told_why = shake_hands(tmp_path / "broker.pem", tmp_path / vouched / "shared" / "kafka-ca.pem", name)
        assert "certificate verify failed" in str(told_why)


def shake_hands(broker: Path, ca: Path, name: str) -> ssl.SSLError | None:
    """What keeps a client from believing this broker; None where it does."""
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context(cafile=str(ca))
    server.load_cert_chain(broker)
    client.verify_flags |= ssl.VERIFY_X509_STRICT
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = client.wrap_bio(to_client, to_server, server_hostname=name)
    theirs = server.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(4):
        for side in (ours, theirs):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLError as error:
                return error
    return None


def test_a_lost_file_of_kafkas_is_made_again_and_half_of_a_certificate_is_refused(tmp_path):
    make_secrets.write(tmp_path)
    before = read(tmp_path, "kafka-access.env")
    ca = (tmp_path / "shared" / "kafka-ca.pem").read_text()
    (tmp_path / "shared" / "kafka-ca.pem").unlink()
    (tmp_path / "kafka-access.env").write_text(
        "".join(f"{name}={before[name]}\n" for name in before if name != "REFERRAL_PASSWORD")
    )
    make_secrets.write(tmp_path)
    assert read(tmp_path, "kafka-access.env") == before
    assert (tmp_path / "shared" / "kafka-ca.pem").read_text() == ca
    (tmp_path / "kafka.env").write_text(
        f"KAFKA_SSL_KEYSTORE_KEY={read(tmp_path, 'kafka.env')['KAFKA_SSL_KEYSTORE_KEY']}\n"
    )
    with pytest.raises(SystemExit, match="these three belong together"):
        make_secrets.write(tmp_path)


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
    with pytest.raises(KeysRefusedError, match="does not contain the public key with which referral signs"):
        EventKeys.named("referral", private=private, public=public["ENLACE_EVENT_KEYS"])
