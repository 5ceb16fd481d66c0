"""The settings that every service reads from its environment; each service's `settings.py` extends them.

Addresses and secrets have no default: a service without one of them refuses to start and names the variable.
"""

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from libs.chassis.clock import Clock, Timekeeper
from libs.chassis.http_settings import HttpSettings
from libs.chassis.paced_clock import PacedClock
from libs.chassis.seal_keys import SealKeys, SealKeysError, derived_key, seal_keys
from libs.chassis.secret_files import SecretFiles, SettingRefused, from_environment_alone, secret_of_file
from libs.wire.database_lines import check_line, is_on_this_machine, is_this_machine


class Role(StrEnum):
    """The work of a process of a service; `all` does everything in one process."""

    ALL = "all"
    API = "api"
    WORKER = "worker"
    RELAY = "relay"

    def covers(self, other: "Role") -> bool:
        """Whether a process of this role does work of role `other`; work of role `all` is done by every process."""
        return Role.ALL in (self, other) or self is other


def audit_keys(key: SecretStr | None, key_file: Path | None, fingerprint_key: SecretStr) -> SealKeys:
    """The keys of the record's seals, from the setting or the file; otherwise a derived key. `SettingRefused` if the
    file cannot be used."""
    if key is not None:
        return seal_keys(key.get_secret_value())
    if key_file is not None:
        variable = "ENLACE_AUDIT_KEY_FILE"
        try:
            return seal_keys(secret_of_file(key_file, variable=variable))
        except SealKeysError as error:
            raise SettingRefused({variable: str(error)}) from None
    return (derived_key(fingerprint_key.get_secret_value()),)


