"""Where Kafka is, and how clients connect to it: unencrypted or encrypted, without or with a user name and password.

Unencrypted connections are possible only to the same machine, and only if a setting allows them. The same rule applies
to brokers whose addresses the cluster names later: no client opens an unencrypted connection to another machine,
whatever its settings are.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import ip_address
from pathlib import Path
from typing import Any, TypeVar

import aiokafka.client
from aiokafka.errors import KafkaConnectionError
from aiokafka.helpers import create_ssl_context

from libs.wire.secret_file import read_secret

T = TypeVar("T", bound=StrEnum)


class SecurityProtocol(StrEnum):
    """The security protocol of connections. The names are Kafka's own."""

    PLAINTEXT = "PLAINTEXT"
    SSL = "SSL"
    SASL_PLAINTEXT = "SASL_PLAINTEXT"
    SASL_SSL = "SASL_SSL"

    @property
    def encrypted(self) -> bool:
        """Whether connections are encrypted, so that nobody on the network can read them."""
        return self in (SecurityProtocol.SSL, SecurityProtocol.SASL_SSL)

    @property
    def named(self) -> bool:
        """Whether the client logs in with a user name."""
        return self in (SecurityProtocol.SASL_PLAINTEXT, SecurityProtocol.SASL_SSL)


class SaslMechanism(StrEnum):
    """How a client proves its user name."""

    PLAIN = "PLAIN"
    SCRAM_SHA_256 = "SCRAM-SHA-256"
    SCRAM_SHA_512 = "SCRAM-SHA-512"


class Plaintext(StrEnum):
    """To which brokers a connection may be unencrypted (`KAFKA_PLAINTEXT_ALLOWED`)."""

    LOOPBACK = "loopback"
    """Addresses of the loopback interface."""


