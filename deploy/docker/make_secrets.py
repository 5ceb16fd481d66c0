"""Generates the secrets of a containerised installation, once: `python3 deploy/docker/make_secrets.py`.

Needs only the standard library. It writes one environment file per container into `.enlace/docker/`. Only their owner
can read the files, and they are never committed; each container gets only its own secrets. `.enlace/docker/env` is for
people and commands on this machine: it contains the addresses of the containers.

Existing lines are never changed: a missing variable is added at the end of a file. Edited values, added lines, comments
and their order are kept. If a file is missing, `docker compose` names it.

All containers may read `.enlace/docker/shared/`. It contains no secrets: only the certificate of Kafka's authority and
the list of revoked tokens.
"""

import base64
import json
import os
import re
import secrets
import sys
from collections.abc import Callable, Mapping
from itertools import product
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # needed when a Python without the project's packages runs this file

from deploy.docker.certificates import in_lines, make_identity  # noqa: E402
from deploy.docker.ed25519 import ed25519_public_key  # noqa: E402

DIRECTORY = ROOT / ".enlace" / "docker"
DATABASES = {
    "registration": ("registration", "ENLACE_REGISTRATION_DATABASE_URL"),
    "registration_keys": ("registration", "ENLACE_REGISTRATION_KEYS_DATABASE_URL"),
    "provider_directory": ("provider_directory", "ENLACE_DIRECTORY_DATABASE_URL"),
    "referral": ("referral", "ENLACE_REFERRAL_DATABASE_URL"),
    "notifications": ("notifications", "ENLACE_NOTIFICATIONS_DATABASE_URL"),
}
"""For each database: the file and the variable with its address."""
OWNERS = {
    name: (f"{file}-migrations", variable.replace("_DATABASE_URL", "_OWNER_DATABASE_URL"))
    for name, (file, variable) in DATABASES.items()
}
"""For each database: the file and the variable with the address for its owner. Only the migration job reads it."""
PORTS = {
    "ISSUER": ("ENLACE_ISSUER_PORT", "8100"),
    "REGISTRATION": ("ENLACE_REGISTRATION_PORT", "8101"),
    "DIRECTORY": ("ENLACE_DIRECTORY_PORT", "8102"),
    "REFERRAL": ("ENLACE_REFERRAL_PORT", "8103"),
    "NOTIFICATIONS": ("ENLACE_NOTIFICATIONS_PORT", "8104"),
    "CONSOLE": ("ENLACE_CONSOLE_PORT", "8105"),
    "POSTGRES": ("POSTGRES_PORT", "15432"),
    "KAFKA": ("KAFKA_PORT", "19092"),
}
"""The variables of docker-compose.yml that name published ports, with its defaults."""
VAULT_KEYS = ("ENLACE_VAULT_KEY", "ENLACE_RESTRICTED_KEY")
SERVICES = ("registration", "provider_directory", "referral", "notifications")
KAFKA_USERS = (*SERVICES, "operator", "auditor", "reception-system")
"""All users who have rights on Kafka; the administrator, `admin`, creates them."""
KAFKA_NAMES = ("kafka", "localhost", "127.0.0.1")
"""The names under which containers and this machine reach the broker."""
CLIENT_OF_KAFKA = {"KAFKA_SECURITY_PROTOCOL": "SASL_SSL", "KAFKA_SASL_MECHANISM": "SCRAM-SHA-512"}
AUTHORITY = "kafka-ca.pem"
REVOCATIONS = "revocations.json"
Files = dict[str, dict[str, str]]
_ASSIGNMENT = re.compile(r"\s*(?:export\s+)?([A-Za-z_]\w*)\s*=(.*)")


def password() -> str:
    """A random text of 192 bits that needs no escaping in URLs and environment files."""
    return secrets.token_urlsafe(24)


def key_32_bytes() -> str:
    """A random key of 32 bytes in base64."""
    return base64.b64encode(secrets.token_bytes(32)).decode()


