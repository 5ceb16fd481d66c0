"""One installation on this machine: its state directory, its ports, and the environment of each process."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from deploy.local.clients import ClientBook
from deploy.local.event_keys import PUBLIC_KEYS, event_keys
from deploy.local.keyring import Keyring, key_32_bytes, write_private
from deploy.local.processes import free_port, is_free
from deploy.local.traces import RECEIVER, ZIPKIN
from libs.chassis.logins import owner_variable
from libs.events.cluster import Cluster

ROOT = Path(__file__).resolve().parents[2]
DEFAULT_STATE = ROOT / ".enlace"
DEFAULT_PACK = ROOT / "deploy" / "packs" / "guatemala"
KAFKA_VARIABLE = "KAFKA_BOOTSTRAP_SERVERS"
NOTIFICATIONS_CLIENT = "notifications-service"


@dataclass(frozen=True)
class ServiceProcess:
    """A service as a local process: its module, and its databases by the variable with their address."""

    name: str
    word: str
    databases: Mapping[str, str]
    module: str

    @property
    def url_variable(self) -> str:
        """The variable with the address of the service."""
        return f"ENLACE_{self.word}_URL"


SERVICES = (
    ServiceProcess(
        "registration",
        "REGISTRATION",
        {
            "ENLACE_REGISTRATION_DATABASE_URL": "registration",
            "ENLACE_REGISTRATION_KEYS_DATABASE_URL": "registration_keys",
        },
        "services.registration.cli",
    ),
    ServiceProcess(
        "provider_directory",
        "DIRECTORY",
        {"ENLACE_DIRECTORY_DATABASE_URL": "provider_directory"},
        "services.provider_directory.cli",
    ),
    ServiceProcess("referral", "REFERRAL", {"ENLACE_REFERRAL_DATABASE_URL": "referral"}, "services.referral.cli"),
    ServiceProcess(
        "notifications",
        "NOTIFICATIONS",
        {"ENLACE_NOTIFICATIONS_DATABASE_URL": "notifications"},
        "services.notifications.cli",
    ),
)
DATABASE_VARIABLES = tuple(variable for service in SERVICES for variable in service.databases)
OWNER_VARIABLES = tuple(owner_variable(variable) for variable in DATABASE_VARIABLES)
"""The variables with the addresses that `migrate` uses. No service gets them."""


def state_beside(state: Path, name: str, pack: Path) -> Path:
    """The state directory of a demo or a simulation in `state`, one for each country pack."""
    return state / (name if pack == DEFAULT_PACK else f"{name}-{pack.name}")


@dataclass(frozen=True)
class Installation:
    """The state directory, the country pack and extra settings; `state` and `pack` are made absolute.

    Every service gets the settings in `extra`, such as the rate of an accelerated clock. `own` contains settings for
    single services by name, such as a login for a Kafka that requires one. `kafka_settings` are settings of the
    embedded Kafka that differ from the usual ones, such as a listener that clients reach through a proxy.
    """

    state: Path = DEFAULT_STATE
    pack: Path = DEFAULT_PACK
    extra: Mapping[str, str] = field(default_factory=dict)
    own: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    kafka_settings: Mapping[str, str] = field(default_factory=dict)
    traces: bool = False
    """Whether Zipkin is started too, so that the traces of the services can be looked at."""
    console: bool = False
    """Whether the console is started too. Tests and measurements of the services run without it."""
    people_token_seconds: int | None = None
    """How long the access token of a person is valid, if it is not the issuer's usual time."""
    services: tuple[ServiceProcess, ...] = SERVICES

    def __post_init__(self) -> None:
        object.__setattr__(self, "state", self.state.resolve())
        object.__setattr__(self, "pack", self.pack.resolve())

    @property
    def keyring(self) -> Keyring:
        """The generated secrets."""
        return Keyring(self.state / "keys.json")

    @property
    def clients(self) -> ClientBook:
        """The clients that can get tokens from the issuer."""
        return ClientBook(pack=self.pack, state=self.state, keyring=self.keyring)

    @property
    def event_keys(self) -> Path:
        """The directory with the keys for signing events."""
        return self.state / "event-keys"

    @property
    def public_event_keys(self) -> Path:
        """The file with all public keys of the event-signing keys."""
        return self.event_keys / PUBLIC_KEYS

    @property
    def lock(self) -> Path:
        """The lock file that the supervisor holds."""
        return self.state / "lock"

    @property
    def env_file(self) -> Path:
        """The dotenv file with the addresses; it exists while the system runs."""
        return self.state / "env"

    def log(self, name: str) -> Path:
        """The log of one process."""
        return self.state / "logs" / f"{name}.log"

    def choose_ports(self) -> dict[str, int]:
        """A port for each process: the port that it had before if this is free, otherwise another one."""
        path = self.state / "ports.json"
        before: dict[str, int] = json.loads(path.read_text()) if path.exists() else {}
        names = [
            "postgres",
            "kafka",
            "kafka-controller",
            "issuer",
            "console",
            *(service.name for service in self.services),
        ]
        names += [ZIPKIN, RECEIVER]
        ports: dict[str, int] = {}
        for name in names:
            port = before.get(name)
            while port is None or port in ports.values() or not is_free(port):
                port = free_port()
            ports[name] = port
        write_private(path, json.dumps(ports, indent=1))
        return ports


def outside_kafka() -> str | None:
    """The address of the Kafka that the environment names; None if the system must start its own."""
    return os.environ.get(KAFKA_VARIABLE) or None


