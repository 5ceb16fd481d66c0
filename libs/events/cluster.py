"""Where Kafka is, and how it is spoken to: in clear or encrypted, without a name or with a name and a password.

In clear only with one's own machine, and only where a setting says so. Brokers that a cluster tells of later are held
to the same: a connection in clear to another machine is never opened, whatever was asked for.
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
    """What connections are like; the names are Kafka's own."""

    PLAINTEXT = "PLAINTEXT"
    SSL = "SSL"
    SASL_PLAINTEXT = "SASL_PLAINTEXT"
    SASL_SSL = "SASL_SSL"

    @property
    def encrypted(self) -> bool:
        """Whether nobody on the way can read along."""
        return self in (SecurityProtocol.SSL, SecurityProtocol.SASL_SSL)

    @property
    def named(self) -> bool:
        """Whether the client tells who it is."""
        return self in (SecurityProtocol.SASL_PLAINTEXT, SecurityProtocol.SASL_SSL)


class SaslMechanism(StrEnum):
    """How a name is proven."""

    PLAIN = "PLAIN"
    SCRAM_SHA_256 = "SCRAM-SHA-256"
    SCRAM_SHA_512 = "SCRAM-SHA-512"


class Plaintext(StrEnum):
    """With whom Kafka may be spoken to in clear (`KAFKA_PLAINTEXT_ALLOWED`)."""

    LOOPBACK = "loopback"
    """Addresses of the loopback interface."""


class ClusterError(ValueError):
    """The settings don't go together; the text says which, and never their values."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.refused_settings = {"KAFKA_SECURITY_PROTOCOL": why}


@dataclass(frozen=True, slots=True)
class Cluster:
    """A Kafka cluster as every client of ours reaches it.

    `servers` are `host:port`, separated by commas. `ca_file` holds the certificates of those who may vouch for the
    brokers; without one the system's are trusted. `ClusterError` if the parts don't go together.
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
        """The cluster at these servers, spoken to in clear; or the cluster itself."""
        return servers if isinstance(servers, Cluster) else cls(servers)

    @classmethod
    def from_environment(cls, servers: str, environment: Mapping[str, str]) -> "Cluster":
        """The cluster at these servers, with what variables named `KAFKA_...` say about reaching it.

        `ClusterError` also where the password's file can't be used.
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
        """The same from texts, each of which may be absent. Without `plaintext` nothing may be said in clear."""
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
        """What `error` says of the way to the brokers, in one sentence; None if it is about something else.

        aiokafka doesn't tell a refused password from a broker that is away, except in its log.
        """
        if not isinstance(error, KafkaConnectionError):
            return None
        refused = ", or does not accept this service's name and password" if self.protocol.named else ""
        return f"Kafka can't be reached{refused}"

    def options(self) -> dict[str, Any]:
        """What every client of aiokafka is made with."""
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
    """aiokafka's own, for every client of this process: in clear to nobody but those who may hear it.

    The cluster itself tells clients where its brokers are. One that answers on the loopback interface and names a
    broker elsewhere would else be believed.
    """
    is_clear = not SecurityProtocol(security_protocol).encrypted
    if is_clear and not _is_loopback(host):
        raise KafkaConnectionError("connections to a broker on another machine must be encrypted")
    return await _create_conn(host, port, security_protocol=security_protocol, **options)


_clients: Any = aiokafka.client
_create_conn = _clients.create_conn
_clients.create_conn = _connect