def environment_files(kept: Mapping[str, Mapping[str, str]]) -> Files:
    """The content of each container's file. The values in `kept` do not change."""

    def value(file: str, name: str, make: Callable[[], str]) -> str:
        known = kept.get(file, {}).get(name)
        return make() if known is None else known

    def login_password(login: str, file: str, variable: str) -> str:
        return value("postgres", f"{login.upper()}_PASSWORD", lambda: _password_in(kept.get(file, {}).get(variable)))

    passwords = {name: login_password(name, *where) for name, where in DATABASES.items()}
    passwords |= {f"{name}_owner": login_password(f"{name}_owner", *where) for name, where in OWNERS.items()}
    client_secret = _shared(kept, "ENLACE_CLIENT_SECRET", "issuer", "notifications")
    console_secret = _shared(kept, "ENLACE_CONSOLE_CLIENT_SECRET", "issuer", "console")
    files: Files = {
        "postgres": {
            "POSTGRES_PASSWORD": value("postgres", "POSTGRES_PASSWORD", password),
            **{f"{name.upper()}_PASSWORD": secret for name, secret in passwords.items()},
        },
        "issuer": {
            "ENLACE_CLIENT_SECRET": client_secret,
            "ENLACE_CONSOLE_CLIENT_SECRET": console_secret,
            "ENLACE_ISSUER_KEY": value("issuer", "ENLACE_ISSUER_KEY", password),
        },
        "registration": {name: value("registration", name, key_32_bytes) for name in VAULT_KEYS},
        "console": {"ENLACE_CONSOLE_CLIENT_SECRET": console_secret},
        "provider_directory": {},
        "referral": {},
        "notifications": {
            "ENLACE_WEBHOOK_SECRET_KEY": value("notifications", "ENLACE_WEBHOOK_SECRET_KEY", key_32_bytes),
            "ENLACE_CLIENT_SECRET": client_secret,
        },
    }
    _add_databases(files, passwords)
    _add_kafka(files, kept)
    for service, name in product(SERVICES, ("ENLACE_FINGERPRINT_KEY", "ENLACE_EVENT_SIGNING_KEY")):
        files[service][name] = value(service, name, key_32_bytes)
    for service in SERVICES:
        files[service]["ENLACE_EVENT_KEYS"] = value(service, "ENLACE_EVENT_KEYS", lambda: _public_keys(files))
    return files


def _shared(kept: Mapping[str, Mapping[str, str]], name: str, *files: str) -> str:
    """A secret that several containers have: that in one of their files, otherwise a new one."""
    return next((kept[file][name] for file in files if name in kept.get(file, {})), None) or password()


def _add_databases(files: Files, passwords: Mapping[str, str]) -> None:
    """Add the address of each database: with the service's own login, and with the login that owns the database."""
    for name, (file, variable) in DATABASES.items():
        files[file][variable] = _database_url(name, passwords[name], "postgres:5432", name)
    for name, (file, variable) in OWNERS.items():
        owner = f"{name}_owner"
        files.setdefault(file, {})[variable] = _database_url(owner, passwords[owner], "postgres:5432", name)


def _add_kafka(files: Files, kept: Mapping[str, Mapping[str, str]]) -> None:
    """Add the broker's certificate, and the passwords of its administrator and of each user.

    A service gets only its own password.
    """
    known = kept.get("kafka-access", {})
    passwords = {
        user: known.get(_password_of(user)) or kept.get(user, {}).get("KAFKA_SASL_PASSWORD") or password()
        for user in KAFKA_USERS
    }
    admin = known.get("KAFKA_SASL_PASSWORD") or password()
    login = f'org.apache.kafka.common.security.plain.PlainLoginModule required username="admin" password="{admin}"'
    made = {
        f"KAFKA_LISTENER_NAME_{listener}_PLAIN_SASL_JAAS_CONFIG": f'{login} user_admin="{admin}";'
        for listener in ("CLIENTS", "CONTROLLER")
    }
    parts = ("KAFKA_SSL_KEYSTORE_KEY", "KAFKA_SSL_KEYSTORE_CERTIFICATE_CHAIN", "KAFKA_SSL_TRUSTSTORE_CERTIFICATES")
    identity = make_identity(KAFKA_NAMES)
    of_the_broker = kept.get("kafka", {})
    missing = [part for part in parts if part not in of_the_broker]
    if missing == list(parts):
        made |= dict(zip(parts, (identity.key, identity.certificate, identity.authority), strict=True))
    elif missing:
        sys.exit(f"kafka.env lacks {', '.join(missing)}: these three belong together; take out the rest for new ones")
    files["kafka"] = made | dict(of_the_broker)
    files["kafka-access"] = {
        "KAFKA_SASL_USERNAME": "admin",
        "KAFKA_SASL_PASSWORD": admin,
        **{_password_of(user): secret for user, secret in passwords.items()},
    }
    for service in SERVICES:
        files[service] |= {"KAFKA_SASL_USERNAME": service, "KAFKA_SASL_PASSWORD": passwords[service]}


def _password_of(user: str) -> str:
    """The variable with the password of a user of Kafka, for the job that sets it."""
    return f"{user.upper().replace('-', '_')}_PASSWORD"


def _public_keys(files: Files) -> str:
    """The public keys of the services' signing keys (JWK Set)."""
    return json.dumps({"keys": [_public(service, files[service]["ENLACE_EVENT_SIGNING_KEY"]) for service in SERVICES]})


def _public(service: str, private: str) -> dict[str, str]:
    """The public key of a service's signing key, in the form that others get (JWK)."""
    key = base64.urlsafe_b64encode(ed25519_public_key(base64.b64decode(private))).decode().rstrip("=")
    return {"kty": "OKP", "crv": "Ed25519", "x": key, "service": service, "use": "sig", "alg": "Ed25519"}