def kafka_of(addresses: Mapping[str, str]) -> Cluster:
    """The Kafka cluster at these addresses, with the connection settings in the environment of this process."""
    return Cluster.from_environment(addresses[KAFKA_VARIABLE], {**os.environ, **addresses})


def outside_databases() -> dict[str, str] | None:
    """The databases that the environment names, by variable; None if the system must start its own PostgreSQL.

    Raises ValueError if the environment names only some of them.
    """
    wanted = {*DATABASE_VARIABLES, *OWNER_VARIABLES}
    named = {name: os.environ[name] for name in wanted if os.environ.get(name)}
    if named and len(named) < len(wanted):
        missing = sorted(wanted - set(named))
        raise ValueError(f"name every database or none; the environment variable is missing: {', '.join(missing)}")
    return named or None


def addresses(ports: Mapping[str, int], *, services: Iterable[ServiceProcess], kafka: str) -> dict[str, str]:
    """The addresses of the services, of the console, of the issuer and of Kafka, by variable."""
    issuer = f"http://127.0.0.1:{ports['issuer']}"
    urls = {service.url_variable: f"http://127.0.0.1:{ports[service.name]}" for service in services}
    return {
        **urls,
        "ENLACE_CONSOLE_URL": f"http://127.0.0.1:{ports['console']}",
        "ENLACE_ISSUER_URL": issuer,
        "ENLACE_TOKEN_URL": f"{issuer}/token",
        "ENLACE_TOKEN_ISSUER": issuer,
        "ENLACE_TOKEN_JWKS_URL": f"{issuer}/jwks",
        KAFKA_VARIABLE: kafka,
        "KAFKA_PLAINTEXT_ALLOWED": "loopback",
    }


def issuer_command(installation: Installation, addresses: Mapping[str, str], *, port: int) -> list[str]:
    """The command that runs the token issuer. The console's address is the only one to which people may be sent."""
    return [
        *(sys.executable, "-m", "deploy.local.issuer", "--port", str(port)),
        *("--issuer", addresses["ENLACE_TOKEN_ISSUER"], "--console-url", addresses["ENLACE_CONSOLE_URL"]),
        *("--state", str(installation.state), "--pack", str(installation.pack)),
        *(("--people-token-seconds", str(seconds)) if (seconds := installation.people_token_seconds) else ()),
    ]


def service_environment(
    installation: Installation, service: ServiceProcess, *, common: Mapping[str, str], databases: Mapping[str, str]
) -> dict[str, str]:
    """The environment of one service: the common settings, its own databases and its own secrets only."""
    keyring = installation.keyring
    others = {*DATABASE_VARIABLES, *OWNER_VARIABLES} - set(service.databases)
    inherited = {name: value for name, value in os.environ.items() if name not in others}
    private = {"ENLACE_FINGERPRINT_KEY": keyring.get(f"fingerprint-{service.name}", key_32_bytes)}
    private |= event_keys(installation.event_keys, service.name, all_of=[one.name for one in SERVICES])
    if service.name == "registration":
        private["ENLACE_VAULT_KEY"] = keyring.get("vault", key_32_bytes)
        private["ENLACE_RESTRICTED_KEY"] = keyring.get("vault-restricted", key_32_bytes)
    if service.name == "notifications":
        private["ENLACE_WEBHOOK_SECRET_KEY"] = keyring.get("webhooks", key_32_bytes)
        private["ENLACE_WEBHOOK_ALLOW_PRIVATE"] = "true"
        private["ENLACE_CLIENT_ID"] = NOTIFICATIONS_CLIENT
        private["ENLACE_CLIENT_SECRET"] = keyring.get(f"client-{NOTIFICATIONS_CLIENT}")
    return {
        **inherited,
        "ENLACE_PACK": str(installation.pack),
        "ENLACE_SPANS_DIRECTORY": str(installation.state / "spans"),
        "ENLACE_WORKER_SLOT": "local",
        "ENLACE_API_DOCS": "open",
        "ENLACE_REVOCATIONS_FILE": str(_revocations(installation.state)),
        "PYTHONUNBUFFERED": "1",
        "ENLACE_SECRETS_FROM_ENVIRONMENT": "true",  # pragma: allowlist secret
        **common,
        **{variable: databases[variable] for variable in service.databases},
        **private,
        **installation.extra,
        **installation.own.get(service.name, {}),
    }


def _revocations(state: Path) -> Path:
    """The file with the installation's list of revoked tokens; an empty list is created if there is none."""
    file = state / "revocations.json"
    if not file.exists():
        write_private(file, "{}\n")
    return file


def dotenv(values: Mapping[str, str]) -> str:
    """The values as lines that a shell and dotenv readers both understand."""
    return "".join(f"{name}={_quoted(value)}\n" for name, value in values.items())


def read_dotenv(lines: Iterable[str]) -> dict[str, str]:
    """The values in lines that `dotenv` has written."""
    pairs = (line.rstrip("\n").partition("=") for line in lines if "=" in line)
    return {name: value[1:-1].replace("'\\''", "'") if value[:1] == "'" else value for name, _, value in pairs}


def _quoted(value: str) -> str:
    plain = value.isascii() and all(character.isalnum() or character in "-_./:@%+,=?&" for character in value)
    return value if plain and "&" not in value else "'" + value.replace("'", "'\\''") + "'"