class DatabaseSettings(BaseSettings):
    """Where databases are, and where secrets come from: files (`X_FILE` for `X`) or, on a laptop, the environment."""

    model_config = SettingsConfigDict(
        extra="ignore", frozen=True, hide_input_in_errors=True, validate_by_name=True, validate_by_alias=True
    )

    database_tls: Literal["required", "off"] = Field(default="required", validation_alias="ENLACE_DATABASE_TLS")
    """`required`: a database on another machine must prove its name by a certificate (`?sslmode=verify-full`). `off`:
    only for a network without other machines, such as that of containers on one machine."""
    secrets_from_environment: bool = Field(default=False, validation_alias="ENLACE_SECRETS_FROM_ENVIRONMENT")
    """Allows secrets in the environment, which everybody who can inspect the process can read: only for a laptop."""

    @classmethod
    def settings_customise_sources(  # type: ignore[override]
        cls, settings_cls: type[BaseSettings], init_settings: Any, env_settings: Any, **_: Any
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, the environment, and the files that it names for secrets (`X_FILE` for `X`)."""
        return init_settings, env_settings, SecretFiles(settings_cls)

    @model_validator(mode="after")
    def _tells_nobody_on_the_way(self) -> "DatabaseSettings":
        for name, value in self:
            if name.endswith("database_url"):
                check_line(value, tls=self.database_tls)
        return self

    @model_validator(mode="after")
    def _has_its_secrets_from_files(self) -> "DatabaseSettings":
        here = all(is_on_this_machine(value) for name, value in self if name.endswith("database_url"))
        if not (here or self.secrets_from_environment) and (given := from_environment_alone(type(self))):
            raise ValueError(
                f"{', '.join(given)}: a secret must be in a file (the name with _FILE) if a database is on another"
                " machine; ENLACE_SECRETS_FROM_ENVIRONMENT=true allows it in the environment"
            )
        return self


class AuditSettings(DatabaseSettings):
    """Settings for checking a service's record of access, in addition to its database."""

    audit_key: SecretStr | None = Field(default=None, validation_alias="ENLACE_AUDIT_KEY", min_length=16)
    audit_key_file: Path | None = Field(default=None, validation_alias="ENLACE_AUDIT_KEY_FILE")
    fingerprint_key: SecretStr | None = Field(default=None, validation_alias="ENLACE_FINGERPRINT_KEY", min_length=16)

    def audit_keys(self) -> SealKeys | None:
        """The keys of the seals; None if neither they nor the key for the derivation are given."""
        if self.audit_key is None and self.audit_key_file is None and self.fingerprint_key is None:
            return None
        return audit_keys(self.audit_key, self.audit_key_file, self.fingerprint_key or SecretStr(""))


class CommonSettings(DatabaseSettings, HttpSettings):
    """Settings that all services share.

    A service's subclass overrides `database_url` with its own name, e.g.
    `database_url: str = Field(validation_alias="ENLACE_REFERRAL_DATABASE_URL")`.
    """

    database_url: str
    """`postgresql://user:password@host:port/database`; the service's own database and login."""
    kafka_bootstrap_servers: str = Field(validation_alias="KAFKA_BOOTSTRAP_SERVERS", min_length=1)
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        default="PLAINTEXT", validation_alias="KAFKA_SECURITY_PROTOCOL"
    )
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        default="PLAIN", validation_alias="KAFKA_SASL_MECHANISM"
    )
    kafka_sasl_username: str | None = Field(default=None, validation_alias="KAFKA_SASL_USERNAME", min_length=1)
    kafka_sasl_password: SecretStr | None = Field(default=None, validation_alias="KAFKA_SASL_PASSWORD", min_length=1)
    kafka_sasl_password_file: Path | None = Field(default=None, validation_alias="KAFKA_SASL_PASSWORD_FILE")
    """Instead of the password itself: a file that contains only the password."""
    kafka_plaintext_allowed: Literal["loopback"] | None = Field(
        default=None, validation_alias="KAFKA_PLAINTEXT_ALLOWED"
    )
    """Not set: connections must be encrypted. Set: connections on the same machine may be unencrypted."""
    kafka_ssl_cafile: Path | None = Field(default=None, validation_alias="KAFKA_SSL_CAFILE")
    """Certificates of the authorities that sign the brokers' certificates; default: those of the system."""
    event_signing_key: SecretStr | None = Field(default=None, validation_alias="ENLACE_EVENT_SIGNING_KEY")
    """Instead of the file: the 32 bytes of the key in base64."""
    event_signing_key_file: Path | None = Field(default=None, validation_alias="ENLACE_EVENT_SIGNING_KEY_FILE")
    """This service's private key in PEM; its relay signs events with it."""
    event_keys: str | None = Field(default=None, validation_alias="ENLACE_EVENT_KEYS")
    event_keys_file: Path | None = Field(default=None, validation_alias="ENLACE_EVENT_KEYS_FILE")
    """The public keys of all services (JWK Set). An event that none of the services has signed is rejected."""
    token_issuer: str = Field(validation_alias="ENLACE_TOKEN_ISSUER", min_length=1)
    """The `iss` that access tokens must have."""
    issuer_tls: Literal["required", "off"] = Field(default="required", validation_alias="ENLACE_ISSUER_TLS")
    """`required`: the issuer's keys must be fetched over https, unless the issuer is on this machine. `off`: only for a
    network without other machines, because another machine could replace the keys and create tokens."""
    token_jwks_url: str = Field(validation_alias="ENLACE_TOKEN_JWKS_URL", min_length=1)
    token_audience: str = Field(validation_alias="ENLACE_TOKEN_AUDIENCE", min_length=1)
    """The value that `aud` must contain; each service has its own default."""
    token_longest_seconds: int = Field(default=3600, gt=0, validation_alias="ENLACE_TOKEN_LONGEST_SECONDS")
    """Tokens with a longer validity (`exp` after `iat`) are refused."""
    interactive_clients: Annotated[frozenset[str], NoDecode] = Field(
        default=frozenset({"enlace-console"}), validation_alias="ENLACE_INTERACTIVE_CLIENTS"
    )
    """Client ids, separated by commas, through which people sign in. All people share the client, so the services keep
    their data and limits apart by the subject of the token."""
    revocations_file: Path | None = Field(default=None, validation_alias="ENLACE_REVOCATIONS_FILE")
    """The list of revoked tokens (`libs.chassis.revocations`); if it is set and cannot be read, all tokens are
    refused."""
    token_url: str | None = Field(default=None, validation_alias="ENLACE_TOKEN_URL")
    """The URL where clients get tokens; shown in the API document."""
    api_docs: Literal["open", "off"] = Field(default="off", validation_alias="ENLACE_API_DOCS")
    """`open`: everybody who can reach this service may read its API document (`/docs`, `/openapi.json`), without a
    token."""
    role: Role = Field(default=Role.ALL, validation_alias="ENLACE_ROLE")
    worker_slot: str | None = Field(default=None, validation_alias="ENLACE_WORKER_SLOT", min_length=1, max_length=60)
    """This process's name among the workers of its service. It must stay the same after a restart, and two processes
    must never use the same name. With a name, a restarted process gets its partitions back at once. Without a name,
    other processes take over its partitions after the group's session timeout."""
    clock_rate: float = Field(default=1.0, gt=0, allow_inf_nan=False, validation_alias="ENLACE_CLOCK_RATE")
    clock_origin: datetime | None = Field(default=None, validation_alias="ENLACE_CLOCK_ORIGIN")
    clock_schedule: Path | None = Field(default=None, validation_alias="ENLACE_CLOCK_SCHEDULE")
    """A file with a schedule that changes the clock's rate while the clock runs. `clock_rate` is then the highest rate
    that the schedule may have."""
    spans_directory: Path | None = Field(default=None, validation_alias="ENLACE_SPANS_DIRECTORY")
    fingerprint_key: SecretStr = Field(validation_alias="ENLACE_FINGERPRINT_KEY", min_length=16)
    """The key for fingerprints of requests and signatures of cursors; the same in every process of a service."""
    audit_key: SecretStr | None = Field(default=None, validation_alias="ENLACE_AUDIT_KEY", min_length=16)
    audit_key_file: Path | None = Field(default=None, validation_alias="ENLACE_AUDIT_KEY_FILE")
    """A file that contains only keys, one per line, the newest first, instead of the key itself."""
    body_limit_bytes: int = Field(default=2_000_000, gt=0, validation_alias="ENLACE_BODY_LIMIT_BYTES")

    @field_validator("interactive_clients", mode="before")
    @classmethod
    def _client_ids(cls, text: object) -> object:
        return {part.strip() for part in text.split(",") if part.strip()} if isinstance(text, str) else text

    @field_validator("database_url")
    @classmethod
    def _speaks_postgresql(cls, url: str) -> str:
        if not url.startswith(("postgresql://", "postgres://")):
            raise ValueError("a database URL must start with postgresql://")
        return url

    @model_validator(mode="after")
    def _believes_nobodys_keys_on_the_way(self) -> "CommonSettings":
        parts = urlsplit(self.token_jwks_url)
        here = parts.scheme == "http" and (self.issuer_tls == "off" or is_this_machine(parts.hostname or "-"))
        if parts.scheme != "https" and not here:
            raise ValueError(
                "ENLACE_TOKEN_JWKS_URL must begin with https://, because another machine could replace the keys of the"
                " issuer; ENLACE_ISSUER_TLS=off allows http on a network without other machines"
            )
        return self

    @model_validator(mode="after")
    def _can_name_itself(self) -> "CommonSettings":
        password = self.kafka_sasl_password or self.kafka_sasl_password_file
        named = self.kafka_security_protocol.startswith("SASL_")
        if named and not (self.kafka_sasl_username and password):
            raise ValueError("KAFKA_SECURITY_PROTOCOL requires KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD (or _FILE)")
        return self

    @model_validator(mode="after")
    def _has_a_sound_clock(self) -> "CommonSettings":
        self.clock()
        return self

    def kafka_access(self) -> dict[str, str | None]:
        """The settings of the connection to the brokers, as keywords of `Cluster.named`.

        `SettingRefused` if the password's file cannot be used.
        """
        password = None if self.kafka_sasl_password is None else self.kafka_sasl_password.get_secret_value()
        if password is None and self.kafka_sasl_password_file is not None:
            password = secret_of_file(self.kafka_sasl_password_file, variable="KAFKA_SASL_PASSWORD_FILE")
        return {
            "protocol": self.kafka_security_protocol,
            "mechanism": self.kafka_sasl_mechanism,
            "username": self.kafka_sasl_username,
            "password": password,
            "plaintext": self.kafka_plaintext_allowed,
            "ca_file": None if self.kafka_ssl_cafile is None else str(self.kafka_ssl_cafile),
        }

    def keys_of_events(self) -> dict[str, Path | str | None]:
        """Keys or their files, as keywords of `EventKeys.named`: those that this process's role needs, None for others.

        `SettingRefused` if one of them is missing.
        """
        private: Path | str | None = self.event_signing_key_file
        if self.event_signing_key is not None:
            private = self.event_signing_key.get_secret_value()
        public = self.event_keys_file if self.event_keys is None else self.event_keys
        publishes, hears = self.role.covers(Role.RELAY), self.role.covers(Role.WORKER)
        missing = {}
        if publishes and private is None:
            missing["ENLACE_EVENT_SIGNING_KEY"] = "Field required (or ENLACE_EVENT_SIGNING_KEY_FILE)"
        if (publishes or hears) and public is None:
            missing["ENLACE_EVENT_KEYS"] = "Field required (or ENLACE_EVENT_KEYS_FILE)"
        if missing:
            raise SettingRefused(missing)
        return {"private": private if publishes else None, "public": public if publishes or hears else None}

    def audit_keys(self) -> SealKeys:
        """The keys of the record's seals, the newest first: configured keys, or a derived one.

        `SettingRefused` if their file cannot be used.
        """
        return audit_keys(self.audit_key, self.audit_key_file, self.fingerprint_key)

    def worker_id(self, service: str) -> str | None:
        """The name of this process at the broker among the workers of `service`, if it has one."""
        return None if self.worker_slot is None else f"{service}-{self.worker_slot}"

    def clock(self) -> Timekeeper:
        """The installation's clock as these settings describe it."""
        if self.clock_schedule is not None:
            return PacedClock(self.clock_schedule, fastest=self.clock_rate)
        return Clock(rate=self.clock_rate, origin=self.clock_origin)