def addresses(files: Files, ports: Mapping[str, str], shared: Path) -> dict[str, str]:
    """The content of `.enlace/docker/env`: the variables with which a shell on this machine reaches the containers."""
    at = {name: ports.get(variable, default) for name, (variable, default) in PORTS.items()}
    services = ("REGISTRATION", "DIRECTORY", "REFERRAL", "NOTIFICATIONS")
    issuer = f"http://127.0.0.1:{at['ISSUER']}"
    return {
        "ENLACE_ISSUER_URL": issuer,
        "ENLACE_TOKEN_URL": f"{issuer}/token",
        **{f"ENLACE_{process}_URL": f"http://127.0.0.1:{at[process]}" for process in (*services, "CONSOLE")},
        "KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{at['KAFKA']}",
        **CLIENT_OF_KAFKA,
        "KAFKA_SSL_CAFILE": str(shared / AUTHORITY),
        "KAFKA_SASL_USERNAME": "operator",
        "KAFKA_SASL_PASSWORD": files["kafka-access"]["OPERATOR_PASSWORD"],
        # Arrivals are sent, and audit seals are read, by other users than `operator`.
        "KAFKA_RECEPTION_PASSWORD": files["kafka-access"]["RECEPTION_SYSTEM_PASSWORD"],
        "KAFKA_AUDITOR_PASSWORD": files["kafka-access"]["AUDITOR_PASSWORD"],
        "ENLACE_REVOCATIONS_FILE": str(shared / REVOCATIONS),
        **{
            variable: _database_url(
                name, files["postgres"][f"{name.upper()}_PASSWORD"], f"127.0.0.1:{at['POSTGRES']}", name
            )
            for name, (_, variable) in DATABASES.items()
        },
        # For a container, 127.0.0.1 is the container itself. This is the name by which it reaches this machine.
        "ENLACE_RECEIVER_HOST": "host.docker.internal",
        "ENLACE_RECEIVER_LISTENS": "0.0.0.0",  # noqa: S104 - the containers are on another network
        "ENLACE_ISSUER_KEY": files["issuer"]["ENLACE_ISSUER_KEY"],
        # For `python -m libs.events replay`. The value is quoted, because a shell reads this file.
        "ENLACE_EVENT_KEYS": f"'{files['referral']['ENLACE_EVENT_KEYS']}'",
    }


def write(directory: Path, ports: Mapping[str, str] = os.environ) -> list[Path]:
    """Add missing variables to the files in `directory`; returns the paths of all files."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    kept = {path.stem: _read(path) for path in directory.glob("*.env")}
    files = environment_files(kept)
    whole = {name: {**values, **kept.get(name, {})} for name, values in files.items()}
    paths = {directory / f"{name}.env": values for name, values in files.items()}
    shared = directory / "shared"
    paths[directory / "env"] = addresses(whole, ports, shared.resolve())
    for path, values in paths.items():
        _add(path, values)
    return [*paths, *_share(shared, whole["kafka"]["KAFKA_SSL_TRUSTSTORE_CERTIFICATES"])]


def _share(directory: Path, authority: str) -> list[Path]:
    """Write the files that any user of a container may read.

    Other users of this machine cannot read them, because they cannot enter the directory above.
    """
    directory.mkdir(exist_ok=True)
    directory.chmod(0o755)
    certificate, revocations = directory / AUTHORITY, directory / REVOCATIONS
    if not certificate.exists() or certificate.read_text(encoding="utf-8") != in_lines(authority):
        certificate.write_text(in_lines(authority), encoding="utf-8")
    if not revocations.exists():
        revocations.write_text("{}\n", encoding="utf-8")
    for path in (certificate, revocations):
        path.chmod(0o644)
    return [certificate, revocations]


def _database_url(login: str, secret: str, host: str, database: str) -> str:
    return f"postgresql://{login}:{quote(secret, safe='')}@{host}/{database}"


def _password_in(url: str | None) -> str:
    """The password in an existing address, otherwise a new one.

    It is needed if the file of a service has the address, but the file of PostgreSQL has no password.
    """
    return unquote(urlsplit(url or "").password or "") or password()


def _add(path: Path, values: Mapping[str, str]) -> None:
    """Add the missing variables to the file. Everything else in it stays unchanged."""
    path = path.resolve()  # so that a link to a store of secrets stays a link
    there = path.read_bytes() if path.exists() else b""
    known = _read(path) if there else {}
    missing = [f"{name}={value}\n" for name, value in values.items() if name not in known]
    if not missing:
        return
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o600
    gap = b"" if not there or there.endswith(b"\n") else b"\n"
    draft = path.with_name(f"{path.name}.{os.getpid()}.new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(there + gap + "".join(missing).encode())
    draft.chmod(mode)
    draft.replace(path)


def _read(path: Path) -> dict[str, str]:
    """The variables in a file. If a name occurs twice, the last value counts, as for Docker."""
    found = (_ASSIGNMENT.fullmatch(line) for line in path.read_text(encoding="utf-8-sig").splitlines())
    return {match[1]: _unquoted(match[2].strip()) for match in found if match}


def _unquoted(value: str) -> str:
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"" else value


if __name__ == "__main__":
    for path in write(DIRECTORY):
        sys.stdout.write(f"{path.relative_to(ROOT)}\n")
