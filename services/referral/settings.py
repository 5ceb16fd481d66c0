"""The settings of referral, read from the environment."""

from pathlib import Path

from pydantic import Field

from libs.chassis.settings import CommonSettings, DatabaseSettings


class Settings(CommonSettings):
    """Referral's settings. Everything else is in the country pack."""

    token_audience: str = Field(default="enlace-referral", validation_alias="ENLACE_TOKEN_AUDIENCE", min_length=1)
    database_url: str = Field(validation_alias="ENLACE_REFERRAL_DATABASE_URL")
    pack: Path = Field(validation_alias="ENLACE_PACK")
    """The directory of the country pack. Referral reads `routing.yaml` and `consents.yaml` in it."""


class ReadModelSettings(DatabaseSettings):
    """The settings for rebuilding a read model. The only secret is that of the database."""

    database_url: str = Field(validation_alias="ENLACE_REFERRAL_DATABASE_URL")
    pack: Path = Field(validation_alias="ENLACE_PACK")
    event_keys: str | None = Field(default=None, validation_alias="ENLACE_EVENT_KEYS")
    event_keys_file: Path | None = Field(default=None, validation_alias="ENLACE_EVENT_KEYS_FILE")
