"""The only place where the console reads its environment."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from libs.chassis.clock import Clock, Timekeeper
from libs.chassis.http_settings import HttpSettings
from libs.chassis.paced_clock import PacedClock
from libs.chassis.secret_files import SecretFiles
from libs.chassis.trace_links import TraceUrl
from libs.wire.database_lines import is_this_machine


class ConsoleSettings(HttpSettings):
    """Settings of the console. It has no database and no Kafka; its only secret is that of its client at the issuer."""

    model_config = SettingsConfigDict(
        extra="ignore", frozen=True, hide_input_in_errors=True, validate_by_name=True, validate_by_alias=True
    )

    console_url: str = Field(validation_alias="ENLACE_CONSOLE_URL", min_length=1)
    """The address under which browsers reach the console, without a slash at the end."""
    registration_url: str = Field(validation_alias="ENLACE_REGISTRATION_URL", min_length=1)
    directory_url: str = Field(validation_alias="ENLACE_DIRECTORY_URL", min_length=1)
    referral_url: str = Field(validation_alias="ENLACE_REFERRAL_URL", min_length=1)
    notifications_url: str = Field(validation_alias="ENLACE_NOTIFICATIONS_URL", min_length=1)
    token_issuer: str = Field(validation_alias="ENLACE_TOKEN_ISSUER", min_length=1)
    """The `iss` of the tokens."""
    openid_url: str | None = Field(default=None, validation_alias="ENLACE_OPENID_URL")
    """The issuer's address from the console's side, if it differs from `iss`: the document
    `/.well-known/openid-configuration` and the tokens are fetched there."""
    token_jwks_url: str | None = Field(default=None, validation_alias="ENLACE_TOKEN_JWKS_URL")
    """The issuer's keys; without it, the address in the issuer's document."""
    issuer_tls: Literal["required", "off"] = Field(default="required", validation_alias="ENLACE_ISSUER_TLS")
    """As for the services: `off` allows http on a network without other machines."""
    client_id: str = Field(default="enlace-console", validation_alias="ENLACE_CONSOLE_CLIENT_ID", min_length=1)
    client_secret: SecretStr = Field(validation_alias="ENLACE_CONSOLE_CLIENT_SECRET", min_length=8)
    pack: Path = Field(validation_alias="ENLACE_PACK")
    """The directory of the country pack: its time zone, its places and the names of its desks."""
    session_idle_minutes: int = Field(default=60, ge=1, le=720, validation_alias="ENLACE_CONSOLE_IDLE_MINUTES")
    """A session ends after this time without a request."""
    session_hours: int = Field(default=12, ge=1, le=24, validation_alias="ENLACE_CONSOLE_SESSION_HOURS")
    """A session ends this long after the sign-in."""
    answer_seconds: float = Field(default=8.0, gt=0, le=60, validation_alias="ENLACE_CONSOLE_ANSWER_SECONDS")
    """How long a page waits for an answer of a service."""
    trace_url: TraceUrl = Field(default=None, validation_alias="ENLACE_TRACE_URL")
    """The address of a trace in the trace back end, with `{trace_id}`; without it, pages show no link to a trace."""
    spans_directory: Path | None = Field(default=None, validation_alias="ENLACE_SPANS_DIRECTORY")
    body_limit_bytes: int = Field(default=200_000, gt=0, validation_alias="ENLACE_CONSOLE_BODY_LIMIT_BYTES")
    clock_rate: float = Field(default=1.0, gt=0, allow_inf_nan=False, validation_alias="ENLACE_CLOCK_RATE")
    clock_origin: datetime | None = Field(default=None, validation_alias="ENLACE_CLOCK_ORIGIN")
    clock_schedule: Path | None = Field(default=None, validation_alias="ENLACE_CLOCK_SCHEDULE")

    @classmethod
    def settings_customise_sources(  # type: ignore[override]
        cls, settings_cls: type[BaseSettings], init_settings: Any, env_settings: Any, **_: Any
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, the environment, and the files that it names for secrets (`X_FILE` for `X`)."""
        return init_settings, env_settings, SecretFiles(settings_cls)

    @field_validator("console_url", "registration_url", "directory_url", "referral_url", "notifications_url")
    @classmethod
    def _is_an_address(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise ValueError("must be an address such as https://enlace.example")
        return url.rstrip("/")

    @model_validator(mode="after")
    def _sends_no_secret_in_clear(self) -> "ConsoleSettings":
        where = {"ENLACE_CONSOLE_URL": self.console_url, "ENLACE_OPENID_URL": self.issuer_url}
        for variable, url in where.items():
            parts = urlsplit(url)
            if parts.scheme != "https" and self.issuer_tls != "off" and not is_this_machine(parts.hostname or "-"):
                raise ValueError(
                    f"{variable} must begin with https://, because sessions and tokens pass there;"
                    " ENLACE_ISSUER_TLS=off allows http on a network without other machines"
                )
        return self

    @property
    def issuer_url(self) -> str:
        """The issuer's address from the console's side, without a slash at the end."""
        return (self.openid_url or self.token_issuer).rstrip("/")

    @property
    def is_https(self) -> bool:
        """Whether browsers reach the console over https."""
        return self.console_url.startswith("https://")

    @property
    def services(self) -> Mapping[str, str]:
        """The addresses of the four services by name."""
        return {
            "registration": self.registration_url,
            "provider_directory": self.directory_url,
            "referral": self.referral_url,
            "notifications": self.notifications_url,
        }

    def clock(self) -> Timekeeper:
        """The installation's clock. The services' rows are written with it, so that pages count with it too."""
        if self.clock_schedule is not None:
            return PacedClock(self.clock_schedule, fastest=self.clock_rate)
        return Clock(rate=self.clock_rate, origin=self.clock_origin)