class ClusterError(ValueError):
    """The settings do not fit together, or cannot be used. The text names them."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.refused_settings = {"KAFKA_SECURITY_PROTOCOL": why}


@dataclass(frozen=True, slots=True)
class Cluster:
    """A Kafka cluster, with the settings with which every client connects to it.

    `servers` are `host:port`, separated by commas. `ca_file` contains the certificates of the authorities that sign the
    brokers' certificates; without it, the authorities of the system are trusted. `ClusterError` if the settings do not
    fit together.
    """

    servers: str
    protocol: SecurityProtocol = SecurityProtocol.PLAINTEXT
    mechanism: SaslMechanism = SaslMechanism.PLAIN
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: Path | None = None

    def __post_init__(self) -> None:
        if not self.protocol.encrypted:
            for host in self.hosts:
                if not _is_loopback(host):
                    raise ClusterError(
                        f"{self.protocol} is not encrypted, and the broker is on another machine: use SASL_SSL"
                        " (KAFKA_SECURITY_PROTOCOL)"
                    )
        if self.protocol.named and not (self.username and self.password):
            raise ClusterError(f"{self.protocol} needs a user name and a password")
        if not self.protocol.named and (self.username or self.password):
            raise ClusterError(f"a user name or password cannot be used with {self.protocol}")
        if self.ca_file is not None and not self.protocol.encrypted:
            raise ClusterError(f"a file of certificates cannot be used with {self.protocol}")

    @classmethod
    def of(cls, servers: "str | Cluster") -> "Cluster":
        """The cluster at these servers, with unencrypted connections; or the given cluster itself."""
        return servers if isinstance(servers, Cluster) else cls(servers)

    @classmethod
    def from_environment(cls, servers: str, environment: Mapping[str, str]) -> "Cluster":
        """The cluster at these servers, with the settings from the variables named `KAFKA_...`.

        `ClusterError` also if the file with the password cannot be used.
        """
        values = {name: value for name, value in environment.items() if name.startswith("KAFKA_") and value}
        password = values.get("KAFKA_SASL_PASSWORD")
        if password is None and (file := values.get("KAFKA_SASL_PASSWORD_FILE")):
            password = _password(Path(file))
        return cls.named(
            servers,
            protocol=values.get("KAFKA_SECURITY_PROTOCOL"),
            mechanism=values.get("KAFKA_SASL_MECHANISM"),
            username=values.get("KAFKA_SASL_USERNAME"),
            password=password,
            ca_file=values.get("KAFKA_SSL_CAFILE"),
            plaintext=values.get("KAFKA_PLAINTEXT_ALLOWED"),
        )

    @classmethod
    def named(
        cls,
        servers: str,
        *,
        protocol: str | None = None,
        mechanism: str | None = None,
        username: str | None = None,
        password: str | None = None,
        ca_file: str | Path | None = None,
        plaintext: str | None = None,
    ) -> "Cluster":
        """The cluster from texts, each of which may be absent. Without `plaintext`, connections must be encrypted."""
        spoken = _one_of(SecurityProtocol, protocol or SecurityProtocol.PLAINTEXT)
        if not spoken.encrypted and plaintext is None:
            raise ClusterError(
                f"{spoken} is not encrypted: use SASL_SSL (KAFKA_SECURITY_PROTOCOL), or on a laptop"
                " KAFKA_PLAINTEXT_ALLOWED=loopback"
            )
        _one_of(Plaintext, plaintext or Plaintext.LOOPBACK)
        return cls(
            servers,
            protocol=spoken,
            mechanism=_one_of(SaslMechanism, mechanism or SaslMechanism.PLAIN),
            username=username,
            password=password,
            ca_file=None if ca_file is None else Path(ca_file),
        )

    @property
    def hosts(self) -> list[str]:
        """The hosts of the servers."""
        return [server.strip().rpartition(":")[0].strip("[]") for server in self.servers.split(",") if server.strip()]

    def told(self, error: Exception) -> str | None:
        """One sentence about `error` if it is an error of the connection to the brokers; None for other errors.

        The errors of aiokafka do not distinguish a refused password from an unavailable broker; only its log does.
        """
        if not isinstance(error, KafkaConnectionError):
            return None
        refused = ", or does not accept this service's name and password" if self.protocol.named else ""
        return f"Kafka can't be reached{refused}"

    def options(self) -> dict[str, Any]:
        """The arguments with which every client of aiokafka is created."""
        options: dict[str, Any] = {"bootstrap_servers": self.servers, "security_protocol": str(self.protocol)}
        if self.protocol.encrypted:
            options["ssl_context"] = create_ssl_context(cafile=None if self.ca_file is None else str(self.ca_file))
        if self.protocol.named:
            options["sasl_mechanism"] = str(self.mechanism)
            options["sasl_plain_username"] = self.username
            options["sasl_plain_password"] = self.password
        return options


def _password(file: Path) -> str:
    try:
        return read_secret(file)
    except ValueError as error:
        raise ClusterError(f"KAFKA_SASL_PASSWORD_FILE: {error}") from None


def _one_of(names: type[T], value: str) -> T:
    try:
        return names(value)
    except ValueError:
        raise ClusterError(f"{value} is none of {', '.join(names)}") from None


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


async def _connect(host: str, port: int, *, security_protocol: str = "PLAINTEXT", **options: Any) -> Any:
    """Replaces the function of aiokafka for every client of this process: refuses unencrypted connections to others.

    The cluster itself tells clients the addresses of its brokers. Without this check, a client would connect
    unencrypted to another machine if a broker on the loopback interface named a broker there.
    """
    is_clear = not SecurityProtocol(security_protocol).encrypted
    if is_clear and not _is_loopback(host):
        raise KafkaConnectionError("connections to a broker on another machine must be encrypted")
    return await _create_conn(host, port, security_protocol=security_protocol, **options)


_clients: Any = aiokafka.client
_create_conn = _clients.create_conn
_clients.create_conn = _connect
