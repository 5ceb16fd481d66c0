"""Generates the secrets of a containerised installation, once: `python3 deploy/docker/make_secrets.py`.

Needs nothing but Python. Writes one environment file per container into `.enlace/docker/`, readable by their owner
only and never committed; each container sees its own secrets and nobody else's. What is there is kept, so running it
again changes nothing. Without these files `docker compose` names the one that it misses.
"""

import base64
import os
import secrets
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DIRECTORY = ROOT / ".enlace" / "docker"
DATABASES = ("registration", "registration_keys", "provider_directory", "referral", "notifications")


def password() -> str:
    """A random text of 192 bits that needs no escaping in URLs and environment files."""
    return secrets.token_urlsafe(24)


def key_32_bytes() -> str:
    """A random key of 32 bytes in base64."""
    return base64.b64encode(secrets.token_bytes(32)).decode()


def environment_files(kept: dict[str, dict[str, str]]) -> dict[str, dict[str, str]]:
    """What each container's file holds; values that are `kept` stay as they are."""

    def value(file: str, name: str, make: Callable[[], str]) -> str:
        return kept.get(file, {}).get(name) or make()

    passwords = {name: value("postgres", f"{name.upper()}_PASSWORD", password) for name in DATABASES}
    urls = {name: f"postgresql://{name}:{secret}@postgres:5432/{name}" for name, secret in passwords.items()}
    client_secret = value("issuer", "ENLACE_CLIENT_SECRET", password)
    files = {
        "postgres": {
            "POSTGRES_PASSWORD": value("postgres", "POSTGRES_PASSWORD", password),
            **{f"{name.upper()}_PASSWORD": secret for name, secret in passwords.items()},
        },
        "issuer": {"ENLACE_CLIENT_SECRET": client_secret},
        "registration": {
            "ENLACE_REGISTRATION_DATABASE_URL": urls["registration"],
            "ENLACE_REGISTRATION_KEYS_DATABASE_URL": urls["registration_keys"],
            "ENLACE_VAULT_KEY": value("registration", "ENLACE_VAULT_KEY", key_32_bytes),
        },
        "provider_directory": {"ENLACE_DIRECTORY_DATABASE_URL": urls["provider_directory"]},
        "referral": {"ENLACE_REFERRAL_DATABASE_URL": urls["referral"]},
        "notifications": {
            "ENLACE_NOTIFICATIONS_DATABASE_URL": urls["notifications"],
            "ENLACE_WEBHOOK_SECRET_KEY": value("notifications", "ENLACE_WEBHOOK_SECRET_KEY", key_32_bytes),
            "ENLACE_CLIENT_SECRET": client_secret,
        },
    }
    for service in ("registration", "provider_directory", "referral", "notifications"):
        files[service]["ENLACE_FINGERPRINT_KEY"] = value(service, "ENLACE_FINGERPRINT_KEY", key_32_bytes)
    return files


def write(directory: Path) -> list[Path]:
    """Write every file into `directory`, keeping the values that are there; the paths written."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    kept = {path.stem: _read(path) for path in directory.glob("*.env")}
    written = []
    for name, values in environment_files(kept).items():
        path = directory / f"{name}.env"
        draft = path.with_suffix(f".{os.getpid()}.new")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.writelines(f"{variable}={value}\n" for variable, value in values.items())
        draft.replace(path)
        written.append(path)
    return written


def _read(path: Path) -> dict[str, str]:
    lines = (line.partition("=") for line in path.read_text(encoding="utf-8").splitlines() if "=" in line)
    return {name: value for name, _, value in lines}


if __name__ == "__main__":
    for path in write(DIRECTORY):
        sys.stdout.write(f"{path.relative_to(ROOT)}\n")
