"""What referral reads from its environment."""

from pathlib import Path

from pydantic import Field

from libs.chassis.settings import CommonSettings, DatabaseSettings


class Settings(CommonSettings):
    """Referral's settings; the country pack decides the rest."""

    token_audience: str = Field(default="enlace-referral", validation_alias="ENLACE_TOKEN_AUDIENCE", min_length=1)
    database_url: str = Field(validation_alias="ENLACE_REFERRAL_DATABASE_URL")
    pack: Path = Field(validation_alias="ENLACE_PACK")
    """The directory of the country pack; `routing.yaml` in it is referral's part."""


class ReadModelSettings(DatabaseSettings):
    """What making a read model again needs: no secret but the database's."""

    database_url: str = Field(validation_alias="ENLACE_REFERRAL_DATABASE_URL")
    pack: Path = Field(validation_alias="ENLACE_PACK")
    event_keys: str | None = Field(default=None, validation_alias="ENLACE_EVENT_KEYS")
    event_keys_file: Path | None = Field(default=None, validation_alias="ENLACE_EVENT_KEYS_FILE")
