"""The only place where provider_directory reads its environment."""

from pathlib import Path

from pydantic import Field

from libs.chassis.settings import CommonSettings


class DirectorySettings(CommonSettings):
    """Settings of provider_directory; those of every service are in `CommonSettings`."""

    token_audience: str = Field(
        default="enlace-provider-directory", validation_alias="ENLACE_TOKEN_AUDIENCE", min_length=1
    )
    database_url: str = Field(validation_alias="ENLACE_DIRECTORY_DATABASE_URL")
    pack: Path = Field(validation_alias="ENLACE_PACK")
    """Directory of the country pack."""
