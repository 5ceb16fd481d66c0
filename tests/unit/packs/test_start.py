"""A service does not start with a faulty pack: it ends at once, and its log names file, line and key."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
SETTINGS = {
    "ENLACE_REFERRAL_DATABASE_URL": "postgresql://nobody@127.0.0.1:9/referral",
    "ENLACE_REGISTRATION_DATABASE_URL": "postgresql://nobody@127.0.0.1:9/registration",
    "ENLACE_REGISTRATION_KEYS_DATABASE_URL": "postgresql://nobody@127.0.0.1:9/keys",
    "ENLACE_DIRECTORY_DATABASE_URL": "postgresql://nobody@127.0.0.1:9/directory",
    "ENLACE_VAULT_KEY": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",  # pragma: allowlist secret
    "ENLACE_RESTRICTED_KEY": "HxITFBUWFxgZGhscHR4fAAECAwQFBgcICQoLDA0ODxA=",  # pragma: allowlist secret
    "ENLACE_FINGERPRINT_KEY": "a-fingerprint-key-for-tests",  # pragma: allowlist secret
    "ENLACE_TOKEN_ISSUER": "http://127.0.0.1:9",
    "ENLACE_TOKEN_JWKS_URL": "http://127.0.0.1:9/jwks",
    "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9",
    "KAFKA_PLAINTEXT_ALLOWED": "loopback",
}


@pytest.mark.parametrize(
    ("service", "name"),
    [("referral", "routing.yaml"), ("registration", "reception.yaml"), ("provider_directory", "declarations.yaml")],
)
def test_a_service_with_a_faulty_pack_names_the_line_and_ends(tmp_path: Path, service: str, name: str) -> None:
    pack = Path(shutil.copytree(ROOT / "deploy" / "packs" / "guatemala", tmp_path / "pack"))
    (pack / name).write_text("colour: red\n" + (pack / name).read_text(encoding="utf-8"), encoding="utf-8")
    run = subprocess.run(
        [sys.executable, "-m", f"services.{service}.cli", "serve", "--port", "0"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **SETTINGS, "ENLACE_PACK": str(pack)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 2, run.stderr
    told = json.loads((run.stdout + run.stderr).splitlines()[-1])
    assert told["event"] == "settings.refused"
    assert told["settings"] == {f"{name}:1: colour": "Extra inputs are not permitted"}
